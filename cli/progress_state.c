/* SPDX-License-Identifier: Apache-2.0 */
#include "progress_state.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "terminal_text.h"

#define RATE_MS 3000
#define STALLED_MS 2000

uint64_t progress_now_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void meter_begin(struct meter *meter, uint64_t now_ms)
{
    *meter = (struct meter){ .count = 1, .next = 1, .moved_ms = now_ms };
    meter->at_ms[0] = now_ms;
}

static unsigned newest(const struct meter *meter)
{
    return (meter->next + METER_SAMPLES - 1) % METER_SAMPLES;
}

static void meter_add(struct meter *meter, uint64_t now_ms, uint64_t value)
{
    if (value != meter->value[newest(meter)]) {
        meter->moved_ms = now_ms;
    }
    meter->at_ms[meter->next] = now_ms;
    meter->value[meter->next] = value;
    meter->next = (meter->next + 1) % METER_SAMPLES;
    meter->count += meter->count < METER_SAMPLES;
}

uint64_t meter_rate(const struct meter *meter, uint64_t now_ms)
{
    unsigned last = newest(meter);
    unsigned from = meter->count < METER_SAMPLES ? 0 : meter->next; /* the oldest */
    while (from != last && now_ms - meter->at_ms[from] > RATE_MS) {
        from = (from + 1) % METER_SAMPLES;
    }
    uint64_t elapsed = now_ms - meter->at_ms[from];
    uint64_t moved = meter->value[last] - meter->value[from];
    return elapsed == 0 || meter->value[last] < meter->value[from] ? 0 : moved * 1000 / elapsed;
}

static uint64_t stalled_s(uint64_t moved_ms, uint64_t now_ms)
{
    return now_ms - moved_ms < STALLED_MS ? 0 : (now_ms - moved_ms) / 1000;
}

static uint64_t later(uint64_t one, uint64_t other)
{
    return one > other ? one : other;
}

uint64_t progress_stalled_s(const struct progress_state *state)
{
    uint64_t moved_ms = state->meter.moved_ms;
    for (size_t i = 0; i < state->blob_count; i++) {
        moved_ms = later(moved_ms, state->blobs[i].read_ms);
    }
    return stalled_s(moved_ms, state->now_ms);
}

uint64_t progress_blob_stalled_s(const struct progress_state *state,
                                 const struct progress_blob *blob)
{
    return stalled_s(later(blob->meter.moved_ms, blob->read_ms), state->now_ms);
}

void progress_state_begin(struct progress_state *state, uint64_t now_ms)
{
    *state = (struct progress_state){ .start_ms = now_ms, .now_ms = now_ms, .active_ms = now_ms };
    meter_begin(&state->meter, now_ms);
}

static void copy_name(char name[PROGRESS_NAME_BYTES], const char *text)
{
    (void)snprintf(name, PROGRESS_NAME_BYTES, "%s", text != NULL ? text : "");
    terminal_clean(name);
}

static size_t place_of(const struct progress_state *state, uint32_t index)
{
    size_t i = 0;
    while (i < state->blob_count && state->blobs[i].index < index) {
        i++;
    }
    return i;
}

/* The blob that the event is about; a new one if it is not known. NULL if there are too many. */
static struct progress_blob *blob_of(struct progress_state *state, const struct lpipe_event *event,
                                     uint64_t now_ms)
{
    size_t place = place_of(state, event->blob_index);
    struct progress_blob *blob = &state->blobs[place];
    if (place < state->blob_count && blob->index == event->blob_index) {
        return blob;
    }
    if (state->blob_count == PROGRESS_BLOBS_MAX) {
        return NULL;
    }
    memmove(blob + 1, blob, (state->blob_count - place) * sizeof *blob);
    state->blob_count++;
    *blob = (struct progress_blob){ .index = event->blob_index,
                                    .start_ms = now_ms,
                                    .phase_ms = now_ms };
    copy_name(blob->name, event->text != NULL ? event->text : "blob");
    copy_name(blob->input, event->input);
    meter_begin(&blob->meter, now_ms);
    return blob;
}

