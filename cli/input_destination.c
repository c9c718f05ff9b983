/* SPDX-License-Identifier: Apache-2.0 */
#include "input_destination.h"

#include <errno.h>
#include <layerpipe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The file or directory that the command writes; NULL if it is none, or not known. */
static char *destination_path(const struct settings *settings)
{
    char *path = NULL;
    lpipe_ref *ref = NULL;
    if (lpipe_ref_parse(settings_argument(settings, 0), LPIPE_REF_NO_DEFAULT_TAG, &ref, NULL) !=
        0) {
        return NULL;
    }
    enum lpipe_ref_kind kind = lpipe_ref_kind(ref);
    if (kind == LPIPE_REF_LAYOUT || kind == LPIPE_REF_OCI_ARCHIVE ||
        kind == LPIPE_REF_DOCKER_ARCHIVE) {
        const char *name = lpipe_ref_repository(ref);
        path = strdup(strcmp(name, "-") == 0 ? "/dev/stdout" : name);
    }
    (void)lpipe_ref_free(ref);
    return path;
}

/* realpath() of a path whose last parts may not exist yet; NULL if it cannot be found out. The path
 * is changed. */
static char *real_path(char *path)
{
    char *whole = realpath(path, NULL);
    if (whole != NULL || errno != ENOENT) {
        return whole;
    }
    char *slash = strrchr(path, '/');
    if (slash == path) {
        return NULL;
    }
    const char *last = slash != NULL ? slash + 1 : path;
    if (slash != NULL) {
        *slash = '\0';
    }
    char here[] = ".";
    char *parent = real_path(slash != NULL ? path : here);
    if (parent != NULL && asprintf(&whole, "%s/%s", parent, last) < 0) {
        whole = NULL;
    }
    free(parent);
    return whole;
}

/* What of the path is below the directory; NULL: nothing. */
static const char *path_below(const char *path, const char *directory)
{
    size_t size = strlen(directory);
    size -= size > 0 && directory[size - 1] == '/'; /* of "/" alone */
    bool is_below = strncmp(path, directory, size) == 0 && path[size] == '/' && path[size + 1] != 0;
    return is_below ? path + size + 1 : NULL;
}

/* Appends a path as a pattern: without empty parts and ".", and with '\' before each byte that has
 * a meaning. */
static char *append_pattern(char *end, const char *path)
{
    while (*path != '\0') {
        size_t size = strcspn(path, "/");
        bool is_part = size > 0 && !(size == 1 && *path == '.');
        for (size_t i = 0; is_part && i < size; i++) {
            if (strchr("?*[\\", path[i]) != NULL) {
                *end++ = '\\';
            }
            *end++ = path[i];
        }
        path += size;
        path += *path == '/';
        if (is_part) {
            *end++ = '/';
        }
    }
    *end = '\0';
    return end;
}

static char *make_pattern(const struct settings *settings, const char *below)
{
    const char *prefix = settings->prefix != NULL ? settings->prefix : "";
    char *pattern = malloc(2 * (strlen(prefix) + strlen(below)) + 3);
    if (pattern != NULL) {
        append_pattern(append_pattern(pattern, prefix), below);
    }
    return pattern;
}

bool input_destination_pattern(const struct settings *settings, const char *directory,
                               char **ret_pattern)
{
    *ret_pattern = NULL;
    char *name = destination_path(settings);
    char *path = name != NULL ? real_path(name) : NULL;
    char *top = realpath(directory, NULL);
    const char *below = path != NULL && top != NULL ? path_below(path, top) : NULL;
    if (below != NULL) {
        *ret_pattern = make_pattern(settings, below);
    }
    bool is_done = below == NULL || *ret_pattern != NULL;
    free(name);
    free(path);
    free(top);
    return is_done;
}
