/* SPDX-License-Identifier: Apache-2.0 */
/* The network thread. It owns libcurl's multi handle and every easy handle from http_start() to the
 * end of the call; other threads put calls into a queue, set flags and wake it. */
#include <inttypes.h>
#include <stdatomic.h>
#include <string.h>

#include "base/cancel.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/sync.h"
#include "http/http_call.h"
#include "http/http_curl_load.h"

#define TICK_MS 500 /* how often time limits are checked */
#define RATE_TICK_MS 20
#define WAIT_FDS_MAX (2 * JOBS_MAX)

/* Connections for one pool key and one address policy. The address is checked only when a
 * connection is made, so a connection is never reused under another policy. */
struct http_pool {
    struct http_pool *next;
    CURLSH *share;
    enum http_address_policy addresses;
    char key[];
};

struct http {
    struct http_options options; /* strings are owned */
    CURLM *multi;
    pthread_t thread;
    bool threaded;
    struct http_pool *pools; /* for the network thread only, as are calls and the rate */
    struct http_call *calls;
    struct http_rate rate;

    pthread_mutex_t mutex; /* guards what follows, and http_call.done */
    struct http_call *queue;
    bool stop;
};

static pthread_once_t curl_once = PTHREAD_ONCE_INIT;

static void curl_begin(void)
{
    (void)curl_global_init(CURL_GLOBAL_DEFAULT);
}

static struct http_pool *pool_of(struct http *http, const struct http_request *request)
{
    const char *key = request->pool_key == NULL ? "" : request->pool_key;
    struct http_pool *pool = http->pools;
    while (pool != NULL && (pool->addresses != request->addresses || strcmp(pool->key, key) != 0)) {
        pool = pool->next;
    }
    if (pool != NULL) {
        return pool;
    }
    pool = mem_new(sizeof *pool + strlen(key) + 1);
    if (pool == NULL) {
        return NULL;
    }
    strcpy(pool->key, key);
    pool->addresses = request->addresses;
    pool->share = curl_share_init();
    if (pool->share == NULL) {
        free(pool);
        return NULL;
    }
    (void)curl_share_setopt(pool->share, CURLSHOPT_SHARE, CURL_LOCK_DATA_CONNECT);
    (void)curl_share_setopt(pool->share, CURLSHOPT_SHARE, CURL_LOCK_DATA_SSL_SESSION);
    pool->next = http->pools;
    http->pools = pool;
    return pool;
}

static void pools_free(struct http *http)
{
    while (http->pools != NULL) {
        struct http_pool *pool = http->pools;
        http->pools = pool->next;
        (void)curl_share_cleanup(pool->share);
        explicit_bzero(pool->key, strlen(pool->key));
        free(pool);
    }
}

/* Ends the call and wakes the thread that waits for it. That thread may free the call before this
 * function returns. */
static void call_end(struct http *http, struct http_call *call)
{
    if (call->attached) {
        (void)curl_multi_remove_handle(http->multi, call->easy);
    }
    if (call->easy != NULL) {
        curl_easy_cleanup(call->easy);
        call->easy = NULL;
    }
    if (!call->head_complete) {
        call->response.status = 0; /* an interim answer, or the begin of one, is no answer */
    }
    call_log(call, &http->options);
    stream_end(&call->stream);
    GUARD(&http->mutex);
    call->done = true;
    atomic_store(&call->answered, true);
    pthread_cond_signal(&call->ended);
}

static void call_begin(struct http *http, struct http_call *call)
{
    struct http_pool *pool = pool_of(http, &call->request);
    call->start_ms = call->moved_ms = clock_ms();
    if (cancel_requested(call->request.cancel)) {
        (void)fail_cancelled(&call->failure);
    } else if (pool == NULL) {
        (void)fail_memory(&call->failure);
    } else if (call_prepare(call, &http->options, &call->failure) == 0) {
        (void)curl_easy_setopt(call->easy, CURLOPT_SHARE, pool->share);
        if (curl_multi_add_handle(http->multi, call->easy) == CURLM_OK) {
            call->attached = true;
        } else {
            (void)fail_memory(&call->failure);
        }
    }
    if (!call->attached) {
        call_end(http, call);
        return;
    }
    call->next = http->calls;
    http->calls = call;
}

