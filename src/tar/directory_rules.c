/* SPDX-License-Identifier: Apache-2.0 */
#include "tar/directory_rules.h"

#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/opts.h"
#include "base/text.h"
#include "tar/path_pattern.h"

/* (uint32_t)-1 means "no owner" to chown(2). */
#define OWNER_MAX (UINT32_MAX - 1)

static int parse_owner(const char *text, struct directory_rules *rules, struct lpipe_error *err)
{
    char shown[80];
    uint64_t uid = 0;
    uint64_t gid = 0;
    const char *colon = strchr(text, ':');
    if (colon == NULL || !text_to_u64(text, (size_t)(colon - text), OWNER_MAX, &uid) ||
        !text_to_u64(colon + 1, strlen(colon + 1), OWNER_MAX, &gid)) {
        return fail(err, LPIPE_INVALID_ARGUMENT, "owner \"%s\" is not UID:GID, two numbers",
                    text_printable(shown, sizeof shown, text, strlen(text)));
    }
    rules->has_owner = true;
    rules->uid = (unsigned)uid;
    rules->gid = (unsigned)gid;
    return 0;
}

static bool is_dots(const char *part, size_t size)
{
    return size <= 2 && strncmp(part, "..", size) == 0;
}

/* Appends "part/", unless the part says nothing ("" and "."). */
static int add_part(const char *part, size_t size, const char *prefix, struct buf *clean,
                    struct lpipe_error *err)
{
    char shown[160];
    if (is_dots(part, size) && size < 2) {
        return 0;
    }
    if (is_dots(part, size) || strncmp(part, ".wh.", 4) == 0) {
        return fail(err, LPIPE_INVALID_ARGUMENT, "prefix %s: a part may not be \"..\" or .wh.NAME",
                    text_printable(shown, sizeof shown, prefix, strlen(prefix)));
    }
    int status = buf_append(clean, part, size);
    status = status == 0 ? buf_append(clean, "/", 1) : status;
    return status == 0 ? 0
                       : fail(err, LPIPE_INVALID_ARGUMENT, "the prefix is longer than %d bytes",
                              DIRECTORY_PREFIX_BYTES_MAX);
}

static int parse_prefix(const char *text, struct directory_rules *rules, struct lpipe_error *err)
{
    struct buf clean AUTO_BUF = BUF_INIT(DIRECTORY_PREFIX_BYTES_MAX);
    int status = 0;
    for (const char *next = text; status == 0 && *next != '\0';) {
        size_t size = strcspn(next, "/");
        status = add_part(next, size, text, &clean, err);
        next += size + (next[size] == '/');
    }
    if (status == 0) {
        rules->prefix = mem_strdup(clean.size > 0 ? clean.data : "");
        status = rules->prefix == NULL ? fail_memory(err) : 0;
    }
    return status;
}

static int parse_patterns(const struct lpipe_directory_options *options,
                          struct directory_rules *rules, struct lpipe_error *err)
{
    if (options->exclude_count > DIRECTORY_PATTERNS_MAX) {
        return fail(err, LPIPE_INVALID_ARGUMENT, "more than %d patterns", DIRECTORY_PATTERNS_MAX);
    }
    if (options->exclude_count == 0) {
        return 0;
    }
    rules->patterns = mem_new_array(options->exclude_count, sizeof *rules->patterns);
    if (rules->patterns == NULL) {
        return fail_memory(err);
    }
    for (size_t i = 0; i < options->exclude_count; i++) {
        const char *pattern = options->excludes[i];
        if (pattern == NULL || pattern[strspn(pattern, "/")] == '\0') {
            return fail(err, LPIPE_INVALID_ARGUMENT, "a pattern to exclude is empty");
        }
        rules->patterns[i] = mem_strdup(pattern);
        if (rules->patterns[i] == NULL) {
            return fail_memory(err);
        }
        rules->pattern_count++;
    }
    return 0;
}

int directory_rules_parse(const struct lpipe_directory_options *options,
                          struct directory_rules *ret_rules, struct lpipe_error *err)
{
    struct lpipe_directory_options known;
    *ret_rules = (struct directory_rules){ .has_owner = false };
    int status = opts_take(options, &known, sizeof known, "lpipe_directory_options", err);
    if (status == 0) {
        status = parse_prefix(known.prefix == NULL ? "" : known.prefix, ret_rules, err);
    }
    if (status == 0 && known.owner != NULL) {
        status = parse_owner(known.owner, ret_rules, err);
    }
    if (status == 0 && known.mode != NULL) {
        status = mode_change_parse(known.mode, &ret_rules->mode, err);
    }
    return status == 0 ? parse_patterns(&known, ret_rules, err) : status;
}

void directory_rules_dispose(struct directory_rules *rules)
{
    for (size_t i = 0; i < rules->pattern_count; i++) {
        free(rules->patterns[i]);
    }
    free(rules->patterns);
    free(rules->prefix);
    *rules = (struct directory_rules){ 0 };
}

bool directory_rules_exclude(const struct directory_rules *rules, const char *path)
{
    for (size_t i = 0; i < rules->pattern_count; i++) {
        if (path_pattern_matches(rules->patterns[i], path)) {
            return true;
        }
    }
    return false;
}
