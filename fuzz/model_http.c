/* SPDX-License-Identifier: Apache-2.0 */
#include "model_http.h"

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "auth/origin.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"
#include "http/http.h"
#include "model_registry.h"

/* One conversation ends long before this. */
#define REQUESTS_MAX 2000
/* What a server reads of a body that it refuses. */
#define EARLY_BYTES (64 * KIB)

static void require(bool holds)
{
    if (!holds) {
        abort();
    }
}

/* Time passes only while something waits. */

static atomic_uint_fast64_t now_ms;

uint64_t clock_ms(void)
{
    return atomic_load(&now_ms) + 1000;
}

int poll(struct pollfd *fds, nfds_t count, int timeout_ms)
{
    static const struct timespec none = { 0, 0 };
    if (timeout_ms > 0) {
        atomic_fetch_add(&now_ms, (uint64_t)timeout_ms);
    }
    return (int)syscall(SYS_ppoll, fds, count, timeout_ms < 0 ? NULL : &none, NULL, 0);
}

/* The script. */

static struct {
    pthread_mutex_t mutex; /* guards all here, and the registry */
    const uint8_t *data;
    size_t size;
    unsigned requests;
    bool lied;
} script = { .mutex = PTHREAD_MUTEX_INITIALIZER };

void script_begin(const uint8_t *data, size_t size)
{
    script.data = data;
    script.size = size;
    script.requests = 0;
    script.lied = false;
    atomic_store(&now_ms, 0);
}

bool script_has_lied(void)
{
    return script.lied;
}

static unsigned take_byte(void)
{
    if (script.size == 0) {
        return 0;
    }
    script.size--;
    return *script.data++;
}

/* Text up to a NUL, without what would end a header line. A secret that the fuzzer has made up by
 * itself would look like a leak. */
static void take_text(char *text, size_t text_size)
{
    size_t size = 0;
    for (unsigned byte = take_byte(); byte != 0; byte = take_byte()) {
        if (size + 1 < text_size && byte != '\n' && byte != '\r') {
            text[size++] = (char)byte;
        }
    }
    text[size] = '\0';
    if (strstr(text, "CANARY") != NULL || strstr(text, "dXNlc") != NULL) {
        text[0] = '\0';
    }
}

static const char *take_url(char *text, size_t text_size)
{
    static const char *const urls[] = {
        "https://evil.example/x",
        "http://" MODEL_HOST "/v2/a/b/blobs/uploads/1",
        "http://" MODEL_HOST ":8080/v2/a/b/blobs/uploads/1",
        MODEL_ORIGIN "/v2/a/b/blobs/uploads/1?state=2",
        "//evil.example/v2/",
        "/v2/a/b/blobs/uploads/2?",
        "../../../other",
        "https://" MODEL_HOST "@evil.example/",
        "https://" MODEL_HOST ".evil.example/",
        MODEL_TOKEN_ORIGIN "/token",
        "https://169.254.169.254/latest",
        "https://127.0.0.1:1/",
        "",
    };
    unsigned choice = take_byte();
    if (choice < ARRAY_LEN(urls)) {
        (void)snprintf(text, text_size, "%s", urls[choice]);
    } else {
        take_text(text, text_size);
    }
    return text;
}

/* One request. */

struct http {
    int unused;
};

struct http_call {
    struct http_request request;
    pthread_mutex_t mutex; /* guards wake and aborted */
    pthread_cond_t changed;
    bool wake;
    bool aborted;
    atomic_bool done;
    int status; /* of the call */
    struct http_response response;
    struct lpipe_error failure;
    size_t read; /* of a streamed body */
};

enum damage {
    HONEST,
    NO_CONNECTION,  /* the request does not arrive */
    ANSWER_LOST,    /* it arrives, its answer does not */
    BODY_CUT,       /* only a part of its body arrives, and no answer comes */
    OTHER_STATUS,   /* an answer without any effect */
    STATUS_CHANGED, /* the effect, and another status */
    HEADER_CHANGED, /* the effect, and a header with another value */
    REDIRECTED,     /* no effect, and a Location */
    BODY_CHANGED,   /* the effect, and another body */
    ANSWER_CUT,     /* the effect, and an answer that breaks off */
    DAMAGE_COUNT
};

/* What the script does to one request. */
struct plan {
    enum damage damage;
    unsigned number; /* a status, or the size of what arrives */
    char header[40];
    char value[600];
};

static unsigned take_status(void)
{
    static const unsigned short statuses[] = { 200, 201, 202, 204, 206, 301, 302, 303, 304, 307,
                                               308, 400, 401, 403, 404, 405, 408, 409, 410, 411,
                                               413, 416, 417, 429, 500, 501, 502, 503, 504, 999 };
    return statuses[take_byte() % ARRAY_LEN(statuses)];
}

