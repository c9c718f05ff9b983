/* SPDX-License-Identifier: Apache-2.0 */
/* Annotations: texts by key, kept in byte order of the keys, each key once. */
#ifndef OCI_PAIRS_H
#define OCI_PAIRS_H

#include "base/fail.h"

struct pair {
    char *key;
    char *value;
};
struct pairs {
    struct pair *items;
    size_t count;
};
#define PAIRS_INIT                                                                                 \
    {                                                                                              \
        NULL, 0                                                                                    \
    }

/* Sets a key, replacing its value; copies both. 0 or NO_MEMORY. */
MUST_CHECK int pairs_set(struct pairs *pairs, const char *key, const char *value,
                         struct lpipe_error *err);
/* Value of a key, or NULL; borrowed. */
const char *pairs_get(const struct pairs *pairs, const char *key);
/* Splits "KEY=VALUE" at the first '=' and sets it. INVALID_ARGUMENT (empty key, no '=', not UTF-8);
 * what names the option in the message. */
MUST_CHECK int pairs_set_text(struct pairs *pairs, const char *text, const char *what,
                              struct lpipe_error *err);
void pairs_done(struct pairs *pairs);
#define AUTO_PAIRS CLEANUP(pairs_done)

#endif
