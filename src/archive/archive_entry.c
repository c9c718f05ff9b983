/* SPDX-License-Identifier: Apache-2.0 */
#include "archive/archive_entry.h"

#include <inttypes.h>
#include <string.h>

#include "archive/archive_name.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"

static const char *const DOCUMENTS[] = { "manifest.json", "index.json", "oci-layout",
                                         "repositories" };

static bool is_document(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(DOCUMENTS); i++) {
        if (strcmp(name, DOCUMENTS[i]) == 0) {
            return true;
        }
    }
    return false;
}

static int fail_entry(const struct tar_reader_entry *entry, const char *why,
                      struct lpipe_error *err)
{
    char shown[200];
    return fail_with_advice(err, LPIPE_NOT_TAR,
                            "the input is not an image archive (docker save or an OCI layout): %s "
                            "%s; `lpipe_image_push` makes a layer of a file system",
                            text_printable(shown, sizeof shown, entry->path, strlen(entry->path)),
                            why);
}

static int take_link(struct archive_member *member, const struct tar_reader_entry *entry,
                     struct lpipe_error *err)
{
    member->state = ARCHIVE_LINK;
    return archive_name_target(member->name, entry->link, entry->type == '2', &member->target, err);
}

static int check_document_size(const struct archive_member *member, struct lpipe_error *err)
{
    if (is_document(member->name) && member->size > ARCHIVE_JSON_BYTES_MAX) {
        return fail(err, LPIPE_TOO_LARGE,
                    "%s of the image archive has %" PRIu64 " bytes; at most %zu are read",
                    member->name, member->size, ARCHIVE_JSON_BYTES_MAX);
    }
    return 0;
}

static int take_file(struct archive_entries *entries, struct archive_member *member,
                     const struct tar_reader_entry *entry, struct lpipe_error *err)
{
    member->offset = entry->offset + entry->headers_size;
    member->size = entry->size;
    (void)archive_name_digest(member->name, member->named);
    entries->member = member;
    entries->decided = false;
    entries->head_size = 0;
    return check_document_size(member, err);
}

static bool is_link(char type)
{
    return type == '1' || type == '2';
}

/* Adds the member of an entry; name is taken. */
static int add_member(struct archive_entries *entries, char *name,
                      const struct tar_reader_entry *entry, struct lpipe_error *err)
{
    struct archive_member *member = NULL;
    int status = archive_members_add(entries->members, name, &member, err);
    if (status != 0) {
        return status;
    }
    return is_link(entry->type) ? take_link(member, entry, err)
                                : take_file(entries, member, entry, err);
}

static int take_entry(void *ctx, const struct tar_reader_entry *entry, struct lpipe_error *err)
{
    struct archive_entries *entries = ctx;
    AUTO_FREE char *name = NULL;
    entries->member = NULL;
    if (entry->type == 'g') {
        return 0;
    }
    bool is_file = (entry->type == '0' || entry->type == '7') && !entry->is_sparse;
    if (!is_file && entry->type != '5' && !is_link(entry->type)) {
        return fail_entry(entry, "is neither a file nor a directory nor a link", err);
    }
    int status = archive_name_clean(entry->path, &name, err);
    if (status == 0 && !archive_name_fits(name, entry->type == '5')) {
        status = fail_entry(entry, "cannot be in one", err);
    }
    if (status != 0 || entry->type == '5') {
        return status;
    }
    if (name[0] == '\0') {
        return fail_entry(entry, "has no name", err);
    }
    return add_member(entries, TAKE(name), entry, err);
}

static bool is_zero_block(const unsigned char *head, size_t size)
{
    return size == TAR_BLOCK_BYTES && head[0] == 0 && memcmp(head, head + 1, size - 1) == 0;
}

