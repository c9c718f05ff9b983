/* SPDX-License-Identifier: Apache-2.0 */
#include "progress_lines.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define NAME_COLUMNS_MIN 12
#define NAME_COLUMNS_MAX 32
#define BAR_COLUMNS_MIN 10
#define BAR_COLUMNS_MAX 30
#define SIZES_COLUMNS 20  /* "126.2 MB -> 51.8 MB" */
#define RATE_COLUMNS 18   /* "10.0 MB/s  0:08:20" */
#define PLAIN_COLUMNS 68  /* without "layerpipe: " */
#define RATE_SHOWN_MS 500 /* the rate of a shorter call, or of fewer bytes, says nothing */
#define RATE_SHOWN_BYTES 10000
#define AMOUNT_BYTES 16
#define PART_BYTES 128

/* Writes a size as "12.3 MB". */
static const char *amount(char text[AMOUNT_BYTES], uint64_t bytes)
{
    static const char *const units[] = { "B", "kB", "MB", "GB", "TB" };
    double value = (double)bytes;
    size_t unit = 0;
    while (value >= 999.95 && unit + 1 < sizeof units / sizeof units[0]) {
        value /= 1000;
        unit++;
    }
    (void)snprintf(text, AMOUNT_BYTES, unit == 0 ? "%.0f %s" : "%.1f %s", value, units[unit]);
    return text;
}

/* Writes a time as "0:08" or "1:02:08". */
static const char *duration(char text[AMOUNT_BYTES], uint64_t seconds)
{
    unsigned hours = (unsigned)(seconds / 3600 % 100000);
    unsigned minutes = (unsigned)(seconds / 60 % 60);
    unsigned rest = (unsigned)(seconds % 60);
    if (hours > 0) {
        (void)snprintf(text, AMOUNT_BYTES, "%u:%02u:%02u", hours, minutes, rest);
    } else {
        (void)snprintf(text, AMOUNT_BYTES, "%u:%02u", minutes, rest);
    }
    return text;
}

/* Appends to a line; what does not fit is left out. */
__attribute__((format(printf, 2, 3))) static void add(char line[PROGRESS_LINE_BYTES],
                                                      const char *format, ...)
{
    size_t used = strlen(line);
    va_list args;
    va_start(args, format);
    (void)vsnprintf(line + used, PROGRESS_LINE_BYTES - used, format, args);
    va_end(args);
}

/* Columns that a character takes. From Hangul on, many take two, so all are counted as two: a line
 * that is too short is better than one that wraps. */
static size_t character_columns(uint32_t code)
{
    return code < 0x1100 ? 1 : 2;
}

/* Cuts the text to this many columns. Returns how many it takes. */
static size_t cut(char *text, size_t columns)
{
    size_t used = 0;
    while (*text != '\0') {
        uint32_t code = 0;
        size_t size = lpipe_text_character(text, &code, NULL);
        if (size == 0 || used + character_columns(code) > columns) {
            *text = '\0';
            break;
        }
        used += character_columns(code);
        text += size;
    }
    return used;
}

/* Adds a name; of one with more than this many columns only the start and "..". Returns how many
 * columns it takes. */
static size_t add_cut_name(char line[PROGRESS_LINE_BYTES], size_t columns, const char *name)
{
    char shown[PROGRESS_NAME_BYTES * 2 + 2];
    (void)snprintf(shown, sizeof shown, "%s", name);
    size_t used = cut(shown, columns);
    if (strlen(shown) < strlen(name) && columns > NAME_COLUMNS_MIN / 2) {
        used = cut(shown, columns - 2);
        (void)strcat(shown, "..");
        used += 2;
    }
    add(line, "%s", shown);
    return used;
}

/* The same in a field of this many columns. */
static void add_name(char line[PROGRESS_LINE_BYTES], size_t columns, const char *name)
{
    size_t used = add_cut_name(line, columns, name);
    add(line, "%*s", (int)(columns - used), "");
}

