/* SPDX-License-Identifier: Apache-2.0 */
#include "copy_print.h"

#include <inttypes.h>

#include "digest_file.h"
#include "print.h"

static void print_json(FILE *out, const struct settings *settings,
                       const struct lpipe_copy_result *result)
{
    (void)fputc('{', out);
    json_image_members(out, &(struct image_members){ .reference = result->reference,
                                                     .tags = result->tags,
                                                     .tag_count = result->tag_count,
                                                     .media_type = result->media_type,
                                                     .digest = result->digest,
                                                     .size = result->size });
    (void)fprintf(out,
                  ",\"manifests\":%" PRIu64 ",\"blobs\":{\"copied\":%" PRIu64
                  ",\"mounted\":%" PRIu64 ",\"existing\":%" PRIu64 "},\"bytesCopied\":%" PRIu64,
                  result->manifest_count, result->blobs_copied, result->blobs_mounted,
                  result->blobs_existing, result->bytes_copied);
    if (settings->referrers) {
        (void)fprintf(out, ",\"referrers\":%" PRIu64, result->referrer_count);
    }
    (void)fputs("}\n", out);
}

int copy_print(const struct settings *settings, const lpipe_ref *dest,
               const struct lpipe_copy_result *result, const char *what)
{
    struct text_out text = { 0 };
    char achieved[256];
    (void)snprintf(achieved, sizeof achieved, "the %s of %s succeeded", what, result->digest);
    int file_code = digest_file_write(settings->digest_file, result->digest, achieved);
    FILE *out = text_open(&text);
    if (out != NULL && settings->json) {
        print_json(out, settings, result);
    } else if (out != NULL) {
        (void)fprintf(out, "%s\n", result->reference);
    }
    int code = print_result(dest, &text, achieved);
    return code != 0 ? code : file_code;
}
