/* SPDX-License-Identifier: Apache-2.0 */
#include "tar/directory_walk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/buf.h"
#include "base/fd.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"

/* A directory on the path to the current entry. */
struct level {
    struct stat info; /* when it was entered */
    struct buf names; /* for each entry: a type (DT_...), the name, a NUL */
    const char **order;
    size_t count;
    size_t next;
    size_t path_size; /* of the path before the names of its entries */
};

struct directory_walk {
    int top; /* the caller's */
    struct directory_filter filter;
    int here; /* the last level's directory */
    bool begun;
    struct level *levels;
    size_t depth;
    size_t capacity;
    struct buf path;
    struct directory_entry found;
};

#define OPEN_FLAGS (O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY)

int directory_walk_new(int top, struct directory_filter filter, struct directory_walk **ret_walk,
                       struct lpipe_error *err)
{
    struct directory_walk *walk = NEW(struct directory_walk);
    if (walk == NULL) {
        return fail_memory(err);
    }
    walk->top = top;
    walk->filter = filter;
    walk->here = -1;
    walk->found.fd = -1;
    /* A path must fit into a PAX header of a size that every reader accepts, with other records. */
    walk->path = (struct buf)BUF_INIT(TAR_EXTENSION_BYTES_MAX / 2);
    *ret_walk = walk;
    return 0;
}

static void level_drop(struct directory_walk *walk)
{
    struct level *level = &walk->levels[--walk->depth];
    buf_dispose(&level->names);
    free(level->order);
}

struct directory_walk *directory_walk_free(struct directory_walk *walk)
{
    if (walk != NULL) {
        while (walk->depth > 0) {
            level_drop(walk);
        }
        free(walk->levels);
        buf_dispose(&walk->path);
        fd_close(&walk->here);
        fd_close(&walk->found.fd);
        free(walk);
    }
    return NULL;
}

static const char *shown(const struct directory_entry *found, char *text, size_t size)
{
    const char *path = found->path == NULL || *found->path == '\0' ? "." : found->path;
    return text_printable(text, size, path, strlen(path));
}

int directory_fail(const struct directory_entry *found, int sys_errno, const char *verb,
                   struct lpipe_error *err)
{
    char path[300];
    if (sys_errno == ENOMEM) {
        return fail_memory(err);
    }
    if (sys_errno == ENOENT) {
        return fail(err, LPIPE_SOURCE_IO, "%s was removed while the directory was being read",
                    shown(found, path, sizeof path));
    }
    return fail_errno(err, LPIPE_SOURCE_IO, sys_errno, "cannot %s %s", verb,
                      shown(found, path, sizeof path));
}

int directory_fail_changed(const struct directory_entry *found, struct lpipe_error *err)
{
    char path[300];
    return fail(err, LPIPE_SOURCE_IO, "%s was changed while the directory was being read",
                shown(found, path, sizeof path));
}

