/* SPDX-License-Identifier: Apache-2.0 */
/* A repository with a scripted transport: HEAD, mount and read of blobs; GET, HEAD and PUT of
 * manifests. */
#include "support/scripted_http.h"

#include "oci/store.h"
#include "registry/client.h"
#include "registry/registry_blob.h"
#include "registry/registry_manifest.h"
#include "registry/registry_store.h"
#include "request/blob_head.h"

#define REGISTRY "registry.example"
#define BLOBS "https://" REGISTRY "/v2/a/b/blobs/"
#define MANIFESTS "https://" REGISTRY "/v2/a/b/manifests/"
#define DIGEST "sha256:1111111111111111111111111111111111111111111111111111111111111111"
#define OTHER "sha256:2222222222222222222222222222222222222222222222222222222222222222"
#define MANIFEST_TYPE "application/vnd.oci.image.manifest.v1+json"
#define MANIFEST                                                                                   \
    "{\"schemaVersion\":2,\"mediaType\":\"" MANIFEST_TYPE "\",\"config\":{\"mediaType\":"          \
    "\"application/vnd.oci.image.config.v1+json\",\"digest\":\"" DIGEST                            \
    "\",\"size\":2},\"layers\":"                                                                   \
    "[{\"mediaType\":\"application/vnd.oci.image.layer.v1.tar\",\"digest\":\"" OTHER               \
    "\",\"size\":5}]}"

/* The answer to the n-th request; the last row repeats. */
struct row {
    struct scripted_answer answer;
    const char *method; /* the expected method; NULL = any */
};
static const struct row *rows;
static size_t row_count;
static size_t row_next;

static struct fixture {
    lpipe_client *client;
    lpipe_ref *ref;
    struct repository repository;
} fixture;

static void answer_row(const struct scripted_request *request, struct scripted_answer *answer)
{
    const struct row *row = &rows[MIN_OF(row_next, row_count - 1)];
    row_next++;
    if (row->method != NULL) {
        assert_string_equal(request->method, row->method);
    }
    const char *address = answer->address;
    *answer = row->answer;
    answer->address = answer->address == NULL ? address : answer->address;
}

static void begin_with(const struct row *list, size_t count)
{
    struct lpipe_client_options options = LPIPE_CLIENT_OPTIONS_INIT;
    setenv("HOME", "/nonexistent", 1);
    rows = list;
    row_count = count;
    row_next = 0;
    options.retry_count = 2;
    options.flags = LPIPE_CLIENT_ANONYMOUS;
    scripted_begin(answer_row);
    assert_int_equal(client_new(&options, &fixture.client, NULL), 0);
    assert_int_equal(lpipe_ref_parse(REGISTRY "/a/b", 0, &fixture.ref, NULL), 0);
    fixture.repository = (struct repository){ .context = &fixture.client->context,
                                              .registry = REGISTRY,
                                              .name = "a/b",
                                              .actions = "pull,push" };
    assert_int_equal(host_list_get(&fixture.client->hosts, &fixture.client->context, fixture.ref,
                                   &fixture.repository.host, NULL),
                     0);
    fixture.repository.host->is_registry = true; /* no request asks whether it is one */
}
#define BEGIN(...)                                                                                 \
    static const struct row list[] = { __VA_ARGS__ };                                              \
    begin_with(list, ARRAY_LEN(list))

static void finish(void)
{
    lpipe_ref_free(fixture.ref);
    client_free(fixture.client);
    scripted_end();
}

static const struct scripted_request *request_at(size_t nth)
{
    assert_true(nth < scripted.count);
    return &scripted.requests[nth];
}

#define RETRY_NOW "retry-after: 0\n"

static int head(struct lpipe_error *err)
{
    uint64_t size = 7;
    int found = blob_head(&fixture.repository, DIGEST, &size, NULL, err);
    return found == 1 && size != BLOB_SIZE_UNKNOWN ? (int)size : found;
}

