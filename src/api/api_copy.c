/* SPDX-License-Identifier: Apache-2.0 */
/* The public functions that copy images. */
#include <string.h>

#include "base/opts.h"
#include "copy/copy_result.h"
#include "copy/image_copy.h"
#include "registry/client.h"

/* Size of the result in the first version. All pointers to owned memory are in this part. */
#define RESULT_BYTES_MIN offsetof(struct lpipe_copy_result, reserved)

static int check_tags(const char *const *tags, size_t count, struct lpipe_error *err)
{
    for (size_t i = 0; i < count; i++) {
        if (tags == NULL || tags[i] == NULL) {
            return fail(err, LPIPE_INVALID_ARGUMENT,
                        "lpipe_copy_options: tags has fewer than tag_count tags");
        }
    }
    return 0;
}

static int check_options(const struct lpipe_copy_options *options, struct lpipe_error *err)
{
    int status = opts_check_flags(options->flags, LPIPE_COPY_ALL, "lpipe_copy_options", err);
    if (status == 0 && (options->flags & LPIPE_COPY_ALL) != 0 && options->platform != NULL) {
        return fail(err, LPIPE_INVALID_ARGUMENT,
                    "lpipe_copy_options: LPIPE_COPY_ALL copies all platforms, so there cannot be "
                    "a platform");
    }
    return status == 0 ? check_tags(options->tags, options->tag_count, err) : status;
}

/* The caller's struct may be shorter (an older header) or longer (a newer one). */
static void give_result(struct lpipe_copy_result *result, struct lpipe_copy_result *ret_result)
{
    if (ret_result == NULL) {
        copy_result_dispose(result);
        return;
    }
    size_t keep = ret_result->struct_size;
    memcpy(ret_result, result, MIN_OF(keep, sizeof *result));
    ret_result->struct_size = keep;
}

int lpipe_copy(lpipe_client *client, const lpipe_ref *source, const lpipe_ref *dest,
               const struct lpipe_copy_options *options, struct lpipe_copy_result *ret_result,
               struct lpipe_error *err)
{
    struct lpipe_copy_options known;
    struct lpipe_copy_result result;
    int status = opts_take(options, &known, sizeof known, "lpipe_copy_options", err);
    status = status == 0 ? check_options(&known, err) : status;
    if (status != 0) {
        return status;
    }
    if (client == NULL || source == NULL || dest == NULL) {
        return fail(err, LPIPE_INVALID_ARGUMENT,
                    "lpipe_copy: client, source and dest are required");
    }
    if (ret_result != NULL && ret_result->struct_size < RESULT_BYTES_MIN) {
        return fail(err, LPIPE_INVALID_ARGUMENT, "lpipe_copy: the result is not initialised");
    }
    status = client_check(client, err);
    status = status == 0 ? image_copy(client, source, dest, &known, &result, err) : status;
    if (status == 0) {
        give_result(&result, ret_result);
    }
    return status;
}

void lpipe_copy_result_done(struct lpipe_copy_result *result)
{
    if (result != NULL) {
        copy_result_dispose(result);
    }
}
