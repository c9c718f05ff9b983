/* SPDX-License-Identifier: Apache-2.0 */
/* When the authorities of SSL_CERT_FILE and SSL_CERT_DIR are read, and which. */
#include "support/scratch.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "auth/tls_files.h"
#include "http/http_authorities.h"

#define CERTIFICATE "-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n"

static struct scratch scratch;

static void write_certificate(const char *name)
{
    FILE *file = fopen(scratch_path(&scratch, name), "w");
    assert_non_null(file);
    assert_true(fputs(CERTIFICATE, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static unsigned count_certificates(const char *pem)
{
    unsigned count = 0;
    for (const char *at = pem; at != NULL && (at = strstr(at, "-----BEGIN")) != NULL; at++) {
        count++;
    }
    return count;
}

static int begin(void **state)
{
    (void)state;
    scratch_begin(&scratch);
    setenv("HOME", scratch.dir, 1);
    unsetenv("SSL_CERT_FILE");
    setenv("SSL_CERT_DIR", scratch.dir, 1);
    return 0;
}

static int end(void **state)
{
    (void)state;
    scratch_end(&scratch);
    return 0;
}

static unsigned read_authorities(struct tls_files *files)
{
    struct lpipe_error err = { 0 };
    const char *pem = NULL;
    assert_int_equal(tls_files_authorities(files, &pem, &err), 0);
    return count_certificates(pem);
}

static void test_environment_is_read_when_it_is_needed(void **state)
{
    const struct settings settings = { .cacert = NULL };
    struct tls_files files;
    struct lpipe_error err = { 0 };
    (void)state;
    tls_files_init(&files);
    assert_int_equal(tls_files_read(&settings, "registry.example", &files, &err), 0);
    assert_int_equal(files.ca_pem.size, 0);
    write_certificate("one.pem"); /* nothing was read before */
    assert_int_equal(read_authorities(&files), 1);
    write_certificate("two.pem");
    assert_int_equal(read_authorities(&files), 1); /* and nothing is read twice */
    tls_files_dispose(&files);
}

static void test_links_to_neighbours_are_not_read(void **state)
{
    struct tls_files files;
    (void)state;
    tls_files_init(&files);
    write_certificate("one.pem");
    assert_int_equal(symlink("one.pem", scratch_path(&scratch, "0123abcd.0")), 0);
    assert_int_equal(read_authorities(&files), 1);
    tls_files_dispose(&files);

    tls_files_init(&files);
    assert_int_equal(
        symlink(scratch_path(&scratch, "one.pem"), scratch_path(&scratch, "elsewhere")), 0);
    assert_int_equal(read_authorities(&files), 2);
    tls_files_dispose(&files);
}

static void make_directories(const char *path)
{
    char name[256];
    for (const char *slash = strchr(path, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        (void)snprintf(name, sizeof name, "%.*s", (int)(slash - path), path);
        assert_true(mkdir(scratch_path(&scratch, name), 0700) == 0 || errno == EEXIST);
    }
}

/* The places of the system's authorities, from the last one that is asked to the first. */
static void test_system_authorities_are_found_where_distributions_keep_them(void **state)
{
    const char *const files[] = { "etc/ssl/cert.pem", "etc/ssl/ca-bundle.pem",
                                  "etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
                                  "etc/pki/tls/certs/ca-bundle.crt",
                                  "etc/ssl/certs/ca-certificates.crt" };
    const char *const hashes[] = { "etc/pki/ca-trust/extracted/pem/directory-hash/0123abcd.0",
                                   "etc/ssl/certs/0123abcd.0" };
    (void)state;
    struct http_authorities found = http_authorities_search(scratch.dir);
    assert_null(found.file);
    assert_null(found.directory);
    for (size_t i = 0; i < ARRAY_LEN(files); i++) {
        make_directories(files[i]);
        write_certificate(files[i]);
        found = http_authorities_search(scratch.dir);
        assert_string_equal(found.file + 1, files[i]);
        assert_null(found.directory);
    }
    for (size_t i = 0; i < ARRAY_LEN(hashes); i++) {
        make_directories(hashes[i]);
        /* A link that leads nowhere is no certificate. */
        struct http_authorities before = http_authorities_search(scratch.dir);
        assert_int_equal(symlink("/nonexistent", scratch_path(&scratch, hashes[i])), 0);
        found = http_authorities_search(scratch.dir);
        assert_ptr_equal(found.file, before.file);
        assert_ptr_equal(found.directory, before.directory);
        assert_int_equal(unlink(scratch_path(&scratch, hashes[i])), 0);
        write_certificate(hashes[i]);
        found = http_authorities_search(scratch.dir);
        assert_null(found.file);
        assert_memory_equal(found.directory + 1, hashes[i], strlen(found.directory + 1));
        assert_int_equal(hashes[i][strlen(found.directory + 1)], '/');
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_environment_is_read_when_it_is_needed, begin, end),
        cmocka_unit_test_setup_teardown(
            test_system_authorities_are_found_where_distributions_keep_them, begin, end),
        cmocka_unit_test_setup_teardown(test_links_to_neighbours_are_not_read, begin, end),
    };
    return cmocka_run_group_tests_name("tls_files", tests, NULL, NULL);
}
