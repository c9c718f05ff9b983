/* SPDX-License-Identifier: Apache-2.0 */
#include "upload/upload_window.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/cancel.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/spool.h"
#include "base/sync.h"

int window_init(struct upload_window *window, uint64_t held_max, const char *spool_dir,
                struct lpipe_error *err)
{
    size_t count = (size_t)(held_max / WINDOW_PAGE_BYTES) + 3;
    *window = (struct upload_window){ .held_max = held_max,
                                      .page_count = count,
                                      .request_end = UINT64_MAX,
                                      .spool_fd = -1,
                                      .abandoned_fd = -1 };
    pthread_mutex_init(&window->mutex, NULL);
    pthread_condattr_t steady;
    pthread_condattr_init(&steady);
    pthread_condattr_setclock(&steady, CLOCK_MONOTONIC);
    pthread_cond_init(&window->changed, &steady);
    pthread_condattr_destroy(&steady);
    window->pages = mem_new_array(count, sizeof *window->pages);
    window->spare = mem_new_array(count, sizeof *window->spare);
    if (window->pages == NULL || window->spare == NULL) {
        return fail_memory(err);
    }
    window->abandoned_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (window->abandoned_fd < 0) {
        return fail_errno(err, LPIPE_NO_RESOURCES, errno, "cannot create an eventfd");
    }
    return spool_dir == NULL ? 0 : spool_file_open(spool_dir, &window->spool_fd, err);
}

void window_dispose(struct upload_window *window)
{
    for (size_t i = 0; i < window->page_count && window->pages != NULL; i++) {
        free(window->pages[i]);
    }
    for (size_t i = 0; i < window->spare_count; i++) {
        free(window->spare[i]);
    }
    free(window->pages);
    free(window->spare);
    fd_close(&window->spool_fd);
    fd_close(&window->abandoned_fd);
    pthread_cond_destroy(&window->changed);
    pthread_mutex_destroy(&window->mutex);
}

static char **page_of_locked(struct upload_window *window, uint64_t offset)
{
    return &window->pages[(size_t)(offset / WINDOW_PAGE_BYTES) % window->page_count];
}

static char *page_take_locked(struct upload_window *window)
{
    return window->spare_count > 0 ? window->spare[--window->spare_count]
                                   : mem_new_blocks(1, WINDOW_PAGE_BYTES);
}

/* Drops the pages that end at or before offset. */
static void drop_pages_locked(struct upload_window *window, uint64_t offset)
{
    while (window->oldest + WINDOW_PAGE_BYTES <= offset) {
        char **page = page_of_locked(window, window->oldest);
        window->spare[window->spare_count++] = *page;
        *page = NULL;
        window->oldest += WINDOW_PAGE_BYTES;
    }
}

/* The first byte that must stay in memory. A page that a request may be pulling must stay, even
 * with a spool file. */
static uint64_t first_kept_locked(const struct upload_window *window)
{
    if (window->spool_fd >= 0) {
        return window->may_pull ? window->cursor : window->end;
    }
    return window->streaming ? window->cursor : window->released;
}

static uint64_t free_space_locked(struct upload_window *window)
{
    while (window->end - window->oldest >= window->held_max &&
           window->oldest + WINDOW_PAGE_BYTES <= first_kept_locked(window)) {
        drop_pages_locked(window, window->oldest + WINDOW_PAGE_BYTES);
    }
    uint64_t space = window->held_max - MIN_OF(window->held_max, window->end - window->oldest);
    if (window->streaming) {
        uint64_t ahead = window->end - window->cursor;
        space = MIN_OF(space, STREAM_AHEAD_BYTES - MIN_OF(STREAM_AHEAD_BYTES, ahead));
    }
    return space;
}

/* Waits for free space and returns its size; 0 = the window is closed. */
static uint64_t await_space_locked(struct upload_window *window)
{
    uint64_t space = free_space_locked(window);
    while (space == 0 && !window->closed) {
        pthread_cond_wait(&window->changed, &window->mutex);
        space = free_space_locked(window);
    }
    return window->closed ? 0 : space;
}

static int spool_write(const struct upload_window *window, const char *data, size_t size,
                       struct lpipe_error *err)
{
    int code =
        window->spool_fd < 0 ? 0 : fd_write_all_at(window->spool_fd, data, size, window->end);
    return code == 0 ? 0 : fail_errno(err, LPIPE_OUTPUT_IO, code, "writing the spool file");
}

