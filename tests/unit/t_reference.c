/* SPDX-License-Identifier: Apache-2.0 */
/* References against a table of what other tools accept. Rows with the comment "stricter" are
 * inputs that Go tools accept, but that the distribution grammar or a registry rejects. */
#include "support/unit.h"

#include "base/limits.h"
#include "base/macros.h"
#include "layerpipe/client.h"
#include "layerpipe/ref.h"
#include "oci/reference.h"

#define D "sha256:deadb33fdeadb33fdeadb33fdeadb33fdeadb33fdeadb33fdeadb33fdeadb33f"
#define A10 "aaaaaaaaaa"
#define A60 A10 A10 A10 A10 A10 A10
#define A128 A60 A60 "aaaaaaaa"
#define A255 A60 A60 A60 A60 A10 "aaaaa"
#define HUB "index.docker.io"

struct good {
    const char *text;
    const char *registry;
    const char *repository;
    const char *identifier; /* tag or digest */
    const char *scheme;
    bool strict; /* also accepted with LPIPE_REF_STRICT */
};

static const struct good GOOD[] = {
    { "ubuntu", HUB, "library/ubuntu", "latest", "https", false },
    { "ubuntu:22.04", HUB, "library/ubuntu", "22.04", "https", false },
    { "library/ubuntu", HUB, "library/ubuntu", "latest", "https", false },
    { "jdoe/app:v1", HUB, "jdoe/app", "v1", "https", false },
    { "a", HUB, "library/a", "latest", "https", false },
    { "0", HUB, "library/0", "latest", "https", false },
    { "docker.io/ubuntu", HUB, "library/ubuntu", "latest", "https", false },
    { "docker.io/library/ubuntu", HUB, "library/ubuntu", "latest", "https", false },
    { "docker.io/jdoe/app:1", HUB, "jdoe/app", "1", "https", true },
    { "index.docker.io/library/ubuntu:latest", HUB, "library/ubuntu", "latest", "https", true },
    { "registry-1.docker.io/library/ubuntu", "registry-1.docker.io", "library/ubuntu", "latest",
      "https", false },
    { "registry-1.docker.io/ubuntu", "registry-1.docker.io", "ubuntu", "latest", "https", false },
    { "gcr.io/google.com/project-id/hello-world:latest", "gcr.io",
      "google.com/project-id/hello-world", "latest", "https", true },
    { "gcr.io/project-id/image:w1th-alpha_num3ric.PLUScaps", "gcr.io", "project-id/image",
      "w1th-alpha_num3ric.PLUScaps", "https", true },
    { "us.gcr.io/project-id/sub-repo@" D, "us.gcr.io", "project-id/sub-repo", D, "https", true },
    { "domain.with.port:9001/image:latest", "domain.with.port:9001", "image", "latest", "https",
      true },
    { "www.example.test:12345/repo/path", "www.example.test:12345", "repo/path", "latest", "https",
      false },
    { "example.text/foo/bar:latest@" D, "example.text", "foo/bar", D, "https", true },
    { "nginx:latest@" D, HUB, "library/nginx", D, "https", false },
    { "ubuntu@" D, HUB, "library/ubuntu", D, "https", false },
    { "namespace/pathcomponent/image@" D, HUB, "namespace/pathcomponent/image", D, "https", false },
    { "gcr.io/ubuntu", "gcr.io", "ubuntu", "latest", "https", false },
    { "example.com/a", "example.com", "a", "latest", "https", false },
    { "localhost/img", "localhost", "img", "latest", "http", false }, /* stricter: http */
    { "localhost:5000/img:tag", "localhost:5000", "img", "tag", "http", true },
    { "localhost", HUB, "library/localhost", "latest", "https", false },
    { "Localhost:5000/img", "Localhost:5000", "img", "latest", "http", false },
    { "foo.localhost/img", "foo.localhost", "img", "latest", "http", false },
    { "foo.svc.localhost:1234/img", "foo.svc.localhost:1234", "img", "latest", "http", false },
    { "localhost.evil.com/img", "localhost.evil.com", "img", "latest", "https", false },
    { "notlocalhost:5000/img", "notlocalhost:5000", "img", "latest", "https", false },
    { "127.0.0.1:5000/img:t", "127.0.0.1:5000", "img", "t", "http", true },
    { "127.0.0.1/img", "127.0.0.1", "img", "latest", "http", false },
    { "127.0.0.2:5000/img", "127.0.0.2:5000", "img", "latest", "http", false }, /* all of 127/8 */
    { "127.0.0.1.evil.com/img", "127.0.0.1.evil.com", "img", "latest", "https", false },
    { "[::1]:5000/img", "[::1]:5000", "img", "latest", "http", false },
    { "[::1]/img", "[::1]", "img", "latest", "http", false },
    { "[0:0::1]/img", "[0:0::1]", "img", "latest", "http", false },
    { "[::1]:5000/img:t@" D, "[::1]:5000", "img", D, "http", true },
    { "[2001:db8::1]:5000/img", "[2001:db8::1]:5000", "img", "latest", "https", false },
    /* stricter: private addresses are https */
    { "10.2.3.4:5000/img", "10.2.3.4:5000", "img", "latest", "https", false },
    { "10.0.0.1/img", "10.0.0.1", "img", "latest", "https", false },
    { "172.16.3.4:3000/img", "172.16.3.4:3000", "img", "latest", "https", false },
    { "192.168.3.4/img", "192.168.3.4", "img", "latest", "https", false },
    { "192.169.0.1/img", "192.169.0.1", "img", "latest", "https", false },
    { "8.8.8.8/img", "8.8.8.8", "img", "latest", "https", false },
    { "host.docker.internal:5000/img", "host.docker.internal:5000", "img", "latest", "https",
      false },
    { "registry.local/img", "registry.local", "img", "latest", "https", false },
    { "foo.local:1234/img", "foo.local:1234", "img", "latest", "https", false },
    { "registry:5000/img", "registry:5000", "img", "latest", "https", false },
    { "myhost:5000/img", "myhost:5000", "img", "latest", "https", false },
    { "GCR.IO/foo/bar", "GCR.IO", "foo/bar", "latest", "https", false },
    { "foo/bar:UPPER", HUB, "foo/bar", "UPPER", "https", false },
    { "foo:" A128, HUB, "library/foo", A128, "https", false },
    { A255, HUB, "library/" A255, "latest", "https", false },
    { "gcr.io/" A255, "gcr.io", A255, "latest", "https", false },
    { "gcr.io:443/foo/bar", "gcr.io:443", "foo/bar", "latest", "https", false },
    { "foo:5000", HUB, "library/foo", "5000", "https", false },
    { "xn--e1afmkfd.com/img", "xn--e1afmkfd.com", "img", "latest", "https", false },
    { "1.2.3.4/img", "1.2.3.4", "img", "latest", "https", false },
    { "1/2", HUB, "1/2", "latest", "https", false },
    { "1.2/3", "1.2", "3", "latest", "https", false },
    { "a.b:c", HUB, "library/a.b", "c", "https", false },
    { "docker.io", HUB, "library/docker.io", "latest", "https", false },
    { "http.cat/img", "http.cat", "img", "latest", "https", false },
    { "example.com:0080/img", "example.com:0080", "img", "latest", "https", false },
    { "example.com/a__b/c---d/e.f/g_h", "example.com", "a__b/c---d/e.f/g_h", "latest", "https",
      false },
    { "foo:_tag", HUB, "library/foo", "_tag", "https", false },
    { "my_registry:5000/img", "my_registry:5000", "img", "latest", "https", false },
    { "foo@sha512:" A128, HUB, "library/foo", "sha512:" A128, "https", false },
};

