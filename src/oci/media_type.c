/* SPDX-License-Identifier: Apache-2.0 */
#include "oci/media_type.h"

#include <string.h>

#include "base/macros.h"

#define LAYER_OCI "application/vnd.oci.image.layer.v1.tar"
#define LAYER_DOCKER "application/vnd.docker.image.rootfs.diff.tar"
#define FOREIGN_OCI "application/vnd.oci.image.layer.nondistributable.v1.tar"
#define FOREIGN_DOCKER "application/vnd.docker.image.rootfs.foreign.diff.tar"

static const struct {
    enum media_role role;
    const char *compression; /* of layers: the name of the codec */
    const char *names[2];    /* by family; NULL = it has none */
} types[] = {
    { MEDIA_ROLE_INDEX,
      NULL,
      { "application/vnd.oci.image.index.v1+json",
        "application/vnd.docker.distribution.manifest.list.v2+json" } },
    { MEDIA_ROLE_MANIFEST,
      NULL,
      { "application/vnd.oci.image.manifest.v1+json",
        "application/vnd.docker.distribution.manifest.v2+json" } },
    { MEDIA_ROLE_CONFIG,
      NULL,
      { "application/vnd.oci.image.config.v1+json",
        "application/vnd.docker.container.image.v1+json" } },
    { MEDIA_ROLE_LAYER, "none", { LAYER_OCI, LAYER_DOCKER } },
    { MEDIA_ROLE_LAYER, "gzip", { LAYER_OCI "+gzip", LAYER_DOCKER ".gzip" } },
    { MEDIA_ROLE_LAYER, "zstd", { LAYER_OCI "+zstd", NULL } },
    { MEDIA_ROLE_FOREIGN, "none", { FOREIGN_OCI, FOREIGN_DOCKER } },
    { MEDIA_ROLE_FOREIGN, "gzip", { FOREIGN_OCI "+gzip", FOREIGN_DOCKER ".gzip" } },
    { MEDIA_ROLE_FOREIGN, "zstd", { FOREIGN_OCI "+zstd", NULL } },
    { MEDIA_ROLE_EMPTY, NULL, { "application/vnd.oci.empty.v1+json", NULL } },
};

const char *media_type_name(enum media_family family, enum media_role role)
{
    for (size_t i = 0; i < ARRAY_LEN(types); i++) {
        if (types[i].role == role) {
            return types[i].names[family];
        }
    }
    return NULL;
}

const char *media_type_of_layer(enum media_family family, const char *compression)
{
    for (size_t i = 0; i < ARRAY_LEN(types); i++) {
        if (types[i].role == MEDIA_ROLE_LAYER && strcmp(types[i].compression, compression) == 0) {
            return types[i].names[family];
        }
    }
    return NULL;
}

/* The row of a type and its family; ARRAY_LEN(types) = a type that is not in the table. */
static size_t find_type(const char *type, size_t *ret_family)
{
    for (size_t i = 0; i < ARRAY_LEN(types); i++) {
        for (size_t family = 0; family < ARRAY_LEN(types[i].names); family++) {
            if (types[i].names[family] != NULL && strcmp(type, types[i].names[family]) == 0) {
                *ret_family = family;
                return i;
            }
        }
    }
    return ARRAY_LEN(types);
}

enum media_role media_type_role(const char *type, enum media_family *ret_family)
{
    size_t family = 0;
    size_t row = find_type(type, &family);
    if (row == ARRAY_LEN(types)) {
        return MEDIA_ROLE_OTHER;
    }
    if (ret_family != NULL) {
        *ret_family = (enum media_family)family;
    }
    return types[row].role;
}

const char *media_type_compression(const char *type)
{
    size_t family = 0;
    size_t row = find_type(type, &family);
    return row == ARRAY_LEN(types) ? NULL : types[row].compression;
}

const char *media_type_in_family(const char *type, enum media_family family)
{
    size_t own = 0;
    size_t row = find_type(type, &own);
    return row == ARRAY_LEN(types) ? type : types[row].names[family];
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
