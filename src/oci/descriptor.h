/* SPDX-License-Identifier: Apache-2.0 */
/* What a manifest says of a blob or another manifest (image-spec descriptor.md). */
#ifndef OCI_DESCRIPTOR_H
#define OCI_DESCRIPTOR_H

#include <stdint.h>

#include "codec/digest.h" /* DIGEST_TEXT_SIZE */

#define MEDIA_TYPE_SIZE 128

struct descriptor {
    char media_type[MEDIA_TYPE_SIZE];
    char digest
        [DIGEST_TEXT_SIZE]; /* validated: only digest_valid() text or digest_finish() fill it */
    uint64_t size;
};

#endif
