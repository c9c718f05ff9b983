/* SPDX-License-Identifier: Apache-2.0 */
/* Where a push goes, and under which names: the options of a push, checked before a stream is
 * touched. */
#ifndef IMAGE_PUSH_TARGET_H
#define IMAGE_PUSH_TARGET_H

#include "image/image.h"
#include "layerpipe/push.h"

struct push_target {
    struct store *store;
    bool remote;       /* over a network */
    const char **tags; /* the reference's, then the options'; each once; borrowed texts */
    size_t tag_count;
    const char *digest; /* what the manifest must turn out to be; borrowed, NULL = anything */
    char *mount_from;   /* NULL = none */
    bool has_subject;
    struct descriptor subject;
};

MUST_CHECK int push_target_open(const lpipe_image *image, const lpipe_ref *dest,
                                const struct lpipe_push_options *options,
                                struct push_target *ret_target, struct lpipe_error *err);
void push_target_dispose(struct push_target *target);
#define AUTO_PUSH_TARGET CLEANUP(push_target_dispose)

#endif
