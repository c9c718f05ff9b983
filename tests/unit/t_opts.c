/* SPDX-License-Identifier: Apache-2.0 */
/* Option structs of programs that were built with older and newer headers. */
#include "support/unit.h"

#include <fcntl.h>
#include <sys/mman.h>

#include "base/macros.h"
#include "base/opts.h"
#include "layerpipe.h"

/* A struct as some version knows it. */
struct known {
    size_t struct_size;
    uint32_t flags;
    const char *text;
    uint64_t number;
};

/* A struct at the end of a page without a mapped page after it: reading past it crashes the
 * test. */
struct guarded {
    unsigned char *page;
    size_t page_size;
};

static struct guarded guarded_new(void)
{
    size_t size = (size_t)sysconf(_SC_PAGESIZE);
    unsigned char *page =
        mmap(NULL, 2 * size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(page != MAP_FAILED);
    assert_int_equal(mprotect(page + size, size, PROT_NONE), 0);
    return (struct guarded){ page, size };
}

static void guarded_done(const struct guarded *guarded)
{
    assert_int_equal(munmap(guarded->page, 2 * guarded->page_size), 0);
}

/* The first size bytes of from, at the very end of the page, with its size member set. */
static void *guarded_put(const struct guarded *guarded, const void *from, size_t size)
{
    unsigned char *at = guarded->page + guarded->page_size - size;
    memcpy(at, from, size);
    memcpy(at, &size, sizeof size);
    return at;
}

static void test_null_means_defaults(void **state)
{
    (void)state;
    struct known known = { 1, 2, "x", 3 };
    struct lpipe_error err;
    assert_int_equal(opts_take(NULL, &known, sizeof known, "known", &err), 0);
    assert_int_equal(known.struct_size, 0);
    assert_int_equal(known.flags, 0);
    assert_null(known.text);
    assert_int_equal(known.number, 0);
}

/* A program that was built with a shorter struct: the missing members have their defaults. */
static void test_every_shorter_struct(void **state)
{
    (void)state;
    struct guarded guarded = guarded_new();
    const struct known given = { sizeof given, 0x01020304, "text", UINT64_C(0x1122334455667788) };
    for (size_t size = sizeof(size_t); size <= sizeof given; size++) {
        struct known expected = { 0 }, known;
        struct lpipe_error err;
        void *options = guarded_put(&guarded, &given, size);
        memcpy(&expected, options, size);
        memset(&known, 0xee, sizeof known);
        assert_int_equal(opts_take(options, &known, sizeof known, "known", &err), 0);
        assert_memory_equal(&known, &expected, sizeof known);
    }
    guarded_done(&guarded);
}

/* A program that was built with a longer struct and does not use the new members. */
static void test_longer_struct_with_a_zero_tail(void **state)
{
    (void)state;
    struct guarded guarded = guarded_new();
    const struct known given = { sizeof given, 7, "text", 9 };
    for (size_t more = 1; more <= 64; more++) {
        unsigned char longer[sizeof given + 64] = { 0 };
        struct known known;
        struct lpipe_error err;
        memcpy(longer, &given, sizeof given);
        void *options = guarded_put(&guarded, longer, sizeof given + more);
        assert_int_equal(opts_take(options, &known, sizeof known, "known", &err), 0);
        assert_int_equal(known.flags, 7);
        assert_ptr_equal(known.text, given.text);
        assert_int_equal(known.number, 9);
    }
    guarded_done(&guarded);
}

/* A program that uses a new member is refused. */
static void test_each_tail_byte_that_is_not_zero(void **state)
{
    (void)state;
    struct guarded guarded = guarded_new();
    for (size_t byte = 0; byte < 64; byte++) {
        for (unsigned bit = 0; bit < 8; bit++) {
            unsigned char longer[sizeof(struct known) + 64] = { 0 };
            struct known known;
            struct lpipe_error err = { 0 };
            longer[sizeof(struct known) + byte] = (unsigned char)(1u << bit);
            memset(&known, 0xee, sizeof known);
            void *options = guarded_put(&guarded, longer, sizeof longer);
            int status = opts_take(options, &known, sizeof known, "lpipe_known_options", &err);
            assert_int_equal(status, LPIPE_INVALID_ARGUMENT);
            assert_int_equal(err.status, LPIPE_INVALID_ARGUMENT);
            assert_string_equal(err.message, "lpipe_known_options: built for a newer liblayerpipe");
            assert_int_equal(known.flags, 0xeeeeeeee);
        }
    }
    guarded_done(&guarded);
}

static void test_size_that_was_never_set(void **state)
{
    (void)state;
    const size_t sizes[] = { 0, 1, sizeof(size_t) - 1, 4097, SIZE_MAX / 2, SIZE_MAX };
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        struct known given = { sizes[i], 0, NULL, 0 }, known;
        struct lpipe_error err = { 0 };
        memset(&known, 0xee, sizeof known);
        assert_int_equal(opts_take(&given, &known, sizeof known, "known", &err),
                         LPIPE_INVALID_ARGUMENT);
        assert_non_null(strstr(err.message, "struct_size is not set"));
        assert_int_equal(known.flags, 0xeeeeeeee);
        assert_int_equal(opts_take(&given, &known, sizeof known, "known", NULL),
                         LPIPE_INVALID_ARGUMENT);
    }
}

