/* SPDX-License-Identifier: Apache-2.0 */
/* A token, and the tokens of one registry by the scopes they cover. Not thread-safe; the caller
 * gives the time. */
#ifndef AUTH_TOKEN_CACHE_H
#define AUTH_TOKEN_CACHE_H

#include "base/secret.h"

struct token {
    struct secret value;
    uint64_t life_ms; /* as announced, else TOKEN_LIFE_DEFAULT_MS */
};
void token_dispose(struct token *token);

#define TOKENS_MAX 16
struct token_entry {
    char *scope; /* NULL = free slot */
    struct secret value;
    uint64_t serial;
    uint64_t life_ms;
    uint64_t end_ms;
    uint64_t used_ms;
    bool after_refusal; /* fetched because the previous one was refused */
    bool accepted;      /* the registry has accepted it at least once */
    bool dropped;       /* refused: kept only so that the next one gets after_refusal */
};
struct token_cache {
    struct token_entry entries[TOKENS_MAX];
    uint64_t serial;
};
/* A token that covers the scope and is valid for need_ms more, or for half its life if that is
 * less. NULL when one must be fetched. Borrowed until the next call. */
struct token_entry *token_cache_find(struct token_cache *cache, const char *scope, uint64_t now_ms,
                                     uint64_t need_ms);
/* Adds a token (moves its secret) and removes those that it replaces. */
MUST_CHECK int token_cache_put(struct token_cache *cache, const char *scope, struct token *token,
                               uint64_t now_ms, struct token_entry **ret_entry);
/* By serial; NULL when it was removed or dropped. */
struct token_entry *token_cache_at(struct token_cache *cache, uint64_t serial);
/* After a refusal. The next token for its scope gets after_refusal. */
void token_cache_drop(struct token_entry *entry);
void token_cache_dispose(struct token_cache *cache);

#define TOKEN_LIFE_DEFAULT_MS ((uint64_t)60 * 1000)
#define TOKEN_LIFE_MAX_MS ((uint64_t)24 * 3600 * 1000)

#endif
