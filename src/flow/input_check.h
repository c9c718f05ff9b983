/* SPDX-License-Identifier: Apache-2.0 */
/* Checks the uncompressed bytes: computes their digest (the diff ID) and number, and finds out
 * whether they are a complete tar archive. Compressed input is decompressed for this only. One
 * thread at a time; bytes in stream order. */
#ifndef FLOW_INPUT_CHECK_H
#define FLOW_INPUT_CHECK_H

#include "codec/codec.h"
#include "codec/digest.h"
#include "tar/tar_odd.h"
#include "tar/tar_tops.h"

struct input_check;

/* raw: the input is not a tar and its framing is not checked; empty input needs
 * TAR_SCAN_ALLOW_EMPTY here too. scan_flags: enum tar_scan_flag. */
MUST_CHECK int input_check_new(bool raw, unsigned scan_flags, struct input_check **ret_check,
                               struct lpipe_error *err);
struct input_check *input_check_free(struct input_check *check);

/* The input is compressed. To be called before the first byte. */
MUST_CHECK int input_check_compressed(struct input_check *check, enum codec_kind kind,
                                      uint64_t window_bytes_max, struct lpipe_error *err);
MUST_CHECK int input_check_bytes(struct input_check *check, const void *data, size_t size,
                                 struct lpipe_error *err);
/* The same for input that is not compressed; also updates another digest with other bytes. Where
 * input_check_pair_is_faster(), both digests together take less time. */
MUST_CHECK int input_check_bytes_and_digest(struct input_check *check, const void *data,
                                            size_t size, struct digest *other,
                                            const void *other_data, size_t other_size,
                                            struct lpipe_error *err);
/* The same for input that is not compressed, without its digest: the caller updates that one with
 * the same bytes, beside digests of parts of them. */
MUST_CHECK int input_check_scan(struct input_check *check, const void *data, size_t size,
                                struct lpipe_error *err);
struct digest *input_check_digest(struct input_check *check);
bool input_check_pair_is_faster(const struct input_check *check, const struct digest *other);
/* The result of the check. */
MUST_CHECK int input_check_end(struct input_check *check, struct lpipe_error *err);
/* After the end: uncompressed bytes that follow the tar in the blob. They count for the diff ID. */
void input_check_append(struct input_check *check, const void *data, size_t size);
/* The digest of the bytes so far; more may follow. */
MUST_CHECK int input_check_tar_digest(const struct input_check *check,
                                      char ret_digest[DIGEST_TEXT_SIZE], struct lpipe_error *err);
/* After that: the diff ID. */
MUST_CHECK int input_check_diff_id(struct input_check *check, char ret_diff_id[DIGEST_TEXT_SIZE],
                                   struct lpipe_error *err);
/* The entries that container runtimes cannot unpack; after the end. None for raw input. */
void input_check_odd(const struct input_check *check, struct tar_odd *ret_odd);

/* Its paths near the top, after the end; none for raw input. */
void input_check_tops(const struct input_check *check, struct tar_tops *ret_tops);
/* Whether the input is an image archive; after the end. */
bool input_check_is_image_archive(const struct input_check *check);
/* Whether the input is a tar that has no entries; after the end. */
bool input_check_is_tar_without_entries(const struct input_check *check);

/* Memory that decompression holds at present; 0 for input that is not compressed. */
uint64_t input_check_memory_bytes(const struct input_check *check);
/* Uncompressed bytes so far. */
uint64_t input_check_size(const struct input_check *check);

#endif
