/* SPDX-License-Identifier: Apache-2.0 */
/* The image configuration: a base's, edited, or a fresh one.
 *
 * Fields of a base that we do not know are kept, and so is the order of its keys; new keys come
 * after them. A fresh configuration has architecture, author, created, history, os, rootfs, config,
 * variant, in this order (those that apply). Labels, ports and volumes are in byte order of their
 * keys. No I/O. A configuration belongs to one thread at a time. */
#ifndef OCI_IMAGE_CONFIG_H
#define OCI_IMAGE_CONFIG_H

#include "oci/document.h"
#include "oci/media_type.h"
#include "oci/platform.h"
#include "oci/time_text.h"

struct image_config;

/* A configuration without layers. */
MUST_CHECK int image_config_new(const struct platform *platform, struct image_config **ret_config,
                                struct lpipe_error *err);
/* Parses a base's configuration and checks it against the number of layers of its manifest.
 * PROTOCOL, TOO_LARGE, NO_MEMORY. */
MUST_CHECK int image_config_parse(const struct document *document, size_t layer_count,
                                  struct image_config **ret_config, struct lpipe_error *err);
struct image_config *image_config_free(struct image_config *config);
static inline void cleanup_image_config(struct image_config **config)
{
    image_config_free(*config);
}
#define AUTO_IMAGE_CONFIG CLEANUP(cleanup_image_config)

size_t image_config_layer_count(const struct image_config *config);
/* diff_id of a layer, borrowed; NULL past the end. */
const char *image_config_diff_id(const struct image_config *config, size_t index);
void image_config_platform(const struct image_config *config, struct platform *ret_platform);

/* Time of creation, RFC 3339. */
MUST_CHECK int image_config_set_created(struct image_config *config, const char *created,
                                        struct lpipe_error *err);

/* Fields of one history entry; NULL = left out. */
struct image_history {
    const char *created;
    const char *created_by;
    const char *comment;
};
/* Adds a layer: its diff_id and its history entry. A base that has layers but no history gets
 * one empty entry for each of them first, so that history and layers agree. */
MUST_CHECK int image_config_add_layer(struct image_config *config, const char *diff_id,
                                      const struct image_history *history, struct lpipe_error *err);
/* Adds a history entry that has no layer. */
MUST_CHECK int image_config_add_history(struct image_config *config,
                                        const struct image_history *history,
                                        struct lpipe_error *err);

/* Writes the configuration as a document of the family's media type. */
MUST_CHECK int image_config_write(const struct image_config *config, enum media_family family,
                                  struct document *ret_document, struct lpipe_error *err);

#endif
