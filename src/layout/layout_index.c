/* SPDX-License-Identifier: Apache-2.0 */
/* Reads oci-layout and index.json, and finds entries. */
#include "layout/layout_index.h"

#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"
#include "layout/layout_merge.h"
#include "oci/json_read.h"
#include "oci/media_type.h"
#include "oci/reference.h"

#define VERSION "1.0.0"

/* Parses a JSON file: 1, 0 when there is no file. */
static int read_json(const struct layout *layout, const char *name, size_t size_max,
                     struct json_doc *ret_doc, struct stat *ret_info, struct lpipe_error *err)
{
    AUTO_BUF struct buf bytes = BUF_INIT(size_max);
    char what[96];
    int found = layout_file_read(layout, layout->fd, name, &bytes, ret_info, err);
    if (found != 1) {
        return found;
    }
    (void)snprintf(what, sizeof what, "%s/%s", layout->dir, name);
    /* A link may lead to any file of the user, so no message shows its text. */
    int status = layout->read_only ? json_doc_parse_secret(bytes.data, bytes.size, size_max, what,
                                                           LPIPE_SOURCE_IO, ret_doc, err)
                                   : json_doc_parse(bytes.data, bytes.size, size_max, what,
                                                    LPIPE_OUTPUT_IO, ret_doc, err);
    return status == 0 ? 1 : status;
}

int layout_version_check(const struct layout *layout, struct lpipe_error *err)
{
    struct json_doc doc AUTO_JSON_DOC = JSON_DOC_INIT;
    const char *version = "";
    struct stat info;
    int found = read_json(layout, "oci-layout", 64 * KIB, &doc, &info, err);
    if (found != 1) {
        return found;
    }
    struct json_node top = json_node_root(&doc);
    found = json_get_text(&top, "imageLayoutVersion", &version, err);
    if (found >= 0 && strcmp(version, VERSION) != 0) {
        struct json_node node = json_node_member(&top, "imageLayoutVersion");
        return json_fail(&node, err, "must be \"" VERSION "\"");
    }
    return found;
}

/* manifests must be an array of objects, and annotations must be objects. Other fields are checked
 * when they are used. */
static int check_entries(const struct json_doc *doc, struct lpipe_error *err)
{
    struct json_node top = json_node_root(doc);
    struct json_node entries = json_node_member(&top, "manifests");
    int status = json_node_require(&entries, JSON_KIND_ARRAY, err);
    for (size_t i = 0; status == 0 && i < json_node_count(&entries); i++) {
        struct json_node entry = json_node_entry(&entries, i);
        struct json_node annotations = json_node_member(&entry, "annotations");
        status = json_node_require(&entry, JSON_KIND_OBJECT, err);
        int found = status == 0 ? json_node_is(&annotations, JSON_KIND_OBJECT, err) : status;
        status = found < 0 ? found : 0;
    }
    return status;
}

int layout_index_load(const struct layout *layout, struct json_doc *ret_doc, struct stat *ret_info,
                      struct lpipe_error *err)
{
    int found = read_json(layout, "index.json", LAYOUT_INDEX_BYTES_MAX, ret_doc, ret_info, err);
    if (found == 1) {
        int status = check_entries(ret_doc, err);
        return status == 0 ? 1 : status;
    }
    return found;
}

int layout_index_check(const struct layout *layout, struct lpipe_error *err)
{
    struct json_doc doc AUTO_JSON_DOC = JSON_DOC_INIT;
    struct stat info;
    int found = layout_version_check(layout, err);
    if (found == 0) {
        return fail(err, LPIPE_NOT_FOUND, "%s is not an OCI image layout: it has no oci-layout",
                    layout->dir);
    }
    if (found == 1) {
        found = layout_index_load(layout, &doc, &info, err);
    }
    if (found == 0) {
        return fail(err, layout_status(layout), "the layout %s has no index.json", layout->dir);
    }
    return found < 0 ? found : 0;
}

const char *layout_entry_tag(const struct json_node *entry)
{
    struct json_node annotations = json_node_member(entry, "annotations");
    struct json_node name = json_node_member(&annotations, LAYOUT_TAG_KEY);
    return json_node_text(&name);
}

const char *layout_entry_digest(const struct json_node *entry)
{
    struct json_node digest = json_node_member(entry, "digest");
    return json_node_text(&digest);
}

static bool is_same(const char *a, const char *b)
{
    return a != NULL && b != NULL && strcmp(a, b) == 0;
}

static int read_entry(const struct json_node *entry, struct descriptor *ret_manifest,
                      struct lpipe_error *err)
{
    struct descriptor found = { "", "", 0 };
    const char *type = "";
    const char *digest = layout_entry_digest(entry);
    int got = json_get_size(entry, "size", &found.size, err);
    if (got == 1) {
        got = json_get_text(entry, "mediaType", &type, err);
    }
    if (got < 0) {
        return got;
    }
    if (got == 0 || !digest_valid(digest) || !media_type_valid(type, strlen(type))) {
        return json_fail(entry, err, "needs a mediaType, a size and a valid digest");
    }
    (void)snprintf(found.media_type, sizeof found.media_type, "%s", type);
    (void)snprintf(found.digest, sizeof found.digest, "%s", digest);
    *ret_manifest = found;
    return 0;
}

