/* SPDX-License-Identifier: Apache-2.0 */
/* What is learned from the uncompressed bytes: their digest (the diff ID), their number, and whether
 * they are a whole tar archive. Compressed input is unpacked on the side for that.
 * One thread at a time; bytes in stream order. */
#ifndef FLOW_INPUT_CHECK_H
#define FLOW_INPUT_CHECK_H

#include "codec/codec.h"
#include "codec/digest.h"

struct input_check;

/* raw: no framing check, but no bytes at all need their flag there too. scan_flags: enum
 * tar_scan_flag. */
MUST_CHECK int input_check_new(bool raw, unsigned scan_flags, struct input_check **ret_check,
                               struct lpipe_error *err);
struct input_check *input_check_free(struct input_check *check);

/* The bytes to come are compressed. Before the first of them. */
MUST_CHECK int input_check_compressed(struct input_check *check, enum codec_kind kind,
                                      uint64_t window_bytes_max, struct lpipe_error *err);
MUST_CHECK int input_check_bytes(struct input_check *check, const void *data, size_t size,
                                 struct lpipe_error *err);
/* The verdict, and the diff ID where it is good. */
MUST_CHECK int input_check_end(struct input_check *check, char ret_diff_id[DIGEST_TEXT_SIZE],
                               struct lpipe_error *err);
/* What unpacking holds at present; 0 where nothing is unpacked. */
uint64_t input_check_memory_bytes(const struct input_check *check);
/* Uncompressed bytes so far. */
uint64_t input_check_size(const struct input_check *check);

#endif
