/* SPDX-License-Identifier: Apache-2.0 */
#include "tar/directory_source.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "base/buf.h"
#include "base/fd.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"
#include "tar/directory_rules.h"
#include "tar/directory_walk.h"
#include "tar/directory_xattr.h"
#include "tar/hard_links.h"
#include "tar/tar_write.h"

struct directory_source {
    struct source base;
    char *name; /* of the directory, for messages */
    int top;
    int64_t mtime_max;
    struct directory_rules rules;
    size_t parents_done; /* bytes of the prefix whose directories were written */
    struct directory_walk *walk;
    struct hard_links links;
    struct xattr_reader *xattr;
    const struct directory_entry *found; /* the current entry */
    struct buf path;                     /* in the tar; of a directory, with '/' at its end */
    struct buf records;
    struct buf staged; /* header or padding that is read next, from staged_done on */
    size_t staged_done;
    uint64_t data_left; /* of the current file */
    bool ended;
    char target[PATH_MAX]; /* of the current symbolic link */
    uint64_t sockets;      /* number of sockets that were left out */
    uint64_t unnamed;      /* number of extended attributes that were left out */
    uint64_t whiteouts;    /* number of files whose name begins with ".wh." */
    char first_left_out[256];
    char first_whiteout[256];
    char notice[1024];
};

static void forget_progress(struct directory_source *source)
{
    source->walk = directory_walk_free(source->walk);
    hard_links_dispose(&source->links);
    buf_clear(&source->staged);
    source->staged_done = 0;
    source->parents_done = 0;
    source->data_left = 0;
    source->ended = false;
    source->sockets = 0;
    source->unnamed = 0;
    source->whiteouts = 0;
}

/* Puts the prefix, the path and the end into source->path. */
static int join_path(struct directory_source *source, const char *path, const char *end,
                     struct lpipe_error *err)
{
    const char *prefix = source->rules.prefix;
    buf_clear(&source->path);
    int status = buf_printf(&source->path, "%s%s%s", prefix, path, end);
    return status == 0 ? 0 : fail_memory(err);
}

static int leaves_out(void *ctx, const char *path, bool *ret_out, struct lpipe_error *err)
{
    struct directory_source *source = ctx;
    if (source->rules.pattern_count == 0) {
        return 0;
    }
    int status = join_path(source, path, "", err);
    *ret_out = status == 0 && directory_rules_exclude(&source->rules, source->path.data);
    return status;
}

static bool directory_can_rewind(const struct source *base)
{
    (void)base;
    return true;
}

static int directory_rewind(struct source *base, struct lpipe_error *err)
{
    struct directory_source *source = (struct directory_source *)base;
    struct directory_filter filter = { .leaves_out = leaves_out, .ctx = source };
    forget_progress(source);
    return directory_walk_new(source->top, filter, &source->walk, err);
}

static void directory_free(struct source *base)
{
    struct directory_source *source = (struct directory_source *)base;
    forget_progress(source);
    xattr_reader_free(source->xattr);
    buf_dispose(&source->path);
    buf_dispose(&source->records);
    buf_dispose(&source->staged);
    fd_close(&source->top);
    directory_rules_dispose(&source->rules);
    free(source->name);
    free(source);
}

static int open_top(struct directory_source *source, const char *path, struct lpipe_error *err)
{
    char shown[300];
    source->top = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return source->top >= 0 ? 0
                            : fail_errno(err, LPIPE_SOURCE_IO, errno, "cannot open directory %s",
                                         text_printable(shown, sizeof shown, path, strlen(path)));
}

static enum tar_entry_type type_of(mode_t mode)
{
    return S_ISDIR(mode)    ? TAR_ENTRY_DIRECTORY
           : S_ISLNK(mode)  ? TAR_ENTRY_SYMLINK
           : S_ISCHR(mode)  ? TAR_ENTRY_CHARACTER_DEVICE
           : S_ISBLK(mode)  ? TAR_ENTRY_BLOCK_DEVICE
           : S_ISFIFO(mode) ? TAR_ENTRY_FIFO
                            : TAR_ENTRY_FILE;
}

