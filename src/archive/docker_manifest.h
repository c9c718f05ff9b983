/* SPDX-License-Identifier: Apache-2.0 */
/* manifest.json of an archive in Docker's format: a list of images, each with the names of its
 * config and its layers in the archive, and its tags. Pure, apart from memory. */
#ifndef ARCHIVE_DOCKER_MANIFEST_H
#define ARCHIVE_DOCKER_MANIFEST_H

#include "oci/json_read.h"

struct docker_manifest {
    struct json_doc doc;
};
#define DOCKER_MANIFEST_INIT                                                                       \
    {                                                                                              \
        JSON_DOC_INIT                                                                              \
    }

/* Checks all images. NOT_TAR, TOO_LARGE, NO_MEMORY. */
MUST_CHECK int docker_manifest_parse(const char *text, size_t size,
                                     struct docker_manifest *ret_manifest, struct lpipe_error *err);
void docker_manifest_dispose(struct docker_manifest *manifest);
#define AUTO_DOCKER_MANIFEST CLEANUP(docker_manifest_dispose)

size_t docker_manifest_count(const struct docker_manifest *manifest);
/* Names as they are written; borrowed. */
const char *docker_manifest_config(const struct docker_manifest *manifest, size_t image);
size_t docker_manifest_layer_count(const struct docker_manifest *manifest, size_t image);
const char *docker_manifest_layer(const struct docker_manifest *manifest, size_t image,
                                  size_t layer);
size_t docker_manifest_tag_count(const struct docker_manifest *manifest, size_t image);
const char *docker_manifest_tag(const struct docker_manifest *manifest, size_t image, size_t tag);

#endif