static void test_each_unknown_flag(void **state)
{
    (void)state;
    for (unsigned bit = 0; bit < 32; bit++) {
        struct lpipe_error err = { 0 };
        int expected = bit < 3 ? 0 : LPIPE_INVALID_ARGUMENT;
        assert_int_equal(opts_check_flags(1u << bit, 7, "known", &err), expected);
    }
}

static int close_count;

static int count_close(void *ctx)
{
    (void)ctx;
    close_count++;
    return 0;
}

static ptrdiff_t read_nothing(void *ctx, void *buf, size_t size)
{
    (void)ctx;
    (void)buf;
    (void)size;
    return 0;
}

/* Layer options of a newer header are refused, and the source is closed. */
static void test_layer_options_of_a_newer_header(void **state)
{
    (void)state;
    struct guarded guarded = guarded_new();
    const struct lpipe_source source = { read_nothing, count_close, NULL, NULL };
    for (size_t byte = 0; byte <= 32; byte++) {
        unsigned char longer[sizeof(struct lpipe_layer_options) + 32] = { 0 };
        struct lpipe_error err = { 0 };
        lpipe_layer *layer = NULL;
        if (byte < 32) {
            longer[sizeof(struct lpipe_layer_options) + byte] = 1;
        }
        close_count = 0;
        int status =
            lpipe_layer_new(&source, guarded_put(&guarded, longer, sizeof longer), &layer, &err);
        assert_int_equal(status, byte < 32 ? LPIPE_INVALID_ARGUMENT : 0);
        assert_int_equal(layer == NULL, byte < 32);
        layer = lpipe_layer_free(layer);
        assert_null(layer);
        assert_int_equal(close_count, 1);
    }
    guarded_done(&guarded);
}

static int free_count;

static void count_free(void *user)
{
    (void)user;
    free_count++;
}

/* The same for client options. */
static void test_client_options_of_a_newer_header(void **state)
{
    (void)state;
    struct guarded guarded = guarded_new();
    for (size_t byte = 0; byte <= 32; byte++) {
        unsigned char longer[sizeof(struct lpipe_client_options) + 32] = { 0 };
        struct lpipe_client_options given = LPIPE_CLIENT_OPTIONS_INIT;
        struct lpipe_error err = { 0 };
        lpipe_client *client = NULL;
        memcpy(longer, &given, sizeof given);
        if (byte < 32) {
            longer[sizeof given + byte] = 1;
        }
        int status = lpipe_client_new(guarded_put(&guarded, longer, sizeof longer), &client, &err);
        assert_int_equal(status, byte < 32 ? LPIPE_INVALID_ARGUMENT : 0);
        assert_int_equal(client == NULL, byte < 32);
        client = lpipe_client_free(client);
        assert_null(client);
    }
    guarded_done(&guarded);
}

/* The observer's free callback runs exactly once, also when the call fails. */
static void test_observer_is_freed_once(void **state)
{
    (void)state;
    const uint32_t flags[] = { 0, 1u << 31 };
    for (size_t i = 0; i < ARRAY_LEN(flags); i++) {
        struct lpipe_client_options options = LPIPE_CLIENT_OPTIONS_INIT;
        lpipe_client *client = NULL;
        options.flags = flags[i];
        options.observer.free = count_free;
        free_count = 0;
        int status = lpipe_client_new(&options, &client, NULL);
        assert_int_equal(status, i == 0 ? 0 : LPIPE_INVALID_ARGUMENT);
        assert_int_equal(free_count, i == 0 ? 0 : 1);
        client = lpipe_client_free(client);
        assert_null(client);
        assert_int_equal(free_count, 1);
    }
}

/* Sizes of the structs that programs hold, as of 0.1: a member may be added at the end of an option
 * struct, by adding its new size to the list; nothing else may change. */