static void left_out(struct directory_source *source, uint64_t *count)
{
    if (source->sockets + source->unnamed == 0) {
        const char *path = source->found->path;
        text_printable(source->first_left_out, sizeof source->first_left_out, path, strlen(path));
    }
    *count += 1;
}

/* Counts an entry of any type that will be a deletion mark in the layer. */
static void note_whiteout(struct directory_source *source)
{
    const char *path = source->found->path;
    if (strncmp(source->found->name, ".wh.", 4) != 0) {
        return;
    }
    if (source->whiteouts == 0) {
        text_printable(source->first_whiteout, sizeof source->first_whiteout, path, strlen(path));
    }
    source->whiteouts++;
}

/* The entry's path in the tar. */
static int name_entry(struct directory_source *source, struct tar_write_entry *entry,
                      struct lpipe_error *err)
{
    const char *path = source->found->path;
    bool is_top = *path == '\0';
    if (is_top && *source->rules.prefix == '\0') {
        path = ".";
        is_top = false;
    }
    /* The prefix ends with '/' already. */
    const char *end = S_ISDIR(source->found->info.st_mode) && !is_top ? "/" : "";
    int status = join_path(source, path, end, err);
    entry->path = source->path.data;
    return status;
}

/* A file with several names becomes a hard link to the first one. */
static int link_to_first_name(struct directory_source *source, struct tar_write_entry *entry,
                              struct lpipe_error *err)
{
    const struct stat *info = &source->found->info;
    if (info->st_nlink < 2 || entry->type == TAR_ENTRY_DIRECTORY) {
        return 0;
    }
    if (hard_links_find_or_add(&source->links, info->st_dev, info->st_ino, entry->path,
                               &entry->link) != 0) {
        return fail_memory(err);
    }
    if (entry->link != NULL) {
        entry->type = TAR_ENTRY_HARD_LINK;
    }
    return 0;
}

static int read_link(struct directory_source *source, struct tar_write_entry *entry,
                     struct lpipe_error *err)
{
    char *target = source->target;
    ssize_t size = readlinkat(source->found->parent, source->found->name, target, PATH_MAX);
    if (size < 0 || size >= PATH_MAX) {
        return directory_fail(source->found, size < 0 ? errno : ENAMETOOLONG, "read the link", err);
    }
    target[size] = '\0';
    entry->link = target;
    return 0;
}

static int read_xattrs(struct directory_source *source, struct tar_write_entry *entry,
                       struct lpipe_error *err)
{
    unsigned unnamed = 0;
    buf_clear(&source->records);
    int status = xattr_reader_append(source->xattr, source->found, &source->records, &unnamed, err);
    while (unnamed-- > 0) {
        left_out(source, &source->unnamed);
    }
    entry->xattrs = &source->records;
    return status;
}

static void fill_owner_and_time(const struct directory_source *source, const struct stat *info,
                                struct tar_write_entry *entry)
{
    const struct directory_rules *rules = &source->rules;
    entry->uid = rules->has_owner ? rules->uid : info->st_uid;
    entry->gid = rules->has_owner ? rules->gid : info->st_gid;
    entry->mtime = MIN_OF((int64_t)info->st_mtim.tv_sec, source->mtime_max);
}

static void fill_numbers(const struct directory_source *source, struct tar_write_entry *entry)
{
    const struct stat *info = &source->found->info;
    entry->mode = info->st_mode & 07777;
    if (!S_ISLNK(info->st_mode)) { /* nothing uses the permission bits of a symbolic link */
        entry->mode = mode_change_apply(&source->rules.mode, entry->mode, S_ISDIR(info->st_mode));
    }
    fill_owner_and_time(source, info, entry);
    entry->size = entry->type == TAR_ENTRY_FILE ? (uint64_t)info->st_size : 0;
    if (entry->type == TAR_ENTRY_CHARACTER_DEVICE || entry->type == TAR_ENTRY_BLOCK_DEVICE) {
        entry->device_major = major(info->st_rdev);
        entry->device_minor = minor(info->st_rdev);
    }
}

