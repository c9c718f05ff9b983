/* SPDX-License-Identifier: Apache-2.0 */
/* What every request of a client needs: the settings, the cancel token, the HTTP client and the
 * observer. The client owns one context and hands it down; nothing below the client knows the
 * client itself. Any thread. */
#ifndef REQUEST_CONTEXT_H
#define REQUEST_CONTEXT_H

#include <pthread.h>

#include "auth/settings.h"
#include "base/macros.h"
#include "base/ticker.h"
#include "http/http.h"
#include "layerpipe/client.h"
#include "request/retry_notices.h"

struct context {
    struct settings settings;       /* never change */
    lpipe_cancel *cancel;           /* NULL when there is none */
    struct lpipe_observer observer; /* called through the functions below only */
    pthread_mutex_t observer_mutex; /* one callback at a time */
    struct ticker ticker;           /* used only if there is an observer of events */
    struct retry_notices retry_notices;
    pthread_mutex_t http_mutex;
    struct {
        struct http *http; /* NULL until the first request */
    } locked;              /* by http_mutex */
};

/* The options must be whole (see base/opts.h). The observer belongs to the context from this
 * call on, also when it fails. context_dispose() in every case. 0 or NO_MEMORY. */
MUST_CHECK int context_init(struct context *context, const struct lpipe_client_options *options,
                            struct lpipe_error *err);
/* Stops the HTTP client first: its thread may call the observer until then. Frees the observer. */
void context_dispose(struct context *context);

/* The HTTP client; the first call makes it. Borrowed. */
MUST_CHECK int context_http(struct context *context, struct http **ret_http,
                            struct lpipe_error *err);

/* Call the observer, one call at a time. */
void context_event(struct context *context, const struct lpipe_event *event);
void context_log(struct context *context, enum lpipe_log_level level, const char *line);
/* While a call runs, the observer gets an event at each PROGRESS_INTERVAL_MS. */
struct context *context_call_begin(struct context *context);
void context_call_end(struct context **context);
#define CONTEXT_CALL(used)                                                                         \
    struct context *call_of_scope CLEANUP(context_call_end) = context_call_begin(used);            \
    (void)call_of_scope
/* Calls entry->tick() at the same times, before that event. */
void context_ticks_begin(struct context *context, struct ticker_entry *entry);
void context_ticks_end(struct context *context, const struct ticker_entry *entry);
/* An event of kind NOTICE: one line for a person. */
void context_notice(struct context *context, const char *format, ...) PRINTF_LIKE(2, 3);

#endif