/* Starts the queued calls; false when the thread must end. */
static bool queue_take(struct http *http)
{
    struct http_call *queue = NULL;
    bool stop = false;
    {
        GUARD(&http->mutex);
        queue = TAKE(http->queue);
        stop = http->stop;
    }
    while (queue != NULL) {
        struct http_call *call = queue;
        queue = call->next;
        call_begin(http, call);
    }
    return !stop;
}

static void call_resume(struct http *http, struct http_call *call)
{
    bool woken = atomic_exchange(&call->wake, false);
    bool rate_allows = call->rate_paused && http_rate_refill(&http->rate) > 0;
    if (woken || rate_allows) {
        call->send_paused = call->rate_paused = call->receive_paused = false;
        (void)curl_easy_pause(call->easy, CURLPAUSE_CONT);
    }
}

/* Whether a cancelled call must end now. */
static bool call_cancelled(struct http_call *call, uint64_t now_ms)
{
    if (!cancel_requested(call->request.cancel)) {
        return false;
    }
    if (!call->request.answer_after_cancel || call->send_count == 0) {
        return true;
    }
    call->cancelled_ms = call->cancelled_ms != 0 ? call->cancelled_ms : now_ms;
    return now_ms - call->cancelled_ms >= CANCEL_GRACE_MS;
}

/* Wakes, aborts and times out running calls. */
static void calls_check(struct http *http)
{
    uint64_t now = clock_ms();
    struct http_call **link = &http->calls;
    while (*link != NULL) {
        struct http_call *call = *link;
        bool must_end = call_expired(call, now);
        if (call_cancelled(call, now)) {
            call_count_sent(call);
            (void)fail_cancelled(&call->failure);
            must_end = true;
        } else if (atomic_load(&call->aborted)) {
            call_count_sent(call);
            (void)fail(&call->failure, LPIPE_ABORTED, "the request was aborted");
            must_end = true;
        }
        if (must_end) {
            *link = call->next;
            call_end(http, call);
            continue;
        }
        call_resume(http, call);
        link = &call->next;
    }
}

static void calls_finish(struct http *http)
{
    int left = 0;
    for (CURLMsg *msg = curl_multi_info_read(http->multi, &left); msg != NULL;
         msg = curl_multi_info_read(http->multi, &left)) {
        struct http_call *call = NULL;
        CURLcode code = msg->data.result;
        (void)curl_easy_getinfo(msg->easy_handle, CURLINFO_PRIVATE, (char **)&call);
        struct http_call **link = &http->calls;
        while (*link != call) {
            link = &(*link)->next;
        }
        *link = call->next;
        call_conclude(call, code);
        call_end(http, call);
    }
}

static void wait_for_something(struct http *http)
{
    struct curl_waitfd fds[WAIT_FDS_MAX];
    unsigned count = 0;
    bool rate = false;
    for (const struct http_call *call = http->calls; call != NULL; call = call->next) {
        int fd = cancel_fd(call->request.cancel);
        bool known = fd < 0 || count == WAIT_FDS_MAX || call->cancelled_ms != 0;
        for (unsigned i = 0; i < count && !known; i++) {
            known = fds[i].fd == fd;
        }
        if (!known) {
            fds[count++] = (struct curl_waitfd){ .fd = fd, .events = CURL_WAIT_POLLIN };
        }
        rate = rate || call->rate_paused;
    }
    int time_ms = http->calls == NULL ? 60000 : rate ? RATE_TICK_MS : TICK_MS;
    (void)curl_multi_poll(http->multi, fds, count, time_ms, NULL);
}

static void *network_run(void *ctx)
{
    struct http *http = ctx;
    while (queue_take(http)) {
        int running = 0;
        calls_check(http);
        (void)curl_multi_perform(http->multi, &running);
        calls_finish(http);
        wait_for_something(http);
    }
    return NULL;
}

static int options_copy(struct http *http, const struct http_options *options)
{
    http->options = *options;
    http->options.proxy_ca_pem = mem_strdup(options->proxy_ca_pem);
    return options->proxy_ca_pem != NULL && http->options.proxy_ca_pem == NULL ? LPIPE_NO_MEMORY
                                                                               : 0;
}