static int stage_entry(struct directory_source *source, struct lpipe_error *err)
{
    struct tar_write_entry entry = { .type = type_of(source->found->info.st_mode) };
    int status = name_entry(source, &entry, err);
    status = status == 0 ? link_to_first_name(source, &entry, err) : status;
    if (status == 0 && entry.type == TAR_ENTRY_SYMLINK) {
        status = read_link(source, &entry, err);
    }
    if (status == 0 && entry.type != TAR_ENTRY_HARD_LINK) {
        status = read_xattrs(source, &entry, err);
    }
    if (status != 0) {
        return status;
    }
    fill_numbers(source, &entry);
    source->data_left = entry.size;
    status = tar_write_header(&entry, &source->staged);
    return status == LPIPE_TOO_LARGE
               ? directory_fail(source->found, E2BIG, "write a header for", err)
           : status != 0 ? fail_memory(err)
                         : 0;
}

static int stage_zeros(struct directory_source *source, size_t size, struct lpipe_error *err)
{
    static const char zeros[2 * TAR_WRITE_BLOCK_BYTES];
    return buf_append(&source->staged, zeros, size) == 0 ? 0 : fail_memory(err);
}

/* The length of the part of the prefix that is the next parent, with its '/'; 0 when all were
 * written. The last part of the prefix is the directory itself. */
static size_t next_parent(const struct directory_source *source)
{
    const char *rest = source->rules.prefix + source->parents_done;
    const char *slash = strchr(rest, '/');
    return slash == NULL || slash[1] == '\0' ? 0 : (size_t)(slash + 1 - rest);
}

/* Parents of the directory do not exist: they get its owner and time. */
static int stage_parent(struct directory_source *source, size_t part, struct lpipe_error *err)
{
    struct stat info;
    struct tar_write_entry entry = { .type = TAR_ENTRY_DIRECTORY, .mode = 0755 };
    if (fstat(source->top, &info) != 0) {
        return fail_errno(err, LPIPE_SOURCE_IO, errno, "cannot read the attributes");
    }
    source->parents_done += part;
    buf_clear(&source->path);
    int status = buf_append(&source->path, source->rules.prefix, source->parents_done);
    entry.path = source->path.data;
    fill_owner_and_time(source, &info, &entry);
    status = status == 0 ? tar_write_header(&entry, &source->staged) : status;
    return status == 0 ? 0 : fail_memory(err);
}

/* Puts the next entry's header, or the end, into staged. */
static int next_entry(struct directory_source *source, struct lpipe_error *err)
{
    buf_clear(&source->staged);
    source->staged_done = 0;
    size_t parent = next_parent(source);
    if (parent > 0) {
        return stage_parent(source, parent, err);
    }
    int status = directory_walk_next(source->walk, &source->found, err);
    if (status != 0) {
        return status;
    }
    if (source->found == NULL) {
        source->ended = true;
        return stage_zeros(source, (size_t)2 * TAR_WRITE_BLOCK_BYTES, err);
    }
    if (S_ISSOCK(source->found->info.st_mode)) {
        left_out(source, &source->sockets);
        return 0;
    }
    note_whiteout(source);
    return stage_entry(source, err);
}

/* Reads the current file directly into the caller's buffer. */
static int read_data(struct directory_source *source, char *buf, size_t size, size_t *ret_done,
                     struct lpipe_error *err)
{
    size_t wanted = (size_t)MIN_OF((uint64_t)size, source->data_left);
    ssize_t got = read(source->found->fd, buf, wanted);
    if (got < 0 && errno == EINTR) {
        return 0;
    }
    if (got <= 0) {
        return got == 0 ? directory_fail_changed(source->found, err)
                        : directory_fail(source->found, errno, "read", err);
    }
    *ret_done += (size_t)got;
    source->data_left -= (uint64_t)got;
    if (source->data_left > 0) {
        return 0;
    }
    buf_clear(&source->staged);
    source->staged_done = 0;
    int status = directory_walk_check(source->walk, err);
    size_t padding = tar_padding((uint64_t)source->found->info.st_size);
    return status == 0 ? stage_zeros(source, padding, err) : status;
}

static void give_staged(struct directory_source *source, char *buf, size_t size, size_t *ret_done)
{
    size_t part = MIN_OF(size, source->staged.size - source->staged_done);
    memcpy(buf, source->staged.data + source->staged_done, part);
    source->staged_done += part;
    *ret_done += part;
}

