/* SPDX-License-Identifier: Apache-2.0 */
/* The image config (image-spec, config.md): a new one, or a base's config that is changed.
 *
 * Of a base's config, unknown fields and the order of keys are kept; new keys follow. A new config
 * has its keys in a fixed order: see CONFIG_KEY_ORDER. Labels, ports and volumes are in byte order
 * of their keys. No I/O. One thread at a time may use a config. */
#ifndef OCI_IMAGE_CONFIG_H
#define OCI_IMAGE_CONFIG_H

#include "oci/document.h"
#include "oci/media_type.h"
#include "oci/platform.h"
#include "oci/time_text.h"

struct image_config;

/* A new config without layers. */
MUST_CHECK int image_config_new(const struct platform *platform, struct image_config **ret_config,
                                struct lpipe_error *err);
/* Parses a base's config and checks that it has as many layers as its manifest. A key that is known
 * but written in another letter case gets its usual spelling. PROTOCOL,
 * TOO_LARGE, NO_MEMORY. */
MUST_CHECK int image_config_parse(const struct document *document, size_t layer_count,
                                  struct image_config **ret_config, struct lpipe_error *err);
/* The same for an image that is only copied or read: checks the platform and the diff IDs, and
 * nothing else, because its bytes are kept. Only its diff IDs may be edited. */
MUST_CHECK int image_config_read(const struct document *document, size_t layer_count,
                                 struct image_config **ret_config, struct lpipe_error *err);
struct image_config *image_config_free(struct image_config *config);
static inline void cleanup_image_config(struct image_config **config)
{
    image_config_free(*config);
}
#define AUTO_IMAGE_CONFIG CLEANUP(cleanup_image_config)

/* Replaces a config by the JSON of a whole one: all members but rootfs, history and created.
 * Platform members that the new one does not have are kept. INVALID_ARGUMENT, TOO_LARGE. */
MUST_CHECK int image_config_replace(struct image_config *config, const char *json, size_t size,
                                    struct lpipe_error *err);

size_t image_config_layer_count(const struct image_config *config);
/* Diff ID of a layer, borrowed; NULL when there is no such layer. */
const char *image_config_diff_id(const struct image_config *config, size_t index);
/* Replaces it. */
MUST_CHECK int image_config_set_diff_id(struct image_config *config, size_t index,
                                        const char *diff_id, struct lpipe_error *err);
void image_config_platform(const struct image_config *config, struct platform *ret_platform);
/* NOT_FOUND when the image is for a platform that does not run as the wanted one. A config that
 * names no platform fits. */
MUST_CHECK int image_config_check_platform(const struct image_config *config,
                                           const struct platform *wanted, struct lpipe_error *err);

/* Time of creation, RFC 3339. */
MUST_CHECK int image_config_set_created(struct image_config *config, const char *created,
                                        struct lpipe_error *err);

/* Fields of one history entry; NULL = left out. */
struct image_history {
    const char *created;
    const char *created_by;
    const char *comment;
};
/* Adds a layer: its diff ID and its history entry. If a base has fewer history entries than layers,
 * empty entries are put before them first, because every layer needs a history entry. */
MUST_CHECK int image_config_add_layer(struct image_config *config, const char *diff_id,
                                      const struct image_history *history, struct lpipe_error *err);
/* Adds a history entry that has no layer. */
MUST_CHECK int image_config_add_history(struct image_config *config,
                                        const struct image_history *history,
                                        struct lpipe_error *err);

/* Writes the config as a document with the family's media type. */
MUST_CHECK int image_config_write(const struct image_config *config, enum media_family family,
                                  struct document *ret_document, struct lpipe_error *err);

#endif
