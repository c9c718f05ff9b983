/* SPDX-License-Identifier: Apache-2.0 */
/* Changes index.json: takes the lock, reads the file, merges the new entry, writes a temporary file
 * and renames it. Before the rename it checks that index.json has not changed, because other
 * programs do not take the lock. If it has changed, the merge starts again with the new content. */
#include "layout/layout_merge.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/fd.h"
#include "base/limits.h"
#include "layout/layout_index.h"
#include "oci/json_write.h"
#include "oci/media_type.h"

#define OCI_LAYOUT_TEXT "{\"imageLayoutVersion\":\"1.0.0\"}"

static int write_file(const struct layout *layout, const char *name, const char *text, size_t size,
                      struct lpipe_error *err)
{
    struct layout_temp temp AUTO_LAYOUT_TEMP = LAYOUT_TEMP_INIT;
    int status = layout_temp_new(layout, &temp, err);
    if (status == 0) {
        status = layout_temp_write(&temp, text, size, err);
    }
    if (status == 0) {
        status = layout_temp_sync(&temp, err);
    }
    return status == 0 ? layout_temp_publish(&temp, layout->fd, name, err) : status;
}

static int write_empty_index(const struct layout *layout, struct lpipe_error *err)
{
    AUTO_BUF struct buf bytes = BUF_INIT(KIB);
    struct json_t *root AUTO_JSON = json_new_object();
    int status = json_set_size(root, "schemaVersion", 2);
    status |= json_set_text(root, "mediaType", media_type_name(MEDIA_FAMILY_OCI, MEDIA_ROLE_INDEX));
    status |= json_set_value(root, "manifests", json_new_array());
    if (status != 0 || json_write(root, &bytes) != 0) {
        return fail_memory(err);
    }
    return write_file(layout, "index.json", bytes.data, bytes.size, err);
}

static void close_dir(DIR **dir)
{
    if (*dir != NULL) {
        (void)closedir(*dir);
    }
}

/* True when the directory has only files that an interrupted run can have left. */
static bool has_no_other_files(const struct layout *layout)
{
    int fd = openat(layout->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir CLEANUP(close_dir) = fd < 0 ? NULL : fdopendir(fd);
    bool empty = dir != NULL;
    if (dir == NULL) {
        fd_close(&fd);
        return false;
    }
    for (const struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir)) {
        const char *name = entry->d_name;
        empty = empty && (strcmp(name, ".") == 0 || strcmp(name, "..") == 0 ||
                          strcmp(name, "blobs") == 0 || strcmp(name, "index.json") == 0 ||
                          strcmp(name, "lost+found") == 0 || layout_is_temp_name(name));
    }
    return empty;
}

/* oci-layout is written last: a directory without it is not a layout yet. */
static int make_layout(const struct layout *layout, struct lpipe_error *err)
{
    struct json_doc doc AUTO_JSON_DOC = JSON_DOC_INIT;
    AUTO_FD int blobs = -1;
    struct stat info;
    if (!has_no_other_files(layout)) {
        return fail_with_advice(
            err, LPIPE_OUTPUT_IO,
            "%s is neither empty nor an OCI image layout; use another directory", layout->dir);
    }
    int found = layout_index_load(layout, &doc, &info, err);
    if (found < 0) {
        return found;
    }
    struct json_node top = json_node_root(&doc);
    struct json_node entries = json_node_member(&top, "manifests");
    if (json_node_count(&entries) > 0) {
        return fail_with_advice(
            err, LPIPE_OUTPUT_IO,
            "%s has an index.json with images but no oci-layout; make it again, or use another "
            "directory",
            layout->dir);
    }
    int opened = layout_blobs_open(layout, EMPTY_JSON_DIGEST, true, &blobs, err);
    int status = opened < 0 ? opened : found == 1 ? 0 : write_empty_index(layout, err);
    return status == 0
               ? write_file(layout, "oci-layout", OCI_LAYOUT_TEXT, sizeof OCI_LAYOUT_TEXT - 1, err)
               : status;
}

int layout_index_prepare(const struct layout *layout, struct lpipe_error *err)
{
    AUTO_FD int lock = -1;
    AUTO_FD int blobs = -1;
    int status = layout_lock(layout, &lock, err);
    int found = status == 0 ? layout_version_check(layout, err) : status;
    if (found == 0) {
        status = make_layout(layout, err);
    } else if (found == 1) {
        status = layout_index_check(layout, err);
        found = status == 0 ? layout_blobs_open(layout, EMPTY_JSON_DIGEST, true, &blobs, err) : 0;
    }
    if (found < 0) {
        return found;
    }
    if (status == 0) {
        layout_remove_stale(layout);
    }
    return status;
}