static void test_head(void **state)
{
    struct lpipe_error err = { 0 };
    (void)state;
    BEGIN({ { .status = 200, .headers = "content-length: 44\n" }, "HEAD" },
          { { .status = 200 }, "HEAD" },
          { { .status = 200, .headers = "docker-content-digest: " DIGEST "\n" }, "HEAD" },
          { { .status = 200, .headers = "docker-content-digest: " OTHER "\ncontent-length: 44\n" },
            "HEAD" },
          { { .status = 200, .headers = "docker-content-digest: sha512:0\ncontent-length: 43\n" },
            "HEAD" },
          { { .status = 404 }, "HEAD" }, { { .status = 503, .headers = RETRY_NOW }, "HEAD" },
          { { .status = 200, .headers = "content-length: 45\n" }, "HEAD" },
          { { .status = 307, .headers = "location: https://cdn.example/x?sig=1\n" }, "HEAD" },
          { { .status = 200, .headers = "content-length: 46\n" }, "HEAD" },
          { { .status = 403 }, "HEAD" }, { { .status = 204 }, "HEAD" });
    assert_int_equal(head(&err), 44);
    assert_string_equal(request_at(0)->url, BLOBS DIGEST);
    assert_int_equal(head(&err), BLOB_HEAD_UNPROVEN); /* what a web server says to everything */
    assert_int_equal(head(&err), 1);
    assert_int_equal(head(&err), BLOB_HEAD_OTHER);
    assert_int_equal(head(&err), 43);
    assert_int_equal(head(&err), 0);
    assert_int_equal(head(&err), 45);
    assert_int_equal(head(&err), 46);
    assert_int_equal(head(&err), LPIPE_DENIED);
    assert_int_equal(err.http_status, 403);
    assert_non_null(strstr(err.message, DIGEST " in " REGISTRY "/a/b"));
    assert_int_equal(head(NULL), LPIPE_PROTOCOL);
    finish();
}

static void test_retries_are_limited(void **state)
{
    struct lpipe_error err = { 0 };
    (void)state;
    BEGIN({ { .status = 503, .headers = RETRY_NOW }, NULL });
    assert_int_equal(head(&err), LPIPE_SERVER);
    assert_int_equal(row_next, 3);
    finish();
    static const struct row down[] = { { { .failure = LPIPE_TLS }, NULL } };
    begin_with(down, 1);
    assert_int_equal(head(&err), LPIPE_TLS);
    assert_int_equal(row_next, 1);
    finish();
}

static int mount(const char *from, struct lpipe_error *err)
{
    return registry_blob_mount(&fixture.repository, DIGEST, from, err);
}

static void test_mount(void **state)
{
    struct lpipe_error err = { 0 };
    (void)state;
    BEGIN({ { .status = 201, .headers = "docker-content-digest: " DIGEST "\n" }, "POST" },
          { { .status = 201, .headers = "docker-content-digest: " OTHER "\n" }, "POST" },
          { { .status = 201 }, "POST" },
          { { .status = 200, .headers = "content-length: 5\n" }, "HEAD" },
          { { .status = 201 }, "POST" }, { { .status = 404 }, "HEAD" },
          { { .status = 201 }, "POST" }, { { .status = 200 }, "HEAD" });
    assert_int_equal(mount("c/d", &err), 1);
    assert_string_equal(request_at(0)->url, BLOBS "uploads/?mount=" DIGEST "&from=c/d");
    assert_int_equal(mount("c/d", &err), 0);
    assert_int_equal(mount("c/d", &err), 1); /* without a digest in the answer HEAD decides */
    assert_int_equal(mount("c/d", &err), 0);
    assert_int_equal(mount("c/d", &err), 0); /* a HEAD that proves nothing is no mount */
    assert_int_equal(row_next, 8);
    assert_int_equal(mount("a/b", &err), 0); /* a repository is not its own source */
    assert_int_equal(mount("../x?y", &err), LPIPE_INVALID_ARGUMENT);
    assert_int_equal(row_next, 8);
    finish();
}

static void test_failed_mount_is_no_error(void **state)
{
    static const int statuses[] = { 200, 204, 302, 307, 400, 403, 404, 405, 429, 500, 503 };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(statuses); i++) {
        const struct row one = { { .status = statuses[i], .headers = "location: /x\n" }, "POST" };
        begin_with(&one, 1);
        assert_int_equal(mount("c/d", NULL), 0);
        assert_int_equal(row_next, statuses[i] == 307 ? 1 + REDIRECTS_MAX : 1);
        finish();
    }
    static const int failures[] = { LPIPE_NETWORK, LPIPE_TIMEOUT, LPIPE_PROTOCOL };
    for (size_t i = 0; i < ARRAY_LEN(failures); i++) {
        const struct row one = { { .failure = failures[i] }, "POST" };
        begin_with(&one, 1);
        assert_int_equal(mount("c/d", NULL), 0);
        finish();
    }
    const struct row cancelled = { { .failure = LPIPE_CANCELLED }, "POST" };
    begin_with(&cancelled, 1);
    assert_int_equal(mount("c/d", NULL), LPIPE_CANCELLED);
    finish();
}

