/* SPDX-License-Identifier: Apache-2.0 */
/* Loaded into the command (LD_PRELOAD) by tests of reads and writes: those of files and pipes take
 * a part of the bytes only, and every fifth one is interrupted before it begins. What is written to
 * stderr is left alone. */
#undef _FORTIFY_SOURCE /* it makes inline functions of the calls that are replaced here */

#include <dlfcn.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>
#include <unistd.h>

#define EXPORTED __attribute__((visibility("default")))
#define PART_BYTES_MAX 70000

static atomic_uint call_count;

/* A number that looks random, and is the same in each run of one thread. */
static uint32_t next_number(void)
{
    uint32_t number = (atomic_fetch_add(&call_count, 1) + 1) * 2654435761u;
    number ^= number >> 13;
    number *= 0x5bd1e995u;
    return number ^ number >> 15;
}

/* How many bytes a call takes; -1 with EINTR. */
static ssize_t part_of(int fd, size_t size)
{
    struct stat info;
    bool cut = fd != STDERR_FILENO && size > 1 && fstat(fd, &info) == 0 &&
               (S_ISREG(info.st_mode) || S_ISFIFO(info.st_mode));
    uint32_t number = next_number();
    if (cut && number % 5 == 0) {
        errno = EINTR;
        return -1;
    }
    size_t part = 1 + number % (size < PART_BYTES_MAX ? size : PART_BYTES_MAX);
    return (ssize_t)(cut ? part : size);
}

#define REAL(name)                                                                                 \
    __typeof__(name) *real = NULL;                                                                 \
    ssize_t part = part_of(fd, size);                                                              \
    *(void **)&real = dlsym(RTLD_NEXT, #name)

EXPORTED ssize_t read(int fd, void *buf, size_t size)
{
    REAL(read);
    return part < 0 ? -1 : real(fd, buf, (size_t)part);
}

EXPORTED ssize_t write(int fd, const void *buf, size_t size)
{
    REAL(write);
    return part < 0 ? -1 : real(fd, buf, (size_t)part);
}

EXPORTED ssize_t pread(int fd, void *buf, size_t size, off_t offset)
{
    REAL(pread);
    return part < 0 ? -1 : real(fd, buf, (size_t)part, offset);
}

EXPORTED ssize_t pwrite(int fd, const void *buf, size_t size, off_t offset)
{
    REAL(pwrite);
    return part < 0 ? -1 : real(fd, buf, (size_t)part, offset);
}
