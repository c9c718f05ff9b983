/* SPDX-License-Identifier: Apache-2.0 */
/* Resolves relative references (RFC 3986, 5.2). Paths and queries are never re-encoded. */
#include <string.h>

#include "auth/origin.h"
#include "base/limits.h"

/* A path with its query, or NULL parts. */
struct target {
    const char *path;
    size_t path_size;
    const char *query; /* with '?', up to the fragment or the end */
    size_t query_size;
};

static struct target split_target(const char *text)
{
    struct target target = { .path = text, .path_size = strcspn(text, "?#") };
    target.query = text + target.path_size;
    target.query_size = *target.query == '?' ? strcspn(target.query, "#") : 0;
    return target;
}

/* Drops the last segment of the output, but never its first slash at `root`. */
static void drop_segment(struct buf *out, size_t root)
{
    while (out->size > root && out->data[out->size - 1] != '/') {
        out->size--;
    }
    if (out->size > root) {
        out->size--;
    }
    out->data[out->size] = '\0';
}

/* Appends an absolute path without its "." and ".." segments. */
static int append_path(const char *path, size_t size, struct buf *out)
{
    size_t root = out->size;
    size_t i = 0;
    int status = 0;
    while (i < size && status == 0) {
        size_t start = i + 1; /* path[i] is '/' */
        const char *slash = memchr(path + start, '/', size - start);
        size_t end = slash == NULL ? size : (size_t)(slash - path);
        bool dot = end - start == 1 && path[start] == '.';
        bool dots = end - start == 2 && memcmp(path + start, "..", 2) == 0;
        if (dots) {
            drop_segment(out, root);
        }
        if (!dot && !dots) {
            status = buf_append(out, path + i, end - i);
        } else if (end == size) {
            status = buf_append(out, "/", 1);
        }
        i = end;
    }
    return out->size == root && status == 0 ? buf_append(out, "/", 1) : status;
}

/* Appends the reference's path to the directory of the base path. */
static int append_merged(const char *base_path, size_t base_size, const struct target *target,
                         struct buf *out)
{
    struct buf merged CLEANUP(buf_dispose) = BUF_INIT(2 * LOCATION_BYTES_MAX);
    while (base_size > 0 && base_path[base_size - 1] != '/') {
        base_size--;
    }
    int status =
        base_size > 0 ? buf_append(&merged, base_path, base_size) : buf_append(&merged, "/", 1);
    status = status == 0 ? buf_append(&merged, target->path, target->path_size) : status;
    return status == 0 ? append_path(merged.data, merged.size, out) : status;
}

/* Appends path and query of the result. */
static int append_target(const struct target *base, const struct target *target, struct buf *out)
{
    const struct target *query = target;
    int status = 0;
    if (target->path_size == 0) {
        status = base->path_size > 0 ? buf_append(out, base->path, base->path_size)
                                     : buf_append(out, "/", 1);
        query = target->query_size > 0 ? target : base;
    } else if (target->path[0] == '/') {
        status = append_path(target->path, target->path_size, out);
    } else {
        status = append_merged(base->path, base->path_size, target, out);
    }
    return status == 0 ? buf_append(out, query->query, query->query_size) : status;
}

/* True for "scheme:..."; a colon after the first '/' or '?' belongs to the path. */
static bool has_scheme(const char *reference)
{
    size_t size = strcspn(reference, ":/?#");
    return size > 0 && reference[size] == ':';
}

int origin_resolve(const char *base, const char *reference, const char *what, char **ret_url,
                   struct lpipe_error *err)
{
    AUTO_BUF struct buf absolute = BUF_INIT(2 * LOCATION_BYTES_MAX);
    AUTO_BUF struct buf out = BUF_INIT(2 * LOCATION_BYTES_MAX);
    char text[ORIGIN_TEXT_BYTES];
    struct origin base_origin;
    struct origin origin;
    const char *base_rest = NULL;
    const char *rest = NULL;
    int status = origin_parse(base, what, &base_origin, &base_rest, err);
    if (status != 0) {
        return status;
    }
    /* First an absolute URL is made, so that one parser checks every character. */
    origin_format(&base_origin, text, sizeof text);
    if (strncmp(reference, "//", 2) == 0) {
        status = buf_printf(&absolute, "%s:%s", base_origin.https ? "https" : "http", reference);
    } else if (has_scheme(reference)) {
        status = buf_append_text(&absolute, reference);
    } else {
        status = buf_printf(&absolute, "%s/%s", text, reference);
    }
    if (status != 0) {
        return status == LPIPE_NO_MEMORY ? fail_memory(err)
                                         : fail(err, LPIPE_PROTOCOL, "%s: too long", what);
    }
    status = origin_parse(absolute.data, what, &origin, &rest, err);
    if (status != 0) {
        return status;
    }
    bool whole = strncmp(reference, "//", 2) == 0 || has_scheme(reference);
    struct target base_target = split_target(whole ? "/" : base_rest);
    struct target target = split_target(whole ? rest : rest + 1);
    status = buf_append_text(&out, origin_format(&origin, text, sizeof text));
    status = status == 0 ? append_target(&base_target, &target, &out) : status;
    char *url = status == 0 ? buf_take(&out) : NULL;
    if (url == NULL) {
        return fail_memory(err);
    }
    *ret_url = url;
    return 0;
}
