/* SPDX-License-Identifier: Apache-2.0 */
#include "option_file.h"

#include <errno.h>
#include <fcntl.h>
#include <layerpipe.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api_names.h"
#include "path_open.h"
#include "print.h"
#include "stop_signal.h"

#define KEPT_BYTES_MAX ((size_t)4 << 20)

/* Fills buf from a descriptor. 0 or an errno value; EINTR after a signal that stops the command. */
static int read_all(int fd, char *buf, size_t size_max, size_t *ret_size)
{
    size_t size = 0;
    for (;;) {
        if (stop_signal_wait_readable(fd, -1) == STOP_SIGNAL_RECEIVED) {
            return EINTR;
        }
        char spare; /* one byte more than fits shows that the file is too large */
        ssize_t done =
            size < size_max ? read(fd, buf + size, size_max - size) : read(fd, &spare, 1);
        if (done == 0) {
            *ret_size = size;
            return 0;
        }
        if (done > 0 && size == size_max) {
            return EFBIG;
        }
        if (done < 0 && errno != EINTR && errno != EAGAIN) {
            return errno;
        }
        size += done > 0 ? (size_t)done : 0;
    }
}

int option_file_read(const char *option, const char *path, char *buf, size_t size_max,
                     size_t *ret_size)
{
    int fd = path_open(path);
    int code = fd < 0 ? errno : read_all(fd, buf, size_max, ret_size);
    if (fd >= 0) {
        (void)close(fd);
    }
    if (code != 0 && stop_signal_received() != 0) {
        print_message("interrupted by %s", stop_signal_name());
        return EXIT_OTHER;
    }
    if (code == EFBIG) {
        print_message("%s %s is larger than %zu bytes", option, path, size_max);
        return EXIT_USAGE;
    }
    return code == 0 ? 0 : print_errno(LPIPE_SOURCE_IO, code, "cannot read %s %s", option, path);
}

void option_file_dispose(struct option_file *file)
{
    if (file->path[0] != '\0') {
        (void)close(file->fd);
        file->path[0] = '\0';
    }
}

/* Maps a file of KEPT_BYTES_MAX and cuts it to what was read, so that a secret is in this memory
 * only and goes with it. */
static int fill(const char *option, const char *path, int fd)
{
    size_t size = 0;
    if (ftruncate(fd, (off_t)KEPT_BYTES_MAX) != 0) {
        return print_errno(LPIPE_NO_RESOURCES, errno, "cannot keep %s in memory", option);
    }
    char *memory = mmap(NULL, KEPT_BYTES_MAX, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (memory == MAP_FAILED) {
        return print_errno(LPIPE_NO_RESOURCES, errno, "cannot keep %s in memory", option);
    }
    int code = option_file_read(option, path, memory, KEPT_BYTES_MAX, &size);
    (void)munmap(memory, KEPT_BYTES_MAX);
    if (code == 0 && ftruncate(fd, (off_t)size) != 0) {
        return print_errno(LPIPE_NO_RESOURCES, errno, "cannot keep %s in memory", option);
    }
    return code;
}

/* Replaces the pipe of /dev/fd/N, so that a second option can name it, too. A named pipe gets the
 * path of the copy; messages show what the user named. */
static int give_path(const char *option, const char *path, int fd, struct option_file *file,
                     const char **ret_path)
{
    int number = path_descriptor_number(path);
    if (number >= 0) {
        int code = dup3(fd, number, O_CLOEXEC) < 0
                       ? print_errno(LPIPE_NO_RESOURCES, errno, "cannot keep %s in memory", option)
                       : 0;
        (void)close(fd);
        return code;
    }
    file->fd = fd;
    (void)snprintf(file->path, sizeof file->path, "/proc/self/fd/%d", fd);
    *ret_path = file->path;
    api_names_add_path(file->path, path);
    return 0;
}

int option_file_keep(const char *option, const char *path, struct option_file *file,
                     const char **ret_path)
{
    struct stat info;
    *ret_path = path;
    /* The library reports anything else that is no file. */
    if (path == NULL || stat(path, &info) != 0 ||
        (!S_ISFIFO(info.st_mode) && !S_ISSOCK(info.st_mode))) {
        return 0;
    }
    int fd = memfd_create("layerpipe", MFD_CLOEXEC);
    if (fd < 0) {
        return print_errno(LPIPE_NO_RESOURCES, errno, "cannot keep %s in memory", option);
    }
    int code = fill(option, path, fd);
    if (code != 0) {
        (void)close(fd);
        return code;
    }
    return give_path(option, path, fd, file, ret_path);
}
