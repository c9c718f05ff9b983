/* SPDX-License-Identifier: Apache-2.0 */
/* A temporary directory for one test. scratch_end() removes it with its content. */
#ifndef SUPPORT_SCRATCH_H
#define SUPPORT_SCRATCH_H

#include <ftw.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support/unit.h"

struct scratch {
    char dir[64];
};

static inline int scratch_remove_one(const char *path, const struct stat *info, int type,
                                     struct FTW *where)
{
    (void)info;
    (void)type;
    (void)where;
    return remove(path);
}

static inline void scratch_begin(struct scratch *scratch)
{
    snprintf(scratch->dir, sizeof scratch->dir, "/tmp/layerpipe-test-XXXXXX");
    assert_non_null(mkdtemp(scratch->dir));
}

static inline void scratch_end(struct scratch *scratch)
{
    (void)nftw(scratch->dir, scratch_remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* Returns "<dir>/<name>" in one of several static buffers, which are used in turn. */
static inline const char *scratch_path(const struct scratch *scratch, const char *name)
{
    static char paths[8][PATH_MAX];
    static unsigned turn;
    char *path = paths[turn++ % 8];
    snprintf(path, PATH_MAX, "%s/%s", scratch->dir, name);
    return path;
}

/* Writes a file and the directories above it. */
static inline const char *scratch_write(const struct scratch *scratch, const char *name,
                                        const void *data, size_t size, mode_t mode)
{
    const char *path = scratch_path(scratch, name);
    char parent[PATH_MAX];
    for (const char *at = strchr(path + strlen(scratch->dir) + 1, '/'); at != NULL;
         at = strchr(at + 1, '/')) {
        snprintf(parent, sizeof parent, "%.*s", (int)(at - path), path);
        (void)mkdir(parent, 0700);
    }
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(chmod(path, mode), 0);
    return path;
}

static inline const char *scratch_text(const struct scratch *scratch, const char *name,
                                       const char *text)
{
    return scratch_write(scratch, name, text, strlen(text), 0600);
}

/* Writes an executable shell script. */
static inline const char *scratch_script(const struct scratch *scratch, const char *name,
                                         const char *body)
{
    char text[4096];
    snprintf(text, sizeof text, "#!/bin/sh\n%s\n", body);
    return scratch_write(scratch, name, text, strlen(text), 0700);
}

/* Returns the content of a file, NUL-terminated, or NULL without the file. The caller frees it. */
static inline char *scratch_read(const struct scratch *scratch, const char *name)
{
    FILE *file = fopen(scratch_path(scratch, name), "r");
    if (file == NULL) {
        return NULL;
    }
    char *text = calloc(1, 1 << 20);
    assert_non_null(text);
    (void)fread(text, 1, (1 << 20) - 1, file);
    fclose(file);
    return text;
}

#endif
