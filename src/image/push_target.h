/* SPDX-License-Identifier: Apache-2.0 */
/* The target of a push or a copy: the open store, the tags, and the checked options. It is made
 * before any layer is read. */
#ifndef IMAGE_PUSH_TARGET_H
#define IMAGE_PUSH_TARGET_H

#include "layerpipe/push.h"
#include "oci/store.h"

struct push_target {
    struct store *store;
    bool remote; /* over a network */
    const char *
        *tags; /* the reference's tag, then those of the options, without duplicates; borrowed */
    size_t tag_count;
    const char *digest; /* the manifest must have this digest; borrowed; NULL = any */
    char *mount_from;   /* repository to try mounts from; NULL = none */
    bool has_subject;
    struct descriptor subject;
    bool as_child; /* the image becomes an entry of an index: no tags, the store is not finished */
    enum lpipe_soci soci;
    uint64_t soci_bytes_min;
};

MUST_CHECK int push_target_open(lpipe_client *client, const lpipe_ref *dest,
                                const struct lpipe_push_options *options,
                                struct push_target *ret_target, struct lpipe_error *err);
/* INTEGRITY when the reference names another digest. */
MUST_CHECK int push_target_check_digest(const struct push_target *target,
                                        const struct descriptor *manifest, struct lpipe_error *err);
void push_target_dispose(struct push_target *target);
#define AUTO_PUSH_TARGET CLEANUP(push_target_dispose)

#endif
