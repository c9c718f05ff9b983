/* SPDX-License-Identifier: Apache-2.0 */
#include "progress.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "api_names.h"
#include "print.h"
#include "progress_lines.h"

#define PLAIN_FIRST_MS 10000 /* each interval is twice the one before ... */
#define PLAIN_LAST_MS 60000  /* ... up to this one */
#define ROWS_MAX 12          /* drawn at the same time */
#define COLUMNS_MAX 160
#define WAIT_SHOWN_MS 1000

/* The library's threads send events while the command writes to stdout. */
struct progress {
    pthread_mutex_t lock;    /* guards all below */
    bool running;            /* between begin and end: lines may be drawn */
    enum progress_mode mode; /* never PROGRESS_AUTO */
    bool quiet;
    int verbosity;
    struct progress_words words;
    bool writing; /* the command writes to stdout */
    struct progress_state state;
    bool drawn;                           /* lines stand from the cursor on */
    uint64_t plain_ms, plain_interval_ms; /* of the last plain line, and to the next */
};

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
        pthread_mutex_init(&progress->lock, NULL);
        progress->mode = choose_mode(settings);
        progress->quiet = settings->quiet;
        progress->verbosity = settings->verbosity;
    }
    return progress;
}

static struct progress_words words_for(const lpipe_ref *dest)
{
    if (dest == NULL) {
        return (struct progress_words){ "written", "waiting for the registry" };
    }
    switch (lpipe_ref_kind(dest)) {
    case LPIPE_REF_REGISTRY:
        return (struct progress_words){ "sent", "waiting for the registry" };
    case LPIPE_REF_NULL:
        return (struct progress_words){ "made", "ending" };
    case LPIPE_REF_LAYOUT:
    case LPIPE_REF_OCI_ARCHIVE:
    case LPIPE_REF_DOCKER_ARCHIVE:
    default:
        return (struct progress_words){ "written", "waiting for the disk" };
    }
}

void progress_begin(struct progress *progress, const lpipe_ref *dest)
{
    pthread_mutex_lock(&progress->lock);
    progress->running = true;
    progress->words = words_for(dest);
    progress_state_begin(&progress->state, progress_now_ms());
    progress->plain_ms = progress->state.start_ms;
    progress->plain_interval_ms = PLAIN_FIRST_MS;
    pthread_mutex_unlock(&progress->lock);
}

void progress_count(struct progress *progress, uint64_t bytes)
{
    pthread_mutex_lock(&progress->lock);
    progress->state.counted += bytes;
    pthread_mutex_unlock(&progress->lock);
}

void progress_writing(struct progress *progress, bool writing)
{
    pthread_mutex_lock(&progress->lock);
    progress->writing = writing;
    pthread_mutex_unlock(&progress->lock);
}

/* In the background ("layerpipe push ... &") the cursor is the shell's: nothing is drawn. A
 * terminal that is not the controlling one has no background. */
static bool cursor_is_ours(void)
{
    pid_t group = tcgetpgrp(STDERR_FILENO);
    return group < 0 || group == getpgrp();
}

static void erase(struct progress *progress)
{
    if (progress->drawn && cursor_is_ours()) {
        print_raw("\r\033[J");
    }
    progress->drawn = false;
}

/* All drawn lines as one text, so that a terminal shows them at once. */
struct drawing {
    char text[(ROWS_MAX + 1) * (PROGRESS_LINE_BYTES + 8)];
    size_t size;
    unsigned rows;
};

static void drawing_add(struct drawing *drawing, const char *line)
{
    int added = snprintf(drawing->text + drawing->size, sizeof drawing->text - drawing->size,
                         "%s%s\033[K", drawing->rows > 0 ? "\n" : "\r", line);
    drawing->size += (size_t)added;
    drawing->rows++;
}

static void draw_blobs(struct drawing *drawing, const struct progress *progress, size_t columns,
                       size_t rows)
{
    const struct progress_state *state = &progress->state;
    size_t shown = state->blob_count <= rows ? state->blob_count : rows - 1;
    char line[PROGRESS_LINE_BYTES];
    for (size_t i = 0; i < shown; i++) {
        progress_line_blob(line, columns, state, &state->blobs[i], &progress->words);
        drawing_add(drawing, line);
    }
    if (shown < state->blob_count) {
        (void)snprintf(line, sizeof line, "and %zu more", state->blob_count - shown);
        drawing_add(drawing, line);
    }
}

/* Nothing is sent at present: the command asks, or waits for an answer. */
static void draw_wait(struct drawing *drawing, const struct progress *progress, size_t columns)
{
    uint64_t waited_ms = progress->state.now_ms - progress->state.active_ms;
    char line[PROGRESS_LINE_BYTES];
    if (progress->state.blob_count == 0 && waited_ms >= WAIT_SHOWN_MS) {
        (void)snprintf(line, sizeof line, "%s %u s",
                       progress->writing ? "waiting for the reader of stdout"
                                         : progress->words.wait,
                       (unsigned)(waited_ms / 1000));
        line[columns < sizeof line ? columns : sizeof line - 1] = '\0';
        drawing_add(drawing, line);
    }
}

