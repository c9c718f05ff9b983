/* SPDX-License-Identifier: Apache-2.0 */
/* Sessions over a scripted transport: what is sent where, with which secret, how often. */
#include "support/scripted_http.h"

#include "auth/origin.h"
#include "base/cancel.h"
#include "registry/client.h"
#include "request/host_authorization.h"
#include "request/host_request.h"
#include "support/bad_urls.h"

#define CANARY "CANARY4711"
#define CANARY_BASIC "Q0FOQVJZNDcxM" /* how base64 of "user:CANARY4711" goes on */
#define REGISTRY "registry.example"
#define ORIGIN "https://" REGISTRY
#define REALM ORIGIN "/token"

/* Kinds of long-lived credentials. */
enum kind { ANONYMOUS, PASSWORD, IDENTITY };

/* What a test uses, between begin() and end(). */
static struct {
    lpipe_client *client;
    lpipe_ref *ref;
    struct registry_host *host;
    char directory[64];
} fixture;
static struct lpipe_error err; /* of the last call */

/* How the servers answer. A test changes it before begin() or later; end() resets it. */
static struct {
    char challenge[1200];   /* of the first 401 */
    const char *later;      /* headers of later 401s; NULL = the same */
    const char *location;   /* of redirects, escaped nowhere */
    int redirect;           /* their status; 0 = 307 */
    unsigned tokens;        /* handed out */
    unsigned refuse;        /* that many requests with a token get a 401 */
    const char *token_body; /* NULL = a fresh token */
    const char *refusal;    /* body of a 401 to a request with a secret */
    int token_status;
    int post_status; /* of POST to the token server; 0 = as GET */
    int v2_status;   /* of every URL of the registry; 0 = by the request */
    const char *v2_body;
} world;

static int world_reset(void **state)
{
    (void)state;
    memset(&world, 0, sizeof world);
    snprintf(world.challenge, sizeof world.challenge,
             "www-authenticate: Bearer realm=\"" REALM "\",service=\"reg\"\n");
    return 0;
}

