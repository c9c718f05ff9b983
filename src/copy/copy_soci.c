/* SPDX-License-Identifier: Apache-2.0 */
#include "copy/copy_soci.h"

int copy_soci_check(const struct lpipe_copy_options *options, const struct layer_format *format,
                    struct lpipe_error *err)
{
    if ((options->flags & LPIPE_COPY_REFERRERS) != 0) {
        return fail(err, LPIPE_INVALID_ARGUMENT,
                    "signatures and SBOMs are of the image as it is; compressed again, it has "
                    "another digest");
    }
    if (options->soci == LPIPE_SOCI_NONE) {
        return 0;
    }
    if (options->format == LPIPE_FORMAT_DOCKER) {
        return fail(err, LPIPE_INVALID_ARGUMENT,
                    "a SOCI index is made for images in the OCI format");
    }
    return format->codec.kind == CODEC_GZIP && format->toc == 0
               ? 0
               : fail(err, LPIPE_INVALID_ARGUMENT, "a SOCI index is made for gzip layers");
}

size_t copy_soci_manifests(const struct lpipe_push_result *pushed, enum lpipe_soci version)
{
    return pushed->soci_digest[0] == '\0' ? 1 : version == LPIPE_SOCI_V2 ? 3 : 2;
}
