/* SPDX-License-Identifier: Apache-2.0 */
/* The image under construction: what it stands on, what lies on top, what its config will say. It
 * belongs to one thread at a time; image_push() has the rest. */
#ifndef IMAGE_IMAGE_H
#define IMAGE_IMAGE_H

#include "image/image_fetch.h"
#include "layerpipe/image.h"
#include "oci/image_config.h"

enum image_layer_kind {
    IMAGE_LAYER_BASE = 0,  /* of the base: its descriptor is in the base's manifest */
    IMAGE_LAYER_KNOWN = 1, /* said to be in the target already */
    IMAGE_LAYER_UNREAD = 2
};

struct image_layer {
    enum image_layer_kind kind;
    lpipe_layer *unread;                /* owned; of UNREAD only */
    const struct manifest_item *source; /* of BASE only; borrowed from the base's manifest */
    char *history;                      /* NULL = none given */
    /* Of UNREAD: once it was read; its origin, once it is in the target. */
    struct lpipe_layer_result result;
};

/* What the image stands on; all NULL without a base. */
struct image_base {
    struct store *store;
    struct fetched fetched;
    char *repository; /* for mounts: of a registry, else NULL */
};

struct lpipe_image {
    lpipe_client *client;
    enum media_family family;
    char *artifact_type; /* NULL = an image */
    char created[TIME_TEXT_SIZE];
    struct image_base base;
    struct image_config *config; /* NULL for an artifact */
    struct string_map annotations;
    struct image_layer *layers; /* in the manifest's order */
    size_t layer_count;
    size_t layer_capacity;
    bool pushed;
};

MUST_CHECK int image_new(lpipe_client *client, const lpipe_ref *base,
                         const struct lpipe_image_options *options, lpipe_image **ret_image,
                         struct lpipe_error *err);
lpipe_image *image_free(lpipe_image *image);
/* Take layer on success. */
MUST_CHECK int image_add_layer(lpipe_image *image, lpipe_layer *layer, const char *history,
                               struct lpipe_error *err);
MUST_CHECK int image_add_known(lpipe_image *image, const struct lpipe_layer_result *layer,
                               const char *history, struct lpipe_error *err);
MUST_CHECK int image_edit(lpipe_image *image, enum lpipe_edit edit, const char *value,
                          struct lpipe_error *err);

/* 0, or INVALID_STATE once the image has been pushed. */
MUST_CHECK int image_check_open(const lpipe_image *image, struct lpipe_error *err);
/* Adds one layer of any kind; copies history. */
MUST_CHECK int image_append(lpipe_image *image, const struct image_layer *layer,
                            const char *history, struct lpipe_error *err);
/* Fetches the base, verifies it, and takes over its layers, config, family and annotations. */
MUST_CHECK int image_base_load(lpipe_image *image, const lpipe_ref *base,
                               const struct lpipe_image_options *options, struct lpipe_error *err);

#endif