static void take_header(struct plan *plan)
{
    static const char *const names[] = { "location",          "range",
                                         "content-range",     "content-length",
                                         "retry-after",       "docker-content-digest",
                                         "www-authenticate",  "oci-chunk-min-length",
                                         "content-type",      "docker-distribution-api-version",
                                         "docker-upload-uuid" };
    const char *name = names[take_byte() % ARRAY_LEN(names)];
    (void)snprintf(plan->header, sizeof plan->header, "%s", name);
    if (strcmp(name, "location") == 0) {
        (void)take_url(plan->value, sizeof plan->value);
    } else {
        take_text(plan->value, sizeof plan->value);
    }
}

static struct plan take_plan(void)
{
    static const unsigned short redirects[] = { 301, 302, 303, 307, 308 };
    struct plan plan = { .damage = take_byte() % DAMAGE_COUNT };
    switch (plan.damage) {
    case BODY_CUT:
    case ANSWER_CUT:
        plan.number = take_byte() << 8 | take_byte();
        break;
    case OTHER_STATUS:
    case STATUS_CHANGED:
        plan.number = take_status();
        take_header(&plan);
        break;
    case HEADER_CHANGED:
        take_header(&plan);
        break;
    case REDIRECTED:
        plan.number = redirects[take_byte() % ARRAY_LEN(redirects)];
        (void)snprintf(plan.header, sizeof plan.header, "location");
        (void)take_url(plan.value, sizeof plan.value);
        break;
    case BODY_CHANGED:
        take_text(plan.value, sizeof plan.value);
        break;
    case HONEST:
    case NO_CONNECTION:
    case ANSWER_LOST:
    case DAMAGE_COUNT:
    default:
        break;
    }
    return plan;
}

/* Whether the target may see a secret: the registry and its token server, by https only. */
static bool is_trusted(const struct origin *target, bool *ret_is_registry)
{
    struct origin registry;
    struct origin server;
    require(origin_parse(MODEL_ORIGIN, "", &registry, NULL, NULL) == 0);
    require(origin_parse(MODEL_TOKEN_ORIGIN, "", &server, NULL, NULL) == 0);
    *ret_is_registry = origin_same(target, &registry);
    return *ret_is_registry || origin_same(target, &server);
}

static void check_text(const char *text)
{
    require(text == NULL || (strstr(text, "CANARY") == NULL && strstr(text, "dXNlc") == NULL));
}

static void check_secrets(const struct http_request *request, bool trusted)
{
    if (trusted) {
        return;
    }
    require(request->secret == NULL && request->cert == NULL && request->key == NULL);
    check_text(request->url);
    for (size_t i = 0; i < request->header_count; i++) {
        check_text(request->headers[i]);
    }
    if (request->body.data != NULL) {
        AUTO_FREE char *body = mem_strndup(request->body.data, (size_t)request->body.size);
        check_text(body);
    }
}

/* Receives the body, at most size_max bytes of it. False when the sender has given up. */
static bool receive_body(struct http_call *call, size_t size_max, struct buf *body)
{
    const struct http_body *from = &call->request.body;
    char piece[32768];
    if (from->pull == NULL) {
        size_t size = MIN_OF((size_t)from->size, size_max);
        require(size == 0 || buf_append(body, from->data, size) == 0);
        call->response.body_complete = size == from->size;
        call->response.body_sent = size;
        return true;
    }
    while (body->size < size_max && (from->size == 0 || body->size < from->size)) {
        size_t wanted = MIN_OF(sizeof piece, size_max - body->size);
        wanted = from->size == 0 ? wanted : MIN_OF(wanted, (size_t)from->size - body->size);
        ptrdiff_t got = from->pull(from->ctx, piece, wanted);
        require(got <= (ptrdiff_t)wanted);
        if (got == 0) {
            require(from->size == 0); /* an announced size is kept */
            call->response.body_complete = true;
            return true;
        }
        if (got > 0) {
            require(buf_append(body, piece, (size_t)got) == 0);
            call->response.body_sent += (uint64_t)got;
            continue;
        }
        pthread_mutex_lock(&call->mutex);
        while (got == HTTP_PULL_WAIT && !call->wake && !call->aborted) {
            pthread_cond_wait(&call->changed, &call->mutex);
        }
        bool stop = got != HTTP_PULL_WAIT || call->aborted;
        call->wake = false;
        pthread_mutex_unlock(&call->mutex);
        if (stop) {
            return false;
        }
    }
    call->response.body_complete = from->size != 0 && body->size == from->size;
    return true;
}