static ptrdiff_t directory_read(struct source *base, void *buf, size_t size,
                                struct lpipe_error *err)
{
    struct directory_source *source = (struct directory_source *)base;
    char *out = buf;
    char shown[160];
    size_t done = 0;
    int status = 0;
    while (done < size && status == 0) {
        if (source->staged_done < source->staged.size) {
            give_staged(source, out + done, size - done, &done);
        } else if (source->data_left > 0) {
            status = read_data(source, out + done, size - done, &done, err);
        } else if (source->ended) {
            break;
        } else {
            status = next_entry(source, err);
        }
    }
    return status == 0 ? (ptrdiff_t)done
                       : fail_context(err, status, "%s",
                                      text_printable(shown, sizeof shown, source->name,
                                                     strlen(source->name)));
}

static void describe_left_out(const struct directory_source *source, char *buf, size_t buf_size)
{
    char sockets[64] = "";
    char attributes[96] = "";
    if (source->sockets > 0) {
        (void)snprintf(sockets, sizeof sockets, "%" PRIu64 " socket%s", source->sockets,
                       source->sockets > 1 ? "s" : "");
    }
    if (source->unnamed > 0) {
        (void)snprintf(attributes, sizeof attributes,
                       "%" PRIu64 " attribute%s with '=' in the name", source->unnamed,
                       source->unnamed > 1 ? "s" : "");
    }
    (void)snprintf(buf, buf_size,
                   "left out, because a tar cannot contain them: %s%s%s (the first: %s)", sockets,
                   sockets[0] != '\0' && attributes[0] != '\0' ? " and " : "", attributes,
                   source->first_left_out);
}

static const char *directory_notice(struct source *base)
{
    struct directory_source *source = (struct directory_source *)base;
    char shown[160];
    char missing[480] = "";
    char whiteouts[400] = "";
    if (source->sockets + source->unnamed + source->whiteouts == 0) {
        return NULL;
    }
    if (source->sockets + source->unnamed > 0) {
        describe_left_out(source, missing, sizeof missing);
    }
    if (source->whiteouts > 0) {
        (void)snprintf(whiteouts, sizeof whiteouts,
                       "files named .wh.* delete files of the layers below: %" PRIu64
                       " (the first: %s)",
                       source->whiteouts, source->first_whiteout);
    }
    (void)snprintf(source->notice, sizeof source->notice, "%s: %s%s%s",
                   text_printable(shown, sizeof shown, source->name, strlen(source->name)), missing,
                   missing[0] != '\0' && whiteouts[0] != '\0' ? "; " : "", whiteouts);
    return source->notice;
}

static const struct source_ops ops = {
    .read = directory_read,
    .can_rewind = directory_can_rewind,
    .rewind = directory_rewind,
    .notice = directory_notice,
    .free = directory_free,
};

int directory_source_new(const char *path, const struct lpipe_directory_options *options,
                         int64_t mtime_max, struct source **ret_source, struct lpipe_error *err)
{
    struct directory_source *source = NEW(struct directory_source);
    if (source == NULL) {
        return fail_memory(err);
    }
    source->base.ops = &ops;
    source->top = -1;
    source->mtime_max = mtime_max;
    source->path = (struct buf)BUF_INIT(TAR_EXTENSION_BYTES_MAX);
    source->records = (struct buf)BUF_INIT(TAR_EXTENSION_BYTES_MAX);
    source->staged = (struct buf)BUF_INIT(2 * TAR_EXTENSION_BYTES_MAX);
    source->name = mem_strdup(path);
    int status = source->name == NULL ? fail_memory(err) : 0;
    status = status == 0 ? directory_rules_parse(options, &source->rules, err) : status;
    status = status == 0 ? open_top(source, path, err) : status;
    status = status == 0 ? xattr_reader_new(&source->xattr, err) : status;
    status = status == 0 ? directory_rewind(&source->base, err) : status;
    if (status != 0) {
        directory_free(&source->base);
        return status;
    }
    *ret_source = &source->base;
    return 0;
}
