/* SPDX-License-Identifier: Apache-2.0 */
/* Parses manifests and indexes. */
#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"
#include "oci/json_read.h"
#include "oci/json_write.h"
#include "oci/manifest.h"

/* Keys that must not be written in another letter case: see json_check_case(). */
static const char *const MANIFEST_KEYS[] = { "schemaVersion", "mediaType",   "artifactType",
                                             "config",        "layers",      "manifests",
                                             "subject",       "annotations", "fsLayers",
                                             "history",       NULL };
static const char *const ITEM_KEYS[] = { "mediaType", "digest",       "size",        "urls", "data",
                                         "platform",  "artifactType", "annotations", NULL };

/* Copies a text; a text that does not fit is refused. */
static int copy_text(const struct json_node *object, const char *key, char *buf, size_t buf_size,
                     struct lpipe_error *err)
{
    const char *text = "";
    int found = json_get_text(object, key, &text, err);
    if (found == 1 && strlen(text) >= buf_size) {
        struct json_node node = json_node_member(object, key);
        return json_fail(&node, err, "longer than %zu characters", buf_size - 1);
    }
    if (found == 1) {
        (void)snprintf(buf, buf_size, "%s", text);
    }
    return found;
}

static int read_media_type(const struct json_node *object, char *buf, struct lpipe_error *err)
{
    int found = copy_text(object, "mediaType", buf, MEDIA_TYPE_SIZE, err);
    if (found == 1 && !media_type_valid(buf, strlen(buf))) {
        struct json_node node = json_node_member(object, "mediaType");
        return json_fail(&node, err, "not a media type");
    }
    return found;
}

static int read_digest(const struct json_node *object, char *buf, struct lpipe_error *err)
{
    const char *text = NULL;
    struct json_node node = json_node_member(object, "digest");
    int status = json_node_require(&node, JSON_KIND_TEXT, err);
    if (status != 0) {
        return status;
    }
    text = json_node_text(&node);
    if (!digest_valid(text)) {
        return json_fail(&node, err, "not a sha256 or sha512 digest in lower-case hex");
    }
    (void)snprintf(buf, DIGEST_TEXT_SIZE, "%s", text);
    return 0;
}

static int read_size(const struct json_node *object, uint64_t *ret_size, struct lpipe_error *err)
{
    int found = json_get_size(object, "size", ret_size, err);
    if (found == 0) {
        struct json_node node = json_node_member(object, "size");
        return json_fail(&node, err, "missing");
    }
    return found < 0 ? found : 0;
}

static int read_platform(const struct json_node *item, struct platform *ret_platform,
                         struct lpipe_error *err)
{
    struct json_node node = json_node_member(item, "platform");
    struct platform platform = { "", "", "", "" };
    int found = json_node_is(&node, JSON_KIND_OBJECT, err);
    if (found != 1) {
        return found;
    }
    const struct {
        const char *key;
        char *buf;
        size_t size;
    } fields[] = {
        { "os", platform.os, sizeof platform.os },
        { "architecture", platform.arch, sizeof platform.arch },
        { "variant", platform.variant, sizeof platform.variant },
        { "os.version", platform.os_version, sizeof platform.os_version },
    };
    for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
        found = copy_text(&node, fields[i].key, fields[i].buf, fields[i].size, err);
        if (found < 0) {
            return found;
        }
    }
    platform_normalise(&platform);
    *ret_platform = platform;
    return 0;
}

/* Every annotation must have a text as its value. ret_annotations may be NULL: then they are only
 * checked. */
static int read_annotations(const struct json_node *object, struct string_map *ret_annotations,
                            struct lpipe_error *err)
{
    struct json_node node = json_node_member(object, "annotations");
    int found = json_node_is(&node, JSON_KIND_OBJECT, err);
    if (found != 1) {
        return found;
    }
    for (const char *key = json_next_key(&node, NULL); key != NULL;
         key = json_next_key(&node, key)) {
        struct json_node entry = json_node_member(&node, key);
        int status = json_node_require(&entry, JSON_KIND_TEXT, err);
        if (status == 0 && ret_annotations != NULL) {
            status = string_map_set(ret_annotations, key, json_node_text(&entry), err);
        }
        if (status != 0) {
            return status;
        }
    }
    return 0;
}