/* True when oci:DIR:TAG names this tag: other programs write any text as a tag. */
static bool can_be_typed(const struct layout *layout, const char *tag)
{
    struct lpipe_ref *ref AUTO_REFERENCE = NULL;
    AUTO_FREE char *text = mem_printf("oci:%s:%s", layout->dir, tag);
    return text != NULL && reference_parse(text, 0, &ref, NULL) == 0 && is_same(ref->tag, tag) &&
           strcmp(ref->repository, layout->dir) == 0;
}

/* Appends "a, @sha256:...": the tags that can be typed, and the digests of all other images, as
 * many as fit. Returns the text that must follow it in the message. */
static const char *list_images(const struct layout *layout, const struct json_node *entries,
                               struct buf *buf)
{
    int status = 0;
    for (size_t i = 0; status == 0 && i < json_node_count(entries); i++) {
        struct json_node entry = json_node_entry(entries, i);
        const char *tag = layout_entry_tag(&entry);
        const char *digest = layout_entry_digest(&entry);
        const char *separator = buf->size > 0 ? ", " : "";
        if (tag != NULL && can_be_typed(layout, tag)) {
            status = buf_printf(buf, "%s%s", separator, tag);
        } else if (digest_valid(digest)) {
            status = buf_printf(buf, "%s@%s", separator, digest);
        }
    }
    return status != 0 ? " and more" : buf->size > 0 ? "" : "(none)";
}

static int fail_absent(const struct layout *layout, const struct json_node *entries,
                       const char *reference, struct lpipe_error *err)
{
    AUTO_BUF struct buf images = BUF_INIT(250);
    size_t count = json_node_count(entries);
    char shown[120];
    const char *rest = list_images(layout, entries, &images);
    const char *list = images.size > 0 ? images.data : "";
    if (count == 0) {
        return fail(err, LPIPE_NOT_FOUND, "the layout %s has no images", layout->dir);
    }
    if (reference[0] == '\0') {
        return fail_with_advice(
            err, LPIPE_NOT_FOUND,
            "the layout %s has %zu images; add :TAG or @DIGEST to the reference: %s%s", layout->dir,
            count, list, rest);
    }
    return fail_with_advice(
        err, LPIPE_NOT_FOUND, "the layout %s has no tag or digest %s; it has %s%s", layout->dir,
        text_printable(shown, sizeof shown, reference, strlen(reference)), list, rest);
}

int layout_index_find(const struct layout *layout, const char *reference,
                      struct descriptor *ret_manifest, struct lpipe_error *err)
{
    struct json_doc doc AUTO_JSON_DOC = JSON_DOC_INIT;
    struct stat info;
    int loaded = layout_index_load(layout, &doc, &info, err);
    if (loaded != 1) {
        return loaded < 0 ? loaded
                          : fail(err, layout_status(layout), "the layout %s has no index.json",
                                 layout->dir);
    }
    struct json_node top = json_node_root(&doc);
    struct json_node entries = json_node_member(&top, "manifests");
    size_t count = json_node_count(&entries);
    size_t match = count;
    for (size_t i = 0; i < count; i++) {
        struct json_node entry = json_node_entry(&entries, i);
        bool fits = is_same(layout_entry_tag(&entry), reference) ||
                    is_same(layout_entry_digest(&entry), reference) ||
                    (reference[0] == '\0' && count == 1);
        if (!fits) {
            continue;
        }
        struct json_node first = json_node_entry(&entries, match);
        if (match < count && !is_same(layout_entry_digest(&entry), layout_entry_digest(&first))) {
            return json_fail(&entry, err,
                             "a second image with the tag %s; use a digest instead of the tag",
                             reference);
        }
        match = MIN_OF(match, i);
    }
    struct json_node entry = json_node_entry(&entries, match);
    return match < count ? read_entry(&entry, ret_manifest, err)
                         : fail_absent(layout, &entries, reference, err);
}

int layout_index_entries(const struct layout *layout, struct descriptor_list *list,
                         struct lpipe_error *err)
{
    struct json_doc doc AUTO_JSON_DOC = JSON_DOC_INIT;
    struct stat info;
    int loaded = layout_index_load(layout, &doc, &info, err);
    struct json_node top = json_node_root(&doc);
    struct json_node entries = json_node_member(&top, "manifests");
    int status = MIN_OF(loaded, 0);
    for (size_t i = 0; loaded == 1 && status == 0 && i < json_node_count(&entries); i++) {
        struct json_node entry = json_node_entry(&entries, i);
        struct descriptor manifest = { "", "", 0 };
        if (read_entry(&entry, &manifest, NULL) == 0) {
            status = descriptor_list_add(list, &manifest, err);
        }
    }
    return status;
}
