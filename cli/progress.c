/* SPDX-License-Identifier: Apache-2.0 */
#include "progress.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "print.h"
#include "terminal_text.h"

#define DRAW_INTERVAL_MS 100
#define PLAIN_INTERVAL_MS 5000
#define RATE_INTERVAL_MS 1000
#define BLOBS_MAX 4096
#define LINES_MAX 12 /* drawn at the same time */
#define NAME_BYTES 40
#define LINE_BYTES 256

struct blob {
    bool active;
    char name[NAME_BYTES];
    enum lpipe_blob_phase phase;
    uint64_t bytes_in, bytes_out, bytes_acked, bytes_total;
    uint64_t rate_bytes;               /* bytes a second, in the last interval */
    uint64_t rate_since_ms, rate_from; /* time and bytes at the start of this interval */
    uint64_t printed_ms;               /* time of the last plain line */
};

struct progress {
    enum progress_mode mode; /* never PROGRESS_AUTO */
    bool quiet;
    int verbosity;
    struct blob *blobs; /* by blob_index */
    size_t blob_count;
    int lines_drawn;
    uint64_t drawn_ms;
};

static uint64_t now_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static enum progress_mode choose_mode(const struct settings *settings)
{
    const char *terminal = getenv("TERM");
    if (settings->quiet) {
        return PROGRESS_NONE;
    }
    if (settings->progress != PROGRESS_AUTO) {
        return (enum progress_mode)settings->progress;
    }
    bool drawable = isatty(STDERR_FILENO) == 1 && terminal != NULL && strcmp(terminal, "dumb") != 0;
    return drawable ? PROGRESS_TTY : PROGRESS_PLAIN;
}

struct progress *progress_new(const struct settings *settings)
{
    struct progress *progress = calloc(1, sizeof *progress);
    if (progress != NULL) {
        progress->mode = choose_mode(settings);
        progress->quiet = settings->quiet;
        progress->verbosity = settings->verbosity;
    }
    return progress;
}

void progress_clear(struct progress *progress)
{
    if (progress->lines_drawn > 0) {
        /* The carriage return: after Ctrl-C the terminal has written "^C" at the start of the line.
         * */
        (void)fprintf(stderr, "\r\033[%dA\033[J", progress->lines_drawn);
        (void)fflush(stderr);
        progress->lines_drawn = 0;
    }
}

void progress_free(struct progress *progress)
{
    if (progress != NULL) {
        progress_clear(progress);
        free(progress->blobs);
        free(progress);
    }
}

/* Writes a size as "12.3 MB". */
static const char *amount(char text[16], uint64_t bytes)
{
    static const char *const units[] = { "B", "kB", "MB", "GB", "TB" };
    double value = (double)bytes;
    size_t unit = 0;
    while (value >= 999.95 && unit + 1 < sizeof units / sizeof units[0]) {
        value /= 1000;
        unit++;
    }
    (void)snprintf(text, 16, unit == 0 ? "%.0f %s" : "%.1f %s", value, units[unit]);
    return text;
}

/* The state of a blob in one line. A copied blob has a known total and no input. */
static void describe(char line[LINE_BYTES], const struct blob *blob)
{
    char in[16], out[16], acked[16], rate[16];
    (void)amount(in, blob->bytes_in);
    (void)amount(out, blob->bytes_out);
    (void)amount(acked, blob->bytes_acked);
    (void)amount(rate, blob->rate_bytes);
    if (blob->phase == LPIPE_PHASE_HASH) {
        (void)snprintf(line, LINE_BYTES, "%s: hashing, %s in, %s out, %s/s", blob->name, in, out,
                       rate);
    } else if (blob->bytes_total > 0) {
        char total[16];
        (void)snprintf(line, LINE_BYTES, "%s: %s of %s stored, %s/s", blob->name, acked,
                       amount(total, blob->bytes_total), rate);
    } else {
        (void)snprintf(line, LINE_BYTES, "%s: %s in, %s out, %s stored, %s/s", blob->name, in, out,
                       acked, rate);
    }
}

static void draw(struct progress *progress)
{
    struct winsize window = { .ws_col = 80 };
    (void)ioctl(STDERR_FILENO, TIOCGWINSZ, &window);
    int columns = window.ws_col > 20 ? window.ws_col - 1 : 79;
    progress_clear(progress);
    for (size_t i = 0; i < progress->blob_count && progress->lines_drawn < LINES_MAX; i++) {
        char line[LINE_BYTES];
        if (progress->blobs[i].active) {
            describe(line, &progress->blobs[i]);
            (void)fprintf(stderr, "%.*s\n", columns, line);
            progress->lines_drawn++;
        }
    }
    (void)fflush(stderr);
    progress->drawn_ms = now_ms();
}

/* The blob of an event; NULL if its index is too large or memory is short. */
static struct blob *blob_of(struct progress *progress, uint32_t index)
{
    if (index >= BLOBS_MAX) {
        return NULL;
    }
    if (index >= progress->blob_count) {
        struct blob *grown = realloc(progress->blobs, (index + 1) * sizeof *grown);
        if (grown == NULL) {
            return NULL;
        }
        memset(grown + progress->blob_count, 0, (index + 1 - progress->blob_count) * sizeof *grown);
        progress->blobs = grown;
        progress->blob_count = index + 1;
    }
    return &progress->blobs[index];
}

