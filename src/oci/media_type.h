/* SPDX-License-Identifier: Apache-2.0 */
/* Media types of manifests, configs and layers, in the OCI and the Docker family. No I/O; any
 * thread. */
#ifndef OCI_MEDIA_TYPE_H
#define OCI_MEDIA_TYPE_H

#include <stdbool.h>
#include <stddef.h>

enum media_family { MEDIA_FAMILY_OCI = 0, MEDIA_FAMILY_DOCKER = 1 };

enum media_role {
    MEDIA_ROLE_OTHER = 0, /* any other type, such as an artifact's */
    MEDIA_ROLE_INDEX,
    MEDIA_ROLE_MANIFEST,
    MEDIA_ROLE_CONFIG,
    MEDIA_ROLE_LAYER,   /* with any compression */
    MEDIA_ROLE_FOREIGN, /* a non-distributable layer: not copied between registries */
    MEDIA_ROLE_EMPTY    /* the two bytes "{}" */
};

/* The type of a role, of layers the one without compression; NULL when the family has none (Docker:
 * empty). */
const char *media_type_name(enum media_family family, enum media_role role);
/* The type of a layer with this compression: "none", "gzip", "zstd". NULL when the family has none
 * (Docker: zstd). */
const char *media_type_of_layer(enum media_family family, const char *compression);
/* Role of a type, which must have no parameters. ret_family may be NULL; OTHER does not set it. */
enum media_role media_type_role(const char *type, enum media_family *ret_family);
/* The compression of a type of a layer, foreign ones too; NULL for all other types. */
const char *media_type_compression(const char *type);
/* The type with the same meaning in a family; NULL when the family has none. A type with the role
 * OTHER is returned unchanged. */
const char *media_type_in_family(const char *type, enum media_family family);
/* type "/" subtype (RFC 6838, section 4.2), at most 127 bytes, no parameters. */
bool media_type_valid(const char *type, size_t size);
/* Copies the type of a Content-Type header, in lower case, without parameters and white space.
 * False when it is not valid. */
bool media_type_from_header(const char *header, char *buf, size_t buf_size);

/* The start of the types of Docker's old schema 1, signed and unsigned. */
#define MEDIA_TYPE_SCHEMA1_PREFIX "application/vnd.docker.distribution.manifest.v1+"

/* The empty blob, {} (image-spec, manifest.md, "Guidance for an Empty Descriptor"). */
#define EMPTY_JSON_DIGEST "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"
#define EMPTY_JSON_SIZE 2

#endif