/* A session that was opened instead of a mount is deleted, with its full URL. */
static void test_mount_deletes_the_session(void **state)
{
    (void)state;
    BEGIN({ { .status = 202, .headers = "location: /v2/a/b/blobs/uploads/u?_state=s\n" }, "POST" },
          { { .status = 204 }, "DELETE" });
    assert_int_equal(mount("c/d", NULL), 0);
    assert_string_equal(request_at(1)->url, BLOBS "uploads/u?_state=s");
    finish();
}

/* Reads a blob of five bytes into text; returns the status. */
static int read_blob(char *text, size_t text_size, struct lpipe_error *err)
{
    struct descriptor blob = { "application/octet-stream", DIGEST, 5 };
    struct blob_reader *reader AUTO_BLOB_READER = NULL;
    size_t done = 0;
    size_t size = 1;
    int status = registry_blob_open(&fixture.repository, &blob, 1, &reader, err);
    while (status == 0 && size > 0) {
        assert_true(done < text_size);
        status = reader->ops->read(reader, text + done, text_size - done, &size, err);
        done += status == 0 ? size : 0;
    }
    text[done] = '\0';
    return status;
}

static void check_blob(const char *text)
{
    struct lpipe_error err = { 0 };
    char got[100];
    int status = read_blob(got, sizeof got, &err);
    if (status != 0) {
        fail_msg("%s", err.message);
    }
    assert_string_equal(got, text);
}

static void test_read(void **state)
{
    (void)state;
    BEGIN({ { .status = 200, .body = "hello" }, "GET" });
    check_blob("hello");
    assert_string_equal(request_at(0)->url, BLOBS DIGEST);
    assert_null(strstr(request_at(0)->headers, "Range"));
    finish();
}

static void test_read_resumes(void **state)
{
    (void)state;
    BEGIN({ { .status = 200, .body = "he", .cut = LPIPE_NETWORK }, "GET" },
          { { .status = 503, .headers = RETRY_NOW }, "GET" },
          { { .status = 206, .headers = "content-range: bytes 2-4/5\n", .body = "llo" }, "GET" });
    check_blob("hello");
    assert_non_null(strstr(request_at(2)->headers, "Range: bytes=2-\n"));
    finish();
    /* A registry that ignores Range sends the whole blob again. The first answer here has no length
     * and is too short, but looks complete. */
    static const struct row whole[] = { { { .status = 200, .body = "hell" }, "GET" },
                                        { { .status = 200, .body = "hello" }, "GET" } };
    begin_with(whole, 2);
    check_blob("hello");
    finish();
}

static void test_read_refuses(void **state)
{
    static const struct {
        struct row rows[2];
        int status;
    } cases[] = {
        { { { { .status = 200, .body = "hello!" }, NULL }, { { 0 }, NULL } }, LPIPE_INTEGRITY },
        { { { { .status = 404 }, NULL }, { { 0 }, NULL } }, LPIPE_NOT_FOUND },
        { { { { .status = 206, .headers = "content-range: bytes 1-4/5\n", .body = "ello" }, NULL },
            { { 0 }, NULL } },
          LPIPE_PROTOCOL },
        { { { { .status = 203, .body = "hello" }, NULL }, { { 0 }, NULL } }, LPIPE_PROTOCOL },
        { { { { .status = 200, .body = "h", .cut = LPIPE_NETWORK }, NULL },
            { { .status = 206, .headers = "content-range: bytes 3-4/5\n", .body = "lo" }, NULL } },
          LPIPE_PROTOCOL },
        { { { { .status = 307, .headers = "location: file:///etc/passwd\n" }, NULL },
            { { 0 }, NULL } },
          LPIPE_PROTOCOL },
        { { { { .status = 307 }, NULL }, { { 0 }, NULL } }, LPIPE_PROTOCOL },
        { { { { .status = 307, .headers = "location: /v2/again\n" }, NULL },
            { { .status = 307, .headers = "location: /v2/again\n" }, NULL } },
          LPIPE_PROTOCOL },
        { { { { .status = 302, .headers = "location: http://cdn.example/x\n" }, NULL },
            { { 0 }, NULL } },
          LPIPE_REFUSED },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char text[100];
        struct lpipe_error err = { 0 };
        begin_with(cases[i].rows, cases[i].rows[1].answer.status == 0 ? 1 : 2);
        int status = read_blob(text, sizeof text, &err);
        if (status != cases[i].status) {
            fail_msg("case %zu: %d, %s", i, status, err.message);
        }
        assert_int_equal(err.status, status);
        finish();
    }
}

