/* SPDX-License-Identifier: Apache-2.0 */
#include "archive/archive_scan.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "archive/archive_read.h"
#include "base/fd.h"
#include "oci/media_type.h"

/* The file as a source, and what its members get. */
struct scan {
    struct source source;
    int fd;
    uint64_t size;     /* of the file */
    uint64_t position; /* of the next byte */
    uint64_t needed;   /* nobody looks at the bytes from position to this one */
    struct archive_member *member;
    struct digest *digest;
    bool is_blob;
    bool is_hashed;
};

/* Contents that nobody looks at are counted and not read. */
static ptrdiff_t scan_read(struct source *source, void *buf, size_t size, struct lpipe_error *err)
{
    struct scan *scan = (struct scan *)source;
    ptrdiff_t got = scan->position < scan->needed
                        ? (ptrdiff_t)MIN_OF((uint64_t)size, scan->needed - scan->position)
                        : fd_read_at(scan->fd, buf, size, scan->position);
    if (got < 0) {
        return fail_errno(err, LPIPE_SOURCE_IO, (int)-got, "reading the image archive failed");
    }
    scan->position += (uint64_t)got;
    return got;
}

static bool is_tar(enum archive_content content)
{
    return content == ARCHIVE_CONTENT_TAR || content == ARCHIVE_CONTENT_COMPRESSED;
}

static int scan_begin(void *ctx, struct archive_member *member, enum archive_content content,
                      struct lpipe_error *err)
{
    struct scan *scan = ctx;
    struct descriptor *stored = &member->stored;
    const char *type =
        is_tar(content) ? media_type_of_layer(MEDIA_FAMILY_OCI, codec_name(member->codec)) : NULL;
    (void)err;
    scan->member = member;
    scan->is_blob = member->named[0] != '\0' || is_tar(content);
    scan->is_hashed = scan->is_blob && member->named[0] == '\0';
    stored->size = member->size;
    memcpy(stored->digest, member->named, sizeof stored->digest);
    (void)snprintf(stored->media_type, sizeof stored->media_type, "%s", type != NULL ? type : "");
    if (scan->is_hashed) {
        digest_reset(scan->digest);
    } else {
        scan->needed = MIN_OF(member->offset + member->size, scan->size);
    }
    return 0;
}

static int scan_write(void *ctx, const void *data, size_t size, struct lpipe_error *err)
{
    struct scan *scan = ctx;
    (void)err;
    if (scan->is_hashed) {
        digest_update(scan->digest, data, size);
    }
    return 0;
}

/* The digest of an uncompressed layer is its diff ID. */
static int scan_end(void *ctx, struct lpipe_error *err)
{
    struct scan *scan = ctx;
    struct archive_member *member = scan->member;
    int status = scan->is_hashed ? digest_finish(scan->digest, member->stored.digest, err) : 0;
    if (status == 0 && scan->is_blob) {
        member->state = ARCHIVE_STORED;
    }
    if (status == 0 && scan->is_hashed && member->codec == CODEC_NONE) {
        memcpy(member->diff_id, member->stored.digest, sizeof member->diff_id);
        memcpy(member->stored_diff_id, member->diff_id, sizeof member->stored_diff_id);
    }
    return status;
}

int archive_scan(int fd, lpipe_cancel *cancel, struct archive_members **ret_members,
                 struct lpipe_error *err)
{
    static const struct source_ops ops = { .read = scan_read };
    struct scan scan = { .source = { &ops }, .fd = fd };
    const struct archive_sink sink = {
        .begin = scan_begin, .write = scan_write, .end = scan_end, .ctx = &scan
    };
    struct stat info;
    if (fstat(fd, &info) != 0) {
        return fail_errno(err, LPIPE_SOURCE_IO, errno, "reading the image archive failed");
    }
    scan.size = (uint64_t)info.st_size;
    int status = digest_new(DIGEST_SHA256, &scan.digest, err);
    status = status == 0 ? archive_read(&scan.source, cancel, &sink, ret_members, err) : status;
    digest_free(scan.digest);
    return status;
}
