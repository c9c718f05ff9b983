/* SPDX-License-Identifier: Apache-2.0 */
/* Follows the framing of a tar archive as its bytes pass by: header checksums, sizes (octal,
 * base-256, PAX), GNU and PAX extensions, the end-of-archive mark and what comes after it.
 *
 * Guarantees: constant memory whatever the archive says; pieces of any size give the same verdict.
 * Where the framing is good, odd entries (codec/tar_odd.h) are counted and let pass: the caller
 * decides. docs/tar.md says what differs from Go's archive/tar. One thread at a time. */
#ifndef TAR_TAR_SCAN_H
#define TAR_TAR_SCAN_H

#include "base/fail.h"
#include "tar/tar_odd.h"

enum tar_scan_flag {
    TAR_SCAN_ALLOW_TRUNCATED = 1u << 0, /* the end-of-archive mark may be missing */
    TAR_SCAN_ALLOW_EMPTY = 1u << 1      /* no bytes at all is an archive too */
};

struct tar_scan;

MUST_CHECK int tar_scan_new(unsigned flags, struct tar_scan **ret_scan, struct lpipe_error *err);
/* 0 or NOT_TAR, with err->offset set. */
MUST_CHECK int tar_scan_bytes(struct tar_scan *scan, const void *data, size_t size,
                              struct lpipe_error *err);
/* No more bytes: 0, TRUNCATED or NOT_TAR, with err->offset set. */
MUST_CHECK int tar_scan_end(const struct tar_scan *scan, struct lpipe_error *err);
/* What the bytes so far had of odd entries. */
void tar_scan_odd(const struct tar_scan *scan, struct tar_odd *ret_odd);
struct tar_scan *tar_scan_free(struct tar_scan *scan);

#endif