static bool starts(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

static void answer_token(const struct scripted_request *request, struct scripted_answer *answer)
{
    static char body[80];
    int status = strcmp(request->method, "POST") == 0 ? world.post_status : 0;
    answer->status = status != 0 ? status : world.token_status != 0 ? world.token_status : 200;
    snprintf(body, sizeof body, "{\"token\":\"T%u\",\"expires_in\":300}", world.tokens + 1);
    answer->body = world.token_body != NULL ? world.token_body : body;
    world.tokens += answer->status == 200;
}

/* A registry with its own token server. A path that ends in "/away" redirects. */
static void answer_registry(const struct scripted_request *request, struct scripted_answer *answer)
{
    static char headers[1200];
    if (strstr(request->url, "/away") != NULL) {
        answer->status = world.redirect != 0 ? world.redirect : 307;
        snprintf(headers, sizeof headers, "location: %s\n", world.location);
        answer->headers = headers;
    } else if (starts(request->url, REALM)) {
        answer_token(request, answer);
    } else if (!starts(request->url, ORIGIN "/v2/")) {
        answer->status = 200;
        answer->body = "{\"token\":\"TX\"}";
    } else if (world.v2_status != 0) {
        answer->status = world.v2_status;
        answer->body = world.v2_body;
    } else if (request->secret == NULL) {
        answer->status = 401;
        answer->headers = world.challenge;
    } else if (strstr(request->url, "/teapot") != NULL) {
        answer->status = 418;
        answer->body = "token T1 of CANARY4711";
    } else if (world.refuse > 0) {
        world.refuse--;
        answer->status = 401;
        answer->headers = world.later == NULL ? world.challenge : world.later;
        answer->body = world.refusal;
    } else {
        answer->status = 200;
        answer->body = "{}";
    }
}

static void write_authfile(const char *text)
{
    char path[100];
    snprintf(path, sizeof path, "%s/auth.json", fixture.directory);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    (void)fputs(text, file);
    assert_int_equal(fclose(file), 0);
}

static void begin_with(const char *authfile, const char *const *realms, size_t realm_count)
{
    char path[100];
    struct lpipe_client_options options = LPIPE_CLIENT_OPTIONS_INIT;
    err = (struct lpipe_error){ 0 };
    strcpy(fixture.directory, "/tmp/layerpipe-test-XXXXXX");
    assert_non_null(mkdtemp(fixture.directory));
    setenv("HOME", fixture.directory, 1);
    setenv("XDG_CONFIG_HOME", fixture.directory, 1);
    write_authfile(authfile);
    snprintf(path, sizeof path, "%s/auth.json", fixture.directory);
    options.authfile = path;
    options.trust_realms = realms;
    options.trust_realm_count = realm_count;
    scripted_begin(answer_registry);
    assert_int_equal(client_new(&options, &fixture.client, &err), 0);
    assert_int_equal(lpipe_ref_parse(REGISTRY "/a/b", 0, &fixture.ref, &err), 0);
    assert_int_equal(host_list_get(&fixture.client->hosts, &fixture.client->context, fixture.ref,
                                   &fixture.host, &err),
                     0);
}

static void begin(enum kind kind)
{
    static const char *const files[] = {
        [ANONYMOUS] = "",
        /* user:CANARY4711 */
        [PASSWORD] = "{\"auths\":{\"" REGISTRY "\":{\"auth\":\"dXNlcjpDQU5BUlk0NzEx\"}}}",
        [IDENTITY] = "{\"auths\":{\"" REGISTRY "\":{\"identitytoken\":\"" CANARY "\"}}}",
    };
    begin_with(files[kind], NULL, 0);
}

static void end(void)
{
    char path[100];
    lpipe_ref_free(fixture.ref);
    client_free(fixture.client);
    scripted_end();
    snprintf(path, sizeof path, "%s/auth.json", fixture.directory);
    (void)unlink(path);
    (void)rmdir(fixture.directory);
    (void)world_reset(NULL);
}

/* One request on repository a/b; its status, or the failure. */
static int ask(const char *method, const char *url, const char *actions)
{
    struct http_response response CLEANUP(http_response_dispose) = HTTP_RESPONSE_INIT;
    struct host_request request = {
        .http = { .method = method, .url = url, .response_bytes_max = 1000 },
        .repository = "a/b",
        .actions = actions,
        .follow = strcmp(method, "GET") == 0 || strcmp(method, "PUT") == 0
    };
    int status = host_send(fixture.host, &request, &response, &err);
    return status != 0 ? status : response.status;
}

static int get(void)
{
    return ask("GET", "/v2/a/b/manifests/x", NULL);
}

static unsigned count_requests(const char *prefix)
{
    unsigned count = 0;
    for (size_t i = 0; i < scripted.count; i++) {
        count += starts(scripted.requests[i].url, prefix);
    }
    return count;
}

static bool has_secret(const struct scripted_request *request)
{
    return request->secret != NULL || request->cert != NULL ||
           strstr(request->url, CANARY) != NULL || strstr(request->headers, CANARY) != NULL ||
           (request->body != NULL && strstr(request->body, CANARY) != NULL);
}

/* No secret went anywhere but to the registry, and to a URL whose fate allows that. */
static void check_leaks(const char *what, const char *url, enum url_fate fate)
{
    struct origin registry;
    struct origin target;
    assert_int_equal(origin_parse(ORIGIN, "test", &registry, NULL, NULL), 0);
    bool readable = origin_parse(url, "test", &target, NULL, NULL) == 0;
    for (size_t i = 0; i < scripted.count; i++) {
        const struct scripted_request *request = &scripted.requests[i];
        struct origin origin;
        assert_int_equal(origin_parse(request->url, "test", &origin, NULL, NULL), 0);
        if (origin_same(&origin, &registry)) {
            continue;
        }
        if (!readable || !origin_same(&origin, &target) || fate == URL_REFUSED ||
            fate == URL_RESTORED) {
            fail_msg("%s %s: a request to %s", what, url, request->url);
        }
        if (fate != URL_TRUSTED && has_secret(request)) {
            fail_msg("%s %s: a secret in a request to %s", what, url, request->url);
        }
        if (fate != URL_TRUSTED && request->addresses != HTTP_ADDRESS_PUBLIC) {
            fail_msg("%s %s: any address would do", what, url);
        }
    }
}

/* Puts a URL into a quoted string. */
static void set_realm(const char *url)
{
    char *at =
        world.challenge + snprintf(world.challenge, 100, "www-authenticate: Bearer realm=\"");
    for (; *url != '\0'; url++) {
        if (*url == '"' || *url == '\\') {
            *at++ = '\\';
        }
        *at++ = *url;
    }
    strcpy(at, "\",service=\"reg\"\n");
}

static void try_realm(enum kind kind, const struct bad_url *row)
{
    set_realm(row->url);
    begin(kind);
    int status = get();
    bool may = row->realm == URL_TRUSTED || (row->realm == URL_ANONYMOUS && kind == ANONYMOUS);
    if (may != (status == 200)) {
        fail_msg("realm %s: %d (%s)", row->url, status, err.message);
    }
    /* Long-lived credentials are not replaced by an anonymous request: the user gets an error. */
    check_leaks("realm", row->url, may ? row->realm : URL_REFUSED);
    if (!may && lpipe_status_exit_code(status) != 4 && lpipe_status_exit_code(status) != 7) {
        fail_msg("realm %s: exit %d", row->url, lpipe_status_exit_code(status));
    }
    end();
}

static void test_secrets_for_realms(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(BAD_URLS); i++) {
        try_realm(ANONYMOUS, &BAD_URLS[i]);
        try_realm(PASSWORD, &BAD_URLS[i]);
        try_realm(IDENTITY, &BAD_URLS[i]);
    }
}

