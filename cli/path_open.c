/* SPDX-License-Identifier: Apache-2.0 */
#include "path_open.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int path_descriptor_number(const char *path)
{
    static const char *const prefixes[] = { "/dev/fd/", "/proc/self/fd/" };
    static const char *const names[] = { "/dev/stdin", "/dev/stdout", "/dev/stderr" };
    for (int number = STDIN_FILENO; number <= STDERR_FILENO; number++) {
        if (strcmp(path, names[number]) == 0) {
            return number;
        }
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

int path_open(const char *path)
{
    struct stat info;
    int number = strcmp(path, "-") == 0 ? STDIN_FILENO : path_descriptor_number(path);
    if (number >= 0) {
        return fcntl(number, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    }
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd >= 0 && fstat(fd, &info) == 0 && !S_ISFIFO(info.st_mode)) {
        (void)fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK);
    }
    return fd;
}