struct bad {
    const char *text;
    size_t at;       /* character the message names */
    const char *why; /* part of the message */
};

static const struct bad BAD[] = {
    { "", 1, "empty" },
    { "UPPER/case", 1, "upper-case" },
    { "gcr.io/Foo/bar", 8, "upper-case" },
    { "gcr.io/foO/bar", 10, "upper-case" },
    { "foo:", 5, "empty tag" },
    { "foo:tag:tag", 8, "tag may contain" },
    { "foo:" A128 "a", 133, "longer than 128" },
    { "gcr.io/" A255 "a", 263, "longer than 255" },
    { "foo bar", 4, "white space" },
    { "white space/img", 6, "white space" },
    { "foo\nbar", 4, "control character" },
    { "@@", 1, "empty path component" },
    { "foo@", 5, "after '@'" },
    { "foo@sha256:" A60 "AAAA", 5, "lower-case hex" },
    { "foo@sha256:" A60 "aaa", 5, "sha256: and 64" },
    { "foo@sha512:" A60 "aaaa", 5, "sha512: and 128" },
    { "gcr.io/project-id/unknown-alg@unknown:abc123", 31, "after '@'" },
    { "repo@sha256:::::::::::::::::::::::::::::::::::::::::::::::::::::::::::::::::", 6,
      "after '@'" },
    { "repo@" D "@" D, 6, "after '@'" },
    { "library/nginx:@" D, 15, "empty tag" },
    { "foo:c@n'tuse", 1, "after '@'" },
    { "gcr.io:abc/foo/bar", 8, "port" },
    { "user@host/img", 1, "after '@'" },
    { "host?q/img", 5, "name may contain only" },
    { "host%20x.io/img", 5, "host name" },
    { "foo/b\xc3\xa4", 6, "name may contain only" },
    { "a.b/c:d/e", 6, "name may contain only" },
    /* stricter, by the distribution grammar */
    { "foo//bar", 5, "empty path component" },
    { "foo/", 5, "empty path component" },
    { "/foo", 1, "a path is no reference" },
    { ".foo/bar", 1, "label" },
    { "-foo/bar", 1, "begins and ends" },
    { "foo-/bar", 4, "ends with" },
    { "foo___bar", 4, "name may contain only" },
    { "foo..bar/x", 4, "label" },
    { "x/foo..bar", 6, "name may contain only" },
    { "x/foo._bar", 7, "begins and ends" },
    { ".", 1, "a path is no reference" },
    { "..", 1, "begins and ends" },
    { "foo:-tag", 5, "must not start" },
    { "foo:.tag", 5, "must not start" },
    { "https://gcr.io/foo/bar", 6, "no scheme" },
    { "http://localhost:5000/x", 5, "`LPIPE_CLIENT_PLAIN_HTTP`" },
    { "gcr.io:99999/foo/bar", 8, "port" },
    { "gcr.io:0/foo/bar", 8, "port" },
    { "gcr.io:/foo/bar", 8, "port" },
    { "gcr.io:000080/foo", 8, "port" },
    { "b\xc3\xbc"
      "cher.example/img",
      2, "xn--" },
    { "foo.bar//baz", 9, "empty path component" },
    { "example.com/./x", 13, "begins and ends" },
    { "example.com/../x", 13, "begins and ends" },
    { "[::1/img", 1, "brackets" },
    { "[::g]:5000/img", 1, "brackets" },
    { "[::1]x:5000/img", 1, "brackets" },
    { "::1/img", 1, "label" },
    { "host.:5000/img", 5, "label" },
    { "a-.example/img", 2, "label" },
    { "registry.example/", 18, "repository is missing" },
    { "localhost:5000/", 16, "repository is missing" },
    /* a registry without its repository */
    { "localhost:5000", 15, "names a registry only" },
    { "registry.example:5000", 22, "names a registry only" },
    { "10.0.0.1:5000", 14, "names a registry only" },
    { "[::1]:5000", 11, "names a registry only" },
    /* notations of other tools: what to write here is in the message */
    { "oci://gcr.io/a/b:1", 7, "for a registry write gcr.io/a/b:1, for a layout oci:DIR" },
    { "oci://localhost:5000/a", 7, "for a registry write localhost:5000/a" },
    { "oci:///tmp/dir:1", 7, "for a layout write oci:/tmp/dir:1" },
    { "oci://./dir", 7, "for a layout write oci:./dir" },
    { "docker://gcr.io/a:1", 10, "write gcr.io/a:1" },
    { "ocidir:dir:1", 8, "for a layout write oci:dir:1" },
    { "ocidir:///dir:1", 8, "for a layout write oci:/dir:1" },
    { "oci-layout:dir", 12, "for a layout write oci:dir" },
    { "dir:/tmp/x", 5, "\"dir:\" is not supported: use oci:DIR[:TAG]" },
    { "dir:x", 5, "oci:DIR[:TAG]" },
    { "docker-daemon:x", 15, "use docker-archive:- with docker save" },
    { "containers-storage:x", 20, "use docker-archive:- with podman save" },
    { "tarball:x.tar", 9, "oci:DIR[:TAG]" },
    { "oci-archive://x.tar", 13, "write oci-archive:x.tar" },
    { "docker-archive:///tmp/x.tar:a:1", 16, "write docker-archive:/tmp/x.tar:a:1" },
    /* paths and digests */
    { "-", 1, "oci-archive:FILE (- for stdin or stdout)" },
    { "./x.tar", 1, "a path is no reference" },
    { "../layout", 1, "a path is no reference" },
    { "~/x.tar", 1, "a path is no reference" },
    { "sha256:xyz", 1, "REPOSITORY@sha256:" },
    { D, 1, "a digest alone is no reference" },
    { "ostree:x", 8, "oci:DIR[:TAG]" },
    { "sif:x.sif", 5, "oci:DIR[:TAG]" },
    { "ftp://gcr.io/a", 4, "no scheme" },
    /* a user name before the host */
    { "ci:S3cret@host/x", 1, "`password`" },
    { "https://ci:S3cret@host/x", 9, "`password`" },
};