static const char *header_of(const struct http_request *request, const char *name)
{
    for (size_t i = 0; i < request->header_count; i++) {
        if (strncasecmp(request->headers[i], name, strlen(name)) == 0) {
            return request->headers[i] + strlen(name);
        }
    }
    return NULL;
}

/* Lets the request have its effect, and takes the honest answer. */
static void ask_model(struct http_call *call, const struct buf *body, const char *rest, bool known,
                      bool is_registry, struct model_answer *answer)
{
    const struct http_request *request = &call->request;
    const char *range = header_of(request, "Content-Range: ");
    struct model_request asked = {
        .method = request->method,
        .path = rest[0] == '\0' ? "/" : rest,
        .secret = request->secret,
        .range = range != NULL ? range : header_of(request, "Range: "),
        .body = body->data,
        .size = body->size,
        .whole = call->response.body_complete,
    };
    if (!known) {
        answer->status = 404;
    } else if (is_registry) {
        model_request(&asked, answer);
    } else {
        model_token(&asked, answer);
    }
}

/* A success that the registry did not have: then the outcome of the conversation is no fault of the
 * client. What another host says of an upload is never enough. */
static void note_lie(const char *method, bool is_registry, int honest, int status)
{
    bool reads = strcmp(method, "HEAD") == 0 || strcmp(method, "GET") == 0;
    bool writes = strcmp(method, "PUT") == 0 || strcmp(method, "POST") == 0;
    bool matters = reads || (writes && is_registry);
    script.lied = script.lied || (matters && status / 100 == 2 && honest / 100 != 2);
}

/* A redirect of the registry to a manifest of its own: what is stored then has another name. */
static void note_moved(const struct http_request *request, const struct plan *plan, int status)
{
    AUTO_FREE char *url = NULL;
    struct origin target;
    bool is_registry = false;
    if (status / 100 == 3 && strcmp(plan->header, "location") == 0 &&
        strcmp(request->method, "PUT") == 0 &&
        origin_resolve(request->url, plan->value, "", &url, NULL) == 0 &&
        strstr(url, "/manifests/") != NULL && origin_parse(url, "", &target, NULL, NULL) == 0) {
        (void)is_trusted(&target, &is_registry);
        script.lied = script.lied || is_registry;
    }
}

static void set_header(struct model_answer *answer, const struct plan *plan)
{
    struct buf old = answer->headers;
    struct buf changed = BUF_INIT(MIB);
    size_t name_size = strlen(plan->header);
    for (const char *line = old.data; line != NULL && *line != '\0'; line += strcspn(line, "\n")) {
        line += *line == '\n';
        size_t size = strcspn(line, "\n");
        bool same = strncmp(line, plan->header, name_size) == 0 && line[name_size] == ':';
        require(same || size == 0 || buf_printf(&changed, "%.*s\n", (int)size, line) == 0);
    }
    require(buf_printf(&changed, "%s: %s\n", plan->header, plan->value) == 0);
    buf_dispose(&old);
    answer->headers = changed;
}

static void change_answer(struct http_call *call, const struct plan *plan, bool is_registry,
                          struct model_answer *answer)
{
    int honest = answer->status;
    if (plan->damage == OTHER_STATUS || plan->damage == STATUS_CHANGED ||
        plan->damage == REDIRECTED) {
        answer->status = (int)plan->number;
    }
    if (plan->header[0] != '\0') {
        set_header(answer, plan);
    }
    if (plan->damage == BODY_CHANGED) {
        buf_clear(&answer->body);
        require(buf_append_text(&answer->body, plan->value) == 0);
    }
    note_lie(call->request.method, is_registry, honest, answer->status);
    note_moved(&call->request, plan, answer->status);
}

static int fail_call(struct http_call *call, int status)
{
    return call->status = fail(&call->failure, status, "the script");
}

/* Gives the answer to the caller as the real client does. */
static void keep_answer(struct http_call *call, const struct plan *plan,
                        const struct model_answer *answer)
{
    const struct http_request *request = &call->request;
    struct http_response *response = &call->response;
    bool reads = strcmp(request->method, "GET") == 0 || request->body_wanted;
    bool streamed = request->stream && answer->status / 100 == 2;
    size_t size = strcmp(request->method, "HEAD") == 0 ? 0 : answer->body.size;
    response->status = answer->status;
    response->headers.size_max = response->body.size_max = 32 * MIB;
    if (plan->damage == ANSWER_CUT) {
        size = MIN_OF(size, (size_t)plan->number);
        (void)fail_call(call, LPIPE_NETWORK);
    } else if (!streamed && size > request->response_bytes_max) {
        size = request->response_bytes_max;
        call->status = reads && answer->status / 100 == 2 ? fail_call(call, LPIPE_TOO_LARGE) : 0;
    }
    require(answer->headers.size == 0 ||
            buf_append(&response->headers, answer->headers.data, answer->headers.size) == 0);
    require(size == 0 || buf_append(&response->body, answer->body.data, size) == 0);
    (void)snprintf(response->address, sizeof response->address, "93.184.216.34");
}