int http_new(const struct http_options *options, struct http **ret_http, struct lpipe_error *err)
{
    int status = curl_load(err);
    if (status != 0) {
        return status;
    }
    struct http *http = NEW(struct http);
    if (http == NULL) {
        return fail_memory(err);
    }
    (void)pthread_once(&curl_once, curl_begin);
    pthread_mutex_init(&http->mutex, NULL);
    http_rate_init(&http->rate, options->rate_bytes_max);
    http->multi = curl_multi_init();
    if (http->multi == NULL || options_copy(http, options) != 0) {
        http_free(http);
        return fail_memory(err);
    }
    /* Without descriptors curl_multi_init() succeeds, but the network thread could not be woken. */
    if (curl_multi_wakeup(http->multi) != CURLM_OK) {
        http_free(http);
        return fail(err, LPIPE_NO_RESOURCES, "too few file descriptors for the network thread");
    }
    status = thread_start(&http->thread, "lpipe-net", network_run, http, err);
    if (status != 0) {
        http_free(http);
        return status;
    }
    http->threaded = true;
    *ret_http = http;
    return 0;
}

struct http *http_free(struct http *http)
{
    if (http == NULL) {
        return NULL;
    }
    if (http->threaded) {
        pthread_mutex_lock(&http->mutex);
        http->stop = true;
        pthread_mutex_unlock(&http->mutex);
        (void)curl_multi_wakeup(http->multi);
        (void)pthread_join(http->thread, NULL);
    }
    (void)curl_multi_cleanup(http->multi);
    pools_free(http);
    free((char *)(uintptr_t)http->options.proxy_ca_pem);
    pthread_mutex_destroy(&http->mutex);
    free(http);
    return NULL;
}

int http_start(struct http *http, const struct http_request *request, struct http_call **ret_call,
               struct lpipe_error *err)
{
    struct http_call *call = NEW(struct http_call);
    if (call == NULL) {
        return fail_memory(err);
    }
    call->request = *request;
    call->http = http;
    call->rate = &http->rate;
    call->response = (struct http_response)HTTP_RESPONSE_INIT;
    call->response.headers.size_max = HEADER_COUNT_MAX * HEADER_LINE_BYTES_MAX;
    call->response.body.size_max = request->response_bytes_max;
    call->response.url = request->url;
    pthread_cond_init(&call->ended, NULL);
    size_t stream_bytes = MAX_OF(request->stream_bytes, HTTP_STREAM_BYTES);
    if (stream_init(&call->stream, request->stream ? stream_bytes : 0) != 0) {
        call_free(call);
        return fail_memory(err);
    }
    {
        /* At the end of the queue, so that requests start in the order of the calls. */
        GUARD(&http->mutex);
        struct http_call **link = &http->queue;
        while (*link != NULL) {
            link = &(*link)->next;
        }
        *link = call;
    }
    (void)curl_multi_wakeup(http->multi);
    *ret_call = call;
    return 0;
}

void http_call_wake(struct http_call *call)
{
    atomic_store(&call->wake, true);
    (void)curl_multi_wakeup(call->http->multi);
}

void http_call_abort(struct http_call *call)
{
    atomic_store(&call->aborted, true);
    (void)curl_multi_wakeup(call->http->multi);
}

bool http_call_answered(const struct http_call *call)
{
    return atomic_load(&call->answered);
}

void http_call_join(struct http_call *call)
{
    GUARD(&call->http->mutex);
    while (!call->done) {
        pthread_cond_wait(&call->ended, &call->http->mutex);
    }
}

int http_wait(struct http_call *call, struct http_response *ret_response, struct lpipe_error *err)
{
    http_call_join(call);
    int status = call->failure.status;
    http_response_dispose(ret_response);
    *ret_response = call->response;
    if (status != 0 && err != NULL) {
        *err = call->failure;
    }
    call->response = (struct http_response)HTTP_RESPONSE_INIT;
    call_free(call);
    return status;
}

int http_send(struct http *http, const struct http_request *request,
              struct http_response *ret_response, struct lpipe_error *err)
{
    struct http_call *call = NULL;
    int status = http_start(http, request, &call, err);
    return status != 0 ? status : http_wait(call, ret_response, err);
}

size_t http_read(struct http_call *call, void *buf, size_t size)
{
    bool wake = false;
    size = stream_take(&call->stream, buf, size, &wake);
    if (wake) {
        http_call_wake(call);
    }
    return size;
}

const struct http_response *http_call_head(const struct http_call *call)
{
    return &call->response;
}
