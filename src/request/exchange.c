/* SPDX-License-Identifier: Apache-2.0 */
#include "request/exchange.h"

#include <stdio.h>
#include <string.h>

#include "base/address.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"
#include "request/retry.h"

void hop_dispose(struct hop *hop)
{
    free(hop->headers);
    hop->headers = NULL;
}

/* The request's headers and User-Agent. */
static int copy_headers(struct hop *hop, const struct exchange *exchange,
                        const struct http_request *request)
{
    hop->headers = mem_new_array(request->header_count + 1, sizeof *hop->headers);
    if (hop->headers == NULL) {
        return LPIPE_NO_MEMORY;
    }
    for (size_t i = 0; i < request->header_count; i++) {
        hop->headers[i] = request->headers[i];
    }
    hop->headers[request->header_count] = exchange->context->settings.user_agent;
    hop->http.headers = hop->headers;
    hop->http.header_count = request->header_count + 1;
    return 0;
}

int hop_init(struct hop *hop, const struct exchange *exchange, const struct http_request *request,
             const char *url, struct lpipe_error *err)
{
    struct origin target;
    struct origin_verdict verdict;
    const char *what = exchange->sink == ORIGIN_REALM ? "token server" : "address";
    int status = origin_parse(url, what, &target, NULL, err);
    status = status == 0 ? origin_decide(&exchange->rules, exchange->sink, &target, &verdict, err)
                         : status;
    if (status != 0) {
        return status;
    }
    hop->http = *request;
    hop->http.url = url;
    hop->http.cancel = exchange->context->cancel;
    if (exchange->send_after_cancel) {
        hop->http.cancel = NULL;
        hop->http.connect_timeout_ms = CLOSE_TIMEOUT_MS;
        hop->http.stall_timeout_ms = CLOSE_TIMEOUT_MS;
        hop->http.answer_timeout_ms = CLOSE_TIMEOUT_MS;
    }
    hop->http.addresses = verdict.addresses;
    hop->trusted = verdict.trust == ORIGIN_TRUSTED;
    hop->http.secret = hop->trusted ? exchange->secret : NULL;
    hop->http.pool_key = hop->trusted ? exchange->pool_key : NULL;
    hop->http.cert = hop->trusted ? exchange->tls->cert : NULL;
    hop->http.key = hop->trusted ? exchange->tls->key : NULL;
    if (target.https) {
        status = tls_files_authorities(exchange->tls, &hop->http.ca_pem, err);
    }
    if (status != 0) {
        return status;
    }
    return copy_headers(hop, exchange, request) == 0 ? 0 : fail_memory(err);
}

/* The same path and query at the registry's own origin. */
static int restore_https(const struct exchange *exchange, const char *rest, char **url,
                         struct lpipe_error *err)
{
    char text[ORIGIN_TEXT_BYTES];
    origin_format(exchange->rules.registry, text, sizeof text);
    char *restored = mem_printf("%s%s", text, rest);
    if (restored == NULL) {
        return fail_memory(err);
    }
    free(*url);
    *url = restored;
    if (exchange->restored != NULL && !atomic_exchange(exchange->restored, true)) {
        context_notice(
            exchange->context,
            "%s names its own URLs with http; https is used for them (the proxy in front "
            "of it probably does not set X-Forwarded-Proto)",
            text);
    }
    return 0;
}

/* Resolves a Location and restores what it lost. */
static int resolve(const struct exchange *exchange, const char *base, const char *location,
                   char **url, struct origin *ret_origin, struct lpipe_error *err)
{
    const char *rest = NULL;
    int status = origin_resolve(base, location, "Location", url, err);
    status = status == 0 ? origin_parse(*url, "Location", ret_origin, &rest, err) : status;
    if (status == 0 && exchange->sink == ORIGIN_LOCATION &&
        origin_loss_of(exchange->rules.registry, ret_origin) == ORIGIN_LOST_HTTPS) {
        status = restore_https(exchange, rest, url, err);
        *ret_origin = *exchange->rules.registry;
    }
    return status;
}