/* After a redirect to another origin no secret is sent: not there, not after its 401, and not when
 * it redirects back to the registry. */
static void answer_secrets(const struct scripted_request *request, struct scripted_answer *answer)
{
    if (strcmp(request->url, "https://evil.example/x") == 0) {
        answer->status = 307;
        answer->headers = "location: " BLOBS "back\n";
    } else if (strcmp(request->url, "https://evil.example/y") == 0) {
        answer->status = 401;
        answer->headers = "www-authenticate: Basic realm=\"r\"\n";
    } else if (strcmp(request->url, BLOBS "back") == 0) {
        answer->status = request->secret == NULL ? 200 : 500;
        answer->body = "hello";
    } else if (request->secret == NULL) {
        answer->status = 401;
        answer->headers = "www-authenticate: Basic realm=\"r\"\n";
    } else if (strcmp(request->url, BLOBS DIGEST) == 0) {
        answer->status = 307;
        answer->headers = row_next++ == 0 ? "location: https://evil.example/x\n"
                                          : "location: https://evil.example/y\n";
    } else {
        answer->status = 200;
    }
}

static void test_no_secret_to_untrusted_url(void **state)
{
    struct lpipe_error err = { 0 };
    struct lpipe_client_options options = LPIPE_CLIENT_OPTIONS_INIT;
    char text[100];
    (void)state;
    row_next = 0;
    options.username = "user";
    options.password = "canary";
    scripted_begin(answer_secrets);
    assert_int_equal(client_new(&options, &fixture.client, NULL), 0);
    assert_int_equal(lpipe_ref_parse(REGISTRY "/a/b", 0, &fixture.ref, NULL), 0);
    fixture.repository = (struct repository){ .context = &fixture.client->context,
                                              .registry = REGISTRY,
                                              .name = "a/b" };
    assert_int_equal(host_list_get(&fixture.client->hosts, &fixture.client->context, fixture.ref,
                                   &fixture.repository.host, NULL),
                     0);
    assert_int_equal(read_blob(text, sizeof text, &err), 0);
    assert_string_equal(text, "hello");
    size_t before = scripted.count;
    assert_int_equal(read_blob(text, sizeof text, &err), LPIPE_AUTH_REQUIRED);
    assert_int_equal(scripted.count, before + 2);
    for (size_t i = 0; i < scripted.count; i++) {
        bool evil = strstr(scripted.requests[i].url, "evil") != NULL;
        bool back = strcmp(scripted.requests[i].url, BLOBS "back") == 0;
        assert_true(scripted.requests[i].secret == NULL || !(evil || back));
    }
    finish();
}

static int get(const char *reference, struct document *document, struct lpipe_error *err)
{
    *document = (struct document)DOCUMENT_INIT;
    return registry_manifest_get(&fixture.repository, reference, document, err);
}

static char own_digest[DIGEST_TEXT_SIZE];

static void test_manifest_get(void **state)
{
    static char headers[300];
    struct lpipe_error err = { 0 };
    struct document document;
    (void)state;
    snprintf(headers, sizeof headers,
             "content-type: " MANIFEST_TYPE "; charset=utf-8\ndocker-content-digest: %s\n",
             own_digest);
    const struct row list[] = {
        { { .status = 200, .body = MANIFEST, .headers = headers }, "GET" },
        { { .status = 200, .body = MANIFEST, .headers = "content-type: application/json\n" },
          "GET" },
        { { .status = 200, .body = MANIFEST, .headers = headers }, "GET" },
    };
    begin_with(list, ARRAY_LEN(list));
    assert_int_equal(get("tag", &document, &err), 0);
    assert_string_equal(request_at(0)->url, MANIFESTS "tag");
    assert_non_null(strstr(request_at(0)->headers, MANIFEST_TYPE));
    assert_non_null(strstr(request_at(0)->headers, "manifest.list.v2+json"));
    assert_string_equal(document.descriptor.digest, own_digest);
    assert_string_equal(document.descriptor.media_type, MANIFEST_TYPE);
    assert_int_equal(document.descriptor.size, strlen(MANIFEST));
    document_dispose(&document);
    assert_int_equal(get(own_digest, &document, &err), 0);
    assert_string_equal(document.descriptor.media_type, "");
    document_dispose(&document);
    finish();
}

