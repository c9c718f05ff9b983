/* SPDX-License-Identifier: Apache-2.0 */
#include "oci/pairs.h"

#include <string.h>

#include "base/mem.h"
#include "oci/json_write.h"

/* Index of a key, or of where it belongs. */
static size_t find_place(const struct pairs *pairs, const char *key, bool *ret_found)
{
    size_t low = 0;
    size_t high = pairs->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(pairs->items[middle].key, key);
        if (order == 0) {
            *ret_found = true;
            return middle;
        }
        if (order < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    *ret_found = false;
    return low;
}

const char *pairs_get(const struct pairs *pairs, const char *key)
{
    bool found = false;
    size_t place = find_place(pairs, key, &found);
    return found ? pairs->items[place].value : NULL;
}

int pairs_set(struct pairs *pairs, const char *key, const char *value, struct lpipe_error *err)
{
    bool found = false;
    size_t place = find_place(pairs, key, &found);
    AUTO_FREE char *new_value = mem_strdup(value);
    if (new_value == NULL) {
        return fail_memory(err);
    }
    if (found) {
        free(pairs->items[place].value);
        pairs->items[place].value = TAKE(new_value);
        return 0;
    }
    AUTO_FREE char *new_key = mem_strdup(key);
    struct pair *items =
        new_key == NULL ? NULL : mem_realloc(pairs->items, (pairs->count + 1) * sizeof *items);
    if (items == NULL) {
        return fail_memory(err);
    }
    memmove(items + place + 1, items + place, (pairs->count - place) * sizeof *items);
    items[place] = (struct pair){ .key = TAKE(new_key), .value = TAKE(new_value) };
    pairs->items = items;
    pairs->count++;
    return 0;
}

int pairs_set_text(struct pairs *pairs, const char *text, const char *what, struct lpipe_error *err)
{
    char shown[80];
    size_t size = strlen(text);
    const char *equals = strchr(text, '=');
    if (equals == NULL || equals == text || !json_text_valid(text, size)) {
        return fail(err, LPIPE_INVALID_ARGUMENT, "%s '%s': %s", what,
                    text_printable(shown, sizeof shown, text, size),
                    equals == NULL   ? "write it as KEY=VALUE"
                    : equals == text ? "the key is empty"
                                     : "not valid UTF-8");
    }
    AUTO_FREE char *key = mem_strndup(text, (size_t)(equals - text));
    return key == NULL ? fail_memory(err) : pairs_set(pairs, key, equals + 1, err);
}

void pairs_done(struct pairs *pairs)
{
    for (size_t i = 0; i < pairs->count; i++) {
        free(pairs->items[i].key);
        free(pairs->items[i].value);
    }
    free(pairs->items);
    *pairs = (struct pairs)PAIRS_INIT;
}
