/* SPDX-License-Identifier: Apache-2.0 */
#include "auth/token_cache.h"

#include <string.h>

#include "auth/scope.h"
#include "base/mem.h"

void token_dispose(struct token *token)
{
    secret_dispose(&token->value);
}

static void entry_done(struct token_entry *entry)
{
    free(entry->scope);
    secret_dispose(&entry->value);
    *entry = (struct token_entry){ .scope = NULL };
}

struct token_entry *token_cache_find(struct token_cache *cache, const char *scope, uint64_t now_ms,
                                     uint64_t need_ms)
{
    for (size_t i = 0; i < TOKENS_MAX; i++) {
        struct token_entry *entry = &cache->entries[i];
        if (entry->scope == NULL || entry->dropped || !scope_covers(entry->scope, scope)) {
            continue;
        }
        /* Half of its life is enough; otherwise a short-lived token would be fetched for each
         * request. */
        uint64_t need = MIN_OF(need_ms, entry->life_ms / 2);
        if (now_ms + need < entry->end_ms) {
            entry->used_ms = now_ms;
            return entry;
        }
    }
    return NULL;
}

/* A free slot, or the one used longest ago. */
static struct token_entry *choose_slot(struct token_cache *cache)
{
    struct token_entry *oldest = &cache->entries[0];
    for (size_t i = 0; i < TOKENS_MAX; i++) {
        struct token_entry *entry = &cache->entries[i];
        if (entry->scope == NULL) {
            return entry;
        }
        if (entry->used_ms < oldest->used_ms) {
            oldest = entry;
        }
    }
    entry_done(oldest);
    return oldest;
}

int token_cache_put(struct token_cache *cache, const char *scope, struct token *token,
                    uint64_t now_ms, struct token_entry **ret_entry)
{
    char *copy = mem_strdup(scope);
    bool after_refusal = false;
    if (copy == NULL) {
        return LPIPE_NO_MEMORY;
    }
    for (size_t i = 0; i < TOKENS_MAX; i++) {
        struct token_entry *entry = &cache->entries[i];
        if (entry->scope != NULL && scope_covers(scope, entry->scope)) {
            after_refusal = after_refusal || entry->dropped;
            entry_done(entry);
        }
    }
    struct token_entry *entry = choose_slot(cache);
    *entry = (struct token_entry){
        .scope = copy,
        .value = token->value,
        .serial = ++cache->serial,
        .life_ms = token->life_ms,
        .end_ms = now_ms + token->life_ms,
        .used_ms = now_ms,
        .after_refusal = after_refusal,
    };
    token->value = (struct secret)SECRET_INIT;
    *ret_entry = entry;
    return 0;
}

struct token_entry *token_cache_at(struct token_cache *cache, uint64_t serial)
{
    for (size_t i = 0; i < TOKENS_MAX; i++) {
        struct token_entry *entry = &cache->entries[i];
        if (entry->scope != NULL && !entry->dropped && entry->serial == serial) {
            return entry;
        }
    }
    return NULL;
}

void token_cache_drop(struct token_entry *entry)
{
    secret_dispose(&entry->value);
    entry->dropped = true;
}

void token_cache_dispose(struct token_cache *cache)
{
    for (size_t i = 0; i < TOKENS_MAX; i++) {
        entry_done(&cache->entries[i]);
    }
}