static void test_sizes_of_public_structs(void **state)
{
    (void)state;
    if (sizeof(void *) != 8) {
        skip();
    }
    const struct {
        const char *name;
        size_t now, first;
    } structs[] = {
        { "lpipe_error", sizeof(struct lpipe_error), 616 },
        { "lpipe_source", sizeof(struct lpipe_source), 32 },
        { "lpipe_observer", sizeof(struct lpipe_observer), 32 },
        { "lpipe_layer_options", sizeof(struct lpipe_layer_options), 80 },
        { "lpipe_directory_options", sizeof(struct lpipe_directory_options), 48 },
        { "lpipe_layer_result", sizeof(struct lpipe_layer_result), 1392 },
        { "lpipe_client_options", sizeof(struct lpipe_client_options), 168 },
        { "lpipe_image_options", sizeof(struct lpipe_image_options), 40 },
        { "lpipe_push_options", sizeof(struct lpipe_push_options), 56 },
        { "lpipe_push_result", sizeof(struct lpipe_push_result), 928 },
        { "lpipe_content_options", sizeof(struct lpipe_content_options), 48 },
        { "lpipe_copy_options", sizeof(struct lpipe_copy_options), 88 },
        { "lpipe_index_entry", sizeof(struct lpipe_index_entry), 16 },
        { "lpipe_index_options", sizeof(struct lpipe_index_options), 48 },
        { "lpipe_copy_result", sizeof(struct lpipe_copy_result), 416 },
    };
    for (size_t i = 0; i < ARRAY_LEN(structs); i++) {
        if (structs[i].now != structs[i].first) {
            fail_msg("%s has %zu bytes, not %zu", structs[i].name, structs[i].now,
                     structs[i].first);
        }
    }
}

/* Without an error struct, a call returns the same status. */
static void test_status_without_an_error(void **state)
{
    (void)state;
    lpipe_client *client = NULL;
    lpipe_ref *nowhere = NULL;
    char *text = NULL;
    lpipe_image *image = NULL;
    struct lpipe_error err;
    assert_int_equal(lpipe_client_new(NULL, &client, NULL), 0);
    assert_int_equal(lpipe_ref_parse("oci:/nowhere/at/all:1", 0, &nowhere, NULL), 0);
    assert_int_equal(lpipe_inspect(client, nowhere, NULL, true, &text, &err), LPIPE_NOT_FOUND);
    assert_int_equal(lpipe_inspect(client, nowhere, NULL, true, &text, NULL), LPIPE_NOT_FOUND);
    assert_int_equal(lpipe_image_new(client, nowhere, NULL, &image, NULL), LPIPE_NOT_FOUND);
    assert_null(text);
    assert_null(image);
    lpipe_ref_free(nowhere);
    lpipe_client_free(client);
}

/* A result struct that is not initialised is refused before anything is done. */
static void test_result_that_was_not_initialised(void **state)
{
    (void)state;
    const struct lpipe_layer_options raw = { .struct_size = sizeof raw,
                                             .flags = LPIPE_LAYER_RAW | LPIPE_LAYER_ALLOW_EMPTY };
    struct lpipe_layer_result bad = { .struct_size = 0 };
    struct lpipe_layer_result good = LPIPE_LAYER_RESULT_INIT;
    lpipe_client *client = NULL;
    lpipe_ref *nowhere = NULL;
    lpipe_layer *layer = NULL;
    lpipe_writer *writer = NULL;
    assert_int_equal(lpipe_client_new(NULL, &client, NULL), 0);
    assert_int_equal(lpipe_ref_parse("null:", 0, &nowhere, NULL), 0);
    assert_int_equal(lpipe_layer_new_fd(open("/dev/null", O_RDONLY), &raw, &layer, NULL), 0);
    assert_int_equal(lpipe_write_layer(client, nowhere, layer, &bad, NULL), LPIPE_INVALID_ARGUMENT);
    assert_int_equal(lpipe_write_layer(client, nowhere, layer, &good, NULL), 0);
    assert_int_equal(lpipe_writer_open(client, nowhere, &raw, &writer, NULL), 0);
    assert_int_equal(lpipe_writer_finish(writer, &bad, NULL), LPIPE_INVALID_ARGUMENT);
    assert_int_equal(lpipe_writer_finish(writer, &good, NULL), 0);
    lpipe_writer_free(writer);
    lpipe_layer_free(layer);
    lpipe_ref_free(nowhere);
    lpipe_client_free(client);
}