/* Texts with a user name or password. The message must have neither, nor a part of them. */
static const char *const SECRETS[] = {
    "ci:S3cret@host/x",           "ci:S3cret@host",
    "ci:S3cret@host:5000/x:1",    "S3cret@host/x",
    "ci:1/S3cret@host/x",         "ci:a@S3cret@host/x",
    "ci:a://S3cret@host/x",       ("ci:S3cret@host/x@" D),
    "ci:S3cret@sha256.example/x", "https://ci:S3cret@host/x",
    "docker://ci:S3cret@host/x",  "oci://ci:S3cret@host/x",
    "ocidir:ci:S3cret@host/x",    "ci:S3cret@host/UPPER",
    "ci:S3cret@host/x y",
};

static void check_good(const struct good *row)
{
    struct lpipe_error err = { 0 };
    lpipe_ref *ref = NULL;
    if (lpipe_ref_parse(row->text, 0, &ref, &err) != 0) {
        fail_msg("%s", err.message);
    }
    bool digest = strstr(row->identifier, "sha") == row->identifier;
    char name[1024];
    (void)snprintf(name, sizeof name, "%s/%s%c%s", row->registry, row->repository,
                   digest ? '@' : ':', row->identifier);
    assert_int_equal(lpipe_ref_kind(ref), LPIPE_REF_REGISTRY);
    assert_string_equal(lpipe_ref_registry(ref), row->registry);
    assert_string_equal(lpipe_ref_repository(ref), row->repository);
    assert_string_equal(lpipe_ref_scheme(ref), row->scheme);
    assert_string_equal(lpipe_ref_name(ref), name);
    if (digest) {
        assert_string_equal(lpipe_ref_digest(ref), row->identifier);
        assert_null(lpipe_ref_tag(ref));
    } else {
        assert_string_equal(lpipe_ref_tag(ref), row->identifier);
        assert_null(lpipe_ref_digest(ref));
    }
    assert_null(lpipe_ref_free(ref));
    ref = NULL;
    int strict = lpipe_ref_parse(row->text, LPIPE_REF_STRICT, &ref, NULL);
    assert_int_equal(strict, row->strict ? 0 : LPIPE_INVALID_ARGUMENT);
    lpipe_ref_free(ref);
}

