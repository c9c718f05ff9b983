/* SPDX-License-Identifier: Apache-2.0 */
#include "copy_print.h"

#include <inttypes.h>

#include "result_print.h"

static void print_json(FILE *out, const struct settings *settings, const void *printed)
{
    const struct lpipe_copy_result *result = printed;
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
    char achieved[32];
    (void)snprintf(achieved, sizeof achieved, "the %s of", what);
    return result_print(settings, dest,
                        &(struct printed_result){ .achieved = achieved,
                                                  .reference = result->reference,
                                                  .digest = result->digest,
                                                  .print_json = print_json,
                                                  .result = result });
}
