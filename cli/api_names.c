/* SPDX-License-Identifier: Apache-2.0 */
#include "api_names.h"

#include <stdio.h>
#include <string.h>

static const struct {
    const char *api, *shown;
} names[] = {
    { "LPIPE_CLIENT_ANONYMOUS", "--anonymous" },
    { "LPIPE_CLIENT_PLAIN_HTTP", "--plain-http" },
    { "LPIPE_CONTENT_BLOB", "--blob" },
    { "LPIPE_COPY_ALL", "--all" },
    { "LPIPE_FORMAT_OCI", "--format oci" },
    { "LPIPE_INDEX_APPEND", "--append" },
    { "LPIPE_LAYER_ALLOW_EMPTY", "--allow-empty" },
    { "LPIPE_LAYER_ALLOW_ODD_ENTRIES", "--allow-odd-entries" },
    { "LPIPE_LAYER_RAW", "--raw" },
    { "LPIPE_UPLOAD_AUTO", "--upload auto" },
    { "LPIPE_UPLOAD_CHUNKED", "--upload chunked" },
    { "LPIPE_UPLOAD_MONOLITHIC", "--upload monolithic" },
    { "artifact_type", "--artifact-type TYPE" },
    { "authfile", "--authfile FILE" },
    { "cacert", "--cacert FILE" },
    { "cert", "--cert FILE" },
    { "chunk_bytes", "--chunk-size" },
    { "compress", "--compress" },
    { "key", "--key FILE" },
    { "layer", "--layer" },
    { "lpipe_copy", "layerpipe copy" },
    { "lpipe_copy_archive", "layerpipe copy - IMAGE" },
    { "lpipe_image_push", "layerpipe push" },
    { "lpipe_login", "layerpipe login" },
    { "memory_bytes_max", "--memory" },
    { "mount_from", "--mount-from" },
    { "password", "--password-stdin" },
    { "platform", "--platform" },
    { "soci_bytes_min", "--soci-min-size" },
    { "spool_dir", "--spool DIR" },
    { "trust_realms", "--trust-realm" },
    { "upload", "--upload" },
    { "username", "--username" },
};

static const char *shown_name(const char *api, size_t size)
{
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strlen(names[i].api) == size && memcmp(names[i].api, api, size) == 0) {
            return names[i].shown;
        }
    }
    return NULL;
}

/* The name for the word between the backquote at text and the next one, and where the text goes on
 * after it. NULL: no known word is there. */
static const char *name_at(const char *text, const char **ret_rest)
{
    const char *end = *text == '`' ? strchr(text + 1, '`') : NULL;
    const char *shown = end == NULL ? NULL : shown_name(text + 1, (size_t)(end - text - 1));
    if (shown != NULL) {
        *ret_rest = end + 1;
    }
    return shown;
}

#define PATHS_MAX 4
static struct {
    char path[32];
    const char *shown; /* NULL: not used */
} paths[PATHS_MAX];

void api_names_add_path(const char *path, const char *shown)
{
    for (size_t i = 0; i < PATHS_MAX; i++) {
        if (paths[i].shown == NULL) {
            (void)snprintf(paths[i].path, sizeof paths[i].path, "%s", path);
            paths[i].shown = shown;
            return;
        }
    }
}

/* The same for a path. */
static const char *path_at(const char *text, const char **ret_rest)
{
    for (size_t i = 0; i < PATHS_MAX && paths[i].shown != NULL; i++) {
        size_t size = strlen(paths[i].path);
        if (strncmp(text, paths[i].path, size) == 0 && strspn(text + size, "0123456789") == 0) {
            *ret_rest = text + size;
            return paths[i].shown;
        }
    }
    return NULL;
}

const char *api_names_replace(const char *message, char *buf, size_t buf_size)
{
    size_t used = 0;
    while (*message != '\0' && used + 1 < buf_size) {
        const char *rest = NULL;
        const char *shown = name_at(message, &rest);
        shown = shown != NULL ? shown : path_at(message, &rest);
        if (shown != NULL) {
            int more = snprintf(buf + used, buf_size - used, "%s", shown);
            used += (size_t)more < buf_size - used ? (size_t)more : buf_size - used - 1;
            message = rest;
        } else {
            buf[used++] = *message++;
        }
    }
    buf[used] = '\0';
    return buf;
}