/* Sets what names the manifest; other members stay. Takes entry; NULL when out of memory. */
static struct json_t *describe(struct json_t *entry, const struct descriptor *manifest)
{
    int status = json_set_text(entry, "mediaType", manifest->media_type);
    status |= json_set_text(entry, "digest", manifest->digest);
    status |= json_set_size(entry, "size", manifest->size);
    if (status != 0) {
        json_unref(&entry);
    }
    return entry;
}

static int set_tag(struct json_t *entry, const char *tag)
{
    struct json_t *annotations = json_member(entry, "annotations");
    if (annotations != NULL) {
        return json_set_text(annotations, LAYOUT_TAG_KEY, tag);
    }
    annotations = json_new_object();
    int status = json_set_text(annotations, LAYOUT_TAG_KEY, tag);
    return status | json_set_value(entry, "annotations", annotations);
}

static bool is_same(const char *a, const char *b)
{
    return a != NULL && b != NULL && strcmp(a, b) == 0;
}

/* The entries for a manifest and a tag. */
struct matches {
    size_t tagged;      /* index of the first entry with the tag; entry count = none */
    size_t tagged_more; /* how many more entries have the tag */
    size_t untagged; /* index of the first entry with the digest and no tag; entry count = none */
    bool has_digest; /* an entry has the digest */
    bool is_current; /* the first entry with the tag has the digest */
};

/* True if an entry has all that read_entry() needs: other programs may have left something out. */
static bool is_complete(const struct json_node *entry, const struct descriptor *manifest)
{
    const char *type = NULL;
    uint64_t size = 0;
    return json_get_size(entry, "size", &size, NULL) == 1 && size == manifest->size &&
           json_get_text(entry, "mediaType", &type, NULL) == 1 &&
           is_same(type, manifest->media_type);
}

static struct matches find_matches(const struct json_doc *doc, const struct descriptor *manifest,
                                   const char *tag)
{
    struct json_node top = json_node_root(doc);
    struct json_node entries = json_node_member(&top, "manifests");
    size_t count = json_node_count(&entries);
    struct matches matches = { .tagged = count, .untagged = count };
    for (size_t i = 0; i < count; i++) {
        struct json_node entry = json_node_entry(&entries, i);
        const char *entry_tag = layout_entry_tag(&entry);
        bool same = is_same(layout_entry_digest(&entry), manifest->digest);
        matches.has_digest = matches.has_digest || same;
        if (tag != NULL && is_same(entry_tag, tag)) {
            matches.tagged_more += matches.tagged < count ? 1 : 0;
            matches.is_current =
                matches.tagged < count ? matches.is_current : same && is_complete(&entry, manifest);
            matches.tagged = MIN_OF(matches.tagged, i);
        } else if (same && entry_tag == NULL) {
            matches.untagged = MIN_OF(matches.untagged, i);
        }
    }
    return matches;
}

/* The entry for the manifest: its existing entry without a tag, else a new one. */
static struct json_t *entry_for(const struct json_node *entries, const struct matches *matches,
                                const struct descriptor *manifest, const char *tag)
{
    bool reuse = tag != NULL && matches->untagged < json_node_count(entries);
    struct json_node untagged = json_node_entry(entries, matches->untagged);
    struct json_t *entry = describe(reuse ? json_ref(untagged.value) : json_new_object(), manifest);
    if (tag != NULL && set_tag(entry, tag) != 0) {
        json_unref(&entry);
    }
    return entry;
}

/* The new list of entries. The old entries keep their order. The manifest's entry replaces the
 * first entry with its tag, else its entry without a tag, else it is the last one. NULL when out of
 * memory. */
static struct json_t *merged_entries(const struct json_doc *doc, const struct matches *matches,
                                     const struct descriptor *manifest, const char *tag)
{
    struct json_node top = json_node_root(doc);
    struct json_node entries = json_node_member(&top, "manifests");
    size_t count = json_node_count(&entries);
    size_t target = matches->tagged < count ? matches->tagged
                    : tag != NULL           ? matches->untagged
                                            : count;
    struct json_t *list = json_new_array();
    int status = list == NULL ? LPIPE_NO_MEMORY : 0;
    for (size_t i = 0; i <= count && status == 0; i++) {
        struct json_node entry = json_node_entry(&entries, i);
        bool replaced =
            tag != NULL && (i == matches->untagged || is_same(layout_entry_tag(&entry), tag));
        if (i == target) {
            status = json_add_value(list, entry_for(&entries, matches, manifest, tag));
        } else if (i < count && !replaced) {
            status = json_add_shared(list, entry.value);
        }
    }
    if (status != 0) {
        json_unref(&list);
    }
    return list;
}