static void blob_take(struct progress_blob *blob, const struct lpipe_event *event, uint64_t now_ms)
{
    bool hashing = event->phase == LPIPE_PHASE_HASH;
    if (event->phase != blob->now.phase) {
        blob->phase_ms = now_ms;
        if (hashing || blob->now.phase == LPIPE_PHASE_HASH) {
            meter_begin(&blob->meter, now_ms);
        }
    }
    if (event->bytes_in != blob->now.bytes_in) {
        blob->read_ms = now_ms;
    }
    blob->now = *event;
    meter_add(&blob->meter, now_ms, hashing ? event->bytes_in : event->bytes_sent);
}

struct progress_totals progress_totals(const struct progress_state *state)
{
    struct progress_totals totals = { state->ended_sent + state->counted, state->ended_resent,
                                      state->ended_acked };
    for (size_t i = 0; i < state->blob_count; i++) {
        totals.sent += state->blobs[i].now.bytes_sent;
        totals.resent += state->blobs[i].now.bytes_resent;
        totals.acked += state->blobs[i].now.bytes_acked;
    }
    return totals;
}

void progress_state_take(struct progress_state *state, const struct lpipe_event *event,
                         uint64_t now_ms)
{
    state->now_ms = now_ms;
    if (event->kind == LPIPE_EVENT_TICK) {
        meter_add(&state->meter, now_ms, progress_totals(state).sent);
        if (state->meter.moved_ms > state->active_ms) {
            state->active_ms = state->meter.moved_ms;
        }
        return;
    }
    state->active_ms = now_ms;
    if (event->kind == LPIPE_EVENT_BLOB_START || event->kind == LPIPE_EVENT_BLOB_PROGRESS) {
        struct progress_blob *blob = blob_of(state, event, now_ms);
        if (blob != NULL) {
            blob_take(blob, event, now_ms);
        }
    }
}

static void count_end(struct progress_state *state, const struct lpipe_event *event)
{
    bool sent = event->origin == LPIPE_ORIGIN_STREAMED || event->origin == LPIPE_ORIGIN_COPIED;
    state->ended_sent += event->bytes_sent;
    state->ended_resent += event->bytes_resent;
    if (event->kind == LPIPE_EVENT_BLOB_DONE) {
        state->ended_acked += sent ? event->bytes_acked : 0;
        state->counts[event->origin <= LPIPE_ORIGIN_COPIED ? event->origin : 0]++;
    }
}

void progress_state_end(struct progress_state *state, const struct lpipe_event *event,
                        uint64_t now_ms, struct progress_blob *ret_blob)
{
    struct progress_blob *blob = blob_of(state, event, now_ms);
    state->now_ms = state->active_ms = now_ms;
    count_end(state, event);
    if (blob == NULL) { /* too many to be shown: only the names are needed */
        *ret_blob = (struct progress_blob){ .start_ms = now_ms, .now = *event };
        copy_name(ret_blob->name, event->text);
        copy_name(ret_blob->input, event->input);
        return;
    }
    blob->now = *event;
    *ret_blob = *blob;
    state->blob_count--;
    memmove(blob, blob + 1, (state->blob_count - (size_t)(blob - state->blobs)) * sizeof *blob);
}

/* The blob's size is the compressed size of the whole input, if the rest compresses as well as the
 * part that was read. The first MB says too little. */
static uint64_t estimate_total(const struct lpipe_event *now)
{
    const uint64_t least = 1000000;
    if (now->input_total == 0 || now->bytes_in < least || now->bytes_in > now->input_total) {
        return 0;
    }
    double ratio = (double)now->input_total / (double)now->bytes_in;
    return (uint64_t)((double)now->bytes_out * ratio);
}

struct progress_part progress_part(const struct progress_blob *blob)
{
    const struct lpipe_event *now = &blob->now;
    if (now->phase == LPIPE_PHASE_HASH) {
        return (struct progress_part){ now->bytes_in, now->input_total, false };
    }
    struct progress_part part = { now->bytes_sent - now->bytes_resent, now->bytes_total, false };
    if (part.total == 0) {
        part.total = estimate_total(now);
        part.is_estimate = part.total > 0;
    }
    if (part.total > 0 && part.done > part.total) {
        part.done = part.total;
    }
    return part;
}
