/* SPDX-License-Identifier: Apache-2.0 */
/* The client as the rooms below the public face see it: its settings, its transport (made with the
 * first request), its observer and its sessions. Any thread; the settings never change. */
#ifndef REGISTRY_CLIENT_H
#define REGISTRY_CLIENT_H

#include "http/http.h"
#include "layerpipe/client.h"
#include "registry/secret_text.h"

/* The options, copied, defaults filled in. */
struct client_settings {
    uint32_t flags; /* enum lpipe_client_flag */
    char *authfile; /* texts: NULL where not given */
    char *username; /* set = these credentials for every registry, in place of files */
    struct secret password;
    char *cacert;
    char *cert;
    char *key;
    char **trust_realms;
    size_t trust_realm_count;
    char *user_agent; /* whole header line, "User-Agent: layerpipe/0.1.0" */
    enum lpipe_upload_mode upload;
    uint64_t chunk_bytes; /* 0 = adapting */
    char *spool_dir;
    uint32_t retry_count; /* attempts after the first */
    uint32_t jobs;        /* 0 = as suits the work */
    uint64_t rate_bytes_max;
};

/* The options must be whole (see opts.h). The observer is the client's from the call on: it is
 * freed exactly once, also when this fails. */
MUST_CHECK int client_new(const struct lpipe_client_options *options, lpipe_client **ret_client,
                          struct lpipe_error *err);
lpipe_client *client_free(lpipe_client *client);

const struct client_settings *client_settings(const lpipe_client *client);
/* NULL when there is none. Borrowed. */
lpipe_cancel *client_cancel(const lpipe_client *client);
/* The transport; the first call makes it. Borrowed. */
MUST_CHECK int client_http(lpipe_client *client, struct http **ret_http, struct lpipe_error *err);

/* Call the observer, one call at a time. */
void client_event(lpipe_client *client, const struct lpipe_event *event);
void client_log(lpipe_client *client, enum lpipe_log_level level, const char *line);
/* An event of kind NOTICE: one line for a person. */
void client_notice(lpipe_client *client, const char *format, ...) PRINTF_LIKE(2, 3);

/* For session.c alone. */
struct session_list;
struct session_list *client_sessions(lpipe_client *client);

#endif
