/* SPDX-License-Identifier: Apache-2.0 */
#include "model_registry.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"
#include "codec/digest.h"

#define ITEMS_MAX 64
#define NAME_BYTES 320

/* A blob, a manifest or an upload session, under "repository name". */
struct item {
    char name[NAME_BYTES];
    struct buf bytes;
    char type[100]; /* of a manifest */
};

static struct {
    enum model_auth auth;
    struct item blobs[ITEMS_MAX], manifests[ITEMS_MAX], sessions[ITEMS_MAX];
    unsigned session_count; /* opened so far */
} model;

static void require(int status)
{
    if (status != 0) {
        abort();
    }
}

static struct item *find(struct item *items, const char *name)
{
    for (size_t i = 0; i < ITEMS_MAX; i++) {
        if (strcmp(items[i].name, name) == 0) {
            return &items[i];
        }
    }
    return NULL;
}

/* The item of that name, a new one if there is none; NULL when all places are taken. */
static struct item *make(struct item *items, const char *name)
{
    struct item *item = find(items, name);
    item = item == NULL ? find(items, "") : item;
    if (item != NULL) {
        (void)snprintf(item->name, sizeof item->name, "%s", name);
        item->bytes.size_max = 16 * MIB;
    }
    return item;
}

static void drop(struct item *item)
{
    buf_dispose(&item->bytes);
    *item = (struct item){ .name = "" };
}

static const char *name_of(char buf[NAME_BYTES], const char *repository, const char *name)
{
    (void)snprintf(buf, NAME_BYTES, "%.150s %.150s", repository, name);
    return buf;
}

void model_begin(enum model_auth auth)
{
    model.auth = auth;
}

void model_end(void)
{
    for (size_t i = 0; i < ITEMS_MAX; i++) {
        drop(&model.blobs[i]);
        drop(&model.manifests[i]);
        drop(&model.sessions[i]);
    }
    model.session_count = 0;
}

void model_add_blob(const char *repository, const char *digest, const void *data, size_t size)
{
    char name[NAME_BYTES];
    struct item *item = make(model.blobs, name_of(name, repository, digest));
    if (item != NULL) {
        buf_clear(&item->bytes);
        require(size == 0 ? 0 : buf_append(&item->bytes, data, size));
    }
}

const struct buf *model_blob(const char *repository, const char *digest)
{
    char name[NAME_BYTES];
    const struct item *item = find(model.blobs, name_of(name, repository, digest));
    return item == NULL ? NULL : &item->bytes;
}

const struct buf *model_manifest(const char *repository, const char *tag)
{
    char name[NAME_BYTES];
    const struct item *item = find(model.manifests, name_of(name, repository, tag));
    return item == NULL ? NULL : &item->bytes;
}

static void say(struct model_answer *answer, int status, const char *body)
{
    answer->status = status;
    require(buf_append_text(&answer->body, body));
}

static void add_header(struct model_answer *answer, const char *name, const char *value)
{
    require(buf_printf(&answer->headers, "%s: %s\n", name, value));
}

static bool is_method(const struct model_request *request, const char *method)
{
    return strcmp(request->method, method) == 0;
}

/* The bytes of a blob or manifest, from the start of the range on. */
static void give(const struct model_request *request, const struct buf *bytes, const char *digest,
                 struct model_answer *answer)
{
    char text[100];
    uint64_t start = 0;
    if (bytes == NULL) {
        say(answer, 404, "{\"errors\":[{\"code\":\"BLOB_UNKNOWN\"}]}");
        return;
    }
    bool ranged = request->range != NULL && sscanf(request->range, "bytes=%" SCNu64, &start) == 1 &&
                  start < bytes->size;
    start = ranged ? start : 0;
    answer->status = ranged ? 206 : 200;
    (void)snprintf(text, sizeof text, "bytes %" PRIu64 "-%zu/%zu", start, bytes->size - 1,
                   bytes->size);
    if (ranged) {
        add_header(answer, "content-range", text);
    }
    (void)snprintf(text, sizeof text, "%zu", bytes->size - (size_t)start);
    add_header(answer, "content-length", text);
    add_header(answer, "docker-content-digest", digest);
    if (is_method(request, "GET") && bytes->size > 0) {
        require(buf_append(&answer->body, bytes->data + start, bytes->size - (size_t)start));
    }
}