static void perform(struct http_call *call)
{
    struct origin target;
    const char *rest = NULL;
    bool is_registry = false;
    AUTO_BUF struct buf body = BUF_INIT(64 * MIB);
    struct model_answer answer = { 0, BUF_INIT(MIB), BUF_INIT(32 * MIB) };
    require(origin_parse(call->request.url, "", &target, &rest, NULL) == 0);
    bool known = is_trusted(&target, &is_registry);
    check_secrets(&call->request, known);
    pthread_mutex_lock(&script.mutex);
    require(++script.requests < REQUESTS_MAX);
    const struct plan plan = take_plan();
    pthread_mutex_unlock(&script.mutex);
    bool refused = plan.damage == OTHER_STATUS || plan.damage == REDIRECTED;
    size_t size_max = plan.damage == BODY_CUT ? plan.number : refused ? EARLY_BYTES : SIZE_MAX;
    call->response.url = call->request.url;
    if (plan.damage == NO_CONNECTION) {
        (void)fail_call(call, LPIPE_NETWORK);
        return;
    }
    if (!receive_body(call, size_max, &body)) {
        (void)fail_call(call, LPIPE_ABORTED);
        return;
    }
    pthread_mutex_lock(&script.mutex);
    if (!refused) {
        ask_model(call, &body, rest, known, is_registry, &answer);
    }
    change_answer(call, &plan, is_registry, &answer);
    if (plan.damage == ANSWER_LOST || plan.damage == BODY_CUT) {
        (void)fail_call(call, LPIPE_NETWORK);
    } else {
        keep_answer(call, &plan, &answer);
    }
    pthread_mutex_unlock(&script.mutex);
    buf_dispose(&answer.headers);
    buf_dispose(&answer.body);
}

void http_call_join(struct http_call *call)
{
    if (!atomic_load(&call->done)) {
        perform(call);
        atomic_store(&call->done, true);
    }
}

/* The functions of http.h. */

int http_new(const struct http_options *options, struct http **ret_http, struct lpipe_error *err)
{
    (void)options;
    *ret_http = NEW(struct http);
    return *ret_http == NULL ? fail_memory(err) : 0;
}

struct http *http_free(struct http *http)
{
    free(http);
    return NULL;
}

int http_start(struct http *http, const struct http_request *request, struct http_call **ret_call,
               struct lpipe_error *err)
{
    struct http_call *call = NEW(struct http_call);
    (void)http;
    if (call == NULL) {
        return fail_memory(err);
    }
    call->request = *request;
    pthread_mutex_init(&call->mutex, NULL);
    pthread_cond_init(&call->changed, NULL);
    *ret_call = call;
    return 0;
}

static void set_flag(struct http_call *call, bool *flag)
{
    pthread_mutex_lock(&call->mutex);
    *flag = true;
    pthread_cond_broadcast(&call->changed);
    pthread_mutex_unlock(&call->mutex);
}

void http_call_wake(struct http_call *call)
{
    set_flag(call, &call->wake);
}

void http_call_abort(struct http_call *call)
{
    set_flag(call, &call->aborted);
}

bool http_call_answered(const struct http_call *call)
{
    return atomic_load(&call->done);
}

const struct http_response *http_call_head(const struct http_call *call)
{
    return &call->response;
}

size_t http_read(struct http_call *call, void *buf, size_t size)
{
    http_call_join(call);
    if (call->response.status / 100 != 2) {
        return 0;
    }
    size = MIN_OF(size, call->response.body.size - call->read);
    if (size > 0) {
        memcpy(buf, call->response.body.data + call->read, size);
    }
    call->read += size;
    return size;
}

int http_wait(struct http_call *call, struct http_response *ret_response, struct lpipe_error *err)
{
    http_call_join(call);
    int status = call->status;
    if (call->request.stream && call->response.status / 100 == 2) {
        buf_clear(&call->response.body);
    }
    http_response_dispose(ret_response);
    *ret_response = call->response;
    if (status != 0 && err != NULL) {
        *err = call->failure;
    }
    pthread_cond_destroy(&call->changed);
    pthread_mutex_destroy(&call->mutex);
    free(call);
    return status;
}

int http_send(struct http *http, const struct http_request *request,
              struct http_response *ret_response, struct lpipe_error *err)
{
    struct http_call *call = NULL;
    int status = http_start(http, request, &call, err);
    return status != 0 ? status : http_wait(call, ret_response, err);
}
