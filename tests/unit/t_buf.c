/* SPDX-License-Identifier: Apache-2.0 */
/* The growable buffer: no copy of its bytes stays in memory after it has grown or was wiped. */
#include "support/unit.h"

#include <fcntl.h>
#include <inttypes.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/limits.h"
#include "base/mem.h"

#define SECRET_BYTES 64
#define MAPPING_BYTES_MAX (64 * MIB) /* larger ones are a sanitizer's own */

/* Made each time, so that the secret is in no memory but the buffer's. */
static unsigned char secret_byte(size_t i)
{
    return (unsigned char)(i * 37 + 11);
}

static size_t count_secrets(const unsigned char *bytes, size_t size)
{
    size_t count = 0;
    for (size_t at = 0; at + SECRET_BYTES <= size; at++) {
        size_t same = 0;
        /* The allocator writes into the first bytes of freed memory. */
        for (size_t i = SECRET_BYTES / 2; i < SECRET_BYTES; i++) {
            same += bytes[at + i] == secret_byte(i);
        }
        count += same == SECRET_BYTES / 2;
    }
    return count;
}

/* How often the secret is in the writable memory of this process, without the test's own buffer. */
static size_t secrets_in_memory(void)
{
    char line[400];
    size_t count = 0;
    int memory = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
    unsigned char *bytes = malloc(MAPPING_BYTES_MAX);
    FILE *maps = fopen("/proc/self/maps", "re");
    assert_true(memory >= 0 && bytes != NULL && maps != NULL);
    while (fgets(line, sizeof line, maps) != NULL) {
        uintptr_t start = 0;
        uintptr_t end = 0;
        char mode[5] = "";
        if (sscanf(line, "%" SCNxPTR "-%" SCNxPTR " %4s", &start, &end, mode) != 3 ||
            strncmp(mode, "rw", 2) != 0 || end - start > MAPPING_BYTES_MAX ||
            (start <= (uintptr_t)bytes && (uintptr_t)bytes < end)) {
            continue;
        }
        ssize_t got = pread(memory, bytes, end - start, (off_t)start);
        count += got > 0 ? count_secrets(bytes, (size_t)got) : 0;
    }
    (void)fclose(maps);
    free(bytes);
    close(memory);
    return count;
}

static void append_secret(struct buf *buf)
{
    for (size_t i = 0; i < SECRET_BYTES; i++) {
        char c = (char)secret_byte(i);
        assert_int_equal(buf_append(buf, &c, 1), 0);
    }
}

static void test_growth_leaves_no_copy(void **state)
{
    struct buf buf = BUF_INIT(MIB);
    static const char zeros[1000];
    (void)state;
    assert_int_equal(secrets_in_memory(), 0);
    append_secret(&buf);
    assert_int_equal(secrets_in_memory(), 1);
    AUTO_FREE void *behind = malloc(4000); /* so that the buffer cannot grow where it is */
    assert_non_null(behind);
    for (size_t i = 0; i < 50; i++) {
        assert_int_equal(buf_append(&buf, zeros, sizeof zeros), 0);
    }
    assert_int_equal(secrets_in_memory(), 1);
    buf_wipe(&buf);
    assert_int_equal(secrets_in_memory(), 0);
}

static void test_growth_after_clear_leaves_no_copy(void **state)
{
    struct buf buf = BUF_INIT(MIB);
    static const char zeros[1000];
    (void)state;
    append_secret(&buf);
    AUTO_FREE void *behind = malloc(4000);
    assert_non_null(behind);
    buf_clear(&buf);
    assert_int_equal(buf_append(&buf, zeros, sizeof zeros), 0);
    assert_int_equal(secrets_in_memory(), 0);
    buf_dispose(&buf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_growth_leaves_no_copy),
        cmocka_unit_test(test_growth_after_clear_leaves_no_copy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
