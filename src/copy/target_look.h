/* SPDX-License-Identifier: Apache-2.0 */
/* Asks a registry what the target's tag names, while the source is read. A registry that has a
 * manifest has its blobs, too, so that a copy which was made before asks for nothing else. One
 * thread uses a look. */
#ifndef COPY_TARGET_LOOK_H
#define COPY_TARGET_LOOK_H

#include <pthread.h>

#include "image/push_target.h"

struct target_look {
    struct store *store;   /* borrowed; NULL = nothing was asked */
    const char *reference; /* the first tag, or the digest; borrowed */
    pthread_t thread;
    bool has_thread;
    int found; /* of store_manifest_head() */
    char digest[DIGEST_TEXT_SIZE];
    struct lpipe_error err;
};

/* Starts the request. Only a registry is asked: in a layout or an archive the blobs are looked up
 * without a request. look and target must stay where they are until target_look_end(). */
void target_look_start(struct target_look *look, const struct push_target *target);
/* Waits for the answer. A registry that cannot be reached is a failure; any other failure means
 * that nothing is known. */
MUST_CHECK int target_look_wait(struct target_look *look, struct lpipe_error *err);
/* After that: the tag or digest, if it names this manifest; else NULL. */
const char *target_look_reference(const struct target_look *look, const char *digest);
/* Waits for the request, if it is not done. */
void target_look_end(struct target_look *look);

#endif
