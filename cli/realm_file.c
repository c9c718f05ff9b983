/* SPDX-License-Identifier: Apache-2.0 */
#include "realm_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "print.h"

#define FILE_BYTES_MAX ((size_t)65536)

/* The directory of the file, or with name the file itself. NULL if HOME is not set, or no
 * memory. */
static char *config_path(const char *name)
{
    const char *config = getenv("XDG_CONFIG_HOME");
    const char *home = getenv("HOME");
    char *path = NULL;
    int size = -1;
    if (config != NULL && *config == '/') {
        size = asprintf(&path, "%s/layerpipe%s", config, name);
    } else if (home != NULL && *home == '/') {
        size = asprintf(&path, "%s/.config/layerpipe%s", home, name);
    }
    return size < 0 ? NULL : path;
}

/* Only the user may be able to change what is trusted. */
static bool is_safe(int fd, const char *path)
{
    struct stat info;
    bool safe = fstat(fd, &info) == 0 && S_ISREG(info.st_mode) && info.st_uid == geteuid() &&
                (info.st_mode & (S_IWGRP | S_IWOTH)) == 0;
    if (!safe) {
        print_message("%s is not used: it must be a file that only you can change", path);
    }
    return safe;
}

char *realm_file_read(void)
{
    char *path = config_path("/trusted-realms");
    char *text = calloc(1, FILE_BYTES_MAX + 1);
    int fd = path == NULL ? -1 : open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    size_t size = 0;
    ssize_t done = 1;
    if (fd >= 0 && text != NULL && is_safe(fd, path)) {
        while (done > 0 && size < FILE_BYTES_MAX) {
            done = read(fd, text + size, FILE_BYTES_MAX - size);
            size += done > 0 ? (size_t)done : 0;
        }
    }
    if (fd >= 0) {
        (void)close(fd);
    }
    free(path);
    return text;
}

/* Makes the directory and those above it, as far as they are missing. */
static void make_directories(char *path)
{
    for (char *slash = strchr(path + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        (void)mkdir(path, 0700); /* if this fails, so does the next step, which reports it */
        *slash = '/';
    }
    (void)mkdir(path, 0700);
}

/* Writes the file: the kept lines, then the new one. */
static int write_lines(const char *path, const char *kept, const char *entry)
{
    char *temporary = NULL;
    bool done = false;
    int fd = asprintf(&temporary, "%s.XXXXXX", path) < 0 ? -1 : mkostemp(temporary, O_CLOEXEC);
    FILE *out = fd < 0 ? NULL : fdopen(fd, "w");
    if (out != NULL) {
        done = fputs(kept, out) >= 0 && (entry == NULL || fprintf(out, "%s\n", entry) > 0);
        done = fclose(out) == 0 && done && rename(temporary, path) == 0;
    } else if (fd >= 0) {
        (void)close(fd);
    }
    int code = done ? 0 : print_errno(LPIPE_OUTPUT_IO, errno, "cannot write %s", path);
    if (!done && fd >= 0) {
        (void)unlink(temporary);
    }
    free(temporary);
    return code;
}

/* Removes the lines "REGISTRY=..." from the text, in place. True if there was one. */
static bool remove_lines(char *text, const char *registry)
{
    size_t size = strlen(registry);
    bool removed = false;
    char *line = text;
    while (*line != '\0') {
        char *next = line + strcspn(line, "\n");
        next += *next == '\n';
        if (strncmp(line, registry, size) == 0 && line[size] == '=') {
            memmove(line, next, strlen(next) + 1);
            removed = true;
        } else {
            line = next;
        }
    }
    return removed;
}

/* The file of what is kept is replaced, so its directory is locked: two commands that change it at
 * the same time do it one after the other. A signal ends the wait. -1: there is no directory. */
static int lock_directory(const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0) {
        (void)flock(fd, LOCK_EX);
    }
    return fd;
}

int realm_file_set(const char *registry, const char *entry)
{
    char *directory = config_path("");
    char *path = config_path("/trusted-realms");
    int code = 0;
    if (directory != NULL && entry != NULL) {
        make_directories(directory);
    }
    int lock = directory == NULL ? -1 : lock_directory(directory);
    char *text = realm_file_read();
    if (directory == NULL || path == NULL || text == NULL) {
        code = entry == NULL ? 0
                             : print_errno(LPIPE_OUTPUT_IO, ENOENT,
                                           "cannot remember the token server: HOME is not set");
    } else if (remove_lines(text, registry) || entry != NULL) {
        code = write_lines(path, text, entry);
    }
    if (lock >= 0) {
        (void)close(lock);
    }
    free(directory);
    free(path);
    free(text);
    return code;
}