static void say_session(struct model_answer *answer, int status, const char *repository,
                        const char *id, size_t size)
{
    answer->status = status;
    require(buf_printf(&answer->headers, "location: /v2/%s/blobs/uploads/%s?state=1\n", repository,
                       id));
    require(buf_printf(&answer->headers, "range: 0-%zu\n", size == 0 ? 0 : size - 1));
}

/* The value of a member of the query; "" if it is absent. */
static const char *query_value(char buf[NAME_BYTES], const char *path, const char *member)
{
    const char *query = strchr(path, '?');
    const char *at = query == NULL ? NULL : strstr(query, member);
    (void)snprintf(buf, NAME_BYTES, "%.*s", at == NULL ? 0 : (int)strcspn(at + strlen(member), "&"),
                   at == NULL ? "" : at + strlen(member));
    for (char *c = strstr(buf, "%3A"); c != NULL; c = strstr(buf, "%3A")) {
        *c = ':';
        memmove(c + 1, c + 3, strlen(c + 3) + 1);
    }
    return buf;
}

static void open_session(const struct model_request *request, const char *repository,
                         struct model_answer *answer)
{
    char digest[NAME_BYTES];
    char from[NAME_BYTES];
    char id[20];
    char name[NAME_BYTES];
    const struct buf *mounted = model_blob(query_value(from, request->path, "from="),
                                           query_value(digest, request->path, "mount="));
    if (mounted != NULL) {
        model_add_blob(repository, digest, mounted->data, mounted->size);
        say(answer, 201, "");
        add_header(answer, "docker-content-digest", digest);
        return;
    }
    (void)snprintf(id, sizeof id, "%u", ++model.session_count);
    if (make(model.sessions, name_of(name, repository, id)) == NULL) {
        say(answer, 503, "");
        return;
    }
    say_session(answer, 202, repository, id, 0);
}

/* PUT: the last bytes, and the digest of all of them. */
static void commit(const struct model_request *request, const char *repository,
                   struct item *session, struct model_answer *answer)
{
    char wanted[NAME_BYTES];
    char found[DIGEST_TEXT_SIZE];
    (void)query_value(wanted, request->path, "digest=");
    require(digest_of(DIGEST_SHA256, session->bytes.data, session->bytes.size, found, NULL));
    if (strcmp(wanted, found) != 0) {
        say(answer, 400, "{\"errors\":[{\"code\":\"DIGEST_INVALID\"}]}");
        return;
    }
    model_add_blob(repository, found, session->bytes.data, session->bytes.size);
    drop(session);
    say(answer, 201, "");
    add_header(answer, "docker-content-digest", found);
}

static void use_session(const struct model_request *request, const char *repository,
                        struct item *session, const char *id, struct model_answer *answer)
{
    uint64_t start = session->bytes.size;
    if (is_method(request, "DELETE")) {
        drop(session);
        say(answer, 204, "");
        return;
    }
    if (is_method(request, "GET")) {
        say_session(answer, 204, repository, id, session->bytes.size);
        return;
    }
    if (request->range != NULL &&
        (sscanf(request->range, "%" SCNu64, &start) != 1 || start != session->bytes.size)) {
        say_session(answer, 416, repository, id, session->bytes.size);
        return;
    }
    if (request->size > 0 && buf_append(&session->bytes, request->body, request->size) != 0) {
        say(answer, 413, "");
    } else if (is_method(request, "PUT") && request->whole) {
        commit(request, repository, session, answer);
    } else {
        say_session(answer, 202, repository, id, session->bytes.size);
    }
}