static int read_item(const struct json_node *node, struct manifest_item *ret_item,
                     struct lpipe_error *err)
{
    struct manifest_item item = { .source = node->value };
    int status = json_node_require(node, JSON_KIND_OBJECT, err);
    if (status == 0) {
        status = json_check_case(node, ITEM_KEYS, err);
    }
    if (status == 0) {
        int found = read_media_type(node, item.descriptor.media_type, err);
        struct json_node type = json_node_member(node, "mediaType");
        status = found == 0 ? json_fail(&type, err, "missing") : found < 0 ? found : 0;
    }
    if (status == 0) {
        status = read_digest(node, item.descriptor.digest, err);
    }
    if (status == 0) {
        status = read_size(node, &item.descriptor.size, err);
    }
    if (status == 0) {
        status = read_annotations(node, NULL, err);
    }
    if (status == 0) {
        status = read_platform(node, &item.platform, err);
    }
    if (status == 0) {
        int found = json_get_text(node, "artifactType", &item.artifact_type, err);
        status = found < 0 ? found : 0;
    }
    if (status == 0) {
        *ret_item = item;
    }
    return status;
}

static int read_items(const struct json_node *top, const char *key, size_t count_max,
                      struct manifest *manifest, struct lpipe_error *err)
{
    struct json_node array = json_node_member(top, key);
    int status = json_node_require(&array, JSON_KIND_ARRAY, err);
    size_t count = status == 0 ? json_node_count(&array) : 0;
    if (status == 0 && count > count_max) {
        return fail(err, LPIPE_TOO_LARGE, "%s: %zu entries are more than the %zu allowed", key,
                    count, count_max);
    }
    manifest->items = mem_new_array(count + 1, sizeof *manifest->items);
    if (status == 0 && manifest->items == NULL) {
        return fail_memory(err);
    }
    for (size_t i = 0; i < count && status == 0; i++) {
        struct json_node entry = json_node_entry(&array, i);
        status = read_item(&entry, &manifest->items[i], err);
    }
    manifest->item_count = count;
    return status;
}

static bool has(const struct json_node *top, const char *key)
{
    return json_node_member(top, key).value != NULL;
}

/* True for an index, also for one whose empty list a Go program wrote as null. */
static bool looks_like_index(const struct json_node *top)
{
    struct json_node list = json_node_member(top, "manifests");
    return list.value != NULL || (list.is_null && !has(top, "config"));
}

/* Refuses a document that another program could read as another kind. */
static int check_shape(const struct json_node *top, enum manifest_kind kind,
                       struct lpipe_error *err)
{
    static const char *const refused[][5] = {
        [MANIFEST_KIND_IMAGE] = { "manifests", "fsLayers", "history", NULL },
        [MANIFEST_KIND_INDEX] = { "config", "layers", "fsLayers", "history", NULL },
    };
    for (size_t i = 0; refused[kind][i] != NULL; i++) {
        if (has(top, refused[kind][i])) {
            struct json_node node = json_node_member(top, refused[kind][i]);
            return json_fail(&node, err, "does not belong in an image %s",
                             kind == MANIFEST_KIND_INDEX ? "index" : "manifest");
        }
    }
    return 0;
}

/* Sets kind, family and media type: from mediaType, else from the announced Content-Type, else from
 * the fields. mediaType and Content-Type must be equal when both are given. */