static void test_secrets_after_redirects_of_token_servers(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2 * ARRAY_LEN(BAD_URLS); i++) {
        const struct bad_url *row = &BAD_URLS[i / 2];
        if (strchr(row->url, '\n') != NULL) {
            continue; /* no header could hold it */
        }
        set_realm(ORIGIN "/away");
        world.location = row->url;
        begin(i % 2 == 0 ? PASSWORD : IDENTITY);
        int status = get();
        check_leaks("redirect of a token server", row->url, row->realm);
        /* A form with an identity token follows nothing. */
        bool may = i % 2 == 0 && row->realm != URL_REFUSED;
        if (may != (status == 200)) {
            fail_msg("token redirect %s: %d (%s)", row->url, status, err.message);
        }
        end();
    }
}

static void test_secrets_after_redirects_of_reads(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2 * ARRAY_LEN(BAD_URLS); i++) {
        const struct bad_url *row = &BAD_URLS[i / 2];
        if (strchr(row->url, '\n') != NULL) {
            continue;
        }
        if (i % 2 == 0) {
            strcpy(world.challenge, "www-authenticate: Basic realm=\"r\"\n");
        }
        world.location = row->url;
        begin(PASSWORD);
        int status = ask("GET", "/v2/a/b/blobs/away", NULL);
        check_leaks("redirect", row->url, row->location);
        if ((row->location == URL_REFUSED) != (status < 0)) {
            fail_msg("redirect %s: %d (%s)", row->url, status, err.message);
        }
        end();
    }
}

static void test_secrets_for_upload_locations(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2 * ARRAY_LEN(BAD_URLS); i++) {
        const struct bad_url *row = &BAD_URLS[i / 2];
        struct http_response opened CLEANUP(http_response_dispose) = HTTP_RESPONSE_INIT;
        AUTO_FREE char *url = NULL;
        if (i % 2 == 0) {
            strcpy(world.challenge, "www-authenticate: Basic realm=\"r\"\n");
        }
        begin(PASSWORD);
        opened.headers.size_max = MIB;
        opened.status = 202;
        opened.url = "/v2/a/b/blobs/uploads/";
        assert_int_equal(buf_printf(&opened.headers, "location: %s\n", row->url), 0);
        int status = host_resolve_location(fixture.host, &opened, &url, &err);
        /* A line end in a URL ends the header; what is left of it was chosen by them all the
         * same. */
        bool cut = strpbrk(row->url, "\r\n") != NULL;
        if (!cut && (row->location == URL_REFUSED) != (status != 0)) {
            fail_msg("Location %s: %d (%s)", row->url, status, err.message);
        }
        (void)ask("PATCH", status == 0 && !cut ? url : row->url, "pull,push");
        check_leaks("Location", row->url, row->location);
        end();
    }
}

struct notices {
    unsigned count;
    char text[300];
};

static void on_event(void *user, const struct lpipe_event *event)
{
    struct notices *notices = user;
    if (event->kind == LPIPE_EVENT_NOTICE) {
        notices->count++;
        snprintf(notices->text, sizeof notices->text, "%s", event->text);
    }
}

/* A Location that only lost its https is used over https, also on the registry's port, and the user
 * gets one notice. */
static void test_https_is_restored(void **state)
{
    static const struct {
        const char *registry, *location, *url;
    } rows[] = {
        { REGISTRY, "http://" REGISTRY "/up?a=%2F&b", ORIGIN "/up?a=%2F&b" },
        { REGISTRY ":8443", "http://" REGISTRY "/up", ORIGIN ":8443/up" },
        { REGISTRY ":8443", "http://" REGISTRY ":8443/up", ORIGIN ":8443/up" },
        { REGISTRY ":8443", "http://" REGISTRY ":443/up", NULL },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct lpipe_client_options options = LPIPE_CLIENT_OPTIONS_INIT;
        struct notices notices = { 0 };
        lpipe_client *client = NULL;
        struct registry_host *host = NULL;
        struct credential_list none = { .count = 0 };
        options.observer = (struct lpipe_observer){ .event = on_event, .user = &notices };
        assert_int_equal(client_new(&options, &client, &err), 0);
        assert_int_equal(
            registry_host_new(&client->context, rows[i].registry, true, &none, &host, &err), 0);
        for (int k = 0; k < 2; k++) {
            struct http_response opened CLEANUP(http_response_dispose) = HTTP_RESPONSE_INIT;
            AUTO_FREE char *url = NULL;
            opened.headers.size_max = MIB;
            opened.url = "/v2/a/b/blobs/uploads/";
            assert_int_equal(buf_printf(&opened.headers, "location: %s\n", rows[i].location), 0);
            int status = host_resolve_location(host, &opened, &url, &err);
            assert_int_equal(status, rows[i].url == NULL ? LPIPE_REFUSED : 0);
            assert_true(url == NULL ? rows[i].url == NULL : strcmp(url, rows[i].url) == 0);
        }
        assert_int_equal(notices.count, rows[i].url != NULL);
        assert_true(rows[i].url == NULL || strstr(notices.text, "X-Forwarded-Proto") != NULL);
        registry_host_free(host);
        client_free(client);
    }
}