static bool same_time(struct timespec a, struct timespec b)
{
    return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

static bool same_file(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

static bool unchanged(int fd, const struct stat *before)
{
    struct stat now;
    return fstat(fd, &now) == 0 && same_file(&now, before) && now.st_size == before->st_size &&
           same_time(now.st_mtim, before->st_mtim) && same_time(now.st_ctim, before->st_ctim);
}

int directory_walk_check(const struct directory_walk *walk, struct lpipe_error *err)
{
    const struct directory_entry *found = &walk->found;
    return unchanged(found->fd, &found->info) ? 0 : directory_fail_changed(found, err);
}

/* 0 or an errno value. */
static int read_names(int fd, struct buf *names, size_t *ret_count)
{
    int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    DIR *directory = copy < 0 ? NULL : fdopendir(copy);
    if (directory == NULL) {
        int code = errno;
        fd_close(&copy);
        return code;
    }
    int code = 0;
    for (;;) {
        errno = 0;
        const struct dirent *entry = readdir(directory);
        if (entry == NULL || code != 0) {
            code = code != 0 ? code : errno;
            break;
        }
        const char *name = entry->d_name;
        if (strcmp(name, ".") != 0 && strcmp(name, "..") != 0) {
            int status = buf_append(names, &entry->d_type, 1);
            status = status == 0 ? buf_append(names, name, strlen(name) + 1) : status;
            code = status == 0 ? 0 : ENOMEM;
            *ret_count += 1;
        }
    }
    (void)closedir(directory);
    return code;
}

static int compare(const void *a, const void *b)
{
    const char *const *first = a;
    const char *const *second = b;
    return strcmp(*first + 1, *second + 1); /* after the type */
}

static int sort_names(struct level *level)
{
    level->order = mem_new_array(level->count, sizeof *level->order);
    if (level->order == NULL) {
        return ENOMEM;
    }
    const char *next = level->names.data;
    for (size_t i = 0; i < level->count; i++) {
        level->order[i] = next;
        next += strlen(next + 1) + 2;
    }
    qsort(level->order, level->count, sizeof *level->order, compare);
    return 0;
}

static int level_reserve(struct directory_walk *walk)
{
    if (walk->depth < walk->capacity) {
        return 0;
    }
    size_t capacity = walk->capacity == 0 ? 32 : walk->capacity * 2;
    struct level *levels = mem_realloc(walk->levels, capacity * sizeof *levels);
    if (levels == NULL) {
        return ENOMEM;
    }
    walk->levels = levels;
    walk->capacity = capacity;
    return 0;
}

static bool is_ancestor(const struct directory_walk *walk, const struct stat *info)
{
    for (size_t i = 0; i < walk->depth; i++) {
        if (same_file(&walk->levels[i].info, info)) {
            return true;
        }
    }
    return false;
}

/* Enters the current directory. */
static int directory_enter(struct directory_walk *walk, struct lpipe_error *err)
{
    char path[300];
    struct directory_entry *found = &walk->found;
    if (is_ancestor(walk, &found->info)) {
        return fail(err, LPIPE_SOURCE_IO, "%s is mounted inside of itself",
                    shown(found, path, sizeof path));
    }
    int code = level_reserve(walk);
    if (code != 0) {
        return directory_fail(found, code, "list", err);
    }
    struct level *level = &walk->levels[walk->depth++];
    *level = (struct level){ .info = found->info, .names = BUF_INIT(SIZE_MAX / 4) };
    code = read_names(found->fd, &level->names, &level->count);
    code = code == 0 ? sort_names(level) : code;
    if (code != 0) {
        return directory_fail(found, code, "list", err);
    }
    if (walk->path.size > 0 && buf_append(&walk->path, "/", 1) != 0) {
        return directory_fail(found, ENAMETOOLONG, "read", err);
    }
    level->path_size = walk->path.size;
    fd_close(&walk->here);
    walk->here = TAKE_FD(found->fd);
    return 0;
}

/* Returns from a finished directory to its parent. */
static int directory_return(struct directory_walk *walk, struct lpipe_error *err)
{
    const struct level *level = &walk->levels[walk->depth - 1];
    /* For messages: the directory itself. */
    walk->path.size = level->path_size > 0 ? level->path_size - 1 : 0;
    if (walk->path.data != NULL) {
        walk->path.data[walk->path.size] = '\0';
    }
    walk->found.path = walk->path.data;
    if (!unchanged(walk->here, &level->info)) {
        return directory_fail_changed(&walk->found, err);
    }
    level_drop(walk);
    if (walk->depth == 0) {
        return 0;
    }
    struct stat info;
    int up = openat(walk->here, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (up < 0 || fstat(up, &info) != 0) {
        int code = errno;
        fd_close(&up);
        return directory_fail(&walk->found, code, "return from", err);
    }
    fd_close(&walk->here);
    walk->here = up;
    return same_file(&info, &walk->levels[walk->depth - 1].info)
               ? 0
               : directory_fail_changed(&walk->found, err);
}

/* Opens files and directories, and gets the entry's attributes; 0 or an errno value. */
static int inspect(struct directory_entry *found, unsigned char type)
{
    if (type == DT_REG || type == DT_DIR) {
        /* O_NONBLOCK: the file may have been replaced by a FIFO. */
        int flags = OPEN_FLAGS | (type == DT_DIR ? O_DIRECTORY : O_NONBLOCK);
        found->fd = openat(found->parent, found->name, flags);
        return found->fd < 0 || fstat(found->fd, &found->info) != 0 ? errno : 0;
    }
    return fstatat(found->parent, found->name, &found->info, AT_SYMLINK_NOFOLLOW) != 0 ? errno : 0;
}

/* The next entry gets its name and path. */
static int name_found(struct directory_walk *walk, const char *name, struct lpipe_error *err)
{
    struct directory_entry *found = &walk->found;
    walk->path.size = walk->levels[walk->depth - 1].path_size;
    *found = (struct directory_entry){ .name = name, .parent = walk->here, .fd = -1 };
    found->path = found->name; /* in case there is no memory for the whole path */
    if (buf_append_text(&walk->path, found->name) != 0) {
        return directory_fail(found, ENAMETOOLONG, "read", err);
    }
    found->path = walk->path.data;
    return 0;
}

static int find(struct directory_walk *walk, unsigned char type, struct lpipe_error *err)
{
    struct directory_entry *found = &walk->found;
    if (type == DT_UNKNOWN) { /* this file system does not report types */
        int code = inspect(found, type);
        if (code != 0) {
            return directory_fail(found, code, "read the attributes of", err);
        }
        type = (unsigned char)IFTODT(found->info.st_mode);
    }
    int code = inspect(found, type);
    if (code == ELOOP || code == ENOTDIR || code == ENXIO ||
        (code == 0 && IFTODT(found->info.st_mode) != type)) {
        return directory_fail_changed(found, err);
    }
    return code == 0 ? 0 : directory_fail(found, code, "open", err);
}

static int find_top(struct directory_walk *walk, struct lpipe_error *err)
{
    struct directory_entry *found = &walk->found;
    *found = (struct directory_entry){ .path = "", .name = "", .parent = -1 };
    found->fd = openat(walk->top, ".", OPEN_FLAGS | O_DIRECTORY);
    if (found->fd < 0 || fstat(found->fd, &found->info) != 0) {
        return directory_fail(found, errno, "open", err);
    }
    walk->begun = true;
    return 0;
}

int directory_walk_next(struct directory_walk *walk, const struct directory_entry **ret_found,
                        struct lpipe_error *err)
{
    int status = 0;
    if (!walk->begun) {
        *ret_found = &walk->found;
        return find_top(walk, err);
    }
    if (walk->found.fd >= 0 && S_ISDIR(walk->found.info.st_mode)) {
        status = directory_enter(walk, err);
    }
    fd_close(&walk->found.fd);
    while (status == 0 && walk->depth > 0) {
        struct level *level = &walk->levels[walk->depth - 1];
        if (level->next == level->count) {
            status = directory_return(walk, err);
            continue;
        }
        const char *typed = level->order[level->next++];
        bool is_out = false;
        status = name_found(walk, typed + 1, err);
        if (status == 0) {
            status = walk->filter.leaves_out(walk->filter.ctx, walk->found.path, &is_out, err);
        }
        if (status == 0 && !is_out) {
            *ret_found = &walk->found;
            return find(walk, (unsigned char)typed[0], err);
        }
    }
    *ret_found = NULL;
    return status;
}
