/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/layer_media.h"

#include <string.h>

#include "base/text.h"
#include "oci/media_type.h"

static const enum media_role roles[] = {
    [CODEC_NONE] = MEDIA_ROLE_LAYER_TAR,
    [CODEC_GZIP] = MEDIA_ROLE_LAYER_GZIP,
    [CODEC_ZSTD] = MEDIA_ROLE_LAYER_ZSTD,
};

const char *layer_media_of(enum codec_kind kind, bool docker)
{
    return media_type_name(docker ? MEDIA_FAMILY_DOCKER : MEDIA_FAMILY_OCI, roles[kind]);
}

/* The codec of a known layer type; false for other types. */
static bool known_kind(const char *label, enum codec_kind *ret_kind, bool *ret_docker)
{
    enum media_family family = MEDIA_FAMILY_OCI;
    enum media_role role = media_type_role(label, &family);
    for (size_t kind = 0; kind < ARRAY_LEN(roles); kind++) {
        if (roles[kind] == role) {
            *ret_kind = (enum codec_kind)kind;
            *ret_docker = family == MEDIA_FAMILY_DOCKER;
            return true;
        }
    }
    return false;
}

int fail_docker_zstd(enum lpipe_status status, struct lpipe_error *err)
{
    return fail(err, status,
                "Docker's image format does not allow zstd layers; use gzip or `LPIPE_FORMAT_OCI`");
}

int layer_media_check_format(const char *label, bool docker, struct lpipe_error *err)
{
    enum codec_kind kind = CODEC_NONE;
    bool is_docker = false;
    if (!known_kind(label, &kind, &is_docker) || is_docker == docker) {
        return 0;
    }
    const char *own = layer_media_of(kind, docker);
    return own == NULL ? fail_docker_zstd(LPIPE_INVALID_ARGUMENT, err)
                       : fail(err, LPIPE_INVALID_ARGUMENT,
                              "the media type %s does not belong to %s format; use %s, which is "
                              "the default",
                              label, docker ? "Docker's" : "the OCI", own);
}

/* The compression that a media type names; false when it names none. */
static bool claimed_kind(const char *label, enum codec_kind *ret_kind)
{
    bool docker = false;
    if (known_kind(label, ret_kind, &docker)) {
        return true;
    }
    if (text_ends(label, "+gzip") || text_ends(label, ".gzip")) {
        *ret_kind = CODEC_GZIP;
        return true;
    }
    if (text_ends(label, "+zstd") || text_ends(label, ".zstd")) {
        *ret_kind = CODEC_ZSTD;
        return true;
    }
    return false;
}

int layer_media_check(const char *label, enum codec_kind kind, bool raw, struct lpipe_error *err)
{
    enum codec_kind claimed = CODEC_NONE;
    if (!media_type_valid(label, strlen(label))) {
        return fail(err, LPIPE_INVALID_ARGUMENT, "the media type is malformed or too long");
    }
    if (strstr(label, ".nondistributable.") != NULL || strstr(label, ".foreign.") != NULL) {
        return fail(err, LPIPE_UNSUPPORTED,
                    "non-distributable layer types such as %s are not supported", label);
    }
    bool known = claimed_kind(label, &claimed);
    if (known && claimed != kind) {
        return fail(err, LPIPE_INVALID_ARGUMENT,
                    "the media type %s contradicts the bytes, which are %s", label,
                    kind == CODEC_NONE ? "not compressed" : codec_name(kind));
    }
    if (!known && !raw) {
        return fail(
            err, LPIPE_INVALID_ARGUMENT,
            "the media type %s is not a layer type; it is allowed with `LPIPE_LAYER_RAW` only",
            label);
    }
    return 0;
}