/* The result of a push can be returned in the struct of an older or a newer header, and freed. */
static void test_push_result_of_other_headers(void **state)
{
    (void)state;
    const size_t first = offsetof(struct lpipe_push_result, reserved);
    const size_t sizes[] = { first - 1, first, sizeof(struct lpipe_push_result) + 64 };
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        lpipe_client *client = NULL;
        lpipe_ref *nowhere = NULL;
        lpipe_image *image = NULL;
        union {
            struct lpipe_push_result result;
            unsigned char bytes[sizeof(struct lpipe_push_result) + 64];
        } place;
        memset(&place, 0x5a, sizeof place);
        place.result.struct_size = sizes[i];
        assert_int_equal(lpipe_client_new(NULL, &client, NULL), 0);
        assert_int_equal(lpipe_ref_parse("null:", 0, &nowhere, NULL), 0);
        assert_int_equal(lpipe_image_new(client, NULL, NULL, &image, NULL), 0);
        int status = lpipe_image_push(image, nowhere, NULL, &place.result, NULL);
        assert_int_equal(status, i == 0 ? LPIPE_INVALID_ARGUMENT : 0);
        assert_int_equal(place.result.struct_size, sizes[i]);
        for (size_t at = MIN_OF(sizes[i], sizeof place.result); at < sizeof place; at++) {
            assert_int_equal(place.bytes[at], 0x5a);
        }
        if (status == 0) {
            assert_non_null(strstr(place.result.reference, place.result.digest));
            lpipe_push_result_done(&place.result);
            assert_null(place.result.reference);
        }
        lpipe_image_free(image);
        lpipe_ref_free(nowhere);
        lpipe_client_free(client);
    }
}

/* Options that cannot be read are not taken: the observer's free callback does not run. */
static void test_observer_of_options_that_cannot_be_read(void **state)
{
    (void)state;
    struct lpipe_client_options options = LPIPE_CLIENT_OPTIONS_INIT;
    lpipe_client *client = NULL;
    options.struct_size = 0;
    options.observer.free = count_free;
    free_count = 0;
    assert_int_equal(lpipe_client_new(&options, &client, NULL), LPIPE_INVALID_ARGUMENT);
    assert_int_equal(free_count, 0);
}

static void test_lists_with_holes(void **state)
{
    (void)state;
    const char *const hosts[] = { "auth.example", NULL };
    struct lpipe_client_options options = LPIPE_CLIENT_OPTIONS_INIT;
    lpipe_client *client = NULL;
    options.trust_realms = hosts;
    options.trust_realm_count = 2;
    assert_int_equal(lpipe_client_new(&options, &client, NULL), LPIPE_INVALID_ARGUMENT);
    assert_null(client);
}

/* SOURCE_DATE_EPOCH follows the same rules for images as for directory layers. */
static void test_source_date_of_an_image(void **state)
{
    (void)state;
    lpipe_client *client = NULL;
    lpipe_image *image = NULL;
    struct lpipe_error err;
    assert_int_equal(lpipe_client_new(NULL, &client, NULL), 0);
    assert_int_equal(setenv("SOURCE_DATE_EPOCH", "2024-01-02T03:04:05Z", 1), 0);
    assert_int_equal(lpipe_image_new(client, NULL, NULL, &image, &err), LPIPE_INVALID_ARGUMENT);
    assert_non_null(strstr(err.message, "SOURCE_DATE_EPOCH"));
    assert_int_equal(unsetenv("SOURCE_DATE_EPOCH"), 0);
    lpipe_client_free(client);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_null_means_defaults),
        cmocka_unit_test(test_every_shorter_struct),
        cmocka_unit_test(test_longer_struct_with_a_zero_tail),
        cmocka_unit_test(test_each_tail_byte_that_is_not_zero),
        cmocka_unit_test(test_size_that_was_never_set),
        cmocka_unit_test(test_each_unknown_flag),
        cmocka_unit_test(test_layer_options_of_a_newer_header),
        cmocka_unit_test(test_client_options_of_a_newer_header),
        cmocka_unit_test(test_observer_is_freed_once),
        cmocka_unit_test(test_sizes_of_public_structs),
        cmocka_unit_test(test_status_without_an_error),
        cmocka_unit_test(test_result_that_was_not_initialised),
        cmocka_unit_test(test_push_result_of_other_headers),
        cmocka_unit_test(test_observer_of_options_that_cannot_be_read),
        cmocka_unit_test(test_lists_with_holes),
        cmocka_unit_test(test_source_date_of_an_image),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
