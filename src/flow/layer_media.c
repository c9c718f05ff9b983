/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/layer_media.h"

#include <string.h>

#include "base/text.h"

static const struct {
    const char *label;
    enum codec_kind kind;
    bool docker;
} types[] = {
    { "application/vnd.oci.image.layer.v1.tar", CODEC_NONE, false },
    { "application/vnd.oci.image.layer.v1.tar+gzip", CODEC_GZIP, false },
    { "application/vnd.oci.image.layer.v1.tar+zstd", CODEC_ZSTD, false },
    { "application/vnd.docker.image.rootfs.diff.tar", CODEC_NONE, true },
    { "application/vnd.docker.image.rootfs.diff.tar.gzip", CODEC_GZIP, true },
};

const char *layer_media_of(enum codec_kind kind, bool docker)
{
    for (size_t i = 0; i < ARRAY_LEN(types); i++) {
        if (types[i].kind == kind && types[i].docker == docker) {
            return types[i].label;
        }
    }
    return NULL;
}

int fail_docker_zstd(enum lpipe_status status, struct lpipe_error *err)
{
    return fail(err, status,
                "Docker's image format has no zstd layers; use gzip or the OCI format");
}

int layer_media_check_format(const char *label, bool docker, struct lpipe_error *err)
{
    for (size_t i = 0; i < ARRAY_LEN(types); i++) {
        if (types[i].docker == docker || strcmp(types[i].label, label) != 0) {
            continue;
        }
        const char *own = layer_media_of(types[i].kind, docker);
        return own == NULL
                   ? fail_docker_zstd(LPIPE_INVALID_ARGUMENT, err)
                   : fail(err, LPIPE_INVALID_ARGUMENT,
                          "the media type %s is none of %s format; %s is, and is the default",
                          label, docker ? "Docker's" : "the OCI", own);
    }
    return 0;
}

/* What a label says about compression; false where it says nothing. */
static bool claimed_kind(const char *label, enum codec_kind *ret_kind)
{
    for (size_t i = 0; i < ARRAY_LEN(types); i++) {
        if (strcmp(types[i].label, label) == 0) {
            *ret_kind = types[i].kind;
            return true;
        }
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

static bool is_media_type(const char *label)
{
    size_t size = strlen(label);
    const char *slash = strchr(label, '/');
    return size <= 127 && slash != NULL && slash != label && slash[1] != '\0' &&
           strchr(slash + 1, '/') == NULL && strpbrk(label, " ,;\"\\") == NULL &&
           text_is_clean(label, size);
}

int layer_media_check(const char *label, enum codec_kind kind, bool raw, struct lpipe_error *err)
{
    enum codec_kind claimed = CODEC_NONE;
    if (!is_media_type(label)) {
        return fail(err, LPIPE_INVALID_ARGUMENT, "the media type is malformed or too long");
    }
    if (strstr(label, ".nondistributable.") != NULL || strstr(label, ".foreign.") != NULL) {
        return fail(err, LPIPE_UNSUPPORTED,
                    "layers of type %s are not pushed by anyone and not made here", label);
    }
    bool known = claimed_kind(label, &claimed);
    if (known && claimed != kind) {
        return fail(err, LPIPE_INVALID_ARGUMENT,
                    "the media type %s contradicts the bytes, which are %s", label,
                    kind == CODEC_NONE ? "not compressed" : codec_name(kind));
    }
    if (!known && !raw) {
        return fail(err, LPIPE_INVALID_ARGUMENT,
                    "the media type %s is no layer type; it is for raw input only", label);
    }
    return 0;
}
