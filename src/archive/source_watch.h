/* SPDX-License-Identifier: Apache-2.0 */
/* Ends the reads of a source when a cancel token is triggered, also while a read waits. */
#ifndef ARCHIVE_SOURCE_WATCH_H
#define ARCHIVE_SOURCE_WATCH_H

#include <pthread.h>

#include "base/source.h"

struct source_watch {
    struct source *source;
    lpipe_cancel *cancel;
    lpipe_cancel *stop; /* NULL: there is no thread */
    pthread_t thread;
};

/* A source that cannot watch the token itself gets a thread, if it can be cancelled at all. Call
 * source_watch_stop() in every case, before the source is closed. NO_MEMORY, NO_RESOURCES. */
MUST_CHECK int source_watch_start(struct source_watch *watch, struct source *source,
                                  lpipe_cancel *cancel, struct lpipe_error *err);
void source_watch_stop(struct source_watch *watch);

#endif