/* ST-13: the requested digest decides, not the one in the answer. */
static void test_manifest_get_refuses(void **state)
{
    static char headers[200];
    struct lpipe_error err = { 0 };
    struct document document;
    (void)state;
    snprintf(headers, sizeof headers, "docker-content-digest: %s\n", own_digest);
    const struct row list[] = {
        { { .status = 200, .body = MANIFEST, .headers = headers }, "GET" },
        { { .status = 200, .body = MANIFEST, .headers = "docker-content-digest: " OTHER "\n" },
          "GET" },
        { { .status = 200, .body = MANIFEST, .headers = "docker-content-digest: sha256:../x\n" },
          "GET" },
        { { .status = 200, .body = MANIFEST, .headers = "content-type: a b\n" }, "GET" },
        { { .status = 404, .body = "{\"errors\":[{\"code\":\"MANIFEST_UNKNOWN\"}]}" }, "GET" },
        { { .failure = LPIPE_TOO_LARGE }, "GET" },
    };
    begin_with(list, ARRAY_LEN(list));
    assert_int_equal(get(OTHER, &document, &err), LPIPE_INTEGRITY);
    assert_int_equal(get("tag", &document, &err), LPIPE_INTEGRITY);
    assert_int_equal(get("tag", &document, &err), LPIPE_INTEGRITY);
    assert_int_equal(get("tag", &document, &err), LPIPE_PROTOCOL);
    assert_int_equal(get("tag", &document, &err), LPIPE_NOT_FOUND);
    assert_non_null(strstr(err.message, "manifest " REGISTRY "/a/b:tag"));
    assert_int_equal(get("tag", &document, &err), LPIPE_TOO_LARGE);
    finish();
}

static int head_of(const char *reference, char *digest)
{
    strcpy(digest, "none");
    return registry_manifest_head(&fixture.repository, reference, digest, NULL);
}

static void test_manifest_head(void **state)
{
    char digest[DIGEST_TEXT_SIZE];
    (void)state;
    BEGIN({ { .status = 200, .headers = "docker-content-digest: " OTHER "\n" }, "HEAD" },
          { { .status = 404 }, "HEAD" }, { { .status = 200 }, "HEAD" },
          { { .status = 200, .body = MANIFEST }, "GET" }, { { .status = 405 }, "HEAD" },
          { { .status = 404 }, "GET" },
          { { .status = 200, .headers = "docker-content-digest: " OTHER "\n" }, "HEAD" },
          { { .status = 200, .body = MANIFEST }, "GET" }, { { .status = 403 }, "HEAD" });
    assert_int_equal(head_of("tag", digest), 1);
    assert_string_equal(digest, OTHER);
    assert_int_equal(head_of("tag", digest), 0);
    assert_int_equal(head_of("tag", digest), 1);
    assert_string_equal(digest, own_digest);
    assert_int_equal(head_of("tag", digest), 0);
    assert_int_equal(head_of(own_digest, digest), 1);
    assert_string_equal(digest, own_digest);
    assert_int_equal(head_of("tag", digest), LPIPE_DENIED);
    finish();
}

static void make_manifest(struct document *ret_document)
{
    AUTO_BUF struct buf bytes = BUF_INIT(10000);
    assert_int_equal(buf_append_text(&bytes, MANIFEST), 0);
    assert_int_equal(document_make(&bytes, MANIFEST_TYPE, NULL, ret_document, NULL), 0);
}

static int put(const char *tag, struct lpipe_error *err)
{
    AUTO_DOCUMENT struct document document = DOCUMENT_INIT;
    make_manifest(&document);
    return registry_manifest_put(&fixture.repository, &document, tag, err);
}

static char own_digest_header[200]; /* Docker-Content-Digest with the manifest's digest */

