/* SPDX-License-Identifier: Apache-2.0 */
#include "input.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "print.h"

bool input_stdin_is_readable(void)
{
    struct stat info;
    return fstat(STDIN_FILENO, &info) == 0 &&
           (S_ISFIFO(info.st_mode) || S_ISSOCK(info.st_mode) || S_ISREG(info.st_mode));
}

/* The N of /dev/fd/N or /proc/self/fd/N, 0 for /dev/stdin; -1 for any other path. */
static int descriptor_number(const char *path)
{
    static const char *const prefixes[] = { "/dev/fd/", "/proc/self/fd/" };
    if (strcmp(path, "/dev/stdin") == 0) {
        return STDIN_FILENO;
    }
    for (size_t i = 0; i < sizeof prefixes / sizeof prefixes[0]; i++) {
        size_t size = strlen(prefixes[i]);
        const char *digits = path + size;
        if (strncmp(path, prefixes[i], size) == 0 && *digits != '\0' && strlen(digits) < 8 &&
            strspn(digits, "0123456789") == strlen(digits)) {
            return (int)strtol(digits, NULL, 10);
        }
    }
    return -1;
}

/* Opens the input. /dev/fd/N is duplicated: opening its path fails for a socket, and would read a
 * file from its start. */
static int open_path(const char *path)
{
    struct stat info;
    int number = strcmp(path, "-") == 0 ? STDIN_FILENO : descriptor_number(path);
    if (number >= 0) {
        return fcntl(number, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    }
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd >= 0 && fstat(fd, &info) == 0 && !S_ISFIFO(info.st_mode)) {
        (void)fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK);
    }
    return fd;
}

static bool same_as_stdin(const struct stat *info)
{
    struct stat input;
    return fstat(STDIN_FILENO, &input) == 0 && input.st_dev == info->st_dev &&
           input.st_ino == info->st_ino;
}

/* A file or directory is likely to be pushed again; the data in a descriptor is not. */
static bool is_path(const char *path)
{
    return strcmp(path, "-") != 0 && descriptor_number(path) < 0;
}

static struct lpipe_layer_options layer_options(const struct settings *settings, const char *path,
                                                lpipe_cancel *cancel)
{
    struct lpipe_layer_options options = LPIPE_LAYER_OPTIONS_INIT;
    options.compress = settings->compress;
    options.media_type = settings->media_type;
    options.memory_bytes_max = settings->memory_bytes_max;
    options.cancel = cancel;
    if (settings->threads >= 0) {
        options.threads =
            settings->threads == 0 ? LPIPE_THREADS_INLINE : (int32_t)settings->threads;
    }
    options.flags = (settings->raw ? LPIPE_LAYER_RAW : 0u) |
                    (settings->allow_truncated ? LPIPE_LAYER_ALLOW_TRUNCATED : 0u) |
                    (settings->allow_empty ? LPIPE_LAYER_ALLOW_EMPTY : 0u) |
                    (settings->allow_odd_entries ? LPIPE_LAYER_ALLOW_ODD_ENTRIES : 0u) |
                    (settings->format == LPIPE_FORMAT_DOCKER ? LPIPE_LAYER_DOCKER : 0u) |
                    (is_path(path) ? LPIPE_LAYER_LOOK_FIRST : 0u);
    return options;
}

int input_open(const struct settings *settings, const char *path, lpipe_cancel *cancel,
               lpipe_layer **ret_layer)
{
    struct lpipe_layer_options options = layer_options(settings, path, cancel);
    struct lpipe_error err = { 0 };
    struct stat info;
    int fd = open_path(path);
    if (fd < 0 || fstat(fd, &info) != 0) {
        print_message("cannot open input %s: %s", path, strerror(errno));
        return lpipe_status_exit_code(LPIPE_SOURCE_IO);
    }
    if (settings->password_stdin && same_as_stdin(&info)) {
        (void)close(fd);
        return usage_error(settings->command_name,
                           "stdin cannot be both the layer and the password; use --password-fd");
    }
    int code = 0;
    if (S_ISDIR(info.st_mode)) {
        (void)close(fd);
        const char *directory = strcmp(path, "-") == 0 ? "/dev/stdin" : path;
        code = lpipe_layer_new_directory(directory, &options, ret_layer, &err);
    } else {
        code = lpipe_layer_new_fd(fd, &options, ret_layer, &err); /* takes fd in every case */
    }
    return code == 0 ? 0 : print_failure(&err);
}