int exchange_location(const struct exchange *exchange, const char *base,
                      const struct http_response *response, char **ret_url, struct lpipe_error *err)
{
    AUTO_FREE char *location = mem_new(LOCATION_BYTES_MAX + 1);
    AUTO_FREE char *url = NULL;
    struct origin from;
    struct origin to;
    struct origin_verdict verdict;
    if (location == NULL) {
        return fail_memory(err);
    }
    if (http_response_header(response, "location", 0, location, LOCATION_BYTES_MAX + 1) <= 0) {
        return fail(err, LPIPE_PROTOCOL, "the answer %d has no usable Location", response->status);
    }
    int status = resolve(exchange, base, location, &url, &to, err);
    status = status == 0 ? origin_parse(base, "Location", &from, NULL, err) : status;
    if (status != 0) {
        return status;
    }
    if (from.https && !to.https && !exchange->rules.registry->https) {
        return fail(err, LPIPE_REFUSED, "Location leads from https to http");
    }
    status = origin_decide(&exchange->rules, exchange->sink, &to, &verdict, err);
    if (status == 0) {
        *ret_url = TAKE(url);
    }
    return status;
}

void exchange_explain(const struct origin *registry, const char *url, struct lpipe_error *err)
{
    struct origin target;
    if (err == NULL || origin_parse(url, "", &target, NULL, NULL) != 0 ||
        origin_loss_of(registry, &target) != ORIGIN_LOST_PORT) {
        return;
    }
    size_t size = strlen(err->message);
    (void)snprintf(err->message + size, sizeof err->message - size,
                   "; the registry named this URL on its own host, but without its port %u: the "
                   "proxy in front of it probably drops the port of the Host header",
                   (unsigned)registry->port);
    err->flags |= LPIPE_ERROR_ADVICE;
}

/* Any method may be redirected with 307 and 308, which keep method and body; the others turn some
 * methods into GET, so only GET and HEAD follow them. */
static bool is_redirect(const struct exchange *exchange, const struct http_request *request,
                        int status)
{
    bool reads = strcmp(request->method, "GET") == 0 || strcmp(request->method, "HEAD") == 0;
    bool keeps_body = status == 307 || status == 308;
    return exchange->follow &&
           (reads ? keeps_body || status == 301 || status == 302 || status == 303
                  : keeps_body && request->body.pull == NULL);
}

void hop_drop_secrets(struct hop *hop)
{
    hop->trusted = false;
    hop->http.secret = NULL;
    hop->http.pool_key = NULL;
    hop->http.cert = NULL;
    hop->http.key = NULL;
}

/* Sends one hop. After a cross-origin server has chosen the URL (untrusted_url), no later hop gets
 * credentials, not even a hop to the registry itself. */
static int send_hop(const struct exchange *exchange, const struct http_request *request,
                    const char *url, bool untrusted_url, struct http_response *ret_response,
                    bool *ret_trusted, struct lpipe_error *err)
{
    struct hop hop CLEANUP(hop_dispose) = { .headers = NULL };
    int status = hop_init(&hop, exchange, request, url, err);
    if (status == 0 && untrusted_url) {
        hop_drop_secrets(&hop);
    }
    status = status == 0 ? http_send(exchange->http, &hop.http, ret_response, err) : status;
    if (status == 0) {
        *ret_trusted = hop.trusted;
    }
    return status;
}

/* Whether the hop is to be retried, because that may have another outcome. */
static bool may_retry(const struct exchange *exchange, const struct http_request *request,
                      int status, const struct http_response *response)
{
    if (request->body.pull != NULL) {
        return false;
    }
    if (status == 0) {
        return exchange->retry && retry_worth_status(response->status);
    }
    return (exchange->retry || exchange->first_contact) && !exchange->fail_at_once &&
           !request->stream && retry_worth_failure(status);
}