static void check_put(const struct row *list, size_t count, int status, size_t requests)
{
    struct lpipe_error err = { 0 };
    begin_with(list, count);
    int got = put("tag", &err);
    if (got != status || row_next != requests) {
        fail_msg("%d after %zu requests: %s", got, row_next, err.message);
    }
    assert_int_equal(err.status, MIN_OF(status, 0));
    finish();
}
#define CHECK_PUT(status, requests, ...)                                                           \
    do {                                                                                           \
        const struct row case_rows[] = { __VA_ARGS__ };                                            \
        check_put(case_rows, ARRAY_LEN(case_rows), status, requests);                              \
    } while (0)

#define PUT_OK                                                                                     \
    {                                                                                              \
        { .status = 201, .headers = own_digest_header }, "PUT"                                     \
    }
#define UNKNOWN_BLOB                                                                               \
    "{\"errors\":[{\"code\":\"MANIFEST_BLOB_UNKNOWN\",\"message\":\"blob unknown\"}]}"

#define LINK_BEING_WRITTEN                                                                         \
    "{\"errors\":[{\"code\":\"DIGEST_INVALID\",\"message\":\"provided digest did not match\"}]}"

static void test_manifest_put(void **state)
{
    struct lpipe_error err = { 0 };
    (void)state;
    const struct row ok[] = { PUT_OK };
    begin_with(ok, 1);
    assert_int_equal(put("tag", &err), 0);
    assert_string_equal(request_at(0)->url, MANIFESTS "tag");
    assert_string_equal(request_at(0)->body, MANIFEST);
    assert_non_null(strstr(request_at(0)->headers, "Content-Type: " MANIFEST_TYPE "\n"));
    assert_int_equal(put(NULL, &err), 0);
    assert_non_null(strstr(request_at(1)->url, own_digest));
    finish();
    static char subject[400];
    snprintf(subject, sizeof subject, "%soci-subject: " OTHER "\n", own_digest_header);
    CHECK_PUT(1, 1, { { .status = 201, .headers = subject }, "PUT" });
    CHECK_PUT(LPIPE_INTEGRITY, 1,
              { { .status = 201, .headers = "docker-content-digest: " OTHER "\n" }, "PUT" });
    CHECK_PUT(LPIPE_REFUSED, 2, { { .status = 413 }, "PUT" }, { { .status = 404 }, "HEAD" });
    CHECK_PUT(LPIPE_DENIED, 2, { { .status = 403 }, "PUT" }, { { .status = 403 }, "HEAD" });
}

/* Other manifests are put by other threads between a referrer's put and this question. */
static void test_registry_that_lists_referrers_is_remembered(void **state)
{
    static char subject[400];
    struct store *store = NULL;
    struct document manifest AUTO_DOCUMENT = DOCUMENT_INIT;
    (void)state;
    snprintf(subject, sizeof subject, "%soci-subject: " OTHER "\n", own_digest_header);
    const struct row list[] = { PUT_OK, { { .status = 201, .headers = subject }, "PUT" }, PUT_OK };
    begin_with(list, ARRAY_LEN(list));
    make_manifest(&manifest);
    assert_int_equal(registry_store_open(fixture.client, fixture.ref, true, 1, &store, NULL), 0);
    assert_int_equal(store->ops->manifest_put(store, &manifest, "plain", NULL), 0);
    assert_int_equal(store->ops->referrers_native(store), 0);
    assert_int_equal(store->ops->manifest_put(store, &manifest, NULL, NULL), 0);
    assert_int_equal(store->ops->manifest_put(store, &manifest, "plain", NULL), 0);
    assert_int_equal(store->ops->referrers_native(store), 1);
    store_free(store);
    finish();
}

/* A repository may forbid to change a tag: a second push of the same image succeeds. */
static void test_manifest_put_to_a_tag_that_cannot_be_changed(void **state)
{
    static const int refusals[] = { 400, 403, 405, 409, 412 };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(refusals); i++) {
        CHECK_PUT(0, 2, { { .status = refusals[i] }, "PUT" },
                  { { .status = 200, .headers = own_digest_header }, "HEAD" });
    }
    CHECK_PUT(LPIPE_REFUSED, 2, { { .status = 409 }, "PUT" },
              { { .status = 200, .headers = "docker-content-digest: " OTHER "\n" }, "HEAD" });
}

