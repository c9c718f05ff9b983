/* SPDX-License-Identifier: Apache-2.0 */
#include "oci/media_type.h"

#include <string.h>

#include "base/macros.h"

static const char *const NAMES[][2] = {
    [MEDIA_ROLE_OTHER] = { NULL, NULL },
    [MEDIA_ROLE_INDEX] = { "application/vnd.oci.image.index.v1+json",
                           "application/vnd.docker.distribution.manifest.list.v2+json" },
    [MEDIA_ROLE_MANIFEST] = { "application/vnd.oci.image.manifest.v1+json",
                              "application/vnd.docker.distribution.manifest.v2+json" },
    [MEDIA_ROLE_CONFIG] = { "application/vnd.oci.image.config.v1+json",
                            "application/vnd.docker.container.image.v1+json" },
    [MEDIA_ROLE_LAYER_TAR] = { "application/vnd.oci.image.layer.v1.tar",
                               "application/vnd.docker.image.rootfs.diff.tar" },
    [MEDIA_ROLE_LAYER_GZIP] = { "application/vnd.oci.image.layer.v1.tar+gzip",
                                "application/vnd.docker.image.rootfs.diff.tar.gzip" },
    [MEDIA_ROLE_LAYER_ZSTD] = { "application/vnd.oci.image.layer.v1.tar+zstd", NULL },
    [MEDIA_ROLE_FOREIGN_TAR] = { "application/vnd.oci.image.layer.nondistributable.v1.tar",
                                 "application/vnd.docker.image.rootfs.foreign.diff.tar" },
    [MEDIA_ROLE_FOREIGN_GZIP] = { "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip",
                                  "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip" },
    [MEDIA_ROLE_FOREIGN_ZSTD] = { "application/vnd.oci.image.layer.nondistributable.v1.tar+zstd",
                                  NULL },
    [MEDIA_ROLE_EMPTY] = { "application/vnd.oci.empty.v1+json", NULL },
};
_Static_assert(ARRAY_LEN(NAMES) == MEDIA_ROLE_EMPTY + 1, "a name for each role");

const char *media_type_name(enum media_family family, enum media_role role)
{
    return NAMES[role][family];
}

enum media_role media_type_role(const char *type, enum media_family *ret_family)
{
    for (size_t role = MEDIA_ROLE_INDEX; role < ARRAY_LEN(NAMES); role++) {
        for (size_t family = 0; family < 2; family++) {
            if (NAMES[role][family] == NULL || strcmp(type, NAMES[role][family]) != 0) {
                continue;
            }
            if (ret_family != NULL) {
                *ret_family = (enum media_family)family;
            }
            return (enum media_role)role;
        }
    }
    return MEDIA_ROLE_OTHER;
}

const char *media_type_in_family(const char *type, enum media_family family)
{
    enum media_role role = media_type_role(type, NULL);
    return role == MEDIA_ROLE_OTHER ? type : NAMES[role][family];
}

bool media_role_is_layer(enum media_role role)
{
    return role >= MEDIA_ROLE_LAYER_TAR && role <= MEDIA_ROLE_FOREIGN_ZSTD;
}

bool media_role_is_foreign(enum media_role role)
{
    return role >= MEDIA_ROLE_FOREIGN_TAR && role <= MEDIA_ROLE_FOREIGN_ZSTD;
}

static bool is_alnum(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/* restricted-name of RFC 6838, section 4.2. */
static bool restricted_name(const char *text, size_t size)
{
    if (size == 0 || size > 127 || !is_alnum(text[0])) {
        return false;
    }
    for (size_t i = 0; i < size; i++) {
        if (!is_alnum(text[i]) && (text[i] == '\0' || strchr("!#$&-^_.+", text[i]) == NULL)) {
            return false;
        }
    }
    return true;
}

bool media_type_valid(const char *type, size_t size)
{
    const char *slash = memchr(type, '/', size);
    if (slash == NULL || size > 127) {
        return false;
    }
    size_t left = (size_t)(slash - type);
    return restricted_name(type, left) && restricted_name(slash + 1, size - left - 1);
}

bool media_type_from_header(const char *header, char *buf, size_t buf_size)
{
    header += strspn(header, " \t");
    size_t size = strcspn(header, "; \t");
    size_t rest = size + strspn(header + size, " \t");
    if (size >= buf_size || (header[rest] != '\0' && header[rest] != ';') ||
        !media_type_valid(header, size)) {
        return false;
    }
    for (size_t i = 0; i < size; i++) {
        bool upper = header[i] >= 'A' && header[i] <= 'Z';
        buf[i] = upper ? (char)(header[i] - 'A' + 'a') : header[i];
    }
    buf[size] = '\0';
    return true;
}