static enum archive_content recognise(const unsigned char *head, size_t size,
                                      enum codec_kind *ret_codec)
{
    *ret_codec = codec_recognise(head, size, NULL);
    if (*ret_codec != CODEC_NONE) {
        return ARCHIVE_CONTENT_COMPRESSED;
    }
    if (size == TAR_BLOCK_BYTES && (tar_header_checksum_good(head) || is_zero_block(head, size))) {
        return ARCHIVE_CONTENT_TAR;
    }
    /* JSON must not begin with a byte order mark, but the parser's message says that better. */
    size_t blank = size > 3 && memcmp(head, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
    while (blank < size && (head[blank] == ' ' || (head[blank] >= '\t' && head[blank] <= '\r'))) {
        blank++;
    }
    return blank < size && (head[blank] == '{' || head[blank] == '[') ? ARCHIVE_CONTENT_JSON
                                                                      : ARCHIVE_CONTENT_OTHER;
}

/* A blob that does not fit any more is stored like a layer, which is right if it is no manifest.
 * Space for one of the lists of images is left. */
static bool is_kept(const struct archive_entries *entries, enum archive_content content)
{
    const struct archive_member *member = entries->member;
    return is_document(member->name) ||
           (content == ARCHIVE_CONTENT_JSON && member->size <= ARCHIVE_JSON_BYTES_MAX &&
            (member->named[0] == '\0' || entries->kept_bytes + member->size <=
                                             ARCHIVE_KEPT_BYTES_MAX - ARCHIVE_JSON_BYTES_MAX));
}

static int keep(struct archive_entries *entries, const void *data, size_t size,
                struct lpipe_error *err)
{
    entries->kept_bytes += size;
    if (entries->kept_bytes > ARCHIVE_KEPT_BYTES_MAX) {
        return fail(err, LPIPE_TOO_LARGE,
                    "the JSON members of the image archive have more than %zu bytes",
                    ARCHIVE_KEPT_BYTES_MAX);
    }
    return buf_append(&entries->member->bytes, data, size) == 0 ? 0 : fail_memory(err);
}

static int give(struct archive_entries *entries, const void *data, size_t size,
                struct lpipe_error *err)
{
    const struct archive_sink *sink = entries->sink;
    return size == 0       ? 0
           : entries->kept ? keep(entries, data, size, err)
                           : sink->write(sink->ctx, data, size, err);
}

/* Decides by the first bytes, and passes them on. */
static int decide(struct archive_entries *entries, struct lpipe_error *err)
{
    const struct archive_sink *sink = entries->sink;
    struct archive_member *member = entries->member;
    enum archive_content content = recognise(entries->head, entries->head_size, &member->codec);
    int status = 0;
    entries->decided = true;
    entries->kept = is_kept(entries, content);
    if (entries->kept) {
        member->bytes = (struct buf)BUF_INIT((size_t)member->size);
    } else {
        status = sink->begin(sink->ctx, member, content, err);
    }
    return status == 0 ? give(entries, entries->head, entries->head_size, err) : status;
}

static int take_contents(void *ctx, const void *data, size_t size, struct lpipe_error *err)
{
    struct archive_entries *entries = ctx;
    const unsigned char *bytes = data;
    if (entries->member == NULL) {
        return 0;
    }
    if (!entries->decided) {
        size_t used = MIN_OF(size, sizeof entries->head - entries->head_size);
        memcpy(entries->head + entries->head_size, bytes, used);
        entries->head_size += used;
        bytes += used;
        size -= used;
        int status = entries->head_size == sizeof entries->head ? decide(entries, err) : 0;
        if (status != 0) {
            return status;
        }
    }
    return give(entries, bytes, size, err);
}

/* Computes the digest of kept bytes, and compares it with the one that the name says. */
static int finish_kept(struct archive_member *member, struct lpipe_error *err)
{
    enum digest_alg alg = member->named[0] != '\0' ? digest_alg_of(member->named) : DIGEST_SHA256;
    int status = digest_of(alg, member->bytes.data != NULL ? member->bytes.data : "",
                           member->bytes.size, member->stored.digest, err);
    if (status != 0) {
        return status;
    }
    if (member->named[0] != '\0' && strcmp(member->named, member->stored.digest) != 0) {
        return fail(err, LPIPE_INTEGRITY,
                    "the contents of %s in the image archive have the digest "
                    "%s",
                    member->name, member->stored.digest);
    }
    member->state = ARCHIVE_KEPT;
    member->stored.size = member->bytes.size;
    return 0;
}

static int take_entry_end(void *ctx, struct lpipe_error *err)
{
    struct archive_entries *entries = ctx;
    if (entries->member == NULL) {
        return 0;
    }
    int status = entries->decided ? 0 : decide(entries, err);
    struct archive_member *member = TAKE(entries->member);
    if (status != 0) {
        return status;
    }
    return entries->kept ? finish_kept(member, err) : entries->sink->end(entries->sink->ctx, err);
}

void archive_entries_sink(struct archive_entries *entries, struct tar_reader_sink *ret_sink)
{
    *ret_sink = (struct tar_reader_sink){
        .entry = take_entry, .contents = take_contents, .entry_end = take_entry_end, .ctx = entries
    };
}
