/* SPDX-License-Identifier: Apache-2.0 */
/* The public functions that push and inspect images. */
#include <string.h>

#include "base/opts.h"
#include "image/image.h"
#include "image/image_inspect.h"
#include "image/image_push.h"
#include "registry/client.h"

static int check_options(const struct lpipe_push_options *options, struct lpipe_error *err)
{
    for (size_t i = 0; i < options->tag_count; i++) {
        if (options->tags == NULL || options->tags[i] == NULL) {
            return fail(err, LPIPE_INVALID_ARGUMENT,
                        "lpipe_push_options: tags has fewer than tag_count tags");
        }
    }
    return 0;
}

/* Size of the result in the first version. All pointers to owned memory are in this part. */
#define RESULT_BYTES_MIN offsetof(struct lpipe_push_result, reserved)

/* Copies the result into the caller's struct, which may be shorter (an older header) or longer (a
 * newer one). */
static void copy_result(const struct lpipe_push_result *result,
                        struct lpipe_push_result *ret_result)
{
    size_t caller_size = ret_result->struct_size;
    memcpy(ret_result, result, MIN_OF(caller_size, sizeof *result));
    ret_result->struct_size = caller_size;
}

int lpipe_image_push(lpipe_image *image, const lpipe_ref *dest,
                     const struct lpipe_push_options *options, struct lpipe_push_result *ret_result,
                     struct lpipe_error *err)
{
    struct lpipe_push_options full_options;
    struct lpipe_push_result result;
    int status = opts_take(options, &full_options, sizeof full_options, "lpipe_push_options", err);
    status = status == 0 ? check_options(&full_options, err) : status;
    if (status != 0) {
        return status;
    }
    if (image == NULL || dest == NULL) {
        return fail(err, LPIPE_INVALID_ARGUMENT, "lpipe_image_push: image and dest are required");
    }
    if (ret_result != NULL && ret_result->struct_size < RESULT_BYTES_MIN) {
        return fail(err, LPIPE_INVALID_ARGUMENT, "lpipe_image_push: the result is not initialised");
    }
    status = client_check(image->client, err);
    status = status == 0 ? image_push(image, dest, &full_options, &result, err) : status;
    if (status == 0 && ret_result != NULL) {
        copy_result(&result, ret_result);
    } else if (status == 0) {
        image_push_result_dispose(&result);
    }
    return status;
}

void lpipe_push_result_done(struct lpipe_push_result *result)
{
    if (result != NULL) {
        image_push_result_dispose(result);
    }
}

int lpipe_inspect_with(lpipe_client *client, const lpipe_ref *ref, const char *platform,
                       uint32_t flags, char **ret_text, struct lpipe_error *err)
{
    struct platform wanted;
    if (client == NULL || ref == NULL || ret_text == NULL) {
        return fail(err, LPIPE_INVALID_ARGUMENT,
                    "lpipe_inspect: client, ref and ret_text are required");
    }
    int status = opts_check_flags(flags, LPIPE_INSPECT_JSON | LPIPE_INSPECT_TABLES,
                                  "lpipe_inspect_with", err);
    status = status == 0 ? client_check(client, err) : status;
    status = status == 0 && platform != NULL ? platform_parse(platform, &wanted, err) : status;
    return status == 0
               ? image_inspect(client, ref, platform != NULL ? &wanted : NULL, flags, ret_text, err)
               : status;
}

int lpipe_inspect(lpipe_client *client, const lpipe_ref *ref, const char *platform, bool as_json,
                  char **ret_text, struct lpipe_error *err)
{
    return lpipe_inspect_with(client, ref, platform, as_json ? LPIPE_INSPECT_JSON : 0, ret_text,
                              err);
}