/* "1 gcc.tar" for "layer 1" of the input gcc.tar. */
static void live_name(char name[PROGRESS_NAME_BYTES * 2], const struct progress_blob *blob)
{
    bool numbered = blob->input[0] != '\0' && strncmp(blob->name, "layer ", 6) == 0;
    (void)snprintf(name, (size_t)PROGRESS_NAME_BYTES * 2, "%s%s%s", blob->name + (numbered ? 6 : 0),
                   blob->input[0] != '\0' ? " " : "", blob->input);
}

static unsigned percent_of(const struct progress_part *part)
{
    return part->total == 0 ? 0 : (unsigned)((double)part->done * 100 / (double)part->total);
}

static void add_bar(char line[PROGRESS_LINE_BYTES], size_t columns, unsigned percent)
{
    size_t inside = columns - 2;
    size_t filled = inside * percent / 100;
    add(line, "[");
    for (size_t i = 0; i < inside; i++) {
        add(line, "%c", i < filled ? '=' : i == filled ? '>' : ' ');
    }
    add(line, "] ");
}

/* Bar and percent, or the number of bytes. bar: columns, 0 = none. */
static void add_part(char line[PROGRESS_LINE_BYTES], size_t bar, const struct progress_blob *blob,
                     const struct progress_words *words)
{
    char text[PART_BYTES], bytes[AMOUNT_BYTES];
    struct progress_part part = progress_part(blob);
    bool hashing = blob->now.phase == LPIPE_PHASE_HASH;
    if (hashing && part.total > 0) {
        (void)snprintf(text, sizeof text, "hashing %3u%%", percent_of(&part));
    } else if (part.total > 0) {
        if (bar > 0) {
            add_bar(line, bar, percent_of(&part));
        }
        add(line, "%c%3u%%", part.is_estimate ? '~' : ' ', percent_of(&part));
        return;
    } else {
        (void)snprintf(text, sizeof text, "%s %s", amount(bytes, part.done),
                       hashing ? "hashed" : words->sent);
    }
    add(line, "%-*s", (int)(bar > 0 ? bar + 6 : 5), text);
}

/* "4.0 MB/s  0:08": the speed and the time that is left; or since when nothing moves. */
static void add_rate(char line[PROGRESS_LINE_BYTES], const struct progress_state *state,
                     const struct progress_blob *blob)
{
    char speed[AMOUNT_BYTES], left[AMOUNT_BYTES];
    uint64_t stalled = progress_blob_stalled_s(state, blob);
    uint64_t rate = meter_rate(&blob->meter, state->now_ms);
    struct progress_part part = progress_part(blob);
    if (stalled > 0) {
        add(line, "stalled %" PRIu64 " s", stalled);
        return;
    }
    add(line, "%s/s", amount(speed, rate));
    if (part.total > 0 && rate > 0) {
        add(line, "  %s", duration(left, (part.total - part.done + rate - 1) / rate));
    }
}

/* "126.2 MB -> 51.8 MB"; of a blob that is copied only the size. */
static void add_sizes(char line[PROGRESS_LINE_BYTES], const struct progress_blob *blob)
{
    const struct lpipe_event *now = &blob->now;
    char in[AMOUNT_BYTES], out[AMOUNT_BYTES];
    if (now->bytes_in > 0) {
        add(line, "%8s -> %-8s", amount(in, now->bytes_in), amount(out, now->bytes_out));
    } else if (now->bytes_total > 0) {
        add(line, "%8s%12s", amount(out, now->bytes_total), "");
    } else {
        add(line, "%*s", SIZES_COLUMNS, "");
    }
}

/* How the columns are divided. */
struct widths {
    size_t name, bar; /* bar 0 = none */
    bool sizes;
};

static struct widths divide(size_t columns)
{
    struct widths widths = { .bar = BAR_COLUMNS_MIN, .sizes = true };
    size_t fixed = 2 + SIZES_COLUMNS + 2 + BAR_COLUMNS_MIN + 6 + 2 + RATE_COLUMNS;
    if (columns < fixed + NAME_COLUMNS_MIN) {
        widths.bar = 0;
        fixed -= BAR_COLUMNS_MIN + 1;
    }
    if (columns < fixed + NAME_COLUMNS_MIN) {
        widths.sizes = false;
        fixed -= SIZES_COLUMNS + 2;
    }
    size_t space = columns > fixed ? columns - fixed : 1;
    widths.name = space > NAME_COLUMNS_MAX ? NAME_COLUMNS_MAX : space;
    if (widths.bar > 0) {
        widths.bar += space - widths.name;
        widths.bar = widths.bar > BAR_COLUMNS_MAX ? BAR_COLUMNS_MAX : widths.bar;
    }
    return widths;
}

