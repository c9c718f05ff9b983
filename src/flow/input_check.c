/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/input_check.h"

#include <assert.h>

#include "base/mem.h"
#include "codec/decompress.h"
#include "flow/input_format.h"
#include "tar/tar_scan.h"

struct input_check {
    struct tar_scan *scan; /* NULL: raw */
    bool may_be_empty;     /* for raw input; for a tar the scan decides */
    struct digest *digest;
    struct decompressor *decompressor; /* NULL: the input is not compressed */
    uint64_t size;
};

int input_check_new(bool raw, unsigned scan_flags, struct input_check **ret_check,
                    struct lpipe_error *err)
{
    struct input_check *check = NEW(struct input_check);
    if (check == NULL) {
        return fail_memory(err);
    }
    check->may_be_empty = (scan_flags & TAR_SCAN_ALLOW_EMPTY) != 0;
    int status = digest_new(DIGEST_SHA256, &check->digest, err);
    if (status == 0 && !raw) {
        status = tar_scan_new(scan_flags, &check->scan, err);
    }
    if (status != 0) {
        input_check_free(check);
        return status;
    }
    *ret_check = check;
    return 0;
}

struct input_check *input_check_free(struct input_check *check)
{
    if (check != NULL) {
        tar_scan_free(check->scan);
        digest_free(check->digest);
        decompress_free(check->decompressor);
        free(check);
    }
    return NULL;
}

int input_check_compressed(struct input_check *check, enum codec_kind kind,
                           uint64_t window_bytes_max, struct lpipe_error *err)
{
    return decompress_new(kind, window_bytes_max, &check->decompressor, err);
}

int input_check_scan(struct input_check *check, const void *data, size_t size,
                     struct lpipe_error *err)
{
    check->size += size;
    return check->scan == NULL ? 0 : tar_scan_bytes(check->scan, data, size, err);
}

struct digest *input_check_digest(struct input_check *check)
{
    return check->digest;
}

/* Says what the decompressed bytes are, if they are no tar. A shorter part may be the name of a
 * tar's first file. */
static int check_decompressed(const void *data, size_t size, struct lpipe_error *err)
{
    const struct input_format format = input_recognise(data, size);
    switch (format.kind) {
    case INPUT_CODEC:
    case INPUT_COMPRESSED:
        return fail_with_advice(
            err, LPIPE_NOT_TAR,
            "the input is compressed twice, with %s inside; decompress it until "
            "it is a tar archive",
            format.name);
    case INPUT_OTHER:
        return fail(err, LPIPE_NOT_TAR, "the decompressed input is %s, not a tar archive",
                    format.name);
    case INPUT_PLAIN:
        break;
    }
    return 0;
}

static int take_plain(void *ctx, const void *data, size_t size, struct lpipe_error *err)
{
    struct input_check *check = ctx;
    bool is_first = check->decompressor != NULL && check->size == 0 && size >= TAR_BLOCK_BYTES;
    int status = is_first ? check_decompressed(data, size, err) : 0;
    digest_update(check->digest, data, size);
    return status == 0 ? input_check_scan(check, data, size, err) : status;
}

int input_check_bytes(struct input_check *check, const void *data, size_t size,
                      struct lpipe_error *err)
{
    return check->decompressor == NULL
               ? take_plain(check, data, size, err)
               : decompress_bytes(check->decompressor, data, size, take_plain, check, err);
}

int input_check_bytes_and_digest(struct input_check *check, const void *data, size_t size,
                                 struct digest *other, const void *other_data, size_t other_size,
                                 struct lpipe_error *err)
{
    assert(check->decompressor == NULL);
    digest_update_pair(check->digest, data, size, other, other_data, other_size);
    return input_check_scan(check, data, size, err);
}

bool input_check_pair_is_faster(const struct input_check *check, const struct digest *other)
{
    return check->decompressor == NULL && digest_pair_is_faster(check->digest, other);
}

int input_check_end(struct input_check *check, struct lpipe_error *err)
{
    int status = check->decompressor == NULL ? 0 : decompress_end(check->decompressor, err);
    if (status == 0 && check->scan != NULL) {
        status = tar_scan_end(check->scan, err);
    }
    if (status == 0 && check->scan == NULL && check->size == 0 && !check->may_be_empty) {
        status = fail_with_advice(err, LPIPE_TRUNCATED,
                                  "the input is empty; check the program that should write it "
                                  "(`LPIPE_LAYER_ALLOW_EMPTY` accepts this)");
    }
    return status;
}

void input_check_append(struct input_check *check, const void *data, size_t size)
{
    digest_update(check->digest, data, size);
    check->size += size;
}

int input_check_tar_digest(const struct input_check *check, char ret_digest[DIGEST_TEXT_SIZE],
                           struct lpipe_error *err)
{
    return digest_snapshot(check->digest, ret_digest, err);
}

int input_check_diff_id(struct input_check *check, char ret_diff_id[DIGEST_TEXT_SIZE],
                        struct lpipe_error *err)
{
    return digest_finish(check->digest, ret_diff_id, err);
}

void input_check_odd(const struct input_check *check, struct tar_odd *ret_odd)
{
    *ret_odd = (struct tar_odd){ .reason = TAR_ODD_NONE };
    if (check->scan != NULL) {
        tar_scan_odd(check->scan, ret_odd);
    }
}

void input_check_tops(const struct input_check *check, struct tar_tops *ret_tops)
{
    *ret_tops = check->scan != NULL ? *tar_scan_tops(check->scan) : (struct tar_tops){ 0 };
}

bool input_check_is_image_archive(const struct input_check *check)
{
    return check->scan != NULL && tar_scan_is_image_archive(check->scan);
}

bool input_check_is_tar_without_entries(const struct input_check *check)
{
    return check->scan != NULL && !tar_scan_has_entries(check->scan);
}

uint64_t input_check_size(const struct input_check *check)
{
    return check->size;
}

uint64_t input_check_memory_bytes(const struct input_check *check)
{
    return check->decompressor == NULL ? 0 : decompress_memory_bytes(check->decompressor);
}