/* Writes up to the end of one page. Nobody else uses the page beyond window->end, so it is filled
 * without the lock. */
static int write_some(struct upload_window *window, const char *data, size_t size,
                      size_t *ret_taken, struct lpipe_error *err)
{
    char *page = NULL;
    size_t within = 0;
    {
        GUARD(&window->mutex);
        uint64_t space = await_space_locked(window);
        if (space == 0) {
            return fail(err, LPIPE_ABORTED, "the upload has failed");
        }
        char **place = page_of_locked(window, window->end);
        within = (size_t)(window->end % WINDOW_PAGE_BYTES);
        *place = *place == NULL ? page_take_locked(window) : *place;
        page = *place;
        size = (size_t)MIN_OF((uint64_t)MIN_OF(size, WINDOW_PAGE_BYTES - within), space);
    }
    if (page == NULL) {
        return fail_memory(err);
    }
    memcpy(page + within, data, size);
    int status = spool_write(window, data, size, err);
    if (status != 0) {
        return status;
    }
    GUARD(&window->mutex);
    window->end += size;
    pthread_cond_broadcast(&window->changed);
    if (window->call != NULL) {
        http_call_wake(window->call);
    }
    *ret_taken = size;
    return 0;
}

int window_write(struct upload_window *window, const char *data, size_t size, uint64_t until,
                 size_t *ret_taken, struct lpipe_error *err)
{
    size_t taken = 0;
    /* Only the writer changes window->end, so it reads it without the lock. */
    while (taken < size && (until == 0 || window->end < until)) {
        size_t part = size - taken;
        part = until == 0 ? part : (size_t)MIN_OF((uint64_t)part, until - window->end);
        int status = write_some(window, data + taken, part, &part, err);
        if (status != 0) {
            return status;
        }
        taken += part;
    }
    *ret_taken = taken;
    return 0;
}

void window_end(struct upload_window *window)
{
    GUARD(&window->mutex);
    if (window->stream == WINDOW_ABANDONED) {
        return;
    }
    window->stream = WINDOW_ENDED;
    pthread_cond_broadcast(&window->changed);
    if (window->call != NULL) {
        http_call_wake(window->call);
    }
}

void window_abandon(struct upload_window *window)
{
    GUARD(&window->mutex);
    uint64_t one = 1;
    window->stream = WINDOW_ABANDONED;
    (void)!write(window->abandoned_fd, &one, sizeof one);
    pthread_cond_broadcast(&window->changed);
    struct timespec end;
    (void)clock_gettime(CLOCK_MONOTONIC, &end);
    end.tv_sec += ABANDON_GRACE_S;
    int status = 0;
    if (window->call != NULL) {
        http_call_wake(window->call);
    }
    while (window->call != NULL && status == 0) {
        status = pthread_cond_timedwait(&window->changed, &window->mutex, &end);
    }
    if (window->call != NULL) {
        http_call_abort(window->call);
    }
}

void window_await(struct upload_window *window, uint64_t wanted)
{
    GUARD(&window->mutex);
    while (window->end < wanted && window->stream == WINDOW_OPEN) {
        pthread_cond_wait(&window->changed, &window->mutex);
    }
}

uint64_t window_size(struct upload_window *window)
{
    GUARD(&window->mutex);
    return window->end;
}

uint64_t window_cursor(struct upload_window *window)
{
    GUARD(&window->mutex);
    return window->cursor;
}

bool window_has_ended(struct upload_window *window)
{
    GUARD(&window->mutex);
    return window->stream == WINDOW_ENDED;
}

bool window_is_abandoned(struct upload_window *window)
{
    GUARD(&window->mutex);
    return window->stream == WINDOW_ABANDONED;
}

bool window_holds(struct upload_window *window, uint64_t offset)
{
    GUARD(&window->mutex);
    return offset <= window->end && (offset >= window->oldest || window->spool_fd >= 0);
}

bool window_seek(struct upload_window *window, uint64_t offset)
{
    GUARD(&window->mutex);
    if (offset > window->end || (offset < window->oldest && window->spool_fd < 0)) {
        return false;
    }
    window->cursor = offset;
    return true;
}

void window_release(struct upload_window *window, uint64_t offset)
{
    GUARD(&window->mutex);
    window->released = MAX_OF(window->released, offset);
    if (!window->streaming) {
        drop_pages_locked(window, window->released);
    }
    pthread_cond_broadcast(&window->changed);
}

