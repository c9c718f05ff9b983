/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/layer_media.h"

#include <string.h>

#include "base/text.h"
#include "oci/media_type.h"

const char *layer_media_of(enum codec_kind kind, bool docker)
{
    return media_type_of_layer(docker ? MEDIA_FAMILY_DOCKER : MEDIA_FAMILY_OCI, codec_name(kind));
}

/* The codec of a known layer type; false for other types. */
static bool known_kind(const char *label, enum codec_kind *ret_kind, bool *ret_docker)
{
    enum media_family family = MEDIA_FAMILY_OCI;
    const char *compression = media_type_compression(label);
    if (media_type_role(label, &family) != MEDIA_ROLE_LAYER ||
        !codec_find(compression, strlen(compression), ret_kind)) {
        return false;
    }
    *ret_docker = family == MEDIA_FAMILY_DOCKER;
    return true;
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
    const char *suffix = label + strlen(label);
    while (suffix > label && suffix[-1] != '+' && suffix[-1] != '.') {
        suffix--;
    }
    return suffix > label && codec_find(suffix, strlen(suffix), ret_kind) &&
           *ret_kind != CODEC_NONE;
}

bool layer_media_is_compressed(const char *label)
{
    enum codec_kind kind = CODEC_NONE;
    return claimed_kind(label, &kind) && kind != CODEC_NONE &&
           layer_media_check(label, kind, false, NULL) == 0;
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
