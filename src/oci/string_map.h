/* SPDX-License-Identifier: Apache-2.0 */
/* Annotations: texts by key, kept in byte order of the keys, each key once. */
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

/* Sets a key, replacing its value; copies both. 0 or NO_MEMORY. */
MUST_CHECK int string_map_set(struct string_map *string_map, const char *key, const char *value,
                              struct lpipe_error *err);
/* Value of a key, or NULL; borrowed. */
const char *string_map_get(const struct string_map *string_map, const char *key);
/* Splits "KEY=VALUE" at the first '=' and sets it. INVALID_ARGUMENT (empty key, no '=', not UTF-8);
 * what names the option in the message. */
MUST_CHECK int string_map_set_text(struct string_map *string_map, const char *text,
                                   const char *what, struct lpipe_error *err);
void string_map_dispose(struct string_map *string_map);
#define AUTO_STRING_MAP CLEANUP(string_map_dispose)

#endif