/* A line ends at the terminal's last column but one: in the last one some terminals wrap. */
void progress_line_blob(char line[PROGRESS_LINE_BYTES], size_t columns,
                        const struct progress_state *state, const struct progress_blob *blob,
                        const struct progress_words *words)
{
    char name[PROGRESS_NAME_BYTES * 2];
    struct widths widths = divide(columns);
    line[0] = '\0';
    live_name(name, blob);
    add_name(line, widths.name, name);
    add(line, "  ");
    if (widths.sizes) {
        add_sizes(line, blob);
        add(line, "  ");
    }
    if (blob->now.phase == LPIPE_PHASE_WAIT) {
        add(line, "%s", words->wait);
        uint64_t seconds = (state->now_ms - blob->phase_ms) / 1000;
        if (seconds > 0) {
            add(line, " %" PRIu64 " s", seconds);
        }
    } else {
        add_part(line, widths.bar, blob, words);
        add(line, "  ");
        add_rate(line, state, blob);
    }
    (void)cut(line, columns);
}

void progress_line_total(char line[PROGRESS_LINE_BYTES], size_t columns,
                         const struct progress_state *state, const struct progress_words *words)
{
    char sent[AMOUNT_BYTES], acked[AMOUNT_BYTES], speed[AMOUNT_BYTES], time[AMOUNT_BYTES];
    struct progress_totals totals = progress_totals(state);
    uint64_t stalled = progress_stalled_s(state);
    uint64_t seconds = (state->now_ms - state->start_ms) / 1000;
    line[0] = '\0';
    add(line, "total  %s %s", amount(sent, totals.sent), words->sent);
    if (stalled > 0) {
        add(line, ", stalled %" PRIu64 " s", stalled);
    } else {
        add(line, ", %s/s", amount(speed, meter_rate(&state->meter, state->now_ms)));
    }
    if (totals.acked > 0) {
        add(line, ", %s acknowledged", amount(acked, totals.acked));
    }
    add(line, ", %s elapsed", duration(time, seconds));
    (void)cut(line, columns);
}

/* "layer 1 45%"; before the first byte of it is sent, how much was read. */
static void plain_blob(char text[PART_BYTES], const struct progress_blob *blob,
                       const struct progress_words *words)
{
    char bytes[AMOUNT_BYTES];
    struct progress_part part = progress_part(blob);
    bool hashing = blob->now.phase == LPIPE_PHASE_HASH;
    if (blob->now.phase == LPIPE_PHASE_WAIT) {
        (void)snprintf(text, PART_BYTES, "%s %s", blob->name, words->wait);
    } else if (part.done == 0 && blob->now.bytes_in > 0) {
        (void)snprintf(text, PART_BYTES, "%s %s read", blob->name,
                       amount(bytes, blob->now.bytes_in));
    } else if (part.total > 0) {
        (void)snprintf(text, PART_BYTES, "%s %s%s%u%%", blob->name, hashing ? "hashing " : "",
                       part.is_estimate ? "~" : "", percent_of(&part));
    } else {
        (void)snprintf(text, PART_BYTES, "%s %s %s", blob->name, amount(bytes, part.done),
                       hashing ? "hashed" : words->sent);
    }
}

void progress_line_plain(char line[PROGRESS_LINE_BYTES], const struct progress_state *state,
                         const struct progress_words *words)
{
    char sent[AMOUNT_BYTES], speed[AMOUNT_BYTES], time[AMOUNT_BYTES];
    uint64_t stalled = progress_stalled_s(state);
    line[0] = '\0';
    add(line, "%s: %s %s, ", duration(time, (state->now_ms - state->start_ms) / 1000),
        amount(sent, progress_totals(state).sent), words->sent);
    if (stalled > 0) {
        add(line, "stalled %" PRIu64 " s", stalled);
    } else {
        add(line, "%s/s", amount(speed, meter_rate(&state->meter, state->now_ms)));
    }
    for (size_t i = 0; i < state->blob_count; i++) {
        char text[PART_BYTES];
        plain_blob(text, &state->blobs[i], words);
        if (strlen(line) + strlen(text) + 2 > PLAIN_COLUMNS) {
            add(line, ", %zu more", state->blob_count - i);
            return;
        }
        add(line, ", %s", text);
    }
}

