/* SPDX-License-Identifier: Apache-2.0 */
#include "oci/string_map.h"

#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "oci/json_write.h"

/* Index of a key; if the map does not have the key, the index where it must be inserted. */
static size_t find_index(const struct string_map *map, const char *key, bool *ret_found)
{
    size_t low = 0;
    size_t high = map->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(map->items[middle].key, key);
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

const char *string_map_get(const struct string_map *map, const char *key)
{
    bool found = false;
    size_t index = find_index(map, key, &found);
    return found ? map->items[index].value : NULL;
}

int string_map_set(struct string_map *map, const char *key, const char *value,
                   struct lpipe_error *err)
{
    bool found = false;
    size_t index = find_index(map, key, &found);
    AUTO_FREE char *new_value = mem_strdup(value);
    if (new_value == NULL) {
        return fail_memory(err);
    }
    if (found) {
        free(map->items[index].value);
        map->items[index].value = TAKE(new_value);
        return 0;
    }
    AUTO_FREE char *new_key = mem_strdup(key);
    struct string_pair *items =
        new_key == NULL ? NULL : mem_realloc(map->items, (map->count + 1) * sizeof *items);
    if (items == NULL) {
        return fail_memory(err);
    }
    memmove(items + index + 1, items + index, (map->count - index) * sizeof *items);
    items[index] = (struct string_pair){ .key = TAKE(new_key), .value = TAKE(new_value) };
    map->items = items;
    map->count++;
    return 0;
}

int string_map_set_text(struct string_map *map, const char *text, const char *what,
                        struct lpipe_error *err)
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
    return key == NULL ? fail_memory(err) : string_map_set(map, key, equals + 1, err);
}

void string_map_dispose(struct string_map *map)
{
    for (size_t i = 0; i < map->count; i++) {
        free(map->items[i].key);
        free(map->items[i].value);
    }
    free(map->items);
    *map = (struct string_map)STRING_MAP_INIT;
}
