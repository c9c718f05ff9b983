/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/client.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/cancel.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/sync.h"
#include "layerpipe/version.h"
#include "registry/session.h"

struct lpipe_client {
    struct client_settings settings;
    lpipe_cancel *cancel;
    struct lpipe_observer observer;
    pthread_mutex_t observer_mutex; /* one callback at a time */
    pthread_mutex_t http_mutex;
    struct {
        struct http *http;
    } locked; /* by http_mutex */
    struct session_list *sessions;
};

static void observer_done(const struct lpipe_observer *observer)
{
    if (observer->free != NULL) {
        observer->free(observer->user);
    }
}

static void settings_free(struct client_settings *settings)
{
    free(settings->authfile);
    free(settings->username);
    secret_done(&settings->password);
    free(settings->cacert);
    free(settings->cert);
    free(settings->key);
    for (size_t i = 0; i < settings->trust_realm_count; i++) {
        free(settings->trust_realms[i]);
    }
    free(settings->trust_realms);
    free(settings->user_agent);
    free(settings->spool_dir);
}

lpipe_client *client_free(lpipe_client *client)
{
    if (client != NULL) {
        /* The transport first: its thread may be in the observer until then. */
        client->locked.http = http_free(client->locked.http);
        client->sessions = session_list_free(client->sessions);
        settings_free(&client->settings);
        lpipe_cancel_unref(client->cancel);
        observer_done(&client->observer);
        pthread_mutex_destroy(&client->observer_mutex);
        pthread_mutex_destroy(&client->http_mutex);
        free(client);
    }
    return NULL;
}

static void cleanup_client(lpipe_client **client)
{
    client_free(*client);
}

/* Copies a text that may be absent. */
static int copy_text(char **ret_copy, const char *text)
{
    if (text == NULL) {
        return 0;
    }
    *ret_copy = mem_strdup(text);
    return *ret_copy == NULL ? LPIPE_NO_MEMORY : 0;
}

static int copy_realms(struct client_settings *settings, const struct lpipe_client_options *options)
{
    settings->trust_realms = mem_new_array(options->trust_realm_count, sizeof(char *));
    int status = settings->trust_realms == NULL ? LPIPE_NO_MEMORY : 0;
    for (size_t i = 0; i < options->trust_realm_count && status == 0; i++) {
        status = copy_text(&settings->trust_realms[i], options->trust_realms[i]);
        settings->trust_realm_count += status == 0;
    }
    return status;
}

static int copy_user_agent(struct client_settings *settings, const char *prefix)
{
    settings->user_agent =
        mem_printf("User-Agent: %s%slayerpipe/" LPIPE_VERSION, prefix == NULL ? "" : prefix,
                   prefix == NULL || *prefix == '\0' ? "" : " ");
    return settings->user_agent == NULL ? LPIPE_NO_MEMORY : 0;
}

static int copy_password(struct client_settings *settings, const char *password)
{
    return password == NULL ? 0 : secret_set(&settings->password, password, strlen(password));
}

static int copy_settings(struct client_settings *settings,
                         const struct lpipe_client_options *options)
{
    settings->flags = options->flags;
    settings->upload = options->upload;
    settings->chunk_bytes = options->chunk_bytes;
    settings->retry_count = options->retry_count == 0  ? RETRY_COUNT_DEFAULT
                            : options->retry_count < 0 ? 0
                                                       : (uint32_t)options->retry_count;
    settings->jobs = MIN_OF(options->jobs, JOBS_MAX);
    settings->rate_bytes_max = options->rate_bytes_max;
    int status = copy_text(&settings->authfile, options->authfile);
    status = status == 0 ? copy_text(&settings->username, options->username) : status;
    status = status == 0 ? copy_password(settings, options->password) : status;
    status = status == 0 ? copy_text(&settings->cacert, options->cacert) : status;
    status = status == 0 ? copy_text(&settings->cert, options->cert) : status;
    status = status == 0 ? copy_text(&settings->key, options->key) : status;
    status = status == 0 ? copy_text(&settings->spool_dir, options->spool_dir) : status;
    status = status == 0 ? copy_user_agent(settings, options->user_agent) : status;
    return status == 0 ? copy_realms(settings, options) : status;
}

int client_new(const struct lpipe_client_options *options, lpipe_client **ret_client,
               struct lpipe_error *err)
{
    lpipe_client *client CLEANUP(cleanup_client) = NEW(lpipe_client);
    if (client == NULL) {
        observer_done(&options->observer);
        return fail_memory(err);
    }
    client->observer = options->observer;
    pthread_mutex_init(&client->observer_mutex, NULL);
    pthread_mutex_init(&client->http_mutex, NULL);
    client->cancel = cancel_ref(options->cancel);
    client->sessions = session_list_new();
    if (client->sessions == NULL || copy_settings(&client->settings, options) != 0) {
        return fail_memory(err);
    }
    *ret_client = TAKE(client);
    return 0;
}

const struct client_settings *client_settings(const lpipe_client *client)
{
    return &client->settings;
}

lpipe_cancel *client_cancel(const lpipe_client *client)
{
    return client->cancel;
}

struct session_list *client_sessions(lpipe_client *client)
{
    return client->sessions;
}

static void log_line(void *user, enum lpipe_log_level level, const char *line)
{
    client_log(user, level, line);
}

int client_http(lpipe_client *client, struct http **ret_http, struct lpipe_error *err)
{
    GUARD(&client->http_mutex);
    if (client->locked.http == NULL) {
        /* Authorities and client certificates go with each request: see tls_files.h. */
        struct http_options options = {
            .tls_no_verify = (client->settings.flags & LPIPE_CLIENT_TLS_NO_VERIFY) != 0,
            .rate_bytes_max = client->settings.rate_bytes_max,
            .log = client->observer.log == NULL ? NULL : log_line,
            .log_user = client,
        };
        int status = http_new(&options, &client->locked.http, err);
        if (status != 0) {
            return status;
        }
    }
    *ret_http = client->locked.http;
    return 0;
}

void client_event(lpipe_client *client, const struct lpipe_event *event)
{
    if (client->observer.event != NULL) {
        GUARD(&client->observer_mutex);
        client->observer.event(client->observer.user, event);
    }
}

void client_log(lpipe_client *client, enum lpipe_log_level level, const char *line)
{
    if (client->observer.log != NULL) {
        GUARD(&client->observer_mutex);
        client->observer.log(client->observer.user, level, line);
    }
}

void client_notice(lpipe_client *client, const char *format, ...)
{
    char text[512];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    struct lpipe_event event = { .struct_size = sizeof event,
                                 .kind = LPIPE_EVENT_NOTICE,
                                 .text = text };
    client_event(client, &event);
}
