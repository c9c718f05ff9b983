/* SPDX-License-Identifier: Apache-2.0 */
#include "auth/settings.h"

#include <string.h>

#include "base/fail.h"
#include "base/limits.h"
#include "base/mem.h"
#include "layerpipe/version.h"

void settings_dispose(struct settings *settings)
{
    free(settings->authfile);
    free(settings->username);
    secret_dispose(&settings->password);
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

/* Copies a text that may be NULL. */
static int copy_text(char **ret_copy, const char *text)
{
    if (text == NULL) {
        return 0;
    }
    *ret_copy = mem_strdup(text);
    return *ret_copy == NULL ? LPIPE_NO_MEMORY : 0;
}

static int copy_realms(struct settings *settings, const struct lpipe_client_options *options)
{
    settings->trust_realms = mem_new_array(options->trust_realm_count, sizeof(char *));
    int status = settings->trust_realms == NULL ? LPIPE_NO_MEMORY : 0;
    for (size_t i = 0; i < options->trust_realm_count && status == 0; i++) {
        status = copy_text(&settings->trust_realms[i], options->trust_realms[i]);
        settings->trust_realm_count += status == 0;
    }
    return status;
}

static int copy_user_agent(struct settings *settings, const char *prefix)
{
    settings->user_agent =
        mem_printf("User-Agent: %s%slayerpipe/" LPIPE_VERSION, prefix == NULL ? "" : prefix,
                   prefix == NULL || *prefix == '\0' ? "" : " ");
    return settings->user_agent == NULL ? LPIPE_NO_MEMORY : 0;
}

static int copy_password(struct settings *settings, const char *password)
{
    return password == NULL ? 0 : secret_set(&settings->password, password, strlen(password));
}

int settings_copy(struct settings *settings, const struct lpipe_client_options *options,
                  struct lpipe_error *err)
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
    status = status == 0 ? copy_realms(settings, options) : status;
    return status == 0 ? 0 : fail_memory(err);
}
