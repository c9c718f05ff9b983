/* SPDX-License-Identifier: Apache-2.0 */
/* Makes the document of an index from its parts. No I/O. */
#ifndef COPY_INDEX_BUILD_H
#define COPY_INDEX_BUILD_H

#include "copy/index_part.h"

/* An attestation of BuildKit names in this annotation the image that it is about. */
#define INDEX_KEY_ATTESTED "vnd.docker.reference.digest"

struct index_recipe {
    const struct manifest *old; /* the index that is changed; NULL = none */
    const struct index_part *parts;
    size_t part_count;
    enum lpipe_format format;
    const char *const *annotations; /* "KEY=VALUE" */
    size_t annotation_count;
};

/* INVALID_ARGUMENT: two parts have an image for one platform, and as manifest_write_index(). */
MUST_CHECK int index_build(const struct index_recipe *recipe, struct document *ret_document,
                           struct lpipe_error *err);
/* True when the index has all entries of the parts: each digest for its platform. */
bool index_has_parts(const struct manifest *index, const struct index_part *parts,
                     size_t part_count);

#endif
