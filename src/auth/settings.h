/* SPDX-License-Identifier: Apache-2.0 */
/* What the user of a client has set: the options, copied, with the defaults filled in. They never
 * change after the client is made. Any thread. */
#ifndef AUTH_SETTINGS_H
#define AUTH_SETTINGS_H

#include "base/secret.h"
#include "layerpipe/client.h"

struct settings {
    uint32_t flags; /* enum lpipe_client_flag */
    char *authfile; /* texts: NULL where not given */
    char *username; /* set = use these credentials for every registry, instead of files */
    struct secret password;
    char *cacert;
    char *cert;
    char *key;
    char **trust_realms;
    size_t trust_realm_count;
    char *user_agent; /* whole header line, "User-Agent: layerpipe/0.1.0" */
    enum lpipe_upload_mode upload;
    uint64_t chunk_bytes; /* 0 = chosen and adapted by the upload */
    char *spool_dir;
    uint32_t retry_count; /* attempts after the first */
    uint32_t jobs;        /* 0 = the default */
    uint64_t rate_bytes_max;
};

/* Copies the options. 0 or NO_MEMORY; settings_dispose() in both cases. */
MUST_CHECK int settings_copy(struct settings *settings, const struct lpipe_client_options *options,
                             struct lpipe_error *err);
void settings_dispose(struct settings *settings);

#endif
