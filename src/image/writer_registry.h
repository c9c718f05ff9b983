/* SPDX-License-Identifier: Apache-2.0 */
/* All blob writers that one call has open at a time. After the first failure the call aborts them
 * together. Any thread may use a registry. */
#ifndef IMAGE_WRITER_REGISTRY_H
#define IMAGE_WRITER_REGISTRY_H

#include <pthread.h>

#include "base/limits.h"
#include "oci/store.h"

struct writer_registry {
    pthread_mutex_t lock; /* guards all below */
    bool aborted;
    struct blob_writer *writers[JOBS_MAX]; /* open writers; NULL = free entry */
};
void writer_registry_init(struct writer_registry *registry);
void writer_registry_dispose(struct writer_registry *registry);

/* The writer must have an abort operation. After writer_registry_abort_all() it is aborted at once.
 * At most JOBS_MAX writers are open, because each thread has one. */
void writer_registry_add(struct writer_registry *registry, struct blob_writer *writer);
void writer_registry_remove(struct writer_registry *registry, const struct blob_writer *writer);

/* Makes every open writer, and every writer that is added later, end soon with ABORTED. */
void writer_registry_abort_all(struct writer_registry *registry);
bool writer_registry_is_aborted(struct writer_registry *registry);

#endif
