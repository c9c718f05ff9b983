/* SPDX-License-Identifier: Apache-2.0 */
#include "copy/target_look.h"

#include <string.h>

#include "base/sync.h"

static void *look_run(void *ctx)
{
    struct target_look *look = ctx;
    look->found = store_manifest_head(look->store, look->reference, look->digest, &look->err);
    return NULL;
}

void target_look_start(struct target_look *look, const struct push_target *target)
{
    look->store = target->store;
    look->reference = target->tag_count > 0 ? target->tags[0] : target->digest;
    if (target->remote && look->reference != NULL) {
        look->has_thread = thread_start(&look->thread, "lpipe-look", look_run, look, NULL) == 0;
    }
}

void target_look_end(struct target_look *look)
{
    if (look->has_thread) {
        (void)pthread_join(look->thread, NULL);
        look->has_thread = false;
    }
}

int target_look_wait(struct target_look *look, struct lpipe_error *err)
{
    target_look_end(look);
    if (look->found >= 0 || look->err.http_status != 0) {
        return 0;
    }
    if (err != NULL) {
        *err = look->err;
    }
    return look->found;
}

const char *target_look_reference(const struct target_look *look, const char *digest)
{
    return look->found == 1 && strcmp(look->digest, digest) == 0 ? look->reference : NULL;
}