/* A Location on the registry's own host that lost the port: the failure says so. */
static void answer_lost_port(const struct scripted_request *request, struct scripted_answer *answer)
{
    if (starts(request->url, ORIGIN "/")) {
        answer->failure = LPIPE_NETWORK;
    } else if (strstr(request->url, "/away") != NULL) {
        answer->status = 307;
        answer->headers = "location: " ORIGIN "/up\n";
    } else {
        answer->status = 200;
    }
}

static void test_lost_port_is_named(void **state)
{
    static const char *const urls[] = { ORIGIN "/up", ORIGIN ":8443/away" };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(urls); i++) {
        struct lpipe_client_options options = LPIPE_CLIENT_OPTIONS_INIT;
        struct http_response response CLEANUP(http_response_dispose) = HTTP_RESPONSE_INIT;
        lpipe_client *client = NULL;
        struct registry_host *host = NULL;
        struct credential_list none = { .count = 0 };
        scripted_begin(answer_lost_port);
        options.retry_count = -1;
        assert_int_equal(client_new(&options, &client, &err), 0);
        assert_int_equal(
            registry_host_new(&client->context, REGISTRY ":8443", true, &none, &host, &err), 0);
        struct host_request request = { .http = { .method = "PATCH", .url = urls[i] },
                                        .follow = true };
        assert_int_equal(host_send(host, &request, &response, &err), LPIPE_NETWORK);
        assert_non_null(strstr(err.message, "without its port 8443"));
        registry_host_free(host);
        client_free(client);
        scripted_end();
    }
}

/* 307 and 308 of writes keep method and body; other redirects of writes are not followed, and no
 * secret goes to another origin. */
static void test_redirects_of_writes(void **state)
{
    static const char *const methods[] = { "POST", "PUT", "PATCH", "DELETE" };
    static const char *const targets[] = { ORIGIN "/v2/other", "https://evil.example/x" };
    (void)state;
    for (size_t i = 0; i < 2 * 2 * ARRAY_LEN(methods); i++) {
        struct http_response response CLEANUP(http_response_dispose) = HTTP_RESPONSE_INIT;
        AUTO_FREE char *answered = NULL;
        world.location = targets[i % 2];
        world.redirect = i / 2 % 2 == 0 ? 308 : 302;
        begin(PASSWORD);
        struct host_request request = {
            .http = { .method = methods[i / 4],
                      .url = "/v2/a/b/away",
                      .body = { .data = "body", .size = 4 },
                      .response_bytes_max = 1000 },
            .repository = "a/b",
            .actions = "pull,push",
            .follow = true,
            .ret_url = &answered,
        };
        assert_int_equal(get(), 200); /* the challenge and a token */
        assert_int_equal(host_send(fixture.host, &request, &response, &err), 0);
        const struct scripted_request *last = &scripted.requests[scripted.count - 1];
        bool followed = world.redirect == 308;
        assert_int_equal(response.status, followed ? 200 : 302);
        assert_string_equal(answered, followed ? targets[i % 2] : ORIGIN "/v2/a/b/away");
        assert_string_equal(last->url, answered);
        assert_string_equal(last->method, methods[i / 4]);
        assert_string_equal(last->body, "body");
        assert_int_equal(last->secret != NULL, !followed || i % 2 == 0);
        assert_int_equal(response.is_trusted, !followed || i % 2 == 0);
        end();
    }
    world.location = ORIGIN "/away";
    begin(PASSWORD);
    assert_int_equal(ask("PUT", "/v2/a/b/away", "pull,push"), LPIPE_PROTOCOL);
    assert_non_null(strstr(err.message, "redirects"));
    assert_int_equal(count_requests(ORIGIN "/away"), REDIRECTS_MAX);
    end();
}

/* Once outside, a chain of redirects has no secret any more, wherever it leads. */
static void test_no_secret_after_cross_origin_redirect(void **state)
{
    (void)state;
    world.location = "https://evil.example/back";
    begin(PASSWORD);
    assert_int_equal(ask("GET", "/v2/a/b/blobs/away", NULL), 200);
    const struct scripted_request *last = &scripted.requests[scripted.count - 1];
    assert_string_equal(last->url, "https://evil.example/back");
    end();

    world.location = "https://evil.example/away";
    begin(PASSWORD);
    assert_int_equal(ask("GET", "/v2/a/b/blobs/away", NULL), LPIPE_PROTOCOL);
    assert_int_equal(count_requests("https://evil.example/away"), 5);
    end();
}

static void answer_evil_and_back(const struct scripted_request *request,
                                 struct scripted_answer *answer)
{
    if (starts(request->url, "https://evil.example/")) {
        answer->status = 307;
        answer->headers = "location: " ORIGIN "/v2/a/b/delete\n";
    } else {
        answer_registry(request, answer);
    }
}

static void test_no_token_when_another_server_redirects_back(void **state)
{
    (void)state;
    world.location = "https://evil.example/x";
    begin(PASSWORD);
    scripted.answer = answer_evil_and_back;
    assert_int_equal(ask("GET", "/v2/a/b/blobs/away", NULL), 401);
    const struct scripted_request *last = &scripted.requests[scripted.count - 1];
    assert_string_equal(last->url, ORIGIN "/v2/a/b/delete");
    assert_null(last->secret);
    end();
}

