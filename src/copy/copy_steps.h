/* SPDX-License-Identifier: Apache-2.0 */
/* The steps that all copies have in common: an index is narrowed to one platform; what the root
 * names is written, then the root is put under its tags. Any thread. */
#ifndef COPY_COPY_STEPS_H
#define COPY_COPY_STEPS_H

#include "copy/copy_route.h"
#include "copy/copy_write.h"
#include "image/push_target.h"

/* While *root is an index and options do not ask for all of it, replaces it by the image for the
 * platform. An image must be for the platform that the options name. name: of the source, for
 * messages. */
MUST_CHECK int copy_root_choose(lpipe_client *client, struct store *from, const char *name,
                                const struct lpipe_copy_options *options, struct fetched *root,
                                struct lpipe_error *err);

struct copy_steps {
    struct copy_route route; /* its member to is the target's store */
    const struct push_target *target;
    bool with_referrers; /* what refers to the image is copied, too */
    /* A tag or digest that names the root in the destination, a registry; NULL = none is known. */
    const char *found_reference;
    /* Called with everything that the image names, before anything is written; may take out blobs
     * that are in their place. NULL: nothing is called. */
    int (*on_graph)(void *ctx, struct copy_graph *graph, struct lpipe_error *err);
    void *ctx;
};

/* Writes the image and completes the store. root is empty afterwards. Adds to the counts of *result
 * and fills in the rest. */
MUST_CHECK int copy_root_write(const struct copy_steps *image, struct fetched *root,
                               struct lpipe_copy_result *result, struct lpipe_error *err);
/* Puts the root, of which everything is in its place. */
MUST_CHECK int copy_root_put(const struct copy_steps *image, const struct document *root,
                             struct lpipe_copy_result *result, struct lpipe_error *err);

#endif