void window_close(struct upload_window *window)
{
    GUARD(&window->mutex);
    window->closed = true;
    pthread_cond_broadcast(&window->changed);
}

void window_set_request(struct upload_window *window, struct http_call *call)
{
    GUARD(&window->mutex);
    window->call = call;
    window->may_pull = call != NULL;
    if (call != NULL && window->stream == WINDOW_ABANDONED) {
        http_call_abort(call); /* window_abandon() did not see this request */
    } else if (call != NULL) {
        http_call_wake(call); /* more bytes may have been written since the first pull */
    }
    pthread_cond_broadcast(&window->changed);
}

int window_spool_failure(struct upload_window *window, struct lpipe_error *err)
{
    GUARD(&window->mutex);
    return window->spool_errno == 0
               ? 0
               : fail_errno(err, LPIPE_OUTPUT_IO, window->spool_errno, "reading the spool file");
}

void window_set_limit(struct upload_window *window, uint64_t held_max)
{
    GUARD(&window->mutex);
    window->held_max = MIN_OF(held_max, (window->page_count - 2) * WINDOW_PAGE_BYTES);
    pthread_cond_broadcast(&window->changed);
}

void window_set_streaming(struct upload_window *window, bool streaming)
{
    GUARD(&window->mutex);
    window->streaming = streaming;
    pthread_cond_broadcast(&window->changed);
}

bool window_sleep(struct upload_window *window, uint64_t time_ms, const lpipe_cancel *cancel)
{
    struct pollfd fds[2] = { { .fd = window->abandoned_fd, .events = POLLIN },
                             { .fd = cancel_fd(cancel), .events = POLLIN } };
    uint64_t end = clock_ms() + time_ms;
    int ready = 0;
    for (uint64_t now = clock_ms(); now < end && ready <= 0; now = clock_ms()) {
        ready = poll(fds, ARRAY_LEN(fds), (int)MIN_OF(end - now, (uint64_t)60000));
    }
    return ready <= 0;
}

static ptrdiff_t window_spool_read(struct upload_window *window, void *buf, size_t size,
                                   uint64_t offset)
{
    ptrdiff_t done = fd_read_at(window->spool_fd, buf, size, offset);
    if (done > 0) {
        return done;
    }
    int code = done < 0 ? (int)-done : EIO; /* another process has truncated the file */
    GUARD(&window->mutex);
    window->spool_errno = code;
    return HTTP_PULL_ABORT;
}

/* Called in the network thread. Pages between cursor and end are not dropped, so their bytes are
 * copied without the lock. */
static ptrdiff_t window_pull(void *ctx, void *buf, size_t size)
{
    struct upload_window *window = ctx;
    char *page = NULL;
    uint64_t at = 0;
    {
        GUARD(&window->mutex);
        uint64_t end = MIN_OF(window->end, window->request_end);
        at = window->cursor;
        if (at >= end ||
            (window->stream == WINDOW_ABANDONED && window->request_end == UINT64_MAX)) {
            return window->stream != WINDOW_OPEN || at == window->request_end ? 0 : HTTP_PULL_WAIT;
        }
        size = (size_t)MIN_OF((uint64_t)size, end - at);
        page = at >= window->oldest ? *page_of_locked(window, at) : NULL;
        size_t left = WINDOW_PAGE_BYTES - (size_t)(at % WINDOW_PAGE_BYTES);
        size = page != NULL ? MIN_OF(size, left)
                            : (size_t)MIN_OF((uint64_t)size, MAX_OF(window->oldest, at + 1) - at);
    }
    ptrdiff_t got = (ptrdiff_t)size;
    if (page != NULL) {
        memcpy(buf, page + at % WINDOW_PAGE_BYTES, size);
    } else {
        got = window_spool_read(window, buf, size, at);
    }
    if (got > 0) {
        GUARD(&window->mutex);
        window->cursor = at + (uint64_t)got;
        pthread_cond_broadcast(&window->changed);
    }
    if (got > 0 && window->pulled != NULL) {
        window->pulled(window->user, at + (uint64_t)got, (uint64_t)got);
    }
    return got;
}

struct http_body window_body(struct upload_window *window, uint64_t size)
{
    GUARD(&window->mutex);
    window->request_end = size == 0 ? UINT64_MAX : window->cursor + size;
    window->may_pull = true;
    return (struct http_body){ .size = size, .pull = window_pull, .ctx = window };
}