static void answer_401_everywhere_else(const struct scripted_request *request,
                                       struct scripted_answer *answer)
{
    if (starts(request->url, "https://evil.example/")) {
        answer->status = 401;
        answer->headers = "www-authenticate: Bearer realm=\"https://evil.example/token\"\n";
    } else {
        answer_registry(request, answer);
    }
}

static void test_no_answer_to_cross_origin_challenge(void **state)
{
    (void)state;
    world.location = "https://evil.example/x";
    begin(PASSWORD);
    scripted.answer = answer_401_everywhere_else;
    assert_int_equal(ask("GET", "/v2/a/b/blobs/away", NULL), 401);
    assert_int_equal(ask("PATCH", "https://evil.example/up", "pull,push"), 401);
    check_leaks("cross-origin challenge", "https://evil.example/x", URL_ANONYMOUS);
    assert_int_equal(count_requests("https://evil.example/token"), 0);
    end();
}

/* A registry without credentials names the realm of another, which has some. */
static void test_realm_of_another_registry(void **state)
{
    (void)state;
    strcpy(world.challenge, "www-authenticate: Bearer realm=\"https://good.example/token\","
                            "service=\"good\",scope=\"repository:secret/of-good:pull,push\"\n");
    begin_with("{\"auths\":{\"good.example\":{\"auth\":\"dXNlcjpDQU5BUlk0NzEx\"}}}", NULL, 0);
    assert_int_equal(get(), 200);
    for (size_t i = 0; i < scripted.count; i++) {
        const struct scripted_request *request = &scripted.requests[i];
        if (starts(request->url, "https://good.example/")) {
            assert_null(request->secret);
            assert_null(strstr(request->url, "of-good"));
            assert_non_null(strstr(request->url, "scope=repository:a/b:pull"));
        }
    }
    assert_int_equal(count_requests("https://good.example/token"), 1);
    end();
}

static void test_later_challenge_cannot_move_credentials(void **state)
{
    (void)state;
    begin(PASSWORD);
    assert_int_equal(get(), 200);
    world.refuse = 1;
    world.later = "www-authenticate: Bearer realm=\"https://evil.example/token\"\n";
    assert_int_equal(get(), LPIPE_AUTH_REQUIRED);
    assert_int_equal(count_requests("https://evil.example/"), 0);
    assert_non_null(strstr(err.message, "`trust_realms` evil.example"));
    end();
}

static void test_trusted_realm_gets_credentials(void **state)
{
    (void)state;
    static const char *const realms[] = { "auth.example" };
    set_realm("https://auth.example/token?x=1");
    begin_with("{\"auths\":{\"" REGISTRY "\":{\"auth\":\"dXNlcjpDQU5BUlk0NzEx\"}}}", realms, 1);
    assert_int_equal(get(), 200);
    assert_string_equal(scripted.requests[1].url,
                        "https://auth.example/token?x=1&service=reg&scope=repository:a/b:pull");
    assert_string_equal(scripted.requests[1].secret, "Basic dXNlcjpDQU5BUlk0NzEx");
    end();
}

static void test_one_challenge_and_one_token_for_many_requests(void **state)
{
    (void)state;
    begin(PASSWORD);
    assert_int_equal(ask("POST", "/v2/a/b/blobs/uploads/", "pull,push"), 200);
    assert_int_equal(get(), 200); /* covered by the first */
    assert_int_equal(get(), 200);
    assert_int_equal(scripted.count, 5);
    assert_string_equal(scripted.requests[0].url, ORIGIN "/v2/a/b/blobs/uploads/");
    assert_null(scripted.requests[0].secret);
    assert_string_equal(scripted.requests[1].url,
                        REALM "?service=reg&scope=repository:a/b:pull,push");
    assert_string_equal(scripted.requests[1].secret, "Basic dXNlcjpDQU5BUlk0NzEx");
    for (size_t i = 2; i < 5; i++) {
        assert_string_equal(scripted.requests[i].secret, "Bearer T1");
    }
    end();
}

static void test_mount_asks_for_both_repositories(void **state)
{
    (void)state;
    struct http_response response CLEANUP(http_response_dispose) = HTTP_RESPONSE_INIT;
    struct host_request request = { .http = { .method = "POST", .url = "/v2/a/b/blobs/uploads/" },
                                    .repository = "a/b",
                                    .actions = "pull,push",
                                    .mount_from = "base" };
    begin(PASSWORD);
    assert_int_equal(host_send(fixture.host, &request, &response, &err), 0);
    assert_string_equal(scripted.requests[1].url,
                        REALM "?service=reg&scope=repository:a/b:pull,push"
                              "&scope=repository:base:pull");
    end();
}

