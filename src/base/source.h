/* SPDX-License-Identifier: Apache-2.0 */
/* The one interface for where a layer's bytes come from. The caller's callbacks, a descriptor and a
 * directory are sources; the layer does not know which it has. One thread reads; cancel() may come
 * from any thread. */
#ifndef BASE_SOURCE_H
#define BASE_SOURCE_H

#include <stdint.h>

#include "base/fail.h"
#include "layerpipe/observe.h"

struct source;
struct source_ops {
    /* Fills buf with up to size bytes. Returns how many, 0 at the end, or a negative status with
     * the reason in *err (never NULL). May block. */
    ptrdiff_t (*read)(struct source *source, void *buf, size_t size, struct lpipe_error *err);
    /* Ends reading; called once at most, before free. 0 or a negative errno value. NULL: nothing
     * can fail. */
    int (*close)(struct source *source);
    /* Makes a blocked read and later ones return soon, with any failure. NULL: no read waits. */
    void (*cancel)(struct source *source);
    /* The source itself ends its reads when the token is triggered. NULL: it cannot; then the layer
     * watches the token and calls cancel(). */
    void (*use_cancel)(struct source *source, lpipe_cancel *cancel);
    /* Whether rewind() is possible at present. NULL: never. */
    bool (*can_rewind)(const struct source *source);
    /* Starts again from the first byte, also after a failure. */
    int (*rewind)(struct source *source, struct lpipe_error *err);
    /* After a rewind, at the end: is it still what was read first? NULL: only the digest tells. */
    bool (*is_unchanged)(const struct source *source);
    /* How many bytes there are from the first to the end, as far as it is known before; 0 = not
     * known. NULL: never. */
    uint64_t (*size)(const struct source *source);
    /* One line for a person after the end, about what was left out or changed; NULL = nothing.
     * Borrowed. */
    const char *(*notice)(struct source *source);
    /* Frees, after close. */
    void (*free)(struct source *source);
};
struct source { /* embedded first in each implementation */
    const struct source_ops *ops;
};

static inline int source_close(struct source *source)
{
    return source->ops->close != NULL ? source->ops->close(source) : 0;
}

/* Does not close it. Returns NULL. */
static inline struct source *source_free(struct source *source)
{
    if (source != NULL) {
        source->ops->free(source);
    }
    return NULL;
}

static inline bool source_can_rewind(const struct source *source)
{
    return source->ops->can_rewind != NULL && source->ops->can_rewind(source);
}

static inline const char *source_notice(struct source *source)
{
    return source->ops->notice != NULL ? source->ops->notice(source) : NULL;
}

#endif
