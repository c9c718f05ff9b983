/* SPDX-License-Identifier: Apache-2.0 */
/* The descriptor of a blob or manifest (image-spec, descriptor.md). */
#ifndef OCI_DESCRIPTOR_H
#define OCI_DESCRIPTOR_H

#include <stdint.h>

#include "codec/digest.h" /* DIGEST_TEXT_SIZE */

#define MEDIA_TYPE_SIZE 128
/* Of a blob of which only the digest is known. Such a descriptor is good for asking whether a store
 * has the blob, and for reading it. */
#define DESCRIPTOR_SIZE_UNKNOWN UINT64_MAX

struct descriptor {
    char media_type[MEDIA_TYPE_SIZE];
    char digest[DIGEST_TEXT_SIZE]; /* always valid: see digest_valid() */
    uint64_t size;
};

#endif