static void test_accepted(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(GOOD); i++) {
        check_good(&GOOD[i]);
    }
}

static void test_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(BAD); i++) {
        struct lpipe_error err = { 0 };
        lpipe_ref *ref = (lpipe_ref *)&err; /* any value: must be unchanged after a failure */
        char at[40];
        (void)snprintf(at, sizeof at, "at character %zu:", BAD[i].at);
        if (lpipe_ref_parse(BAD[i].text, 0, &ref, &err) != LPIPE_INVALID_ARGUMENT) {
            fail_msg("accepted: %s", BAD[i].text);
        }
        assert_ptr_equal(ref, &err);
        assert_int_equal(err.status, LPIPE_INVALID_ARGUMENT);
        if (strstr(err.message, at) == NULL || strstr(err.message, BAD[i].why) == NULL) {
            fail_msg("'%s' wants %s %s, got: %s", BAD[i].text, at, BAD[i].why, err.message);
        }
    }
}

static void test_secrets_are_not_shown(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(SECRETS); i++) {
        struct lpipe_error err = { 0 };
        lpipe_ref *ref = NULL;
        assert_int_equal(lpipe_ref_parse(SECRETS[i], 0, &ref, &err), LPIPE_INVALID_ARGUMENT);
        if (strstr(err.message, "S3cret") != NULL) {
            fail_msg("'%s' is shown: %s", SECRETS[i], err.message);
        }
        assert_int_equal(reference_check_registry(SECRETS[i], &err), LPIPE_INVALID_ARGUMENT);
        assert_null(strstr(err.message, "S3cret"));
    }
}