static void test_identity_token_is_posted(void **state)
{
    (void)state;
    begin(IDENTITY);
    assert_int_equal(get(), 200);
    const struct scripted_request *post = &scripted.requests[1];
    assert_string_equal(post->method, "POST");
    assert_string_equal(post->url, REALM);
    assert_null(post->secret);
    assert_string_equal(post->body, "grant_type=refresh_token&client_id=layerpipe&service=reg"
                                    "&scope=repository:a/b:pull&refresh_token=" CANARY);
    end();
}

static void test_identity_token_without_post(void **state)
{
    (void)state;
    world.post_status = 404;
    begin(IDENTITY);
    assert_int_equal(get(), LPIPE_AUTH_REQUIRED);
    end();

    /* auth "u:" beside it: the password is empty, and is sent */
    world.post_status = 405;
    begin_with("{\"auths\":{\"" REGISTRY "\":{\"auth\":\"dTo=\",\"identitytoken\":\"IDT\"}}}", NULL,
               0);
    assert_int_equal(get(), 200);
    assert_string_equal(scripted.requests[2].method, "GET");
    assert_string_equal(scripted.requests[2].secret, "Basic dTo=");
    end();
}

static void test_token_of_the_registry_is_used_as_it_is(void **state)
{
    (void)state;
    begin_with("{\"auths\":{\"" REGISTRY "\":{\"registrytoken\":\"RT\"}}}", NULL, 0);
    assert_int_equal(get(), 200);
    assert_int_equal(scripted.count, 2);
    assert_string_equal(scripted.requests[1].secret, "Bearer RT");
    end();
}

static void test_basic(void **state)
{
    (void)state;
    strcpy(world.challenge, "www-authenticate: Basic realm=\"r\"\n");
    begin(PASSWORD);
    assert_int_equal(get(), 200);
    assert_int_equal(get(), 200);
    assert_int_equal(scripted.count, 3);
    assert_string_equal(scripted.requests[1].secret, "Basic dXNlcjpDQU5BUlk0NzEx");
    end();
}

static void test_registry_that_asks_for_nothing(void **state)
{
    (void)state;
    world.v2_status = 200;
    begin(PASSWORD);
    assert_int_equal(get(), 200);
    assert_int_equal(scripted.count, 1);
    check_leaks("nobody asked", ORIGIN, URL_REFUSED);
    assert_null(scripted.requests[0].secret);
    end();
}

static void test_challenge_missing_on_a_later_401(void **state)
{
    (void)state;
    world.later = "content-type: text/html\n";
    world.refuse = 1;
    begin(PASSWORD);
    assert_int_equal(ask("PATCH", "/v2/a/b/blobs/uploads/1", "pull,push"), 200);
    assert_int_equal(world.tokens, 2);
    assert_string_equal(scripted.requests[scripted.count - 1].secret, "Bearer T2");
    end();
}

static void test_scope_of_a_challenge_is_added(void **state)
{
    (void)state;
    static const char *const offers[] = { "repository:a/b:pull repository:a/b:delete",
                                          "repository:a/b:delete,pull" };
    for (size_t i = 0; i < ARRAY_LEN(offers); i++) {
        char later[300];
        snprintf(later, sizeof later,
                 "www-authenticate: Bearer realm=\"" REALM "\",service=\"reg\",scope=\"%s\","
                 "error=\"insufficient_scope\"\n",
                 offers[i]);
        world.later = later;
        world.refuse = 1;
        begin(PASSWORD);
        assert_int_equal(ask("POST", "/v2/a/b/blobs/uploads/", "pull,push"), 200);
        assert_int_equal(world.tokens, 2);
        assert_string_equal(scripted.requests[scripted.count - 2].url,
                            REALM "?service=reg&scope=repository:a/b:delete,pull,push");
        end();
    }
}

static void test_second_401_with_a_fresh_token_is_final(void **state)
{
    (void)state;
    world.refuse = 1000;
    begin(PASSWORD);
    int status = ask("PATCH", "/v2/a/b/blobs/uploads/1", "pull,push");
    assert_int_equal(lpipe_status_exit_code(status), 4);
    assert_int_equal(world.tokens, 2);
    assert_int_equal(err.http_status, 401);
    assert_non_null(strstr(err.message, REGISTRY));
    end();
}

/* Accounts are locked after a few wrong passwords: one is enough. */
static void test_bad_credentials_are_sent_once(void **state)
{
    (void)state;
    world.token_status = 401;
    begin(PASSWORD);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(get(), LPIPE_AUTH_REQUIRED);
        assert_non_null(strstr(err.message, "auth.json"));
        assert_null(strstr(err.message, CANARY));
    }
    assert_int_equal(count_requests(REALM), 1);
    end();

    strcpy(world.challenge, "www-authenticate: Basic realm=\"r\"\n");
    world.refuse = 1000;
    begin(PASSWORD);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(get(), LPIPE_AUTH_REQUIRED);
    }
    assert_int_equal(scripted.count, 2);
    end();
}

