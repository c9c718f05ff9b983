/* SPDX-License-Identifier: Apache-2.0 */
/* Media types of manifests, configs and layers, in the OCI and the Docker family. Pure. */
#ifndef OCI_MEDIA_TYPE_H
#define OCI_MEDIA_TYPE_H

#include <stdbool.h>
#include <stddef.h>

enum media_family { MEDIA_FAMILY_OCI = 0, MEDIA_FAMILY_DOCKER = 1 };

enum media_role {
    MEDIA_ROLE_OTHER = 0, /* not in the table: an artifact's own type */
    MEDIA_ROLE_INDEX = 1,
    MEDIA_ROLE_MANIFEST = 2,
    MEDIA_ROLE_CONFIG = 3,
    MEDIA_ROLE_LAYER_TAR = 4,
    MEDIA_ROLE_LAYER_GZIP = 5,
    MEDIA_ROLE_LAYER_ZSTD = 6,
    MEDIA_ROLE_FOREIGN_TAR = 7, /* layers that may not be distributed */
    MEDIA_ROLE_FOREIGN_GZIP = 8,
    MEDIA_ROLE_FOREIGN_ZSTD = 9,
    MEDIA_ROLE_EMPTY = 10 /* the two bytes "{}" */
};

/* The type of a role, NULL where the family has none (zstd and empty in Docker's). */
const char *media_type_name(enum media_family family, enum media_role role);
/* Role of a type without parameters; ret_family may be NULL and is untouched for OTHER. */
enum media_role media_type_role(const char *type, enum media_family *ret_family);
/* The same type in another family; the type itself when it belongs to no family; NULL where the
 * family has no counterpart. */
const char *media_type_in_family(const char *type, enum media_family family);
bool media_role_is_layer(enum media_role role);
bool media_role_is_foreign(enum media_role role);
/* type "/" subtype of RFC 6838 characters, at most 127 bytes, no parameters. */
bool media_type_valid(const char *type, size_t size);
/* Value of a Content-Type header: copies the type without parameters and white space, lower-cased.
 * False when it is not valid. */
bool media_type_from_header(const char *header, char *buf, size_t buf_size);

/* The empty descriptor of the image specification. */
#define EMPTY_JSON_DIGEST "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"
#define EMPTY_JSON_SIZE 2

#endif