static void test_registry_names(void **state)
{
    static const char *const good[] = {
        "host", "host:5000", "[::1]:5000", "docker.io", "https://index.docker.io/v1/", "host/"
    };
    static const char *const wrong[] = { "", "host/a", "host:x", "ci:S3cret@host", "a b" };
    struct lpipe_error err = { 0 };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        assert_int_equal(lpipe_registry_check(good[i], NULL), 0);
    }
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        assert_int_equal(lpipe_registry_check(wrong[i], &err), LPIPE_INVALID_ARGUMENT);
        assert_null(strstr(err.message, "S3cret"));
    }
    assert_int_equal(lpipe_registry_check(NULL, &err), LPIPE_INVALID_ARGUMENT);
}

/* Images of Docker Hub that have the name of another tool's notation. */
static void test_images_named_like_notations(void **state)
{
    static const char *const images[] = { "docker:latest", "registry:2", "oci/x:1", "dir/x" };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(images); i++) {
        lpipe_ref *ref = NULL;
        assert_int_equal(lpipe_ref_parse(images[i], 0, &ref, NULL), 0);
        lpipe_ref_free(ref);
    }
}

/* What is refused without flags is also refused with flags that make the grammar stricter. */
static void test_refused_strictly(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(BAD); i++) {
        lpipe_ref *ref = NULL;
        assert_int_equal(lpipe_ref_parse(BAD[i].text, LPIPE_REF_STRICT, &ref, NULL),
                         LPIPE_INVALID_ARGUMENT);
        assert_int_equal(lpipe_repository_parse(BAD[i].text, &ref, NULL), LPIPE_INVALID_ARGUMENT);
    }
}

static void test_repository(void **state)
{
    (void)state;
    static const char *const refused[] = { "gcr.io/a:b", ("gcr.io/a@" D), "oci:dir", "null:" };
    lpipe_ref *ref = NULL;
    struct lpipe_error err = { 0 };
    assert_int_equal(lpipe_repository_parse("localhost:5000/stream", &ref, &err), 0);
    assert_string_equal(lpipe_ref_repository(ref), "stream");
    assert_string_equal(lpipe_ref_name(ref), "localhost:5000/stream");
    assert_null(lpipe_ref_tag(ref));
    assert_null(lpipe_ref_digest(ref));
    ref = lpipe_ref_free(ref);
    for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
        assert_int_equal(lpipe_repository_parse(refused[i], &ref, &err), LPIPE_INVALID_ARGUMENT);
        assert_non_null(strstr(err.message, "repository"));
        assert_null(ref);
    }
}

