/* SPDX-License-Identifier: Apache-2.0 */
#include "request/registry_host.h"

#include "base/limits.h"
#include "base/mem.h"
#include "request/retry.h"

struct registry_host *registry_host_free(struct registry_host *host)
{
    if (host != NULL) {
        free(host->registry);
        free(host->identity);
        free(host->pool_key);
        tls_files_dispose(&host->tls);
        challenge_dispose(&host->locked.challenge);
        credential_list_dispose(&host->locked.credentials);
        token_cache_dispose(&host->locked.tokens);
        free(host->locked.known_scope);
        pthread_mutex_destroy(&host->mutex);
        free(host);
    }
    return NULL;
}

char *credential_list_identity(const struct credential_list *credentials)
{
    AUTO_BUF struct buf text = BUF_INIT(64 * KIB);
    int status = buf_append(&text, NULL, 0);
    for (size_t i = 0; i < credentials->count && status == 0; i++) {
        status = buf_printf(&text, "%s\n", credentials->items[i].source);
    }
    return status == 0 ? buf_take(&text) : NULL;
}

int registry_host_new(struct context *context, const char *registry, bool https,
                      struct credential_list *credentials, struct registry_host **ret_host,
                      struct lpipe_error *err)
{
    struct registry_host *host CLEANUP(cleanup_registry_host) = NEW(struct registry_host);
    if (host == NULL) {
        return fail_memory(err);
    }
    pthread_mutex_init(&host->mutex, NULL);
    tls_files_init(&host->tls);
    host->context = context;
    host->registry = mem_strdup(registry);
    host->identity = credential_list_identity(credentials);
    host->pool_key = mem_printf("%s %s", registry, host->identity);
    if (host->registry == NULL || host->identity == NULL || host->pool_key == NULL) {
        return fail_memory(err);
    }
    int status = origin_parse_host(registry, false, &host->origins[false], err);
    status = status == 0 ? origin_parse_host(registry, true, &host->origins[true], err) : status;
    status = status == 0 ? context_http(context, &host->http, err) : status;
    /* Also for http, because its token server may use https. */
    status = status == 0 ? tls_files_read(&context->settings, registry, &host->tls, err) : status;
    if (status != 0) {
        return status;
    }
    origin_format(&host->origins[false], host->origin_texts[false], ORIGIN_TEXT_BYTES);
    origin_format(&host->origins[true], host->origin_texts[true], ORIGIN_TEXT_BYTES);
    host->is_https = https;
    host->scheme_is_guessed = !https && (context->settings.flags & LPIPE_CLIENT_PLAIN_HTTP) == 0;
    host->has_credentials = credentials->count > 0;
    host->locked.credentials = *credentials;
    host->locked.fixed_serial = 1;
    *credentials = (struct credential_list){ .count = 0 };
    if (host->locked.credentials.skipped != NULL) {
        context_notice(context, "%s; going on without it", host->locked.credentials.skipped);
    }
    *ret_host = TAKE(host);
    return 0;
}

const char *host_base_url(const struct registry_host *host)
{
    return host->origin_texts[atomic_load(&host->is_https)];
}

const struct origin *host_origin(const struct registry_host *host)
{
    return &host->origins[atomic_load(&host->is_https)];
}

int host_failure_meanwhile_locked(const struct registry_host *host, uint_fast64_t count_before,
                                  struct lpipe_error *err)
{
    if (atomic_load(&host->failure_count) == count_before) {
        return 0;
    }
    if (err != NULL) {
        *err = host->locked.failure;
    }
    return host->locked.failure.status;
}

void host_failure_keep_locked(struct registry_host *host, const struct lpipe_error *failure)
{
    if (retry_worth_failure(failure->status) || failure->status == LPIPE_SERVER ||
        failure->status == LPIPE_RATE_LIMITED) {
        host->locked.failure = *failure;
        atomic_fetch_add(&host->failure_count, 1);
    }
}

struct exchange host_exchange(struct registry_host *host, enum origin_sink sink, bool is_local)
{
    const struct settings *settings = &host->context->settings;
    return (struct exchange){
        .context = host->context,
        .http = host->http,
        .rules = { .registry = host_origin(host),
                   .registry_is_local = is_local,
                   .trust_realms = (const char *const *)settings->trust_realms,
                   .trust_realm_count = settings->trust_realm_count },
        .sink = sink,
        .tls = &host->tls,
        .pool_key = host->pool_key,
        .restored = &host->restored,
    };
}
