/* SPDX-License-Identifier: Apache-2.0 */
/* An image under construction: its base, its layers, its config and annotations. image_push()
 * pushes it. One thread at a time may use it. */
#ifndef IMAGE_IMAGE_H
#define IMAGE_IMAGE_H

#include <stdatomic.h>

#include "image/image_fetch.h"
#include "layerpipe/image.h"
#include "oci/image_config.h"

enum image_layer_kind {
    IMAGE_LAYER_BASE = 0,  /* a layer of the base */
    IMAGE_LAYER_KNOWN = 1, /* given by its descriptor; must be in the target already */
    IMAGE_LAYER_UNREAD = 2 /* is read while the image is pushed */
};

struct image_layer {
    enum image_layer_kind kind;
    lpipe_layer *unread;                /* only for UNREAD; owned */
    lpipe_layer *made;                  /* for BASE: what made its blob just now, or NULL; owned */
    const struct manifest_item *source; /* only for BASE; borrowed from the base's manifest */
    char *history;                      /* NULL = none given */
    /* For UNREAD it is filled in when the layer was read. Its member origin is filled in when the
     * blob is in the target, for every kind. */
    struct lpipe_layer_result result;
};

/* The base of an image. All members are NULL when there is no base. */
struct image_base {
    struct store *store;
    struct fetched fetched;
    struct document config; /* as it was fetched */
    char *repository;       /* to mount layers from; NULL unless the base is in a registry */
};

struct lpipe_image {
    lpipe_client *client;
    enum media_family family;
    char *artifact_type; /* NULL = an image */
    char created[TIME_TEXT_SIZE];
    bool is_dated_now; /* created is the time of this call, so no store can have the config yet */
    struct image_base base;
    struct image_config *config; /* NULL for an artifact */
    bool platform_given;         /* by the base or by the options */
    bool is_copy;                /* of the base: nothing is changed but how its layers are stored */
    struct string_map annotations;
    struct image_layer *layers; /* in the manifest's order */
    size_t layer_count;
    size_t layer_capacity;
    bool pushed;
    struct descriptor soci_index; /* of the push; digest "" = none */
    atomic_bool has_new_blob;     /* the registry did not have one of its blobs before the push */
};

MUST_CHECK int image_new(lpipe_client *client, const lpipe_ref *base,
                         const struct lpipe_image_options *options, lpipe_image **ret_image,
                         struct lpipe_error *err);
lpipe_image *image_free(lpipe_image *image);
/* These two copy history. image_add_layer() takes layer on success. */
MUST_CHECK int image_add_layer(lpipe_image *image, lpipe_layer *layer, const char *history,
                               struct lpipe_error *err);
MUST_CHECK int image_add_descriptor(lpipe_image *image, const struct lpipe_layer_result *layer,
                                    const char *history, struct lpipe_error *err);
MUST_CHECK int image_edit(lpipe_image *image, enum lpipe_edit edit, const char *value,
                          struct lpipe_error *err);
MUST_CHECK int image_set_config(lpipe_image *image, const char *json, size_t size,
                                struct lpipe_error *err);
/* Makes the image a copy of a manifest that was fetched already. It takes the store and what was
 * fetched, also on failure, and must have been made without a base. */
MUST_CHECK int image_base_take(lpipe_image *image, struct store *store, struct fetched *fetched,
                               struct lpipe_error *err);
/* Gives the image the annotations of its base and no others; without the name of a SOCI index,
 * which is one of other layers. */
MUST_CHECK int image_base_annotations(lpipe_image *image, struct lpipe_error *err);

/* 0, or INVALID_STATE when the image was pushed before. */
MUST_CHECK int image_check_not_pushed(const lpipe_image *image, struct lpipe_error *err);
/* Appends a layer of any kind; copies history. */
MUST_CHECK int image_append_layer(lpipe_image *image, const struct image_layer *layer,
                                  const char *history, struct lpipe_error *err);
/* Fetches and verifies the base's manifest and config. The image gets the base's layers, config,
 * format (unless options name one) and annotations. */
MUST_CHECK int image_base_load(lpipe_image *image, const lpipe_ref *base,
                               const struct lpipe_image_options *options, struct lpipe_error *err);

#endif
