/* SPDX-License-Identifier: Apache-2.0 */
#include "auth/scope.h"

#include <string.h>

#include "base/text.h"

static const char PREFIX[] = "repository:";

/* The known actions, in sorted order. A set of actions is a bit mask of their indexes. */
static const char *const ACTIONS[] = { "*", "delete", "pull", "push" };

size_t scope_next(const char **at, const char **ret_item)
{
    *at += strspn(*at, " ");
    size_t size = strcspn(*at, " ");
    *ret_item = *at;
    *at += size;
    return size;
}

static unsigned actions_of(const char *text, size_t size)
{
    unsigned mask = 0;
    for (size_t i = 0; i < size;) {
        const char *comma = memchr(text + i, ',', size - i);
        size_t length = comma == NULL ? size - i : (size_t)(comma - text) - i;
        for (size_t k = 0; k < ARRAY_LEN(ACTIONS); k++) {
            if (strlen(ACTIONS[k]) == length && memcmp(text + i, ACTIONS[k], length) == 0) {
                mask |= 1u << k;
            }
        }
        i += length + 1;
    }
    return mask;
}

/* Splits "repository:NAME:ACTIONS". Names have no colon. */
static bool split_item(const char *item, size_t size, const char **ret_name, size_t *ret_name_size,
                       unsigned *ret_actions)
{
    size_t prefix = sizeof PREFIX - 1;
    if (size <= prefix || memcmp(item, PREFIX, prefix) != 0) {
        return false;
    }
    const char *colon = memrchr(item + prefix, ':', size - prefix);
    if (colon == NULL || colon == item + prefix) {
        return false;
    }
    *ret_name = item + prefix;
    *ret_name_size = (size_t)(colon - *ret_name);
    *ret_actions = actions_of(colon + 1, size - (size_t)(colon + 1 - item));
    return true;
}

/* The actions that a set has on a name. */
static unsigned lookup(const char *set, const char *name, size_t name_size)
{
    const char *item = NULL;
    unsigned mask = 0;
    size_t size = 0;
    for (size = scope_next(&set, &item); size > 0; size = scope_next(&set, &item)) {
        const char *other = NULL;
        size_t other_size = 0;
        unsigned actions = 0;
        if (split_item(item, size, &other, &other_size, &actions) && other_size == name_size &&
            memcmp(other, name, name_size) == 0) {
            mask |= actions;
        }
    }
    return mask;
}

static int append_item(struct buf *out, const char *name, size_t name_size, unsigned mask)
{
    int status = out->size > 0 ? buf_append(out, " ", 1) : 0;
    status = status == 0 ? buf_append_text(out, PREFIX) : status;
    status = status == 0 ? buf_append(out, name, name_size) : status;
    const char *separator = ":";
    for (size_t k = 0; k < ARRAY_LEN(ACTIONS) && status == 0; k++) {
        if ((mask & (1u << k)) != 0) {
            status = buf_append_text(out, separator);
            status = status == 0 ? buf_append_text(out, ACTIONS[k]) : status;
            separator = ",";
        }
    }
    return status;
}

static int compare(const char *a, size_t a_size, const char *b, size_t b_size)
{
    int order = memcmp(a, b, MIN_OF(a_size, b_size));
    return order != 0 ? order : (a_size > b_size) - (a_size < b_size);
}

/* Rebuilds the set with one item merged in, at its place in the order. */
static int merge(struct buf *set, const char *name, size_t name_size, unsigned actions)
{
    AUTO_BUF struct buf out = BUF_INIT(SCOPE_BYTES_MAX);
    const char *at = set->data == NULL ? "" : set->data;
    unsigned mask = actions | lookup(at, name, name_size);
    bool placed = false;
    const char *item = NULL;
    size_t size = 0;
    int status = 0;
    for (size = scope_next(&at, &item); size > 0 && status == 0; size = scope_next(&at, &item)) {
        const char *other = NULL;
        size_t other_size = 0;
        unsigned other_mask = 0;
        if (!split_item(item, size, &other, &other_size, &other_mask)) {
            continue;
        }
        int order = compare(other, other_size, name, name_size);
        if (order >= 0 && !placed) {
            status = append_item(&out, name, name_size, mask);
            placed = true;
        }
        if (order != 0 && status == 0) {
            status = append_item(&out, other, other_size, other_mask);
        }
    }
    if (!placed && status == 0) {
        status = append_item(&out, name, name_size, mask);
    }
    if (status == 0) {
        buf_clear(set);
        status = buf_append(set, out.data, out.size);
    }
    return status;
}

int scope_add(struct buf *set, const char *repository, const char *actions)
{
    unsigned mask = actions_of(actions, strlen(actions));
    return mask == 0 ? 0 : merge(set, repository, strlen(repository), mask);
}

static bool is_name(const char *name, size_t size, const char *wanted)
{
    return wanted != NULL && strlen(wanted) == size && memcmp(name, wanted, size) == 0;
}

int scope_add_offer(struct buf *set, const char *offer, const char *repository, const char *other)
{
    const char *item = NULL;
    size_t size = 0;
    int status = 0;
    for (size = scope_next(&offer, &item); size > 0 && status == 0;
         size = scope_next(&offer, &item)) {
        const char *name = NULL;
        size_t name_size = 0;
        unsigned mask = 0;
        if (split_item(item, size, &name, &name_size, &mask) && mask != 0 &&
            (is_name(name, name_size, repository) || is_name(name, name_size, other))) {
            status = merge(set, name, name_size, mask);
        }
    }
    return status;
}

int scope_add_known(struct buf *set, const char *known, const char *repository)
{
    return known == NULL ? 0 : scope_add_offer(set, known, repository, NULL);
}

bool scope_covers(const char *set, const char *wanted)
{
    const char *item = NULL;
    size_t size = 0;
    for (size = scope_next(&wanted, &item); size > 0; size = scope_next(&wanted, &item)) {
        const char *name = NULL;
        size_t name_size = 0;
        unsigned mask = 0;
        if (!split_item(item, size, &name, &name_size, &mask) ||
            (mask & ~lookup(set, name, name_size)) != 0) {
            return false;
        }
    }
    return true;
}
