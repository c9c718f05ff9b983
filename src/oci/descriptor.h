/* SPDX-License-Identifier: Apache-2.0 */
/* What a manifest says of a blob or another manifest (image-spec descriptor.md). */
#ifndef OCI_DESCRIPTOR_H
#define OCI_DESCRIPTOR_H

#include <stdint.h>

/* "sha512:" + 128 hex digits + NUL fits. */
#define DIGEST_TEXT_SIZE 144
#define MEDIA_TYPE_SIZE 128

struct descriptor {
    char media_type[MEDIA_TYPE_SIZE];
    char digest[DIGEST_TEXT_SIZE]; /* validated: only digest_parse() or digest_format() fill it */
    uint64_t size;
};

#endif
