/* SPDX-License-Identifier: Apache-2.0 */
#include "archive/archive_name.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"

#define BLOBS "blobs/"
#define SHA256_HEX_SIZE 64

static int refuse_name(const char *name, const char *why, struct lpipe_error *err)
{
    char shown[200];
    return fail(err, LPIPE_NOT_TAR, "not a valid image archive: the name %s %s",
                text_printable(shown, sizeof shown, name, strlen(name)), why);
}

/* Removes the last part of a name. False when there is none. */
static bool remove_part(char *name, size_t *size)
{
    if (*size == 0) {
        return false;
    }
    while (*size > 0 && name[*size - 1] != '/') {
        (*size)--;
    }
    *size -= *size > 0 ? 1 : 0;
    name[*size] = '\0';
    return true;
}

/* Adds the parts of path to name, which has space for them. False when ".." leads out. */
static bool add_parts(char *name, size_t *size, const char *path, bool allow_parent)
{
    while (*path != '\0') {
        size_t part = strcspn(path, "/");
        bool is_parent = part == 2 && memcmp(path, "..", 2) == 0;
        if (is_parent && (!allow_parent || !remove_part(name, size))) {
            return false;
        }
        if (part > 0 && !is_parent && !(part == 1 && path[0] == '.')) {
            if (*size > 0) {
                name[(*size)++] = '/';
            }
            memcpy(name + *size, path, part);
            *size += part;
            name[*size] = '\0';
        }
        path += part + (path[part] == '/' ? 1 : 0);
    }
    return true;
}

int archive_name_clean(const char *path, char **ret_name, struct lpipe_error *err)
{
    size_t size = 0;
    if (path[0] == '/') {
        return refuse_name(path, "is absolute", err);
    }
    AUTO_FREE char *name = mem_new(strlen(path) + 1);
    if (name == NULL) {
        return fail_memory(err);
    }
    if (!add_parts(name, &size, path, false)) {
        return refuse_name(path, "has \"..\"", err);
    }
    *ret_name = TAKE(name);
    return 0;
}

int archive_name_target(const char *name, const char *link, bool is_symbolic, char **ret_name,
                        struct lpipe_error *err)
{
    size_t size = is_symbolic ? strlen(name) : 0;
    AUTO_FREE char *target = mem_new(strlen(name) + strlen(link) + 2);
    if (target == NULL) {
        return fail_memory(err);
    }
    memcpy(target, name, size + (is_symbolic ? 1 : 0));
    if (is_symbolic) {
        (void)remove_part(target, &size);
    }
    if (link[0] == '/' || !add_parts(target, &size, link, is_symbolic) || size == 0) {
        return refuse_name(name, "is a link that leads out of the archive", err);
    }
    *ret_name = TAKE(target);
    return 0;
}

/* "ALGORITHM/HEX" as a digest. */
static bool digest_of_name(const char *text, char separator, char ret_digest[DIGEST_TEXT_SIZE])
{
    const char *hex = strchr(text, separator);
    char digest[DIGEST_TEXT_SIZE];
    if (hex == NULL || strlen(text) >= sizeof digest) {
        return false;
    }
    (void)snprintf(digest, sizeof digest, "%.*s:%s", (int)(hex - text), text, hex + 1);
    if (!digest_valid(digest)) {
        return false;
    }
    memcpy(ret_digest, digest, sizeof digest);
    return true;
}

bool archive_name_digest(const char *name, char ret_digest[DIGEST_TEXT_SIZE])
{
    return text_starts(name, BLOBS) && digest_of_name(name + strlen(BLOBS), '/', ret_digest);
}

bool archive_name_guess(const char *name, char ret_digest[DIGEST_TEXT_SIZE])
{
    if (digest_of_name(name, ':', ret_digest)) {
        return true;
    }
    size_t size = strcspn(name, "./");
    if (size != SHA256_HEX_SIZE || name[size] != '.' || !text_is_hex_lower(name, size)) {
        return false;
    }
    (void)snprintf(ret_digest, DIGEST_TEXT_SIZE, "sha256:%.*s", (int)size, name);
    return true;
}

bool archive_name_fits(const char *name, bool is_directory)
{
    size_t slashes = 0;
    for (const char *at = strchr(name, '/'); at != NULL; at = strchr(at + 1, '/')) {
        slashes++;
    }
    return text_starts(name, BLOBS) || slashes + (is_directory ? 1 : 0) <= 1;
}