static void check_archive(const char *text, enum lpipe_ref_kind kind, const char *file,
                          const char *tag, const char *digest)
{
    lpipe_ref *ref = NULL;
    struct lpipe_error err = { 0 };
    if (lpipe_ref_parse(text, 0, &ref, &err) != 0) {
        fail_msg("%s", err.message);
    }
    assert_int_equal(lpipe_ref_kind(ref), kind);
    assert_string_equal(lpipe_ref_repository(ref), file);
    assert_null(lpipe_ref_registry(ref));
    assert_string_equal(lpipe_ref_name(ref), text);
    assert_string_equal(tag == NULL ? "" : tag, ref->tag == NULL ? "" : ref->tag);
    assert_string_equal(digest == NULL ? "" : digest, ref->digest == NULL ? "" : ref->digest);
    lpipe_ref_free(ref);
}

static void test_archive(void **state)
{
    (void)state;
    static const char *const refused[] = { "oci-archive:",
                                           "docker-archive:",
                                           "oci-archive::t",
                                           "docker-archive:a.tar:",
                                           "docker-archive:a:../x",
                                           ("oci-archive:@" D),
                                           "oci-archive:a.tar@sha256:12" };
    lpipe_ref *ref = NULL;
    check_archive("oci-archive:a.tar", LPIPE_REF_OCI_ARCHIVE, "a.tar", NULL, NULL);
    check_archive("oci-archive:/x/a.tar:1", LPIPE_REF_OCI_ARCHIVE, "/x/a.tar", "1", NULL);
    check_archive("oci-archive:-:1", LPIPE_REF_OCI_ARCHIVE, "-", "1", NULL);
    check_archive("docker-archive:-", LPIPE_REF_DOCKER_ARCHIVE, "-", NULL, NULL);
    check_archive("docker-archive:a b@c.tar:localhost:5000/x:1", LPIPE_REF_DOCKER_ARCHIVE,
                  "a b@c.tar", "localhost:5000/x:1", NULL);
    check_archive("oci-archive:a.tar@" D, LPIPE_REF_OCI_ARCHIVE, "a.tar", NULL, D);
    check_archive("oci-archive:-:1@" D, LPIPE_REF_OCI_ARCHIVE, "-", NULL, D);
    check_archive("docker-archive:a@b.tar@" D, LPIPE_REF_DOCKER_ARCHIVE, "a@b.tar", NULL, D);
    for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
        if (lpipe_ref_parse(refused[i], 0, &ref, NULL) != LPIPE_INVALID_ARGUMENT) {
            fail_msg("%s was accepted", refused[i]);
        }
    }
    assert_int_equal(lpipe_ref_parse("oci-archive:a.tar", LPIPE_REF_REPOSITORY, &ref, NULL),
                     LPIPE_INVALID_ARGUMENT);
}

static void check_layout(const char *text, const char *dir, const char *tag, const char *digest)
{
    lpipe_ref *ref = NULL;
    struct lpipe_error err = { 0 };
    if (lpipe_ref_parse(text, 0, &ref, &err) != 0) {
        fail_msg("%s", err.message);
    }
    assert_int_equal(lpipe_ref_kind(ref), LPIPE_REF_LAYOUT);
    assert_string_equal(lpipe_ref_repository(ref), dir);
    assert_null(lpipe_ref_registry(ref));
    assert_null(lpipe_ref_scheme(ref));
    assert_string_equal(lpipe_ref_name(ref), text);
    assert_string_equal(tag == NULL ? "" : tag, ref->tag == NULL ? "" : ref->tag);
    assert_string_equal(digest == NULL ? "" : digest, ref->digest == NULL ? "" : ref->digest);
    lpipe_ref_free(ref);
}

