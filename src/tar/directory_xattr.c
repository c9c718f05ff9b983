/* SPDX-License-Identifier: Apache-2.0 */
#include "tar/directory_xattr.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/xattr.h>

#include "base/mem.h"
#include "base/text.h"
#include "tar/tar_write.h"

#define XATTR_BYTES_MAX 65536 /* the kernel's maximum for a list and for a value */
#define XATTR_COUNT_MAX (XATTR_BYTES_MAX / 2)

struct xattr_reader {
    char path[512]; /* for entries that are not opened; else "" */
    int fd;
    char list[XATTR_BYTES_MAX];
    char value[XATTR_BYTES_MAX];
    const char *names[XATTR_COUNT_MAX];
};

int xattr_reader_new(struct xattr_reader **ret_xattr, struct lpipe_error *err)
{
    struct xattr_reader *xattr = NEW(struct xattr_reader);
    if (xattr == NULL) {
        return fail_memory(err);
    }
    *ret_xattr = xattr;
    return 0;
}

struct xattr_reader *xattr_reader_free(struct xattr_reader *xattr)
{
    free(xattr);
    return NULL;
}

bool xattr_is_kept(const char *name)
{
    static const char *const kept[] = { "user.", "trusted.", "security.", "system.posix_acl_" };
    static const char *const local[] = {
        "security.selinux", "security.SMACK64", "security.apparmor", "security.ima",
        "security.evm",     "trusted.overlay.", "user.overlay.",     "user.fuseoverlayfs.",
    };
    bool keep = false;
    for (size_t i = 0; i < ARRAY_LEN(kept); i++) {
        keep = keep || text_starts(name, kept[i]);
    }
    for (size_t i = 0; i < ARRAY_LEN(local); i++) {
        keep = keep && !text_starts(name, local[i]);
    }
    return keep;
}

/* The list's size; 0 when there are no attributes, or they are not accessible; or a negative
 * errno. */
static ssize_t read_list(struct xattr_reader *xattr, const struct directory_entry *found)
{
    xattr->fd = found->fd;
    if (found->fd >= 0) {
        ssize_t size = flistxattr(found->fd, xattr->list, sizeof xattr->list);
        return size >= 0 ? size : errno == ENOTSUP || errno == ENOSYS ? 0 : -errno;
    }
    /* Links and devices are not opened; their attributes are read through /proc, if it is
     * mounted. */
    int size = snprintf(xattr->path, sizeof xattr->path, "/proc/self/fd/%d/%s", found->parent,
                        found->name);
    if (size >= (int)sizeof xattr->path) {
        return -ENAMETOOLONG;
    }
    ssize_t got = llistxattr(xattr->path, xattr->list, sizeof xattr->list);
    return MAX_OF(got, 0);
}

static int compare(const void *a, const void *b)
{
    const char *const *first = a;
    const char *const *second = b;
    return strcmp(*first, *second);
}

static size_t sort_kept(struct xattr_reader *xattr, size_t list_size)
{
    size_t count = 0;
    for (const char *name = xattr->list; name < xattr->list + list_size; name += strlen(name) + 1) {
        if (xattr_is_kept(name)) {
            xattr->names[count++] = name;
        }
    }
    qsort(xattr->names, count, sizeof xattr->names[0], compare);
    return count;
}

static ssize_t read_value(struct xattr_reader *xattr, const char *name)
{
    return xattr->fd >= 0 ? fgetxattr(xattr->fd, name, xattr->value, sizeof xattr->value)
                          : lgetxattr(xattr->path, name, xattr->value, sizeof xattr->value);
}

static int append_one(struct xattr_reader *xattr, const struct directory_entry *found,
                      const char *name, struct buf *records, struct lpipe_error *err)
{
    char key[300]; /* names have at most 255 bytes */
    ssize_t size = read_value(xattr, name);
    if (size < 0) {
        return errno == ENODATA ? directory_fail_changed(found, err)
                                : directory_fail(found, errno, "read an attribute of", err);
    }
    (void)snprintf(key, sizeof key, "SCHILY.xattr.%s", name);
    int status = tar_write_pax_record(records, key, xattr->value, (size_t)size);
    return status == LPIPE_TOO_LARGE ? directory_fail(found, E2BIG, "keep the attributes of", err)
           : status != 0             ? fail_memory(err)
                                     : 0;
}

int xattr_reader_append(struct xattr_reader *xattr, const struct directory_entry *found,
                        struct buf *records, unsigned *ret_unnamed, struct lpipe_error *err)
{
    ssize_t size = read_list(xattr, found);
    if (size <= 0) {
        return size == 0 ? 0 : directory_fail(found, (int)-size, "list the attributes of", err);
    }
    size_t count = sort_kept(xattr, (size_t)size);
    for (size_t i = 0; i < count; i++) {
        const char *name = xattr->names[i];
        if (strchr(name, '=') != NULL) {
            *ret_unnamed += 1; /* '=' ends the name in a record */
            continue;
        }
        int status = append_one(xattr, found, name, records, err);
        if (status != 0) {
            return status;
        }
    }
    return 0;
}