static void put_manifest(const struct model_request *request, const char *repository,
                         const char *tag, struct model_answer *answer)
{
    char digest[DIGEST_TEXT_SIZE];
    char name[NAME_BYTES];
    require(digest_of(DIGEST_SHA256, request->body, request->size, digest, NULL));
    const char *names[] = { tag, digest };
    for (size_t i = 0; i < ARRAY_LEN(names) && request->whole; i++) {
        struct item *item = make(model.manifests, name_of(name, repository, names[i]));
        if (item != NULL) {
            buf_clear(&item->bytes);
            require(request->size == 0 ? 0
                                       : buf_append(&item->bytes, request->body, request->size));
        }
    }
    say(answer, request->whole ? 201 : 400, "");
    add_header(answer, "docker-content-digest", digest);
}

static bool is_authorized(const char *secret)
{
    switch (model.auth) {
    case MODEL_WITH_BASIC:
        return secret != NULL && strcmp(secret, MODEL_BASIC) == 0;
    case MODEL_WITH_TOKENS:
        return secret != NULL && strcmp(secret, "Bearer " MODEL_TOKEN) == 0;
    case MODEL_OPEN:
    default:
        return true;
    }
}

static void ask_for_credentials(struct model_answer *answer)
{
    say(answer, 401, "{\"errors\":[{\"code\":\"UNAUTHORIZED\"}]}");
    add_header(answer, "www-authenticate",
               model.auth == MODEL_WITH_BASIC ? "Basic realm=\"x\""
                                              : "Bearer realm=\"" MODEL_TOKEN_ORIGIN
                                                "/token\",service=\"x\"");
}

/* Splits "/v2/REPOSITORY/KIND/REST"; false for any other path. */
static bool split(const char *path, const char *kind, char repository[NAME_BYTES],
                  char rest[NAME_BYTES])
{
    const char *at = text_starts(path, "/v2/") ? strstr(path, kind) : NULL;
    if (at == NULL || at < path + 4) {
        return false;
    }
    const char *last = at + strlen(kind);
    (void)snprintf(repository, NAME_BYTES, "%.*s", (int)MIN_OF(at - path - 4, 200), path + 4);
    (void)snprintf(rest, NAME_BYTES, "%.*s", (int)MIN_OF(strcspn(last, "?"), (size_t)200), last);
    return true;
}

void model_request(const struct model_request *request, struct model_answer *answer)
{
    char repository[NAME_BYTES];
    char rest[NAME_BYTES];
    char name[NAME_BYTES];
    if (!is_authorized(request->secret)) {
        ask_for_credentials(answer);
    } else if (split(request->path, "/blobs/uploads/", repository, rest)) {
        struct item *session =
            rest[0] == '\0' ? NULL : find(model.sessions, name_of(name, repository, rest));
        if (rest[0] == '\0' && is_method(request, "POST")) {
            open_session(request, repository, answer);
        } else if (session == NULL) {
            say(answer, 404, "{\"errors\":[{\"code\":\"BLOB_UPLOAD_UNKNOWN\"}]}");
        } else {
            use_session(request, repository, session, rest, answer);
        }
    } else if (split(request->path, "/blobs/", repository, rest)) {
        give(request, model_blob(repository, rest), rest, answer);
    } else if (split(request->path, "/manifests/", repository, rest)) {
        char digest[DIGEST_TEXT_SIZE];
        const struct buf *bytes = model_manifest(repository, rest);
        if (is_method(request, "PUT")) {
            put_manifest(request, repository, rest, answer);
        } else {
            require(bytes == NULL
                        ? 0
                        : digest_of(DIGEST_SHA256, bytes->data, bytes->size, digest, NULL));
            give(request, bytes, digest, answer);
            add_header(answer, "content-type", "application/vnd.oci.image.manifest.v1+json");
        }
    } else {
        say(answer, strcmp(request->path, "/v2/") == 0 ? 200 : 404, "{}");
    }
}

void model_token(const struct model_request *request, struct model_answer *answer)
{
    if (request->secret != NULL && strcmp(request->secret, MODEL_BASIC) == 0) {
        say(answer, 200, "{\"token\":\"" MODEL_TOKEN "\",\"expires_in\":300}");
    } else {
        say(answer, 401, "{\"details\":\"wrong password\"}");
    }
}
