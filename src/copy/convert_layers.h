/* SPDX-License-Identifier: Apache-2.0 */
/* Makes the layers of an image that is copied ones that are read from its store and compressed in
 * another way, where they are not compressed in that way already. Any thread. */
#ifndef COPY_CONVERT_LAYERS_H
#define COPY_CONVERT_LAYERS_H

#include "flow/layer_format.h"
#include "image/image.h"
#include "layerpipe/copy.h"
#include "layerpipe/push.h"

struct convert_rules {
    lpipe_client *client;
    const struct lpipe_copy_options *options; /* borrowed */
    struct layer_format format;               /* of the new layers */
};

/* INVALID_ARGUMENT. */
MUST_CHECK int convert_rules_read(lpipe_client *client, const struct lpipe_copy_options *options,
                                  struct convert_rules *ret_rules, struct lpipe_error *err);
/* The format of the image: Docker's only where it can have the new layers. */
enum lpipe_format convert_format(const struct convert_rules *rules);
/* Makes an image of a manifest that was fetched from the store. Takes both, also on failure.
 * *ret_image may be set on failure, too. UNSUPPORTED: an artifact. */
MUST_CHECK int convert_load(const struct convert_rules *rules, const lpipe_ref *source,
                            struct store *store, struct fetched *fetched, lpipe_image **ret_image,
                            struct lpipe_error *err);
/* soci_bytes_min: layers with fewer bytes get no zTOC. UNSUPPORTED: a layer that is not a tar.
 * INVALID_ARGUMENT: one that is kept has a media type that Docker's format does not have. */
MUST_CHECK int convert_layers(const struct convert_rules *rules, lpipe_image *image,
                              uint64_t soci_bytes_min, struct lpipe_error *err);
/* Adds the layers that were pushed to the counts of a copy. */
void convert_count(const struct lpipe_push_result *pushed, struct lpipe_copy_result *result);

#endif