/* What the token server says when it refuses, without the secrets that it repeats. */
static void test_words_of_a_token_server(void **state)
{
    static const struct {
        int status;
        const char *body;
        const char *shown;
    } rows[] = {
        { 401, "{\"errors\":[{\"code\":\"UNAUTHORIZED\",\"message\":\"use a personal token\"}]}",
          ": UNAUTHORIZED: use a personal token" },
        { 401, "{\"details\":\"wrong password CANARY4711\"}", ": wrong password ***" },
        { 403, "IP not allowed by policy 42", ": IP not allowed by policy 42" },
        { 400, "<html><body>Bad service</body></html>", ": Bad service" },
        { 404, "got dXNlcjpDQU5BUlk0NzEx", ": got ***" },
        { 500, "{\"error\":\"server_error\",\"error_description\":\"database\"}",
          ": server_error: database" },
    };
    (void)state;
    for (size_t i = 0; i < 3 * ARRAY_LEN(rows); i++) {
        world.token_status = rows[i / 3].status;
        world.token_body = rows[i / 3].body;
        begin((enum kind)(i % 3));
        fixture.client->context.settings.retry_count = 0;
        assert_true(get() < 0);
        if (i % 3 == PASSWORD && strstr(err.message, rows[i / 3].shown) == NULL) {
            fail_msg("%s: %s", rows[i / 3].body, err.message);
        }
        assert_true(i % 3 != PASSWORD || strstr(err.message, CANARY) == NULL);
        end();
    }
}

/* What the registry says about the credentials, at the first refusal and at later ones. */
static void test_words_of_a_401(void **state)
{
    static const char *const challenges[] = { "www-authenticate: Basic realm=\"r\"\n",
                                              "www-authenticate: Bearer realm=\"" REALM "\"\n" };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(challenges); i++) {
        strcpy(world.challenge, challenges[i]);
        world.refuse = 1000;
        world.refusal = "{\"errors\":[{\"code\":\"UNAUTHORIZED\",\"message\":\"your password "
                        "CANARY4711 has expired\",\"detail\":\"T2, dXNlcjpDQU5BUlk0NzEx\"}]}";
        begin(PASSWORD);
        for (int k = 0; k < 2; k++) {
            assert_true(get() < 0);
            if (strstr(err.message, "UNAUTHORIZED: your password *** has expired (") == NULL) {
                fail_msg("%s", err.message);
            }
            assert_null(strstr(err.message, "dXNlcjp"));
        }
        end();
    }
}

/* A refusal does not repeat the secret of the request, whichever request it was. */
static void test_refusals_repeat_no_secret(void **state)
{
    (void)state;
    world.refuse = 0;
    begin(PASSWORD);
    assert_int_equal(get(), 200);
    struct http_response response CLEANUP(http_response_dispose) = HTTP_RESPONSE_INIT;
    struct host_request request = {
        .http = { .method = "GET", .url = "/v2/a/b/teapot", .response_bytes_max = 1000 },
        .repository = "a/b",
    };
    assert_int_equal(host_send(fixture.host, &request, &response, &err), 0);
    assert_int_equal(response.status, 418);
    assert_string_equal(response.body.data, "token ** of ***");
    end();
}

/* A realm that is no absolute URL is shown. */
static void test_relative_realm_is_shown(void **state)
{
    (void)state;
    set_realm("/service/token?x=1");
    begin(ANONYMOUS);
    assert_int_equal(get(), LPIPE_PROTOCOL);
    assert_string_equal(err.message, REGISTRY " names the token server \"/service/token\": neither "
                                              "an https nor an http URL");
    end();
}

static void test_nobody_is_told_where_to_look(void **state)
{
    (void)state;
    strcpy(world.challenge, "www-authenticate: Basic realm=\"r\"\n");
    begin(ANONYMOUS);
    assert_int_equal(get(), LPIPE_AUTH_REQUIRED);
    assert_non_null(strstr(err.message, "auth.json"));
    assert_non_null(strstr(err.message, "`lpipe_login` " REGISTRY));
    end();
}

/* A body that is pulled cannot be sent again from here: the 401 comes back, the token is
 * renewed. */
static void test_401_in_mid_upload(void **state)
{
    (void)state;
    struct host_request request = { .http = { .method = "PUT",
                                              .url = ORIGIN "/v2/a/b/blobs/uploads/1" },
                                    .repository = "a/b",
                                    .actions = "pull,push" };
    begin(PASSWORD);
    world.later =
        "www-authenticate: Bearer realm=\"" REALM "\",service=\"reg\",error=\"invalid_token\"\n";
    world.refuse = 1;
    for (int i = 0; i < 2; i++) {
        struct http_response response CLEANUP(http_response_dispose) = HTTP_RESPONSE_INIT;
        struct host_call *call = NULL;
        assert_int_equal(host_start(fixture.host, &request, &call, &err), 0);
        assert_non_null(host_call_http(call));
        assert_int_equal(host_wait(call, &response, &err), 0);
        assert_int_equal(response.status, i == 0 ? 401 : 200);
        assert_string_equal(scripted.requests[scripted.count - 1].secret,
                            i == 0 ? "Bearer T1" : "Bearer T2");
        if (i == 0) {
            assert_int_equal(host_renew_token(fixture.host, &request, &response, &err), 0);
        }
    }
    end();
}