static int decide_type(const struct json_node *top, const char *announced,
                       struct manifest *manifest, struct lpipe_error *err)
{
    char inner[MEDIA_TYPE_SIZE] = "";
    int found = read_media_type(top, inner, err);
    if (found < 0) {
        return found;
    }
    struct json_node node = json_node_member(top, "mediaType");
    if (found == 1 && announced[0] != '\0' && strcmp(inner, announced) != 0) {
        return json_fail(&node, err, "is %s, but its descriptor or Content-Type says %s", inner,
                         announced);
    }
    const char *type = found == 1 ? inner : announced;
    if (type[0] == '\0') {
        type = media_type_name(MEDIA_FAMILY_OCI,
                               looks_like_index(top) ? MEDIA_ROLE_INDEX : MEDIA_ROLE_MANIFEST);
    }
    enum media_role role = media_type_role(type, &manifest->family);
    if (text_starts(type, MEDIA_TYPE_SCHEMA1_PREFIX) ||
        (role != MEDIA_ROLE_INDEX && has(top, "fsLayers"))) {
        return fail(err, LPIPE_UNSUPPORTED,
                    "the image is in Docker's old schema 1 format; convert it to schema 2 or OCI "
                    "and push it again");
    }
    if (role != MEDIA_ROLE_INDEX && role != MEDIA_ROLE_MANIFEST) {
        return json_fail(&node, err, "%s is neither an image manifest nor an index", type);
    }
    if (manifest->family == MEDIA_FAMILY_DOCKER && found == 0) {
        return json_fail(&node, err, "missing, which Docker's format does not allow");
    }
    manifest->kind = role == MEDIA_ROLE_INDEX ? MANIFEST_KIND_INDEX : MANIFEST_KIND_IMAGE;
    (void)snprintf(manifest->media_type, sizeof manifest->media_type, "%s", type);
    return 0;
}

static int check_version(const struct json_node *top, struct lpipe_error *err)
{
    uint64_t version = 0;
    int found = json_get_size(top, "schemaVersion", &version, err);
    if (found >= 0 && version == 1) {
        return fail(err, LPIPE_UNSUPPORTED,
                    "the image is in Docker's old schema 1 format; convert it to schema 2 or OCI "
                    "and push it again");
    }
    if (found >= 0 && version != 2) {
        struct json_node node = json_node_member(top, "schemaVersion");
        return json_fail(&node, err, "must be 2");
    }
    return found < 0 ? found : 0;
}

static int read_subject(const struct json_node *top, struct manifest *manifest,
                        struct lpipe_error *err)
{
    struct json_node node = json_node_member(top, "subject");
    if (node.value == NULL) {
        return 0;
    }
    manifest->has_subject = true;
    return read_item(&node, &manifest->subject, err);
}

static int read_body(const struct json_node *top, struct manifest *manifest,
                     struct lpipe_error *err)
{
    int status = check_shape(top, manifest->kind, err);
    if (status == 0 && manifest->kind == MANIFEST_KIND_INDEX) {
        status = read_items(top, "manifests", INDEX_ENTRIES_MAX, manifest, err);
    } else if (status == 0) {
        struct json_node config = json_node_member(top, "config");
        status = read_item(&config, &manifest->config, err);
        if (status == 0) {
            status = read_items(top, "layers", LAYERS_MAX, manifest, err);
        }
    }
    if (status == 0) {
        status = read_subject(top, manifest, err);
    }
    if (status == 0) {
        status = read_annotations(top, &manifest->annotations, err);
    }
    if (status == 0) {
        int found = json_get_text(top, "artifactType", &manifest->artifact_type, err);
        status = found < 0 ? found : 0;
    }
    return status;
}

int manifest_parse(const struct document *document, struct manifest **ret_manifest,
                   struct lpipe_error *err)
{
    struct json_doc doc AUTO_JSON_DOC = JSON_DOC_INIT;
    int status = json_doc_parse(document->bytes.data, document->bytes.size, MANIFEST_BYTES_MAX,
                                "manifest", LPIPE_PROTOCOL, &doc, err);
    if (status != 0) {
        return status;
    }
    struct manifest *manifest AUTO_MANIFEST = NEW(struct manifest);
    if (manifest == NULL) {
        return fail_memory(err);
    }
    struct json_node top = json_node_root(&doc);
    status = json_check_case(&top, MANIFEST_KEYS, err);
    if (status == 0) {
        status = check_version(&top, err);
    }
    if (status == 0) {
        status = decide_type(&top, document->descriptor.media_type, manifest, err);
    }
    if (status == 0) {
        status = read_body(&top, manifest, err);
    }
    if (status == 0) {
        manifest->root = TAKE(doc.root);
        *ret_manifest = TAKE(manifest);
    }
    return status;
}

struct manifest *manifest_free(struct manifest *manifest)
{
    if (manifest != NULL) {
        string_map_dispose(&manifest->annotations);
        json_unref(&manifest->root);
        free(manifest->items);
        free(manifest);
    }
    return NULL;
}