void progress_digest(char text[PROGRESS_LINE_BYTES], const char *digest, bool full)
{
    const char *colon = strchr(digest, ':');
    int size = full || colon == NULL ? -1 : (int)(colon - digest) + 1 + 12;
    (void)snprintf(text, PROGRESS_LINE_BYTES, "%.*s", size, digest);
}

/* "layer 1 "; "blob" for a copied blob, whose name is the start of its digest. */
static void add_done_name(char line[PROGRESS_LINE_BYTES], const struct progress_blob *blob,
                          const char *digest)
{
    bool is_digest = strncmp(blob->name, "blob ", 5) == 0 && strstr(digest, blob->name + 5) != NULL;
    add(line, "%s%s", is_digest ? "blob" : blob->name, blob->input[0] != '\0' ? " " : "");
}

void progress_line_done(char line[PROGRESS_LINE_BYTES], const struct progress_blob *blob,
                        const struct lpipe_event *end, uint64_t now_ms, bool full_digest)
{
    char in[AMOUNT_BYTES], out[AMOUNT_BYTES], digest[PROGRESS_LINE_BYTES];
    bool exists = end->origin == LPIPE_ORIGIN_EXISTING || end->origin == LPIPE_ORIGIN_MOUNTED;
    line[0] = '\0';
    progress_digest(digest, end->digest != NULL ? end->digest : "", full_digest);
    add_done_name(line, blob, digest);
    (void)add_cut_name(line, NAME_COLUMNS_MIN, blob->input);
    add(line, ": ");
    if (end->bytes_in > 0 && !exists) {
        add(line, "%s -> %s", amount(in, end->bytes_in), amount(out, end->bytes_out));
    } else {
        add(line, "%s", amount(out, end->bytes_total));
    }
    add(line, ", %s", digest);
    if (exists) {
        add(line, ", %s", end->origin == LPIPE_ORIGIN_MOUNTED ? "mounted" : "already exists");
    } else {
        add(line, ", %.1f s", (double)(now_ms - blob->start_ms) / 1000);
    }
}

static void add_count(char line[PROGRESS_LINE_BYTES], const char **joint, uint64_t count,
                      const char *what)
{
    if (count > 0) {
        add(line, "%s%" PRIu64 " %s", *joint, count, what);
        *joint = ", ";
    }
}

void progress_line_summary(char line[PROGRESS_LINE_BYTES], const struct progress_state *state,
                           const struct progress_words *words)
{
    char sent[AMOUNT_BYTES], again[AMOUNT_BYTES], speed[AMOUNT_BYTES];
    uint64_t ms = state->now_ms - state->start_ms;
    uint64_t bytes = progress_totals(state).sent;
    uint64_t rate = ms > 0 ? bytes * 1000 / ms : 0;
    const uint64_t *counts = state->counts;
    line[0] = '\0';
    add(line, "%s %s in %.1f s", amount(sent, bytes), words->sent, (double)ms / 1000);
    if (ms >= RATE_SHOWN_MS && bytes >= RATE_SHOWN_BYTES) {
        add(line, " (%s/s)", amount(speed, rate));
    }
    if (state->ended_resent > 0) {
        add(line, ", %s of it again", amount(again, state->ended_resent));
    }
    const char *joint = ", blobs: ";
    add_count(line, &joint, counts[LPIPE_ORIGIN_STREAMED] + counts[LPIPE_ORIGIN_COPIED], "new");
    add_count(line, &joint, counts[LPIPE_ORIGIN_EXISTING], "existed");
    add_count(line, &joint, counts[LPIPE_ORIGIN_MOUNTED], "mounted");
}
