/* SPDX-License-Identifier: Apache-2.0 */
/* Follows the framing of a tar archive as its bytes pass by: header checksums, sizes (octal,
 * base-256, PAX), GNU and PAX extensions, the end-of-archive mark and what comes after it.
 *
 * Guarantees: constant memory whatever the archive says; pieces of any size give the same verdict.
 * Where the framing is good, odd entries (tar/tar_odd.h) are counted and let pass: the caller
 * decides. docs/tar.md says what differs from Go's archive/tar. One thread at a time. */
#ifndef TAR_TAR_SCAN_H
#define TAR_TAR_SCAN_H

#include "base/fail.h"
#include "tar/tar_odd.h"
#include "tar/tar_tops.h"

enum tar_scan_flag {
    TAR_SCAN_ALLOW_TRUNCATED = 1u << 0, /* the end-of-archive mark may be missing */
    TAR_SCAN_ALLOW_EMPTY = 1u << 1      /* no bytes at all is an archive too */
};

struct tar_scan;

/* What another module wants to know as the bytes pass. Each returns 0, or a failure that ends the
 * scan. The bytes of the padding and those after the end of the archive are not given. */
struct tar_scan_events {
    /* A part of the headers of the next entry, with their extensions and padding. */
    int (*header)(void *ctx, const unsigned char *data, size_t size, struct lpipe_error *err);
    /* Its headers are complete. offset: of the first of them; size: of the contents that follow. */
    int (*entry)(void *ctx, uint64_t offset, uint64_t size, struct lpipe_error *err);
    int (*contents)(void *ctx, const unsigned char *data, size_t size, struct lpipe_error *err);
    int (*entry_end)(void *ctx, struct lpipe_error *err);
    int (*archive_end)(void *ctx, struct lpipe_error *err);
};

MUST_CHECK int tar_scan_new(unsigned flags, struct tar_scan **ret_scan, struct lpipe_error *err);
/* events must set every member; before the first byte. */
void tar_scan_watch(struct tar_scan *scan, const struct tar_scan_events *events, void *ctx);
/* 0, NOT_TAR with err->offset set, or the failure of an event. */
MUST_CHECK int tar_scan_bytes(struct tar_scan *scan, const void *data, size_t size,
                              struct lpipe_error *err);
/* No more bytes: 0, TRUNCATED or NOT_TAR, with err->offset set. */
MUST_CHECK int tar_scan_end(const struct tar_scan *scan, struct lpipe_error *err);
/* What the bytes so far had of odd entries. */
void tar_scan_odd(const struct tar_scan *scan, struct tar_odd *ret_odd);
/* Its paths near the top; borrowed. */
const struct tar_tops *tar_scan_tops(const struct tar_scan *scan);
/* Whether the tar is an image archive (docker save, an OCI layout) and not a file system. */
bool tar_scan_is_image_archive(const struct tar_scan *scan);
/* Whether there was an entry so far. An archive without one is valid: zeros are its end mark. */
bool tar_scan_has_entries(const struct tar_scan *scan);
struct tar_scan *tar_scan_free(struct tar_scan *scan);

#endif