static void test_layout(void **state)
{
    (void)state;
    static const char *const refused[] = { "oci:",
                                           "oci::tag",
                                           "oci:dir:",
                                           "oci:dir:-x",
                                           "oci:dir:a b",
                                           "oci:dir:../../x",
                                           "oci:dir:a/../../b",
                                           "oci:dir:sha256:../../x",
                                           "oci:dir:/x",
                                           "oci:dir:a//b",
                                           "oci:dir:.x",
                                           "oci:dir:a\nb",
                                           "oci:dir:\xc3\xa4",
                                           "oci:dir@sha256:1234",
                                           "oci:dir@sha256:../../x",
                                           "oci:dir:t@sha512:" };
    lpipe_ref *ref = NULL;
    check_layout("oci:dir", "dir", NULL, NULL);
    check_layout("oci:/tmp/Some Dir:v1", "/tmp/Some Dir", "v1", NULL);
    check_layout("oci:./:v1", "./", "v1", NULL);
    check_layout("oci:a:b/", "a:b/", NULL, NULL);
    check_layout("oci:a:b/:c", "a:b/", "c", NULL);
    check_layout("oci:/x:1/y/", "/x:1/y/", NULL, NULL);
    check_layout("oci:dir@" D, "dir", NULL, D);
    check_layout("oci:dir:t@" D, "dir", NULL, D);
    check_layout("oci:a:b/@" D, "a:b/", NULL, D);
    check_layout("oci:a@b:t", "a@b", "t", NULL);
    for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
        if (lpipe_ref_parse(refused[i], 0, &ref, NULL) != LPIPE_INVALID_ARGUMENT) {
            fail_msg("%s was accepted", refused[i]);
        }
    }
    assert_int_equal(lpipe_ref_parse("oci:dir", LPIPE_REF_STRICT, &ref, NULL),
                     LPIPE_INVALID_ARGUMENT);
}

/* Other tools write whole references as tags of a layout. */
static void test_layout_tags_of_other_tools(void **state)
{
    (void)state;
    struct lpipe_error err = { 0 };
    char text[6 + LAYOUT_TAG_BYTES_MAX + 2];
    lpipe_ref *ref = NULL;
    check_layout("oci:dir:docker.io/library/x:1", "dir", "docker.io/library/x:1", NULL);
    check_layout("oci:/a/dir:localhost:5000/x:1", "/a/dir", "localhost:5000/x:1", NULL);
    check_layout("oci:dir:foo/bar:1.0", "dir", "foo/bar:1.0", NULL);
    check_layout("oci:dir:feature/x", "dir", "feature/x", NULL);
    check_layout("oci:a:b:c", "a", "b:c", NULL);
    check_layout("oci:/x:1/y", "/x", "1/y", NULL);
    check_layout("oci:dir:v1+build", "dir", "v1+build", NULL);
    check_layout("oci:dir:x@y:1", "dir", "x@y:1", NULL);
    check_layout("oci:dir:docker.io/x:1@" D, "dir", NULL, D);
    assert_int_equal(lpipe_ref_parse("oci:a:b/../c", 0, &ref, &err), LPIPE_INVALID_ARGUMENT);
    assert_non_null(strstr(err.message, "character 9"));
    assert_non_null(strstr(err.message, "end that name with '/'"));
    memset(text, 'x', sizeof text - 1);
    memcpy(text, "oci:d:", 6);
    text[sizeof text - 1] = '\0';
    assert_int_equal(lpipe_ref_parse(text, 0, &ref, NULL), LPIPE_INVALID_ARGUMENT);
    text[sizeof text - 2] = '\0';
    assert_int_equal(lpipe_ref_parse(text, 0, &ref, NULL), 0);
    assert_int_equal(strlen(lpipe_ref_tag(ref)), LAYOUT_TAG_BYTES_MAX);
    lpipe_ref_free(ref);
}

