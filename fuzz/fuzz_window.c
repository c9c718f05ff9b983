/* SPDX-License-Identifier: Apache-2.0 */
/* The window of an upload: whatever is written, pulled, acknowledged and sent again, the bytes that
 * are pulled are those that were written there, and none is lost before it is acknowledged. (The
 * upload machine is tried with all facts in t_upload_machine.c, both together in
 * fuzz_conversation.c.)
 *
 * The first byte chooses a spool file; then each operation is a byte and a number of two bytes. */
#include <stdint.h>
#include <string.h>

#include "base/limits.h"
#include "upload/upload_window.h"

#define HELD_BYTES (3 * WINDOW_PAGE_BYTES)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* No request runs here. */
void http_call_wake(struct http_call *call)
{
    (void)call;
}

void http_call_abort(struct http_call *call)
{
    (void)call;
}

static void require(bool holds)
{
    if (!holds) {
        abort();
    }
}

#define NUMBER_MAX 65535 /* of an operation */
#define PERIOD 65521     /* prime, so that no page begins with the same bytes as another one */

/* The bytes that the blob has from an offset on: NUMBER_MAX of them. They repeat, so that they are
 * copied and compared as a whole: byte by byte, the fuzzer's counters take most of the time. */
static const char *bytes_at(uint64_t offset)
{
    static char bytes[PERIOD + NUMBER_MAX];
    static bool is_filled;
    for (uint32_t i = 0, random = 1; i < PERIOD && !is_filled; i++) {
        random = random * 1664525 + 1013904223;
        bytes[i] = (char)(random >> 24);
    }
    if (!is_filled) {
        for (size_t i = PERIOD; i < sizeof bytes; i++) {
            bytes[i] = bytes[i - PERIOD];
        }
        is_filled = true;
    }
    return bytes + offset % PERIOD;
}

/* How many bytes can be written without waiting for space. */
static uint64_t space_of(const struct upload_window *window)
{
    uint64_t kept = window->spool_fd >= 0 ? (window->may_pull ? window->cursor : window->end)
                    : window->streaming   ? window->cursor
                                          : window->released;
    uint64_t oldest = MAX_OF(window->oldest, kept - kept % WINDOW_PAGE_BYTES);
    uint64_t space = window->held_max - MIN_OF(window->held_max, window->end - oldest);
    uint64_t ahead = MIN_OF(window->end - window->cursor, (uint64_t)STREAM_AHEAD_BYTES);
    return window->streaming ? MIN_OF(space, STREAM_AHEAD_BYTES - ahead) : space;
}

static void write_bytes(struct upload_window *window, size_t size)
{
    size_t taken = 0;
    size = (size_t)MIN_OF((uint64_t)size, space_of(window));
    require(window_write(window, bytes_at(window->end), size, 0, &taken, NULL) == 0 &&
            taken == size);
}

static void pull_bytes(struct upload_window *window, const struct http_body *body, size_t size)
{
    static char bytes[NUMBER_MAX];
    uint64_t at = window->cursor;
    if (body->pull == NULL || size == 0) {
        return;
    }
    ptrdiff_t got = body->pull(body->ctx, bytes, size);
    require(got <= (ptrdiff_t)size && (got >= 0 || got == HTTP_PULL_WAIT));
    require(got <= 0 || window->cursor == at + (uint64_t)got);
    require(got <= 0 || memcmp(bytes, bytes_at(at), (size_t)got) == 0);
}

/* A request from an offset on, which is not acknowledged yet: its bytes must be there, except after
 * a stream has dropped them. */
static void begin_request(struct upload_window *window, size_t back, struct http_body *body,
                          bool *has_streamed)
{
    uint64_t offset = window->end - MIN_OF((uint64_t)back * 8, window->end - window->released);
    bool found = window_seek(window, offset);
    require(found == window_holds(window, offset));
    require(found || *has_streamed);
    *body = found ? window_body(window, back % 3 == 0 ? 0 : window->end - offset)
                  : (struct http_body){ .size = 0 };
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct upload_window window;
    struct http_body body = { .size = 0 };
    bool has_streamed = false;
    if (size == 0 ||
        window_init(&window, HELD_BYTES, (data[0] & 1) != 0 ? "/tmp" : NULL, NULL) != 0) {
        return 0;
    }
    for (size_t i = 1; i + 3 <= size; i += 3) {
        size_t number = (size_t)data[i + 1] << 8 | data[i + 2];
        switch (data[i] % 6) {
        case 0:
            write_bytes(&window, number);
            break;
        case 1:
            pull_bytes(&window, &body, number);
            break;
        case 2:
            begin_request(&window, number, &body, &has_streamed);
            break;
        case 3: /* only what was sent is acknowledged */
            window_release(&window, MIN_OF(window.cursor, window.released + (uint64_t)number * 4));
            break;
        case 4:
            window_set_streaming(&window, (number & 1) != 0);
            has_streamed = has_streamed || (number & 1) != 0;
            break;
        default:
            window_set_request(&window, NULL);
            body = (struct http_body){ .size = 0 };
            break;
        }
    }
    window_dispose(&window);
    return 0;
}