static void set_name(struct blob *blob, const struct lpipe_event *event)
{
    if (event->text != NULL && event->text[0] != '\0') {
        (void)snprintf(blob->name, sizeof blob->name, "%s", event->text);
    } else if (blob->name[0] == '\0') {
        (void)snprintf(blob->name, sizeof blob->name, "blob %u", event->blob_index);
    }
    terminal_clean(blob->name);
}

static void update(struct blob *blob, const struct lpipe_event *event)
{
    uint64_t now = now_ms();
    uint64_t moved = event->bytes_total > 0 ? event->bytes_acked : event->bytes_in;
    set_name(blob, event);
    if (!blob->active || blob->phase != event->phase) {
        blob->phase = event->phase;
        blob->active = true;
        blob->rate_since_ms = now;
        blob->rate_from = moved;
        blob->printed_ms = now;
    }
    blob->bytes_in = event->bytes_in;
    blob->bytes_out = event->bytes_out;
    blob->bytes_acked = event->bytes_acked;
    blob->bytes_total = event->bytes_total;
    uint64_t elapsed = now - blob->rate_since_ms;
    if (elapsed >= RATE_INTERVAL_MS || (blob->rate_bytes == 0 && elapsed >= DRAW_INTERVAL_MS)) {
        blob->rate_bytes = moved > blob->rate_from ? (moved - blob->rate_from) * 1000 / elapsed : 0;
        blob->rate_since_ms = now;
        blob->rate_from = moved;
    }
}

static void print_blob_done(const struct blob *blob, const struct lpipe_event *event)
{
    static const char *const origins[] = {
        [LPIPE_ORIGIN_STREAMED] = "done",
        [LPIPE_ORIGIN_MOUNTED] = "mounted",
        [LPIPE_ORIGIN_EXISTING] = "already exists",
        [LPIPE_ORIGIN_COPIED] = "copied",
    };
    char in[16], out[16];
    const char *digest = event->digest == NULL ? "" : event->digest;
    const char *how = event->origin <= LPIPE_ORIGIN_COPIED ? origins[event->origin] : "done";
    if (event->bytes_in > 0) {
        print_message("%s: %s in, %s out, %s %s", blob->name, amount(in, event->bytes_in),
                      amount(out, event->bytes_out), how, digest);
    } else {
        print_message("%s: %s %s", blob->name, how, digest);
    }
}

static void show_progress(struct progress *progress, struct blob *blob)
{
    uint64_t now = now_ms();
    if (progress->mode == PROGRESS_TTY && now - progress->drawn_ms >= DRAW_INTERVAL_MS) {
        draw(progress);
    } else if (progress->mode == PROGRESS_PLAIN && now - blob->printed_ms >= PLAIN_INTERVAL_MS) {
        char line[LINE_BYTES];
        describe(line, blob);
        print_message("%s", line);
        blob->printed_ms = now;
    }
}

static void on_blob(struct progress *progress, const struct lpipe_event *event)
{
    struct blob *blob = blob_of(progress, event->blob_index);
    if (blob == NULL) {
        return;
    }
    update(blob, event);
    if (event->kind == LPIPE_EVENT_BLOB_DONE || event->kind == LPIPE_EVENT_BLOB_FAILED) {
        progress_clear(progress);
        blob->active = false;
        if (event->kind == LPIPE_EVENT_BLOB_DONE) {
            print_blob_done(blob, event);
        }
        *blob = (struct blob){ 0 };
    } else {
        show_progress(progress, blob);
    }
}

static void on_event(void *user, const struct lpipe_event *event)
{
    struct progress *progress = user;
    if (event->kind == LPIPE_EVENT_NOTICE) {
        if (!progress->quiet && event->text != NULL) {
            progress_clear(progress);
            print_message("%s", event->text);
        }
        return;
    }
    if (progress->mode == PROGRESS_NONE) {
        return;
    }
    if (event->kind == LPIPE_EVENT_MANIFEST || event->kind == LPIPE_EVENT_TAG) {
        progress_clear(progress);
        print_message("%s %s", event->kind == LPIPE_EVENT_TAG ? "tag" : "manifest",
                      event->kind == LPIPE_EVENT_TAG && event->text != NULL ? event->text
                      : event->digest != NULL                               ? event->digest
                                                                            : "");
        return;
    }
    on_blob(progress, event);
}

static void on_log(void *user, enum lpipe_log_level level, const char *line)
{
    struct progress *progress = user;
    if ((int)level <= progress->verbosity) {
        progress_clear(progress);
        print_message("%s", line);
    }
}

struct lpipe_observer progress_observer(struct progress *progress)
{
    return (struct lpipe_observer){
        .event = on_event,
        .log = progress->verbosity > 0 ? on_log : NULL,
        .user = progress,
    };
}
