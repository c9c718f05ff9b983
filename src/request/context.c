/* SPDX-License-Identifier: Apache-2.0 */
#include "request/context.h"

#include <stdarg.h>
#include <stdio.h>

#include "auth/tls_files.h"
#include "base/cancel.h"
#include "base/fail.h"
#include "base/limits.h"
#include "base/sync.h"
#include "http/http_authorities.h"
#include "http/http_proxy.h"

static void send_tick(void *ctx)
{
    struct lpipe_event event = { .struct_size = sizeof event, .kind = LPIPE_EVENT_TICK };
    context_event(ctx, &event);
}

int context_init(struct context *context, const struct lpipe_client_options *options,
                 struct lpipe_error *err)
{
    *context = (struct context){ .observer = options->observer };
    pthread_mutex_init(&context->observer_mutex, NULL);
    pthread_mutex_init(&context->http_mutex, NULL);
    retry_notices_init(&context->retry_notices);
    ticker_init(&context->ticker, PROGRESS_INTERVAL_MS, send_tick, context);
    context->cancel = cancel_ref(options->cancel);
    return settings_copy(&context->settings, options, err);
}

void context_dispose(struct context *context)
{
    ticker_dispose(&context->ticker);
    context->locked.http = http_free(context->locked.http);
    settings_dispose(&context->settings);
    lpipe_cancel_unref(context->cancel);
    if (context->observer.free != NULL) {
        context->observer.free(context->observer.user);
    }
    pthread_mutex_destroy(&context->observer_mutex);
    pthread_mutex_destroy(&context->http_mutex);
    retry_notices_dispose(&context->retry_notices);
}

static void log_line(void *user, enum lpipe_log_level level, const char *line)
{
    context_log(user, level, line);
}

int context_http(struct context *context, struct http **ret_http, struct lpipe_error *err)
{
    GUARD(&context->http_mutex);
    if (context->locked.http == NULL) {
        AUTO_BUF struct buf ca_pem = BUF_INIT(0);
        struct http_authorities system = { .file = NULL };
        int status = http_authorities_find(&system, err);
        if (status == 0 && proxy_has_tls()) {
            status = tls_files_read_client(&context->settings, &ca_pem, err);
        }
        if (status != 0) {
            return status;
        }
        /* The authorities of a registry are given with each request: see tls_files.h. */
        struct http_options options = {
            .proxy_ca_pem = ca_pem.size > 0 ? ca_pem.data : NULL,
            .ca_directory = system.directory,
            .tls_no_verify = (context->settings.flags & LPIPE_CLIENT_TLS_NO_VERIFY) != 0,
            .rate_bytes_max = context->settings.rate_bytes_max,
            .log = context->observer.log == NULL ? NULL : log_line,
            .log_user = context,
        };
        status = http_new(&options, &context->locked.http, err);
        if (status != 0) {
            return status;
        }
    }
    *ret_http = context->locked.http;
    return 0;
}

void context_event(struct context *context, const struct lpipe_event *event)
{
    if (context->observer.event != NULL) {
        GUARD(&context->observer_mutex);
        context->observer.event(context->observer.user, event);
    }
}

struct context *context_call_begin(struct context *context)
{
    if (context->observer.event != NULL) {
        ticker_hold(&context->ticker);
    }
    return context;
}

void context_call_end(struct context **context)
{
    if ((*context)->observer.event != NULL) {
        ticker_release(&(*context)->ticker);
    }
}

void context_ticks_begin(struct context *context, struct ticker_entry *entry)
{
    if (context->observer.event != NULL) {
        ticker_add(&context->ticker, entry);
    }
}

void context_ticks_end(struct context *context, const struct ticker_entry *entry)
{
    ticker_remove(&context->ticker, entry);
}

void context_log(struct context *context, enum lpipe_log_level level, const char *line)
{
    if (context->observer.log != NULL) {
        GUARD(&context->observer_mutex);
        context->observer.log(context->observer.user, level, line);
    }
}

void context_notice(struct context *context, const char *format, ...)
{
    char text[512];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    struct lpipe_event event = { .struct_size = sizeof event,
                                 .kind = LPIPE_EVENT_NOTICE,
                                 .text = text };
    context_event(context, &event);
}