static void test_null(void **state)
{
    (void)state;
    lpipe_ref *ref = NULL;
    assert_int_equal(lpipe_ref_parse("null:", 0, &ref, NULL), 0);
    assert_int_equal(lpipe_ref_kind(ref), LPIPE_REF_NULL);
    assert_null(lpipe_ref_repository(ref));
    assert_string_equal(lpipe_ref_name(ref), "null:");
    ref = lpipe_ref_free(ref);
    assert_int_equal(lpipe_ref_parse("null:x", 0, &ref, NULL), LPIPE_INVALID_ARGUMENT);
}

static void test_no_default_tag(void **state)
{
    (void)state;
    const uint32_t flags[] = { LPIPE_REF_NO_DEFAULT_TAG,
                               LPIPE_REF_NO_DEFAULT_TAG | LPIPE_REF_STRICT };
    for (size_t i = 0; i < ARRAY_LEN(flags); i++) {
        lpipe_ref *ref = NULL;
        assert_int_equal(lpipe_ref_parse("localhost:5000/a", flags[i], &ref, NULL), 0);
        assert_null(lpipe_ref_tag(ref));
        assert_string_equal(lpipe_ref_name(ref), "localhost:5000/a");
        ref = lpipe_ref_free(ref);
        assert_int_equal(lpipe_ref_parse("localhost:5000/a:b", flags[i], &ref, NULL), 0);
        assert_string_equal(lpipe_ref_tag(ref), "b");
        ref = lpipe_ref_free(ref);
        assert_int_equal(lpipe_ref_parse("oci:a", flags[i], &ref, NULL), 0);
        ref = lpipe_ref_free(ref);
    }
}

static void test_arguments(void **state)
{
    (void)state;
    lpipe_ref *ref = NULL;
    struct lpipe_error err = { 0 };
    assert_int_equal(lpipe_ref_parse(NULL, 0, &ref, &err), LPIPE_INVALID_ARGUMENT);
    assert_int_equal(lpipe_ref_parse("a", 0, NULL, &err), LPIPE_INVALID_ARGUMENT);
    assert_int_equal(lpipe_ref_parse("a", 0x40, &ref, &err), LPIPE_INVALID_ARGUMENT);
    assert_non_null(strstr(err.message, "0x40"));
    assert_null(lpipe_ref_free(NULL));
}

static void test_parts_alone(void **state)
{
    (void)state;
    assert_int_equal(reference_check_tag("v1.0", NULL), 0);
    assert_int_equal(reference_check_tag("", NULL), LPIPE_INVALID_ARGUMENT);
    assert_int_equal(reference_check_tag("../x", NULL), LPIPE_INVALID_ARGUMENT);
    assert_int_equal(reference_check_repository("a/b", NULL), 0);
    assert_int_equal(reference_check_repository("a/../b", NULL), LPIPE_INVALID_ARGUMENT);
    assert_int_equal(reference_check_registry("gcr.io", NULL), 0);
    assert_int_equal(reference_check_registry("registry:5000", NULL), 0);
    static const char *const hosts[] = { "",     "white space", "gcr?com",  "gcr.io/foo",
                                         "a@b",  "host:port",   "a:b:c",    "::ffff:10.0.0.1",
                                         "../x", "a\r\nb",      "%0a.com",  "[::1",
                                         "[]",   "host:",       "x\x1b[0m", "::1" };
    for (size_t i = 0; i < ARRAY_LEN(hosts); i++) {
        assert_int_equal(reference_check_registry(hosts[i], NULL), LPIPE_INVALID_ARGUMENT);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_accepted),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_secrets_are_not_shown),
        cmocka_unit_test(test_registry_names),
        cmocka_unit_test(test_images_named_like_notations),
        cmocka_unit_test(test_refused_strictly),
        cmocka_unit_test(test_repository),
        cmocka_unit_test(test_layout),
        cmocka_unit_test(test_archive),
        cmocka_unit_test(test_layout_tags_of_other_tools),
        cmocka_unit_test(test_null),
        cmocka_unit_test(test_no_default_tag),
        cmocka_unit_test(test_arguments),
        cmocka_unit_test(test_parts_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