/* when the answer is lost or unclear, HEAD of the manifest decides. */
static void test_manifest_put_with_unclear_answer(void **state)
{
    (void)state;
    CHECK_PUT(0, 2, { { .failure = LPIPE_NETWORK }, "PUT" },
              { { .status = 200, .headers = own_digest_header }, "HEAD" });
    CHECK_PUT(0, 2, { { .status = 504 }, "PUT" },
              { { .status = 200, .headers = own_digest_header }, "HEAD" });
    CHECK_PUT(0, 2, { { .status = 201 }, "PUT" },
              { { .status = 200, .headers = own_digest_header }, "HEAD" });
    CHECK_PUT(0, 3, { { .status = 503, .headers = RETRY_NOW }, "PUT" },
              { { .status = 404 }, "HEAD" }, PUT_OK);
    /* HEAD finds the tag, but of another manifest. */
    CHECK_PUT(0, 3, { { .status = 503, .headers = RETRY_NOW }, "PUT" },
              { { .status = 200, .headers = "docker-content-digest: " OTHER "\n" }, "HEAD" },
              PUT_OK);
    CHECK_PUT(0, 2, { { .status = 429, .headers = RETRY_NOW }, "PUT" }, PUT_OK);
    /* Another client's push is writing the link file. */
    CHECK_PUT(0, 2, { { .status = 400, .headers = RETRY_NOW, .body = LINK_BEING_WRITTEN }, "PUT" },
              PUT_OK);
    CHECK_PUT(LPIPE_NETWORK, 2, { { .failure = LPIPE_NETWORK }, "PUT" },
              { { .status = 403 }, "HEAD" });
    CHECK_PUT(LPIPE_SERVER, 6, { { .status = 503, .headers = RETRY_NOW }, "PUT" },
              { { .status = 404 }, "HEAD" }, { { .status = 503, .headers = RETRY_NOW }, "PUT" },
              { { .status = 404 }, "HEAD" }, { { .status = 503, .headers = RETRY_NOW }, "PUT" },
              { { .status = 404 }, "HEAD" });
}

/* the PUT is retried while blobs are unknown; a blob that stays unknown is named. */
static void test_manifest_put_of_unknown_blobs(void **state)
{
    static const struct row unknown = {
        { .status = 400, .headers = RETRY_NOW, .body = UNKNOWN_BLOB }, "PUT"
    };
    struct lpipe_error err = { 0 };
    (void)state;
    CHECK_PUT(0, 3, unknown, unknown, PUT_OK);
    const struct row list[] = {
        unknown, unknown, unknown, { { .status = 200 }, "HEAD" }, { { .status = 404 }, "HEAD" }
    };
    begin_with(list, ARRAY_LEN(list));
    assert_int_equal(put("tag", &err), LPIPE_INTEGRITY);
    assert_non_null(strstr(err.message, OTHER));
    assert_int_equal(row_next, 5);
    finish();
    CHECK_PUT(LPIPE_REFUSED, 5, unknown, unknown, unknown, { { .status = 200 }, "HEAD" });
}

static int prepare(void **state)
{
    (void)state;
    snprintf(own_digest_header, sizeof own_digest_header, "docker-content-digest: ");
    int status = digest_of(DIGEST_SHA256, MANIFEST, strlen(MANIFEST), own_digest, NULL);
    strcat(strcat(own_digest_header, own_digest), "\n");
    return status;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_head),
        cmocka_unit_test(test_retries_are_limited),
        cmocka_unit_test(test_mount),
        cmocka_unit_test(test_failed_mount_is_no_error),
        cmocka_unit_test(test_mount_deletes_the_session),
        cmocka_unit_test(test_read),
        cmocka_unit_test(test_read_resumes),
        cmocka_unit_test(test_read_refuses),
        cmocka_unit_test(test_no_secret_to_untrusted_url),
        cmocka_unit_test(test_manifest_get),
        cmocka_unit_test(test_manifest_get_refuses),
        cmocka_unit_test(test_manifest_head),
        cmocka_unit_test(test_manifest_put),
        cmocka_unit_test(test_registry_that_lists_referrers_is_remembered),
        cmocka_unit_test(test_manifest_put_to_a_tag_that_cannot_be_changed),
        cmocka_unit_test(test_manifest_put_with_unclear_answer),
        cmocka_unit_test(test_manifest_put_of_unknown_blobs),
    };
    return cmocka_run_group_tests_name("registry", tests, prepare, NULL);
}