/* "host[:port]" of an absolute URL, in buf. */
static const char *host_of(const char *url, char *buf, size_t buf_size)
{
    struct origin origin;
    if (origin_parse(url, "URL", &origin, NULL, NULL) != 0) {
        return "the server";
    }
    const char *host = strstr(origin_format(&origin, buf, buf_size), "://");
    return host == NULL ? buf : host + strlen("://");
}

/* Sends one hop, with retries. */
static int send_hop_retrying(const struct exchange *exchange, const struct http_request *request,
                             const char *url, bool untrusted_url,
                             struct http_response *ret_response, bool *ret_trusted,
                             struct lpipe_error *err)
{
    struct retry retry;
    struct lpipe_error why = { 0 };
    char host[ORIGIN_TEXT_BYTES];
    retry_init(&retry, exchange->context, host_of(url, host, sizeof host));
    retry.failures = exchange->failures;
    for (;;) {
        int status =
            send_hop(exchange, request, url, untrusted_url, ret_response, ret_trusted, &why);
        if (exchange->first_contact && status != 0 && why.sys_errno != 0) {
            retry.count_max = MIN_OF(retry.count_max, (uint32_t)FIRST_CONTACT_RETRIES);
        }
        if (may_retry(exchange, request, status, ret_response)) {
            int waited = retry_wait(&retry, status == 0 ? ret_response : NULL, &why);
            if (waited == 0) {
                http_response_dispose(ret_response);
                *ret_response = (struct http_response)HTTP_RESPONSE_INIT;
                continue;
            }
            status = waited == LPIPE_SERVER ? status : waited;
        }
        if (status == 0 && !retry_worth_status(ret_response->status)) {
            retry_progress(&retry);
        } else if (status != 0 && err != NULL) {
            *err = why;
            retry_note_attempts(&retry, err);
        }
        return status;
    }
}

/* The registry itself has answered from a loopback or private address. */
static bool is_local(const struct http_response *response, bool trusted)
{
    enum address_class peer = address_class_of_host(response->address);
    return trusted && (peer == ADDRESS_LOOPBACK || peer == ADDRESS_PRIVATE);
}

int exchange_send(const struct exchange *given, const struct http_request *request, const char *url,
                  struct http_response *ret_response, bool *ret_trusted, struct lpipe_error *err)
{
    AUTO_FREE char *here = mem_strdup(url);
    struct exchange own = *given; /* the first hop may show where the registry is */
    struct exchange *exchange = &own;
    bool untrusted_url = exchange->untrusted_url;
    if (here == NULL) {
        return fail_memory(err);
    }
    for (int hops = 0; hops <= REDIRECTS_MAX; hops++) {
        AUTO_FREE char *next = NULL;
        int status = send_hop_retrying(exchange, request, here, untrusted_url, ret_response,
                                       ret_trusted, err);
        if (status != 0 || !is_redirect(exchange, request, ret_response->status)) {
            ret_response->url = request->url;
            ret_response->is_trusted = status == 0 && *ret_trusted;
            if (status != 0) {
                exchange_explain(exchange->rules.registry, here, err);
            } else if (exchange->ret_url != NULL) {
                free(*exchange->ret_url);
                *exchange->ret_url = TAKE(here);
            }
            return status;
        }
        own.rules.registry_is_local =
            own.rules.registry_is_local || is_local(ret_response, *ret_trusted);
        status = exchange_location(exchange, here, ret_response, &next, err);
        http_response_dispose(ret_response);
        *ret_response = (struct http_response)HTTP_RESPONSE_INIT;
        if (status != 0) {
            return status;
        }
        untrusted_url = untrusted_url || !*ret_trusted;
        free(here);
        here = TAKE(next);
    }
    return fail(err, LPIPE_PROTOCOL, "more than %d redirects", REDIRECTS_MAX);
}