/* A first answer that a registry would not send: GET /v2/ explains it. */
static void test_answers_of_other_servers(void **state)
{
    (void)state;
    static const struct {
        int answer;
        const char *body;
        int status;
        const char *shown;
    } rows[] = {
        { 403, NULL, LPIPE_DENIED, "answered 403" },
        { 403, "{\"errors\":[{\"code\":\"DENIED\",\"message\":\"your IP is not allowed\"}]}",
          LPIPE_DENIED, "answered 403: DENIED: your IP is not allowed" },
        { 403, "<html><body>Blocked by policy 7</body></html>", LPIPE_DENIED,
          "answered 403: Blocked by policy 7" },
        { 404, NULL, LPIPE_PROTOCOL, "answered 404; is that a registry?" },
        { 404, "no such page", LPIPE_PROTOCOL, "answered 404: no such page; is that a registry?" },
        { 204, NULL, LPIPE_PROTOCOL, "answered 204" },
        { 418, NULL, LPIPE_PROTOCOL, "answered 418" },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        world.v2_status = rows[i].answer;
        world.v2_body = rows[i].body;
        begin(PASSWORD);
        assert_int_equal(get(), rows[i].status);
        assert_int_equal(scripted.count, 2);
        assert_string_equal(scripted.requests[1].url, ORIGIN "/v2/");
        assert_non_null(strstr(err.message, REGISTRY));
        if (strstr(err.message, rows[i].shown) == NULL) {
            fail_msg("%d: %s", rows[i].answer, err.message);
        }
        end();
    }
}

static void test_challenges_without_an_answer(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "",
        "www-authenticate: Negotiate\n",
        "www-authenticate: Digest realm=\"d\",nonce=\"n\"\n",
        "www-authenticate: Bearer service=\"s\"\n",
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        strcpy(world.challenge, rows[i]);
        begin(PASSWORD);
        assert_int_equal(get(), LPIPE_AUTH_REQUIRED);
        check_leaks("no challenge", ORIGIN, URL_REFUSED);
        assert_int_equal(scripted.count, 2); /* GET /v2/ has no better one */
        end();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_secrets_for_realms, world_reset),
        cmocka_unit_test_setup(test_secrets_after_redirects_of_token_servers, world_reset),
        cmocka_unit_test_setup(test_secrets_after_redirects_of_reads, world_reset),
        cmocka_unit_test_setup(test_secrets_for_upload_locations, world_reset),
        cmocka_unit_test_setup(test_https_is_restored, world_reset),
        cmocka_unit_test_setup(test_lost_port_is_named, world_reset),
        cmocka_unit_test_setup(test_redirects_of_writes, world_reset),
        cmocka_unit_test_setup(test_no_secret_after_cross_origin_redirect, world_reset),
        cmocka_unit_test_setup(test_no_token_when_another_server_redirects_back, world_reset),
        cmocka_unit_test_setup(test_no_answer_to_cross_origin_challenge, world_reset),
        cmocka_unit_test_setup(test_realm_of_another_registry, world_reset),
        cmocka_unit_test_setup(test_later_challenge_cannot_move_credentials, world_reset),
        cmocka_unit_test_setup(test_trusted_realm_gets_credentials, world_reset),
        cmocka_unit_test_setup(test_one_challenge_and_one_token_for_many_requests, world_reset),
        cmocka_unit_test_setup(test_mount_asks_for_both_repositories, world_reset),
        cmocka_unit_test_setup(test_identity_token_is_posted, world_reset),
        cmocka_unit_test_setup(test_identity_token_without_post, world_reset),
        cmocka_unit_test_setup(test_token_of_the_registry_is_used_as_it_is, world_reset),
        cmocka_unit_test_setup(test_basic, world_reset),
        cmocka_unit_test_setup(test_registry_that_asks_for_nothing, world_reset),
        cmocka_unit_test_setup(test_challenge_missing_on_a_later_401, world_reset),
        cmocka_unit_test_setup(test_scope_of_a_challenge_is_added, world_reset),
        cmocka_unit_test_setup(test_second_401_with_a_fresh_token_is_final, world_reset),
        cmocka_unit_test_setup(test_bad_credentials_are_sent_once, world_reset),
        cmocka_unit_test_setup(test_words_of_a_token_server, world_reset),
        cmocka_unit_test_setup(test_words_of_a_401, world_reset),
        cmocka_unit_test_setup(test_refusals_repeat_no_secret, world_reset),
        cmocka_unit_test_setup(test_relative_realm_is_shown, world_reset),
        cmocka_unit_test_setup(test_nobody_is_told_where_to_look, world_reset),
        cmocka_unit_test_setup(test_401_in_mid_upload, world_reset),
        cmocka_unit_test_setup(test_answers_of_other_servers, world_reset),
        cmocka_unit_test_setup(test_challenges_without_an_answer, world_reset),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
