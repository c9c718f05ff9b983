/* SPDX-License-Identifier: Apache-2.0 */
/* Splits off digest, registry, tag and repository in this order, then checks each part against its
 * grammar. Every message names the part, its position in the text, and what to do. */
#include "oci/reference.h"

#include <arpa/inet.h>
#include <assert.h>
#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"
#include "codec/digest.h"
#include "oci/notation.h"

#define HUB "index.docker.io"
#define TAG_DEFAULT "latest"
#define NO_TAG_NEEDED ((uint32_t)(LPIPE_REF_REPOSITORY | LPIPE_REF_NO_DEFAULT_TAG))

/* A part of the text being parsed. */
struct part {
    const char *text;
    size_t size;
};

/* The whole text that is parsed, for messages. */
struct input {
    const char *text;
    const char *what; /* "reference", "tag" */
};

static int fail_at(const struct input *input, const char *at, struct lpipe_error *err,
                   const char *why)
{
    char shown[160];
    return fail(err, LPIPE_INVALID_ARGUMENT, "%s '%s': at character %zu: %s", input->what,
                notation_shown(shown, sizeof shown, input->text), (size_t)(at - input->text) + 1,
                why);
}

static bool is_lower_alnum(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

static bool is_upper(char c)
{
    return c >= 'A' && c <= 'Z';
}

/* Length of a separator between two alphanumeric runs: ".", "_", "__" or any number of "-". */
static size_t separator_size(const char *text, size_t size)
{
    size_t run = 0;
    while (run < size && text[run] == text[0]) {
        run++;
    }
    bool valid = text[0] == '-' || (text[0] == '.' && run == 1) || (text[0] == '_' && run <= 2);
    return valid ? run : 0;
}

/* One path component: [a-z0-9]+((\.|_|__|-+)[a-z0-9]+)* */
static int check_component(const struct input *input, struct part part, struct lpipe_error *err)
{
    if (part.size == 0) {
        return fail_at(input, part.text, err, "empty path component in the repository name");
    }
    size_t i = 0;
    while (i < part.size) {
        size_t start = i;
        while (i < part.size && is_lower_alnum(part.text[i])) {
            i++;
        }
        if (i < part.size && is_upper(part.text[i])) {
            return fail_at(input, part.text + i, err,
                           "upper-case letter in the repository name, which must be lower-case");
        }
        if (i == start) {
            return fail_at(input, part.text + i, err,
                           "each part of a repository name begins and ends with a-z or 0-9 and "
                           "has single '.', '_', '__' or any number of '-' in between");
        }
        if (i == part.size) {
            return 0;
        }
        size_t separator = separator_size(part.text + i, part.size - i);
        if (separator == 0) {
            return fail_at(
                input, part.text + i, err,
                "a repository name may contain only a-z, 0-9, single '.', '_', '__' and '-'");
        }
        i += separator;
    }
    return fail_at(input, part.text + part.size - 1, err,
                   "each part of a repository name ends with a-z or 0-9");
}

static int check_repository(const struct input *input, struct part part, struct lpipe_error *err)
{
    size_t start = 0;
    for (size_t i = 0; i <= part.size; i++) {
        if (i == part.size || part.text[i] == '/') {
            struct part component = { part.text + start, i - start };
            int status = check_component(input, component, err);
            if (status != 0) {
                return status;
            }
            start = i + 1;
        }
    }
    if (part.size > REPOSITORY_NAME_BYTES_MAX) {
        return fail_at(input, part.text + REPOSITORY_NAME_BYTES_MAX, err,
                       "the repository name is longer than 255 characters");
    }
    return 0;
}

/* [A-Za-z0-9_][A-Za-z0-9._-]{0,127} */
static int check_tag(const struct input *input, struct part part, struct lpipe_error *err)
{
    if (part.size == 0) {
        return fail_at(input, part.text, err, "empty tag: write one after ':', or remove the ':'");
    }
    for (size_t i = 0; i < part.size; i++) {
        char c = part.text[i];
        bool word = is_lower_alnum(c) || is_upper(c) || c == '_';
        if (!word && (i == 0 || (c != '.' && c != '-'))) {
            return fail_at(input, part.text + i, err,
                           "a tag may contain A-Z, a-z, 0-9, '_', '.' and '-', and must not start "
                           "with '.' or '-'");
        }
    }
    if (part.size > TAG_BYTES_MAX) {
        return fail_at(input, part.text + TAG_BYTES_MAX, err,
                       "the tag is longer than 128 characters");
    }
    return 0;
}

/* A tag of a layout is the annotation org.opencontainers.image.ref.name (image-spec,
 * annotations.md): other tools write whole references there. Parts of
 * [A-Za-z0-9_][A-Za-z0-9._:@+-]*, joined by '/'. */
static int check_layout_tag(const struct input *input, struct part part, struct lpipe_error *err)
{
    if (part.size == 0) {
        return fail_at(input, part.text, err, "empty tag: write one after ':', or remove the ':'");
    }
    for (size_t i = 0; i <= part.size; i++) {
        char c = i < part.size ? part.text[i] : '/';
        bool first = i == 0 || part.text[i - 1] == '/';
        bool word = is_lower_alnum(c) || is_upper(c) || c == '_';
        if (!word && (first || strchr("._:@+-/", c) == NULL)) {
            return fail_at(input, part.text + i, err,
                           "a tag in a layout may contain A-Z, a-z, 0-9 and _.:@+-/, and each part "
                           "of it must start with A-Z, a-z, 0-9 or '_' (if the ':' before it is "
                           "part of the directory's name, end that name with '/')");
        }
    }
    if (part.size > LAYOUT_TAG_BYTES_MAX) {
        return fail_at(input, part.text + LAYOUT_TAG_BYTES_MAX, err,
                       "the tag is longer than 512 characters");
    }
    return 0;
}

static int check_digest(const struct input *input, struct part part, struct lpipe_error *err)
{
    if (digest_parse(part.text, part.size, NULL)) {
        return 0;
    }
    return fail_at(input, part.text, err,
                   "after '@' write sha256: and 64, or sha512: and 128 lower-case hex digits");
}

/* Splits host and port; an IPv6 literal keeps its brackets. port.text is NULL without ':'. */
static void split_port(struct part registry, struct part *ret_host, struct part *ret_port)
{
    const char *end = registry.text + registry.size;
    const char *from = registry.text;
    if (registry.size > 0 && registry.text[0] == '[') {
        const char *bracket = memchr(registry.text, ']', registry.size);
        from = bracket != NULL ? bracket : end;
    }
    const char *colon = memchr(from, ':', (size_t)(end - from));
    const char *host_end = colon != NULL ? colon : end;
    *ret_host = (struct part){ registry.text, (size_t)(host_end - registry.text) };
    *ret_port = colon != NULL ? (struct part){ colon + 1, (size_t)(end - colon - 1) }
                              : (struct part){ NULL, 0 };
}

static bool is_ipv6_literal(struct part host)
{
    char text[INET6_ADDRSTRLEN];
    struct in6_addr address;
    if (host.size < 4 || host.size - 2 >= sizeof text || host.text[host.size - 1] != ']') {
        return false;
    }
    memcpy(text, host.text + 1, host.size - 2);
    text[host.size - 2] = '\0';
    return inet_pton(AF_INET6, text, &address) == 1;
}

/* Labels of letters, digits, '-' and '_', not beginning or ending with '-', joined by dots. */
static int check_host_name(const struct input *input, struct part host, struct lpipe_error *err)
{
    size_t label = 0;
    for (size_t i = 0; i <= host.size; i++) {
        char c = i < host.size ? host.text[i] : '.';
        if (c == '.') {
            if (label == 0 || label > 63 || host.text[i - 1] == '-') {
                return fail_at(input, host.text + (i > 0 ? i - 1 : 0), err,
                               "the registry's host name has an empty, overlong or "
                               "hyphen-ended label");
            }
            label = 0;
        } else if (is_lower_alnum(c) || is_upper(c) || c == '_' || (c == '-' && label > 0)) {
            label++;
        } else {
            return fail_at(input, host.text + i, err,
                           "the registry's host name has only letters, digits, '-', '_' and '.' "
                           "(write international names in their xn-- form)");
        }
    }
    return host.size <= 253 ? 0 : fail_at(input, host.text, err, "the host name is too long");
}

static int check_registry(const struct input *input, struct part registry, struct lpipe_error *err)
{
    struct part host;
    struct part port;
    uint64_t number = 0;
    if (registry.size == 0) {
        return fail_at(input, registry.text, err, "the registry's host name is missing");
    }
    split_port(registry, &host, &port);
    if (host.size > 0 && host.text[0] == '[') {
        if (!is_ipv6_literal(host)) {
            return fail_at(input, host.text, err, "not an IPv6 address in brackets");
        }
    } else {
        int status = check_host_name(input, host, err);
        if (status != 0) {
            return status;
        }
    }
    if (port.text != NULL &&
        (port.size > 5 || !text_to_u64(port.text, port.size, 65535, &number) || number == 0)) {
        return fail_at(input, port.text, err, "the port must be a number from 1 to 65535");
    }
    return 0;
}

/* True when the part before the first '/' cannot be a repository path component. */
static bool looks_like_registry(struct part part)
{
    return (part.size == 9 && memcmp(part.text, "localhost", 9) == 0) ||
           memchr(part.text, '.', part.size) != NULL || memchr(part.text, ':', part.size) != NULL;
}

/* Checks for common mistakes first, because their messages are clearer than those of the
 * grammar. */
/* "-", "./x", "../x", "/x", "~/x". */
static bool is_path(const char *text)
{
    return strcmp(text, "-") == 0 || text[0] == '/' || text[0] == '~' || text_starts(text, "./") ||
           text_starts(text, "../") || strcmp(text, ".") == 0;
}

static int check_common_mistakes(const struct input *input, struct lpipe_error *err)
{
    const char *scheme = strstr(input->text, "://");
    const char *at = input->text;
    if (scheme != NULL) {
        return fail_at(input, scheme, err,
                       "a reference has no scheme: remove everything up to and including \"://\" "
                       "(for http use `LPIPE_CLIENT_PLAIN_HTTP`)");
    }
    if (!text_is_clean(at, strlen(at))) {
        while (text_is_clean(at, 1)) {
            at++;
        }
        return fail_at(input, at, err, "control character");
    }
    if (strchr(at, ' ') != NULL) {
        return fail_at(input, strchr(at, ' '), err, "white space");
    }
    if (is_path(at)) {
        return fail_at(input, at, err,
                       "a path is no reference: for a layout write oci:DIR[:TAG], for an image "
                       "archive docker-archive:FILE or oci-archive:FILE (- for stdin or stdout)");
    }
    if (text_starts(at, "sha256:") || text_starts(at, "sha512:")) {
        return fail_at(input, at, err,
                       "a digest alone is no reference: write REPOSITORY@sha256: and 64, or "
                       "REPOSITORY@sha512: and 128 lower-case hex digits");
    }
    return at[0] != '\0' ? 0 : fail_at(input, at, err, "empty; write [REGISTRY/]REPOSITORY[:TAG]");
}

/* The parts of a registry reference as written; text NULL = the part is missing. */
struct parts {
    struct part registry;
    struct part repository;
    struct part tag;
    struct part digest;
};

static void split_parts(const char *text, struct parts *ret_parts)
{
    struct parts parts = { { NULL, 0 }, { NULL, 0 }, { NULL, 0 }, { NULL, 0 } };
    size_t size = strlen(text);
    const char *at = strchr(text, '@');
    if (at != NULL) {
        parts.digest = (struct part){ at + 1, size - (size_t)(at + 1 - text) };
        size = (size_t)(at - text);
    }
    const char *slash = memchr(text, '/', size);
    if (slash != NULL && looks_like_registry((struct part){ text, (size_t)(slash - text) })) {
        parts.registry = (struct part){ text, (size_t)(slash - text) };
        size -= parts.registry.size + 1;
        text = slash + 1;
    }
    const char *last = memrchr(text, '/', size);
    const char *name = last != NULL ? last + 1 : text;
    const char *colon = memchr(name, ':', size - (size_t)(name - text));
    if (colon != NULL) {
        parts.tag = (struct part){ colon + 1, size - (size_t)(colon + 1 - text) };
        size = (size_t)(colon - text);
    }
    parts.repository = (struct part){ text, size };
    *ret_parts = parts;
}

/* Refuses a registry without a repository. "[::1]:5000" cannot be anything else. "localhost:5000"
 * and "registry.example:5000" could also be an image with a tag, but are more often a registry
 * whose repository was forgotten. */
static int check_repository_given(const struct input *input, const struct parts *parts,
                                  struct lpipe_error *err)
{
    struct part name = parts->repository;
    bool bracket = name.size > 0 && name.text[0] == '[';
    uint64_t port = 0;
    bool port_like = parts->tag.text != NULL &&
                     text_to_u64(parts->tag.text, parts->tag.size, 65535, &port) && port > 0;
    bool host_like = memchr(name.text, '/', name.size) == NULL && looks_like_registry(name);
    if (parts->registry.text == NULL && (bracket || (port_like && host_like))) {
        return fail_at(input, input->text + strlen(input->text), err,
                       "this names a registry only: add '/' and a repository");
    }
    if (parts->registry.text != NULL && name.size == 0) {
        return fail_at(input, name.text, err, "the repository is missing after the registry");
    }
    return 0;
}

static int check_flags(const struct input *input, const struct parts *parts, uint32_t flags,
                       struct lpipe_error *err)
{
    const char *end = input->text + strlen(input->text);
    if ((flags & LPIPE_REF_REPOSITORY) != 0 &&
        (parts->tag.text != NULL || parts->digest.text != NULL)) {
        return fail_at(input, parts->tag.text != NULL ? parts->tag.text : parts->digest.text, err,
                       "a repository is required here: remove the tag or digest");
    }
    if ((flags & LPIPE_REF_STRICT) == 0) {
        return 0;
    }
    if (parts->registry.text == NULL) {
        return fail_at(
            input, input->text, err,
            "the registry is missing: write it before the repository, such as docker.io/");
    }
    if ((flags & NO_TAG_NEEDED) == 0 && parts->tag.text == NULL && parts->digest.text == NULL) {
        return fail_at(input, end, err, "the tag or digest is missing: add one, such as :latest");
    }
    return 0;
}

static int check_parts(const struct input *input, const struct parts *parts, uint32_t flags,
                       struct lpipe_error *err)
{
    int status = check_repository_given(input, parts, err);
    if (status == 0 && parts->registry.text != NULL) {
        status = check_registry(input, parts->registry, err);
    }
    if (status == 0) {
        status = check_repository(input, parts->repository, err);
    }
    if (status == 0 && parts->tag.text != NULL) {
        status = check_tag(input, parts->tag, err);
    }
    if (status == 0 && parts->digest.text != NULL) {
        status = check_digest(input, parts->digest, err);
    }
    return status == 0 ? check_flags(input, parts, flags, err) : status;
}

static bool part_is(struct part part, const char *text)
{
    return part.size == strlen(text) && memcmp(part.text, text, part.size) == 0;
}

/* host is valid and without a port. */
static bool is_loopback_host(struct part host)
{
    char text[INET6_ADDRSTRLEN + 2];
    struct in_addr v4;
    struct in6_addr v6;
    if (host.size >= sizeof text || host.size < 2) {
        return false;
    }
    memcpy(text, host.text, host.size);
    text[host.size] = '\0';
    if (inet_pton(AF_INET, text, &v4) == 1) {
        return (ntohl(v4.s_addr) >> 24) == 127;
    }
    text[host.size - 1] = '\0';
    return text[0] == '[' && inet_pton(AF_INET6, text + 1, &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
}

const char *reference_scheme(const char *registry)
{
    static const char suffix[] = ".localhost";
    struct part host;
    struct part port;
    split_port((struct part){ registry, strlen(registry) }, &host, &port);
    bool local = host.size == 9 && text_same_start(host.text, "localhost", 9);
    bool under =
        host.size > sizeof suffix - 1 &&
        text_same_start(host.text + host.size - (sizeof suffix - 1), suffix, sizeof suffix - 1);
    return local || under || is_loopback_host(host) ? "http" : "https";
}

static char *copy_part(struct part part)
{
    return part.text == NULL ? NULL : mem_strndup(part.text, part.size);
}

/* A tag next to a digest is checked but not kept, because the digest decides what is meant. */
static struct part effective_tag(struct part tag, struct part digest)
{
    return digest.text != NULL ? (struct part){ NULL, 0 } : tag;
}

/* Sets the members of a registry reference: the parts, and defaults for missing parts. */
static int set_registry_parts(struct lpipe_ref *ref, const struct parts *parts, uint32_t flags,
                              struct lpipe_error *err)
{
    bool hub = parts->registry.text == NULL || part_is(parts->registry, "docker.io") ||
               part_is(parts->registry, HUB);
    bool single = memchr(parts->repository.text, '/', parts->repository.size) == NULL;
    bool tag_default =
        parts->tag.text == NULL && parts->digest.text == NULL && (flags & NO_TAG_NEEDED) == 0;
    struct part tag = effective_tag(parts->tag, parts->digest);
    AUTO_FREE char *repository = copy_part(parts->repository);
    ref->registry = hub ? mem_strdup(HUB) : copy_part(parts->registry);
    ref->tag = tag_default ? mem_strdup(TAG_DEFAULT) : copy_part(tag);
    ref->digest = copy_part(parts->digest);
    if (repository != NULL && hub && single) {
        ref->repository = mem_printf("library/%s", repository);
    } else {
        ref->repository = TAKE(repository);
    }
    if (ref->registry == NULL || ref->repository == NULL ||
        (ref->tag == NULL && (tag_default || tag.text != NULL)) ||
        (ref->digest == NULL && parts->digest.text != NULL)) {
        return fail_memory(err);
    }
    ref->scheme = reference_scheme(ref->registry);
    ref->name = mem_printf("%s/%s%s%s%s%s", ref->registry, ref->repository,
                           ref->tag != NULL ? ":" : "", ref->tag != NULL ? ref->tag : "",
                           ref->digest != NULL ? "@" : "", ref->digest != NULL ? ref->digest : "");
    return ref->name != NULL ? 0 : fail_memory(err);
}

static int parse_registry(const struct input *input, uint32_t flags, struct lpipe_ref *ref,
                          struct lpipe_error *err)
{
    struct parts parts;
    int status = check_common_mistakes(input, err);
    if (status != 0) {
        return status;
    }
    split_parts(input->text, &parts);
    status = check_parts(input, &parts, flags, err);
    if (status != 0) {
        return status;
    }
    ref->kind = LPIPE_REF_REGISTRY;
    return set_registry_parts(ref, &parts, flags, err);
}

/* Splits DIR[:TAG]. The first ':' ends DIR, but a DIR that ends with '/' may contain ':'. */
static void split_layout(struct part text, struct part *ret_dir, struct part *ret_tag)
{
    const char *colon = NULL;
    for (size_t i = 1; i < text.size; i++) {
        if (text.text[i] == ':' && text.text[i - 1] == '/') {
            colon = text.text + i;
        }
    }
    if (colon == NULL && text.size > 0 && text.text[text.size - 1] != '/') {
        colon = memchr(text.text, ':', text.size);
    }
    size_t dir_size = colon != NULL ? (size_t)(colon - text.text) : text.size;
    *ret_dir = (struct part){ text.text, dir_size };
    *ret_tag = colon != NULL ? (struct part){ colon + 1, text.size - dir_size - 1 }
                             : (struct part){ NULL, 0 };
}

/* Splits off the digest after the last '@', if there is one. */
static int split_digest(const struct input *input, struct part *text, struct part *ret_digest,
                        struct lpipe_error *err)
{
    const char *at = memrchr(text->text, '@', text->size);
    if (at == NULL || !(text_starts(at + 1, "sha256:") || text_starts(at + 1, "sha512:"))) {
        return 0;
    }
    struct part digest = { at + 1, strlen(at + 1) };
    int status = check_digest(input, digest, err);
    if (status == 0) {
        *ret_digest = digest;
        text->size = (size_t)(at - text->text);
    }
    return status;
}

static int set_layout_parts(struct lpipe_ref *ref, const struct input *input, struct part dir,
                            struct part tag, struct part digest, struct lpipe_error *err)
{
    tag = effective_tag(tag, digest);
    ref->kind = LPIPE_REF_LAYOUT;
    ref->repository = copy_part(dir);
    ref->tag = copy_part(tag);
    ref->digest = copy_part(digest);
    ref->name = mem_strdup(input->text);
    bool missing = ref->repository == NULL || ref->name == NULL ||
                   (ref->tag == NULL && tag.text != NULL) ||
                   (ref->digest == NULL && digest.text != NULL);
    return missing ? fail_memory(err) : 0;
}

/* oci:DIR[:TAG] and oci:DIR@DIGEST. */
static int parse_layout(const struct input *input, const char *start, uint32_t flags,
                        struct lpipe_ref *ref, struct lpipe_error *err)
{
    struct part text = { start, strlen(start) };
    struct part dir;
    struct part tag;
    struct part digest = { NULL, 0 };
    int status = split_digest(input, &text, &digest, err);
    if (status != 0) {
        return status;
    }
    split_layout(text, &dir, &tag);
    if (dir.size == 0) {
        return fail_at(input, dir.text, err, "the directory is missing: write oci:DIR[:TAG]");
    }
    status = tag.text != NULL ? check_layout_tag(input, tag, err) : 0;
    if (status != 0) {
        return status;
    }
    if ((flags & LPIPE_REF_STRICT) != 0 && (flags & NO_TAG_NEEDED) == 0 && tag.text == NULL &&
        digest.text == NULL) {
        return fail_at(input, dir.text + dir.size, err,
                       "the tag is missing: add one, such as :latest");
    }
    return set_layout_parts(ref, input, dir, tag, digest, err);
}

/* oci-archive:FILE[:TAG], docker-archive:FILE[:NAME:TAG], and both with @DIGEST. */
static int parse_archive(const struct input *input, enum lpipe_ref_kind kind, const char *start,
                         struct lpipe_ref *ref, struct lpipe_error *err)
{
    struct part text = { start, strlen(start) };
    struct part digest = { NULL, 0 };
    int status = split_digest(input, &text, &digest, err);
    if (status != 0) {
        return status;
    }
    const char *colon = memchr(text.text, ':', text.size);
    struct part file = { start, colon != NULL ? (size_t)(colon - start) : text.size };
    struct part tag = { colon != NULL ? colon + 1 : NULL,
                        colon != NULL ? text.size - file.size - 1 : 0 };
    if (file.size == 0) {
        return fail_at(input, start, err, "the file of the image archive is missing (- for stdin)");
    }
    status = colon != NULL ? check_layout_tag(input, tag, err) : 0;
    status = status == 0 ? set_layout_parts(ref, input, file, tag, digest, err) : status;
    ref->kind = kind;
    return status;
}

static int parse_null(const struct input *input, const char *start, struct lpipe_ref *ref,
                      struct lpipe_error *err)
{
    if (*start != '\0') {
        return fail_at(input, start, err, "nothing may follow null:");
    }
    ref->kind = LPIPE_REF_NULL;
    ref->name = mem_strdup(input->text);
    return ref->name != NULL ? 0 : fail_memory(err);
}

/* Refuses what other tools write: it would be taken for another repository or directory. */
static int check_notation(const struct input *input, struct lpipe_error *err)
{
    char advice[240];
    const char *userinfo = notation_userinfo(input->text);
    const char *foreign = notation_foreign(input->text, advice, sizeof advice);
    if (userinfo != NULL) {
        return fail_at(input, userinfo, err,
                       "a reference has no user name and password (use `username` and "
                       "`password`), and after '@' only a digest is allowed");
    }
    return foreign == NULL ? 0 : fail_at(input, foreign, err, advice);
}

static int parse_local(const struct input *input, const struct notation *notation, uint32_t flags,
                       struct lpipe_ref *ref, struct lpipe_error *err)
{
    const char *rest = input->text + strlen(notation->prefix);
    if ((flags & LPIPE_REF_REPOSITORY) != 0) {
        return fail_at(input, input->text, err, "a repository of a registry is required here");
    }
    switch (notation->kind) {
    case LPIPE_REF_LAYOUT:
        return parse_layout(input, rest, flags, ref, err);
    case LPIPE_REF_OCI_ARCHIVE:
    case LPIPE_REF_DOCKER_ARCHIVE:
        return parse_archive(input, notation->kind, rest, ref, err);
    case LPIPE_REF_NULL:
        return parse_null(input, rest, ref, err);
    case LPIPE_REF_REGISTRY:
        break;
    }
    assert(false); /* it has no prefix */
    return fail(err, LPIPE_INVALID_ARGUMENT, "a reference of unknown kind");
}

int reference_parse(const char *text, uint32_t flags, struct lpipe_ref **ret_ref,
                    struct lpipe_error *err)
{
    struct input input = { text, (flags & LPIPE_REF_REPOSITORY) != 0 ? "repository" : "reference" };
    struct lpipe_ref *ref AUTO_REFERENCE = NEW(struct lpipe_ref);
    if (ref == NULL) {
        return fail_memory(err);
    }
    int status = check_notation(&input, err);
    if (status != 0) {
        return status;
    }
    const struct notation *local = notation_local(text);
    status = local != NULL ? parse_local(&input, local, flags, ref, err)
                           : parse_registry(&input, flags, ref, err);
    if (status == 0) {
        *ret_ref = TAKE(ref);
    }
    return status;
}

struct lpipe_ref *reference_free(struct lpipe_ref *ref)
{
    if (ref != NULL) {
        free(ref->registry);
        free(ref->repository);
        free(ref->tag);
        free(ref->digest);
        free(ref->name);
        free(ref);
    }
    return NULL;
}

int reference_check_tag(const char *tag, struct lpipe_error *err)
{
    struct input input = { tag, "tag" };
    return check_tag(&input, (struct part){ tag, strlen(tag) }, err);
}

int reference_check_repository(const char *repository, struct lpipe_error *err)
{
    struct input input = { repository, "repository" };
    return check_repository(&input, (struct part){ repository, strlen(repository) }, err);
}

int reference_check_registry(const char *registry, struct lpipe_error *err)
{
    struct input input = { registry, "registry" };
    return check_registry(&input, (struct part){ registry, strlen(registry) }, err);
}