/* The size of the window is asked for each time, so that a resize is seen at the next redraw. */
static void draw(struct progress *progress)
{
    struct winsize window = { 0 };
    struct drawing drawing = { .size = 0 };
    char line[PROGRESS_LINE_BYTES];
    char end[32];
    if (!cursor_is_ours()) {
        progress->drawn = false;
        return;
    }
    (void)ioctl(STDERR_FILENO, TIOCGWINSZ, &window);
    size_t columns = window.ws_col == 0 ? 80 : window.ws_col;
    columns = columns > COLUMNS_MAX ? COLUMNS_MAX : columns;
    columns -= columns > 1;
    size_t rows = window.ws_row > 4 && window.ws_row - 2 < ROWS_MAX ? window.ws_row - 2u : ROWS_MAX;
    draw_blobs(&drawing, progress, columns, rows);
    draw_wait(&drawing, progress, columns);
    progress_line_total(line, columns, &progress->state, &progress->words);
    drawing_add(&drawing, line);
    (void)snprintf(end, sizeof end, drawing.rows > 1 ? "\033[J\r\033[%uA" : "\033[J\r",
                   drawing.rows - 1);
    (void)strcat(drawing.text, end);
    print_raw(drawing.text);
    progress->drawn = true;
}

/* Prints a line that stays, above the drawn ones. */
static void print_above(struct progress *progress, const char *line)
{
    bool was_drawn = progress->drawn;
    erase(progress);
    print_message("%s", line);
    if (was_drawn) {
        draw(progress);
    }
}

void progress_end(struct progress *progress, bool success)
{
    char line[PROGRESS_LINE_BYTES];
    pthread_mutex_lock(&progress->lock);
    progress->running = false;
    erase(progress);
    if (success && progress->mode != PROGRESS_NONE) {
        progress->state.now_ms = progress_now_ms();
        progress_line_summary(line, &progress->state, &progress->words);
        print_message("%s", line);
    }
    pthread_mutex_unlock(&progress->lock);
}

void progress_free(struct progress *progress)
{
    if (progress != NULL) {
        erase(progress);
        pthread_mutex_destroy(&progress->lock);
        free(progress);
    }
}

static void on_blob_end(struct progress *progress, const struct lpipe_event *event)
{
    struct progress_blob blob;
    char line[PROGRESS_LINE_BYTES];
    uint64_t now_ms = progress_now_ms();
    progress_state_end(&progress->state, event, now_ms, &blob);
    if (event->kind == LPIPE_EVENT_BLOB_DONE) {
        progress_line_done(line, &blob, event, now_ms, progress->verbosity > 0);
        print_above(progress, line);
    }
}

static void on_tick(struct progress *progress)
{
    uint64_t now_ms = progress->state.now_ms;
    if (!progress->running) {
        return;
    }
    if (progress->mode == PROGRESS_TTY) {
        draw(progress);
    } else if (now_ms - progress->plain_ms >= progress->plain_interval_ms) {
        char line[PROGRESS_LINE_BYTES];
        progress_line_plain(line, &progress->state, &progress->words);
        print_message("%s", line);
        progress->plain_ms = now_ms;
        uint64_t doubled_ms = 2 * progress->plain_interval_ms;
        progress->plain_interval_ms = doubled_ms < PLAIN_LAST_MS ? doubled_ms : PLAIN_LAST_MS;
    }
}

static void on_published(struct progress *progress, const struct lpipe_event *event)
{
    char line[PROGRESS_LINE_BYTES], digest[PROGRESS_LINE_BYTES];
    bool is_tag = event->kind == LPIPE_EVENT_TAG;
    progress_digest(digest, event->digest != NULL ? event->digest : "", progress->verbosity > 0);
    (void)snprintf(line, sizeof line, "%s %.400s", is_tag ? "tag" : "manifest",
                   is_tag && event->text != NULL ? event->text : digest);
    print_above(progress, line);
}

static void take_event(struct progress *progress, const struct lpipe_event *event)
{
    char notice[PROGRESS_LINE_BYTES];
    if (event->kind == LPIPE_EVENT_NOTICE) {
        if (!progress->quiet && event->text != NULL) {
            print_above(progress, api_names_replace(event->text, notice, sizeof notice));
        }
        return;
    }
    if (progress->mode == PROGRESS_NONE) {
        return;
    }
    switch (event->kind) {
    case LPIPE_EVENT_BLOB_DONE:
    case LPIPE_EVENT_BLOB_FAILED:
        on_blob_end(progress, event);
        return;
    case LPIPE_EVENT_MANIFEST:
    case LPIPE_EVENT_TAG:
        on_published(progress, event);
        return;
    case LPIPE_EVENT_BLOB_START:
    case LPIPE_EVENT_BLOB_PROGRESS:
    case LPIPE_EVENT_NOTICE:
    case LPIPE_EVENT_TICK:
    default:
        break;
    }
    progress_state_take(&progress->state, event, progress_now_ms());
    if (event->kind == LPIPE_EVENT_TICK) {
        on_tick(progress);
    }
}

static void on_event(void *user, const struct lpipe_event *event)
{
    struct progress *progress = user;
    pthread_mutex_lock(&progress->lock);
    take_event(progress, event);
    pthread_mutex_unlock(&progress->lock);
}

static void on_log(void *user, enum lpipe_log_level level, const char *line)
{
    struct progress *progress = user;
    if ((int)level <= progress->verbosity) {
        pthread_mutex_lock(&progress->lock);
        print_above(progress, line);
        pthread_mutex_unlock(&progress->lock);
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
