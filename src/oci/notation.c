/* SPDX-License-Identifier: Apache-2.0 */
#include "oci/notation.h"

#include <stdio.h>
#include <string.h>

#include "base/fail.h"
#include "base/macros.h"
#include "base/text.h"

#define SCHEME_END "://"

static const struct notation locals[] = {
    { "oci:", LPIPE_REF_LAYOUT },
    { "oci-archive:", LPIPE_REF_OCI_ARCHIVE },
    { "docker-archive:", LPIPE_REF_DOCKER_ARCHIVE },
    { "null:", LPIPE_REF_NULL },
};

/* The prefixes of other tools that could be read as a repository, a host or a directory, and what
 * to write in their place. "docker:latest" and "registry:2" are images of Docker Hub, so they are
 * not in the list. */
#define CONVERT "use oci:DIR[:TAG] (a layout), and skopeo copy to convert it"
static const struct {
    const char *prefix;
    const char *advice; /* NULL: the prefix means what "oci:" means here */
} prefixes[] = {
    { "ocidir:", NULL },
    { "oci-layout:", NULL },
    { "oci-dir:", NULL },
    { "docker-daemon:",
      "use docker-archive:- with docker save (to read) or docker load (to write)" },
    { "containers-storage:",
      "use docker-archive:- with podman save (to read) or podman load (to write)" },
    { "ostree:", CONVERT },
    { "sif:", CONVERT },
    { "tarball:", CONVERT },
    { "dir:", CONVERT },
};

/* The text after "scheme://". A password may contain "://", so a scheme is a word only. */
static const char *skip_scheme(const char *text)
{
    size_t size = strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+.-");
    return text_starts(text + size, SCHEME_END) ? text + size + strlen(SCHEME_END) : text;
}

const struct notation *notation_local(const char *text)
{
    if (text_starts(text, "oci://")) {
        return NULL; /* other tools write a registry like this */
    }
    for (size_t i = 0; i < ARRAY_LEN(locals); i++) {
        if (text_starts(text, locals[i].prefix)) {
            return &locals[i];
        }
    }
    return NULL;
}

/* The last '@' that is not the one of a digest; *ret_end is the end of the text after it. */
static const char *find_at(const char *start, const char **ret_end)
{
    const char *end = start + strlen(start);
    const char *at = memrchr(start, '@', (size_t)(end - start));
    while (at != NULL && (text_starts(at + 1, "sha256") || text_starts(at + 1, "sha512")) &&
           memchr(at, '/', (size_t)(end - at)) == NULL) {
        end = at;
        at = memrchr(start, '@', (size_t)(end - start));
    }
    *ret_end = end;
    return at;
}

const char *notation_userinfo(const char *text)
{
    const char *start = skip_scheme(text);
    const char *end = start;
    const char *at = notation_local(text) != NULL ? NULL : find_at(start, &end);
    if (at == NULL || at == start) {
        return NULL;
    }
    size_t size = (size_t)(at - start);
    bool password = memchr(start, ':', size) != NULL;
    bool user = memchr(start, '/', size) == NULL && memchr(at, '/', (size_t)(end - at)) != NULL;
    return password || user ? start : NULL;
}

char *notation_shown(char *buf, size_t size, const char *text)
{
    const char *userinfo = notation_userinfo(text);
    if (userinfo == NULL) {
        return text_printable(buf, size, text, strlen(text));
    }
    /* The user name can be a token as well, so it is not shown either. */
    const char *end;
    const char *host = find_at(userinfo, &end);
    (void)text_printable(buf, size / 2, text, (size_t)(userinfo - text));
    size_t used = strlen(buf);
    used += (size_t)snprintf(buf + used, size - used, "***");
    (void)text_printable(buf + used, size - used, host, strlen(host));
    return buf;
}

/* "oci://" and "docker://": the rest is a registry reference. */
static const char *foreign_scheme(const char *text, char *advice, size_t size)
{
    const char *rest = skip_scheme(text);
    char shown[120];
    (void)text_printable(shown, sizeof shown, rest, strlen(rest));
    if (text_starts(text, "docker://")) {
        (void)snprintf(advice, size, "a reference has no \"docker://\": write %s", shown);
    } else if (!text_starts(text, "oci://")) {
        return NULL;
    } else if (rest[0] == '/' || rest[0] == '.') {
        (void)snprintf(advice, size, "a reference has no \"oci://\": for a layout write oci:%s",
                       shown);
    } else {
        (void)snprintf(advice, size,
                       "a reference has no \"oci://\": for a registry write %s, for a layout "
                       "oci:DIR[:TAG]",
                       shown);
    }
    return rest;
}

/* "dir:x" and "ocidir://x". */
static const char *foreign_prefix(const char *text, size_t row, char *advice, size_t size)
{
    const char *rest = text + strlen(prefixes[row].prefix);
    const char *name = text_starts(rest, "//") ? rest + 2 : rest;
    char shown[120];
    (void)text_printable(shown, sizeof shown, name, strlen(name));
    if (prefixes[row].advice == NULL) {
        (void)snprintf(advice, size, "for a layout write oci:%s", shown);
    } else {
        (void)snprintf(advice, size, "\"%s\" is not supported: %s", prefixes[row].prefix,
                       prefixes[row].advice);
    }
    return rest;
}

/* "oci-archive://x.tar", which would be a file in the root directory. */
static const char *slashes_after_prefix(const char *text, char *advice, size_t size)
{
    const struct notation *local = notation_local(text);
    const char *rest = local == NULL ? text : text + strlen(local->prefix);
    char shown[120];
    if (local == NULL || !text_starts(rest, "//")) {
        return NULL;
    }
    (void)text_printable(shown, sizeof shown, rest + 2, strlen(rest + 2));
    (void)snprintf(advice, size, "a path does not begin with \"//\": write %s%s", local->prefix,
                   shown);
    return rest;
}

const char *notation_foreign(const char *text, char *advice, size_t size)
{
    for (size_t row = 0; row < ARRAY_LEN(prefixes); row++) {
        if (text_starts(text, prefixes[row].prefix)) {
            return foreign_prefix(text, row, advice, size);
        }
    }
    const char *scheme = foreign_scheme(text, advice, size);
    return scheme != NULL ? scheme : slashes_after_prefix(text, advice, size);
}
