/* SPDX-License-Identifier: Apache-2.0 */
#include "image/writer_registry.h"

#include <assert.h>

#include "base/sync.h"

void writer_registry_init(struct writer_registry *registry)
{
    *registry = (struct writer_registry){ .aborted = false };
    (void)pthread_mutex_init(&registry->lock, NULL);
}

void writer_registry_dispose(struct writer_registry *registry)
{
    (void)pthread_mutex_destroy(&registry->lock);
}

/* Sets the first entry that has the value from to the value to. The caller holds the lock. */
static void replace_entry(struct writer_registry *registry, const struct blob_writer *from,
                          struct blob_writer *to)
{
    size_t i = 0;
    while (registry->writers[i] != from) {
        i++;
        assert(i < ARRAY_LEN(registry->writers));
    }
    registry->writers[i] = to;
}

void writer_registry_add(struct writer_registry *registry, struct blob_writer *writer)
{
    GUARD(&registry->lock);
    replace_entry(registry, NULL, writer);
    if (registry->aborted) {
        writer->ops->abort(writer);
    }
}

void writer_registry_remove(struct writer_registry *registry, const struct blob_writer *writer)
{
    GUARD(&registry->lock);
    replace_entry(registry, writer, NULL);
}

void writer_registry_abort_all(struct writer_registry *registry)
{
    GUARD(&registry->lock);
    registry->aborted = true;
    for (size_t i = 0; i < ARRAY_LEN(registry->writers); i++) {
        if (registry->writers[i] != NULL) {
            registry->writers[i]->ops->abort(registry->writers[i]);
        }
    }
}

bool writer_registry_is_aborted(struct writer_registry *registry)
{
    GUARD(&registry->lock);
    return registry->aborted;
}
