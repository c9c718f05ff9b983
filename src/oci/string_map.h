/* SPDX-License-Identifier: Apache-2.0 */
/* A map from text to text, such as annotations. The keys are unique and in byte order. */
#ifndef OCI_STRING_MAP_H
#define OCI_STRING_MAP_H

#include "base/fail.h"

struct string_pair {
    char *key;
    char *value;
};
struct string_map {
    struct string_pair *items;
    size_t count;
};
#define STRING_MAP_INIT                                                                            \
    {                                                                                              \
        NULL, 0                                                                                    \
    }

/* Sets or replaces the value of a key; copies both. 0 or NO_MEMORY. */
MUST_CHECK int string_map_set(struct string_map *map, const char *key, const char *value,
                              struct lpipe_error *err);
/* Value of a key, or NULL; borrowed. */
const char *string_map_get(const struct string_map *map, const char *key);
/* Splits "KEY=VALUE" at the first '=' and sets the key. INVALID_ARGUMENT (empty key, no '=', not
 * UTF-8); the message starts with what. */
MUST_CHECK int string_map_set_text(struct string_map *map, const char *text, const char *what,
                                   struct lpipe_error *err);
void string_map_dispose(struct string_map *map);
#define AUTO_STRING_MAP CLEANUP(string_map_dispose)

#endif
