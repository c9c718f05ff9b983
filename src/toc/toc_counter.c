/* SPDX-License-Identifier: Apache-2.0 */
#include "toc/toc_counter.h"

#include <string.h>

/* {"version":1,"entries":[{"name":...}]}: how deep the members of an entry are. */
#define TOP_DEPTH 1
#define ENTRY_DEPTH 3

static bool text_is(const struct toc_counter *counter, const char *word)
{
    size_t size = strlen(word);
    return counter->text_size == size && memcmp(counter->text, word, size) == 0;
}

static void end_string(struct toc_counter *counter)
{
    counter->in_string = false;
    if (counter->is_type && counter->depth == ENTRY_DEPTH) {
        counter->is_chunk = text_is(counter, "chunk");
        counter->is_type = false;
    }
}

static void add_to_string(struct toc_counter *counter, char c)
{
    if (counter->is_escaped) {
        counter->is_escaped = false;
    } else if (c == '"') {
        end_string(counter);
        return;
    } else {
        counter->is_escaped = c == '\\';
    }
    if (counter->text_size < sizeof counter->text) {
        counter->text[counter->text_size] = c;
    }
    counter->text_size++;
}

static void on_key(struct toc_counter *counter)
{
    if (counter->depth == TOP_DEPTH) {
        counter->is_entries = text_is(counter, "entries");
    } else if (counter->depth == ENTRY_DEPTH) {
        counter->is_type = text_is(counter, "type");
        counter->has_contents = counter->has_contents || text_is(counter, "offset");
    }
}

static void on_open(struct toc_counter *counter)
{
    counter->depth++;
    if (counter->depth == ENTRY_DEPTH) {
        counter->is_type = counter->is_chunk = counter->has_contents = false;
    }
}

static void on_close(struct toc_counter *counter)
{
    if (counter->depth == ENTRY_DEPTH && counter->is_entries) {
        counter->entries += !counter->is_chunk;
        counter->chunks += counter->is_chunk || counter->has_contents;
    }
    counter->has_end = counter->depth == TOP_DEPTH;
    counter->depth -= counter->depth > 0;
}

static void add_char(struct toc_counter *counter, char c)
{
    switch (c) {
    case '"':
        counter->in_string = true;
        counter->text_size = 0;
        break;
    case ':':
        on_key(counter);
        break;
    case '{':
    case '[':
        on_open(counter);
        break;
    case '}':
    case ']':
        on_close(counter);
        break;
    default:
        break;
    }
}

void toc_counter_bytes(struct toc_counter *counter, const void *data, size_t size)
{
    const char *bytes = data;
    for (size_t i = 0; i < size; i++) {
        if (counter->in_string) {
            add_to_string(counter, bytes[i]);
        } else {
            add_char(counter, bytes[i]);
        }
    }
}

bool toc_counter_is_whole(const struct toc_counter *counter)
{
    return counter->has_end && counter->depth == 0 && !counter->in_string;
}
