/* SPDX-License-Identifier: Apache-2.0 */
#include "request/token_fetch.h"

#include <stdio.h>
#include <string.h>

#include "auth/scope.h"
#include "base/clean_words.h"
#include "base/limits.h"
#include "base/text.h"
#include "oci/json_read.h"
#include "request/answer_text.h"
#include "request/registry_error.h"

/* Appends a text percent-encoded. */
static int append_encoded(struct buf *buf, const char *text)
{
    static const char plain[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~:/,";
    int status = 0;
    for (; *text != '\0' && status == 0; text++) {
        status = strchr(plain, *text) != NULL
                     ? buf_append(buf, text, 1)
                     : buf_printf(buf, "%%%02X", (unsigned)(unsigned char)*text);
    }
    return status;
}

static int append_parameter(struct buf *buf, const char *separator, const char *name,
                            const char *value)
{
    int status = buf_printf(buf, "%s%s=", separator, name);
    return status == 0 ? append_encoded(buf, value) : status;
}

/* realm?service=...&scope=...&scope=...; a query of the realm is kept. */
static int append_get_url(struct buf *buf, const struct challenge *challenge, const char *scope)
{
    const char *separator = strchr(challenge->realm, '?') == NULL ? "?" : "&";
    const char *item = NULL;
    size_t size = 0;
    int status = buf_append_text(buf, challenge->realm);
    if (challenge->service != NULL && status == 0) {
        status = append_parameter(buf, separator, "service", challenge->service);
        separator = "&";
    }
    for (size = scope_next(&scope, &item); size > 0 && status == 0;
         size = scope_next(&scope, &item)) {
        AUTO_BUF struct buf one = BUF_INIT(SCOPE_BYTES_MAX);
        status = buf_append(&one, item, size);
        status = status == 0 ? append_parameter(buf, separator, "scope", one.data) : status;
        separator = "&";
    }
    return status;
}

static int append_form(struct buf *buf, const struct token_request *request)
{
    int status = append_parameter(buf, "", "grant_type", "refresh_token");
    status = status == 0 ? append_parameter(buf, "&", "client_id", "layerpipe") : status;
    if (request->challenge->service != NULL && status == 0) {
        status = append_parameter(buf, "&", "service", request->challenge->service);
    }
    if (*request->scope != '\0' && status == 0) {
        status = append_parameter(buf, "&", "scope", request->scope);
    }
    status = status == 0 ? buf_append_text(buf, "&refresh_token=") : status;
    return status == 0 ? secret_append_form(&request->credential->identity, buf) : status;
}

/* expires_in; anything but a positive integer counts as absent. */
static uint64_t read_life(const struct json_node *root)
{
    uint64_t seconds = 0;
    if (json_get_size(root, "expires_in", &seconds, NULL) != 1 || seconds == 0) {
        return TOKEN_LIFE_DEFAULT_MS;
    }
    return MIN_OF(seconds, TOKEN_LIFE_MAX_MS / 1000) * 1000;
}

/* 1 when there is a text and it is not empty. */
static int read_value(const struct json_node *root, const char *key, const char **ret_value,
                      struct lpipe_error *err)
{
    int found = json_get_text(root, key, ret_value, err);
    return found == 1 && **ret_value == '\0' ? 0 : found;
}

int token_parse(const char *text, size_t size, struct token *ret_token, struct lpipe_error *err)
{
    struct json_doc doc CLEANUP(json_doc_wipe) = JSON_DOC_INIT;
    const char *value = NULL;
    if (answer_text_is_html(text, size)) {
        return fail(err, LPIPE_PROTOCOL,
                    "answered with HTML, a page for people, instead of a token in JSON");
    }
    size_t mark = answer_text_mark(text, size);
    text = text == NULL ? NULL : text + mark;
    size -= mark;
    int status = json_doc_parse_secret(text, size, TOKEN_BODY_BYTES_MAX, "its answer",
                                       LPIPE_PROTOCOL, &doc, err);
    if (status != 0) {
        return status;
    }
    struct json_node root = json_node_root(&doc);
    int found = read_value(&root, "access_token", &value, err);
    found = found == 0 ? read_value(&root, "token", &value, err) : found;
    if (found < 0) {
        return found;
    }
    if (found == 0) {
        return fail(err, LPIPE_PROTOCOL, "its answer has no token");
    }
    struct token token = { .value = SECRET_INIT, .life_ms = read_life(&root) };
    if (secret_set(&token.value, value, strlen(value)) != 0) {
        return fail_memory(err);
    }
    if (!secret_is_clean(&token.value)) {
        token_dispose(&token);
        return fail(err, LPIPE_PROTOCOL, "its token has control characters");
    }
    *ret_token = token;
    return 0;
}

/* The realm for a message: no user, no query. */
static const char *realm_of(const struct token_request *request, char *buf, size_t buf_size)
{
    const char *realm = request->challenge->realm;
    clean_words(realm, strcspn(realm, "?#"), false, buf, buf_size);
    return buf;
}

/* Credentials are sent to a realm only if the origin policy trusts it. */
static int check_realm(const struct token_request *request, struct lpipe_error *err)
{
    struct origin realm;
    struct origin_verdict verdict;
    char text[ORIGIN_TEXT_BYTES];
    char what[200];
    char shown[160];
    (void)snprintf(what, sizeof what, "%s names the token server \"%s\"", request->registry,
                   realm_of(request, shown, sizeof shown));
    int status = origin_parse(request->challenge->realm, what, &realm, NULL, err);
    if (status == 0 && strchr(request->challenge->realm, '#') != NULL) {
        status = fail(err, LPIPE_PROTOCOL, "%s: has a fragment", what);
    }
    status = status == 0
                 ? origin_decide(&request->exchange->rules, ORIGIN_REALM, &realm, &verdict, err)
                 : status;
    if (status != 0 || request->credential == NULL || verdict.trust == ORIGIN_TRUSTED) {
        return status;
    }
    origin_format(&realm, text, sizeof text);
    return fail_with_advice(
        err, LPIPE_AUTH_REQUIRED,
        "%s asks for its credentials to be sent to %s, another host; if that is its token "
        "server, allow it with `trust_realms` %s",
        request->registry, text, strstr(text, "://") + 3);
}

/* The status for a refusal. An OAuth2 server answers 400 to a refresh token that it does not
 * accept. */
static int status_of(const struct token_request *request, int http_status)
{
    bool identity = request->credential != NULL && secret_is_set(&request->credential->identity);
    if (http_status == 401 || (http_status == 400 && identity)) {
        return LPIPE_AUTH_REQUIRED;
    }
    return answer_failure(http_status, LPIPE_PROTOCOL);
}

static int fail_answer(const struct token_request *request, const struct http_response *response,
                       struct lpipe_error *err)
{
    char realm[160];
    char who[256];
    char said[ANSWER_TEXT_BYTES_MAX + 2];
    int http_status = response->status;
    int status = status_of(request, http_status);
    realm_of(request, realm, sizeof realm);
    answer_text_end(response, request->credential, said);
    if (status != LPIPE_AUTH_REQUIRED && status != LPIPE_DENIED) {
        fail(err, status, "the token server %s answered %d%s", realm, http_status, said);
    } else if (request->credential == NULL) {
        fail_with_advice(
            err, status,
            "%s refused access without credentials; try `lpipe_login` %s (%d from %s%s)",
            request->registry, request->registry, http_status, realm, said);
    } else {
        fail(err, status, "%s refused %s (%d from %s)%s", request->registry,
             credential_describe(request->credential, who, sizeof who), http_status, realm, said);
    }
    if (err != NULL) {
        err->http_status = http_status;
        err->flags |= answer_failure_flag(http_status);
    }
    return status;
}

/* Sends and reads the answer. 1 = the server does not support the method (404, 405). */
static int exchange_token(const struct token_request *request, const struct exchange *exchange,
                          const struct http_request *http, const char *url, bool may_lack,
                          struct token *ret_token, bool *ret_refused, struct lpipe_error *err)
{
    struct http_response response CLEANUP(http_response_dispose) = HTTP_RESPONSE_INIT;
    bool trusted = false;
    int status = exchange_send(exchange, http, url, &response, &trusted, err);
    if (status != 0) {
        char realm[160];
        fail_context(err, status, "token server %s", realm_of(request, realm, sizeof realm));
        return status;
    }
    if (response.status == 200) {
        char realm[160];
        status = token_parse(response.body.data, response.body.size, ret_token, err);
        if (status != 0) {
            fail_context(err, status, "token server %s", realm_of(request, realm, sizeof realm));
        }
        if (response.body.data != NULL) {
            explicit_bzero(response.body.data, response.body.size);
        }
        return status;
    }
    if (may_lack && (response.status == 404 || response.status == 405)) {
        return 1;
    }
    *ret_refused =
        request->credential != NULL && status_of(request, response.status) == LPIPE_AUTH_REQUIRED;
    return fail_answer(request, &response, err);
}

static int fetch_by_post(const struct token_request *request, struct token *ret_token,
                         bool *ret_refused, struct lpipe_error *err)
{
    static const char *const headers[] = { "Accept: application/json",
                                           "Content-Type: application/x-www-form-urlencoded" };
    struct buf form CLEANUP(buf_wipe) = BUF_INIT(4 * PASSWORD_BYTES_MAX);
    if (append_form(&form, request) != 0) {
        return fail_memory(err);
    }
    struct http_request http = {
        .method = "POST",
        .headers = headers,
        .header_count = ARRAY_LEN(headers),
        .body = { .data = form.data, .size = form.size },
        .body_wanted = true,
        .response_bytes_max = TOKEN_BODY_BYTES_MAX,
    };
    /* The secret is in the body. check_realm() has allowed this URL only, so redirects are not
     * followed. */
    struct exchange exchange = *request->exchange;
    exchange.secret = NULL;
    exchange.follow = false;
    exchange.retry = true;
    return exchange_token(request, &exchange, &http, request->challenge->realm, true, ret_token,
                          ret_refused, err);
}

static int fetch_by_get(const struct token_request *request, struct token *ret_token,
                        bool *ret_refused, struct lpipe_error *err)
{
    static const char *const headers[] = { "Accept: application/json" };
    AUTO_BUF struct buf url = BUF_INIT(2 * LOCATION_BYTES_MAX);
    struct buf secret CLEANUP(buf_wipe) = BUF_INIT(4 * PASSWORD_BYTES_MAX);
    const struct credential *credential = request->credential;
    int status = append_get_url(&url, request->challenge, request->scope);
    if (status == 0 && credential != NULL) {
        status = secret_append_basic(credential->username, &credential->password, &secret);
    }
    if (status != 0) {
        return fail_memory(err);
    }
    struct http_request http = {
        .method = "GET",
        .headers = headers,
        .header_count = ARRAY_LEN(headers),
        .response_bytes_max = TOKEN_BODY_BYTES_MAX,
    };
    struct exchange exchange = *request->exchange;
    exchange.secret = credential == NULL ? NULL : secret.data;
    exchange.follow = true;
    exchange.retry = true;
    return exchange_token(request, &exchange, &http, url.data, false, ret_token, ret_refused, err);
}

int token_fetch(const struct token_request *request, struct token *ret_token, bool *ret_refused,
                struct lpipe_error *err)
{
    const struct credential *credential = request->credential;
    bool refused = false;
    int status = check_realm(request, err);
    if (status == 0 && credential != NULL && secret_is_set(&credential->identity)) {
        status = fetch_by_post(request, ret_token, &refused, err);
        if (status == 1 && !secret_is_set(&credential->password)) {
            status = fail(
                err, LPIPE_AUTH_REQUIRED,
                "the token server of %s does not accept an identity token, and %s has no password",
                request->registry, credential->source);
        }
        if (status == 1) {
            status = fetch_by_get(request, ret_token, &refused, err);
        }
    } else if (status == 0) {
        status = fetch_by_get(request, ret_token, &refused, err);
    }
    if (ret_refused != NULL) {
        *ret_refused = refused;
    }
    return status;
}