/* Puts one entry into the list of a document. Sets *ret_changed if that changed it. */
static int merge_entry(struct json_doc *doc, const struct layout_entry *entry, bool *ret_changed)
{
    struct matches matches = find_matches(doc, &entry->manifest, entry->tag);
    bool is_unchanged =
        entry->tag == NULL ? matches.has_digest : matches.is_current && matches.tagged_more == 0;
    if (is_unchanged) {
        return 0;
    }
    struct json_t *list = merged_entries(doc, &matches, &entry->manifest, entry->tag);
    *ret_changed = true;
    return list == NULL ? LPIPE_NO_MEMORY : json_set_value(doc->root, "manifests", list);
}

/* Makes the bytes of the new index.json; none when nothing changes. */
static int merge(struct json_doc *doc, const struct layout_entries *entries, struct buf *bytes,
                 struct lpipe_error *err)
{
    bool changed = false;
    int status = 0;
    for (size_t i = 0; i < entries->count && status == 0; i++) {
        status = merge_entry(doc, &entries->items[i], &changed);
    }
    status = status == 0 && changed ? json_write(doc->root, bytes) : status;
    if (status == LPIPE_TOO_LARGE) {
        return fail(err, status, "index.json would be larger than %zu bytes", bytes->size_max);
    }
    return status == 0 ? 0 : fail_memory(err);
}

static bool is_same_file(const struct layout *layout, const struct stat *before)
{
    struct stat now;
    return fstatat(layout->fd, "index.json", &now, AT_SYMLINK_NOFOLLOW) == 0 &&
           now.st_ino == before->st_ino && now.st_dev == before->st_dev &&
           now.st_size == before->st_size && now.st_mtim.tv_sec == before->st_mtim.tv_sec &&
           now.st_mtim.tv_nsec == before->st_mtim.tv_nsec;
}

/* 1 = done, 0 = another program changed the file at the same time. */
static int try_put(const struct layout *layout, const struct layout_entries *entries,
                   struct lpipe_error *err)
{
    struct layout_temp temp AUTO_LAYOUT_TEMP = LAYOUT_TEMP_INIT;
    struct json_doc doc AUTO_JSON_DOC = JSON_DOC_INIT;
    AUTO_BUF struct buf bytes = BUF_INIT(LAYOUT_INDEX_BYTES_MAX);
    struct stat before;
    int found = layout_index_load(layout, &doc, &before, err);
    if (found != 1) {
        return found < 0 ? found
                         : fail(err, LPIPE_OUTPUT_IO, "index.json of the layout %s was removed",
                                layout->dir);
    }
    int status = merge(&doc, entries, &bytes, err);
    if (status != 0 || bytes.size == 0) {
        return status != 0 ? status : 1;
    }
    status = layout_temp_new(layout, &temp, err);
    if (status == 0) {
        status = layout_temp_write(&temp, bytes.data, bytes.size, err);
    }
    if (status == 0) {
        status = layout_temp_sync(&temp, err);
    }
    if (status != 0 || !is_same_file(layout, &before)) {
        return status;
    }
    status = layout_temp_publish(&temp, layout->fd, "index.json", err);
    return status == 0 ? 1 : status;
}

int layout_index_put(const struct layout *layout, const struct layout_entries *entries,
                     struct lpipe_error *err)
{
    AUTO_FD int lock = -1;
    int status = layout_lock(layout, &lock, err);
    for (int attempt = 0; status == 0 && attempt < LAYOUT_MERGE_ATTEMPTS; attempt++) {
        int done = try_put(layout, entries, err);
        if (done != 0) {
            return done < 0 ? done : 0;
        }
    }
    return status != 0 ? status
                       : fail_with_advice(
                             err, LPIPE_OUTPUT_IO,
                             "other programs changed index.json of the layout %s during each of "
                             "%d attempts "
                             "to change it; try again",
                             layout->dir, LAYOUT_MERGE_ATTEMPTS);
}
