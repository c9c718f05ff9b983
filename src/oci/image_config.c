/* SPDX-License-Identifier: Apache-2.0 */
/* Parses and checks a base's config, makes a new one, adds layers, writes the config. */
#include "oci/image_config.h"

#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "oci/image_config_tree.h"
#include "oci/json_read.h"
#include "oci/json_write.h"

/* Order of the keys of a new config, and of the keys that are added to a base's config. Go programs
 * write this order too, so equal images get equal image IDs. Go programs read these keys in any
 * letter case: see json_unify_case(). */
static const char *const CONFIG_KEY_ORDER[] = { "architecture", "author",  "created",
                                                "history",      "os",      "rootfs",
                                                "config",       "variant", NULL };
static const char *const SETTINGS_KEY_ORDER[] = { "Cmd",        "Entrypoint",   "Env",
                                                  "Labels",     "User",         "Volumes",
                                                  "WorkingDir", "ExposedPorts", "StopSignal",
                                                  NULL };
static const char *const ROOTFS_KEYS[] = { "type", "diff_ids", NULL };

/* The order in which keys are set does not matter, because image_config_write() sorts them. Only
 * in "rootfs" it does: its keys are written as they were set. */
int image_config_new(const struct platform *platform, struct image_config **ret_config,
                     struct lpipe_error *err)
{
    struct image_config *config AUTO_IMAGE_CONFIG = NEW(struct image_config);
    struct json_t *rootfs = json_new_object();
    int status = json_set_text(rootfs, "type", "layers");
    status |= json_set_value(rootfs, "diff_ids", json_new_array());
    if (config == NULL) {
        json_unref(&rootfs);
        return fail_memory(err);
    }
    config->root = json_new_object();
    status |= json_set_text(config->root, "architecture", platform->arch);
    status |= json_set_text(config->root, "os", platform->os);
    status |= json_set_value(config->root, "rootfs", rootfs);
    status |= json_set_value(config->root, "config", json_new_object());
    if (platform->variant[0] != '\0') {
        status |= json_set_text(config->root, "variant", platform->variant);
    }
    if (status != 0) {
        return fail_memory(err);
    }
    *ret_config = TAKE(config);
    return 0;
}

struct image_config *image_config_free(struct image_config *config)
{
    if (config != NULL) {
        json_unref(&config->root);
        json_unref(&config->base);
        free(config);
    }
    return NULL;
}

/* rootfs.diff_ids must have one valid digest for each layer; null is the same as an empty array. */
static int check_diff_ids(const struct json_node *top, size_t layer_count, struct lpipe_error *err)
{
    struct json_node rootfs = json_node_member(top, "rootfs");
    int status = json_node_require(&rootfs, JSON_KIND_OBJECT, err);
    if (status == 0) {
        status = json_unify_case(&rootfs, ROOTFS_KEYS, err);
    }
    struct json_node ids = json_node_member(&rootfs, "diff_ids");
    int found = status == 0 ? json_node_is(&ids, JSON_KIND_ARRAY, err) : status;
    if (found < 0) {
        return found;
    }
    size_t count = json_node_count(&ids);
    if (count != layer_count) {
        return json_fail(&ids, err, "%zu entries for the %zu layers of the manifest", count,
                         layer_count);
    }
    for (size_t i = 0; i < count; i++) {
        struct json_node entry = json_node_entry(&ids, i);
        status = json_node_require(&entry, JSON_KIND_TEXT, err);
        if (status == 0 && !digest_valid(json_node_text(&entry))) {
            status = json_fail(&entry, err, "not a sha256 or sha512 digest in lower-case hex");
        }
        if (status != 0) {
            return status;
        }
    }
    return 0;
}

/* The history is optional and decides nothing, so the number of its entries does not matter: Docker
 * writes images with fewer entries than layers. */
static int check_history(const struct json_node *top, struct lpipe_error *err)
{
    struct json_node history = json_node_member(top, "history");
    int found = json_node_is(&history, JSON_KIND_ARRAY, err);
    for (size_t i = 0; found == 1 && i < json_node_count(&history); i++) {
        struct json_node entry = json_node_entry(&history, i);
        bool empty = false;
        int status = json_node_require(&entry, JSON_KIND_OBJECT, err);
        int got = status == 0 ? json_get_bool(&entry, "empty_layer", &empty, err) : status;
        found = got < 0 ? got : 1;
    }
    return found < 0 ? found : 0;
}

/* The fields that image_edit_apply() can change must have the JSON types of the specification. */
static int check_settings(const struct json_node *top, struct lpipe_error *err)
{
    static const struct {
        const char *key;
        enum json_kind kind;
    } fields[] = {
        { "Env", JSON_KIND_ARRAY },           { "Entrypoint", JSON_KIND_ARRAY },
        { "Cmd", JSON_KIND_ARRAY },           { "Labels", JSON_KIND_OBJECT },
        { "ExposedPorts", JSON_KIND_OBJECT }, { "Volumes", JSON_KIND_OBJECT },
        { "User", JSON_KIND_TEXT },           { "WorkingDir", JSON_KIND_TEXT },
        { "StopSignal", JSON_KIND_TEXT },
    };
    struct json_node settings = json_node_member(top, "config");
    int found = json_node_is(&settings, JSON_KIND_OBJECT, err);
    int unified = found == 1 ? json_unify_case(&settings, SETTINGS_KEY_ORDER, err) : 0;
    if (unified != 0) {
        return unified;
    }
    for (size_t i = 0; found == 1 && i < ARRAY_LEN(fields); i++) {
        struct json_node node = json_node_member(&settings, fields[i].key);
        int status = json_node_is(&node, fields[i].kind, err);
        if (status < 0) {
            return status;
        }
    }
    return found < 0 ? found : 0;
}

static int check_texts(const struct json_node *top, const char *const *keys,
                       struct lpipe_error *err)
{
    for (size_t i = 0; keys[i] != NULL; i++) {
        struct json_node node = json_node_member(top, keys[i]);
        int found = json_node_is(&node, JSON_KIND_TEXT, err);
        if (found < 0) {
            return found;
        }
    }
    return 0;
}

static const char *const PLATFORM_TEXTS[] = { "architecture", "os", "variant", NULL };

/* What every reader of a config needs. Members that nobody reads may be anything. */
static int check_image(const struct json_node *top, size_t layer_count, struct lpipe_error *err)
{
    static const char *const read_keys[] = { "architecture", "os",     "variant",
                                             "os.version",   "rootfs", NULL };
    int status = json_unify_case(top, read_keys, err);
    status = status == 0 ? check_texts(top, PLATFORM_TEXTS, err) : status;
    return status == 0 ? check_diff_ids(top, layer_count, err) : status;
}

/* What edits change, and texts that they keep without reading them. */
static int check_edited(const struct json_node *top, struct lpipe_error *err)
{
    static const char *const kept[] = { "created", "author" };
    int status = json_unify_case(top, CONFIG_KEY_ORDER, err);
    for (size_t i = 0; i < ARRAY_LEN(kept) && status == 0; i++) {
        struct json_node node = json_node_member(top, kept[i]);
        status = MIN_OF(json_node_is_string(&node, err), 0);
    }
    return status == 0 ? check_settings(top, err) : status;
}

static int parse(const struct document *document, size_t layer_count, bool will_edit,
                 struct image_config **ret_config, struct lpipe_error *err)
{
    struct json_doc doc AUTO_JSON_DOC = JSON_DOC_INIT;
    int status = json_doc_parse(document->bytes.data, document->bytes.size, CONFIG_BYTES_MAX,
                                "image config", LPIPE_PROTOCOL, &doc, err);
    if (status != 0) {
        return status;
    }
    struct json_node top = json_node_root(&doc);
    status = check_image(&top, layer_count, err);
    status = status == 0 && will_edit ? check_edited(&top, err) : status;
    status = status == 0 && will_edit ? check_history(&top, err) : status;
    if (status != 0) {
        return status;
    }
    struct image_config *config AUTO_IMAGE_CONFIG = NEW(struct image_config);
    if (config == NULL) {
        return fail_memory(err);
    }
    config->root = TAKE(doc.root);
    config->base = json_clone(config->root);
    if (config->base == NULL) {
        return fail_memory(err);
    }
    *ret_config = TAKE(config);
    return 0;
}

int image_config_parse(const struct document *document, size_t layer_count,
                       struct image_config **ret_config, struct lpipe_error *err)
{
    return parse(document, layer_count, true, ret_config, err);
}

int image_config_read(const struct document *document, size_t layer_count,
                      struct image_config **ret_config, struct lpipe_error *err)
{
    return parse(document, layer_count, false, ret_config, err);
}

/* Gives root the member that old has, or none. */
static int take_member(struct json_t *root, const struct json_t *old, const char *key)
{
    const struct json_t *value = json_member(old, key);
    json_remove(root, key);
    return value != NULL ? json_set_shared(root, key, value) : 0;
}

/* Gives root what describes the image and not the settings. */
static int keep_members(struct json_t *root, const struct json_t *old)
{
    static const char *const image_keys[] = { "rootfs", "history", "created" };
    static const char *const platform_keys[] = { "architecture", "os", "variant", "os.version" };
    bool has_platform =
        json_member(root, "architecture") != NULL && json_member(root, "os") != NULL;
    int status = 0;
    for (size_t i = 0; i < ARRAY_LEN(image_keys); i++) {
        status |= take_member(root, old, image_keys[i]);
    }
    for (size_t i = 0; i < ARRAY_LEN(platform_keys) && !has_platform; i++) {
        if (json_member(root, platform_keys[i]) == NULL) {
            status |= take_member(root, old, platform_keys[i]);
        }
    }
    return status;
}

/* At least one of these tells a config from any other JSON object. */
static int check_is_config(const struct json_node *top, struct lpipe_error *err)
{
    static const char *const keys[] = { "config", "architecture", "os", "rootfs" };
    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        if (json_node_member(top, keys[i]).value != NULL) {
            return 0;
        }
    }
    return fail(err, LPIPE_INVALID_ARGUMENT,
                "this is not an image config: it has none of the members config, architecture, os "
                "and rootfs");
}

int image_config_replace(struct image_config *config, const char *json, size_t size,
                         struct lpipe_error *err)
{
    struct json_doc doc AUTO_JSON_DOC = JSON_DOC_INIT;
    int status = json_doc_parse(json, size, CONFIG_BYTES_MAX, "image config",
                                LPIPE_INVALID_ARGUMENT, &doc, err);
    if (status != 0) {
        return status;
    }
    struct json_node top = json_node_root(&doc);
    status = json_unify_case(&top, CONFIG_KEY_ORDER, err);
    status = status == 0 ? check_is_config(&top, err) : status;
    status = status == 0 ? check_texts(&top, PLATFORM_TEXTS, err) : status;
    status = status == 0 ? check_edited(&top, err) : status;
    if (status != 0) {
        return status;
    }
    struct json_t *order AUTO_JSON = json_clone(doc.root);
    if (order == NULL || keep_members(doc.root, config->root) != 0) {
        return fail_memory(err);
    }
    json_unref(&config->base);
    json_unref(&config->root);
    config->base = TAKE(order);
    config->root = TAKE(doc.root);
    config->cmd_set = false;
    return 0;
}

static struct json_t *diff_ids_of(const struct image_config *config)
{
    return json_member(json_member(config->root, "rootfs"), "diff_ids");
}

size_t image_config_layer_count(const struct image_config *config)
{
    return json_array_count(diff_ids_of(config));
}

const char *image_config_diff_id(const struct image_config *config, size_t index)
{
    return json_array_text(diff_ids_of(config), index);
}

int image_config_set_diff_id(struct image_config *config, size_t index, const char *diff_id,
                             struct lpipe_error *err)
{
    return json_replace_text(diff_ids_of(config), index, diff_id) == 0 ? 0 : fail_memory(err);
}

static void copy_member(const struct image_config *config, const char *key, char *buf,
                        size_t buf_size)
{
    const char *text = json_member_text(config->root, key);
    (void)snprintf(buf, buf_size, "%s", text != NULL ? text : "");
}

void image_config_platform(const struct image_config *config, struct platform *ret_platform)
{
    struct platform platform = { "", "", "", "" };
    copy_member(config, "os", platform.os, sizeof platform.os);
    copy_member(config, "architecture", platform.arch, sizeof platform.arch);
    copy_member(config, "variant", platform.variant, sizeof platform.variant);
    copy_member(config, "os.version", platform.os_version, sizeof platform.os_version);
    *ret_platform = platform;
}

int image_config_check_platform(const struct image_config *config, const struct platform *wanted,
                                struct lpipe_error *err)
{
    char wanted_text[PLATFORM_TEXT_SIZE], has_text[PLATFORM_TEXT_SIZE];
    struct platform has;
    image_config_platform(config, &has);
    platform_normalise(&has);
    if (has.os[0] == '\0' || platform_score(wanted, &has) > 0) {
        return 0;
    }
    return fail(err, LPIPE_NOT_FOUND, "the image is for %s, not for %s",
                platform_text(&has, has_text), platform_text(wanted, wanted_text));
}

int image_config_set_created(struct image_config *config, const char *created,
                             struct lpipe_error *err)
{
    return json_set_text(config->root, "created", created) == 0 ? 0 : fail_memory(err);
}

struct json_t *image_config_settings(struct image_config *config)
{
    if (json_member(config->root, "config") == NULL &&
        json_set_value(config->root, "config", json_new_object()) != 0) {
        return NULL;
    }
    return json_member(config->root, "config");
}

/* Number of history entries that have a layer. */
static size_t count_history(const struct json_t *history)
{
    size_t count = 0;
    for (size_t i = 0; i < json_array_count(history); i++) {
        count += json_member_is_true(json_array_entry(history, i), "empty_layer") ? 0 : 1;
    }
    return count;
}

/* The history array. Layers without an entry get an empty one, before all other entries: Docker
 * appends entries for its own layers to a base that has none. */
static struct json_t *history_of(struct image_config *config)
{
    struct json_t *history = json_member(config->root, "history");
    size_t layers = image_config_layer_count(config);
    size_t count = count_history(history);
    if (json_array_count(history) > 0 && count >= layers) {
        return history;
    }
    struct json_t *filled = json_new_array();
    int status = filled == NULL ? LPIPE_NO_MEMORY : 0;
    for (size_t i = count; status == 0 && i < layers; i++) {
        status = json_add_value(filled, json_new_object());
    }
    for (size_t i = 0; status == 0 && i < json_array_count(history); i++) {
        status = json_add_shared(filled, json_array_entry(history, i));
    }
    if (status != 0) {
        json_unref(&filled);
        return NULL;
    }
    return json_set_value(config->root, "history", filled) == 0
               ? json_member(config->root, "history")
               : NULL;
}

static int add_history(struct image_config *config, const struct image_history *entry, bool empty)
{
    struct json_t *history = history_of(config);
    struct json_t *object = json_new_object();
    int status = object == NULL ? LPIPE_NO_MEMORY : 0;
    if (entry->created != NULL) {
        status |= json_set_text(object, "created", entry->created);
    }
    if (entry->created_by != NULL) {
        status |= json_set_text(object, "created_by", entry->created_by);
    }
    if (entry->comment != NULL) {
        status |= json_set_text(object, "comment", entry->comment);
    }
    if (empty) {
        status |= json_set_bool(object, "empty_layer", true);
    }
    return status | json_add_value(history, object);
}

int image_config_add_layer(struct image_config *config, const char *diff_id,
                           const struct image_history *history, struct lpipe_error *err)
{
    struct json_t *rootfs = json_member(config->root, "rootfs");
    int status = add_history(config, history, false);
    if (diff_ids_of(config) == NULL) {
        status |= json_set_value(rootfs, "diff_ids", json_new_array());
    }
    status |= json_add_text(diff_ids_of(config), diff_id);
    return status == 0 ? 0 : fail_memory(err);
}

int image_config_add_history(struct image_config *config, const struct image_history *history,
                             struct lpipe_error *err)
{
    return add_history(config, history, true) == 0 ? 0 : fail_memory(err);
}

/* A copy that shares the values: first the base's keys in their order, then new keys in the order
 * of CONFIG_KEY_ORDER. NULL when out of memory. */
static struct json_t *ordered(const struct image_config *config)
{
    struct json_t *root = json_ordered(config->root, config->base, CONFIG_KEY_ORDER);
    const struct json_t *settings = json_member(config->root, "config");
    if (root != NULL && settings != NULL &&
        json_set_value(
            root, "config",
            json_ordered(settings, json_member(config->base, "config"), SETTINGS_KEY_ORDER)) != 0) {
        json_unref(&root);
    }
    return root;
}

int image_config_write(const struct image_config *config, enum media_family family,
                       struct document *ret_document, struct lpipe_error *err)
{
    AUTO_BUF struct buf bytes = BUF_INIT(CONFIG_BYTES_MAX);
    struct json_t *root AUTO_JSON = ordered(config);
    int status = root == NULL ? LPIPE_NO_MEMORY : json_write(root, &bytes);
    if (status == LPIPE_TOO_LARGE) {
        return fail(err, LPIPE_TOO_LARGE, "the image config would be larger than %zu bytes",
                    CONFIG_BYTES_MAX);
    }
    return status != 0 ? fail_memory(err)
                       : document_make(&bytes, media_type_name(family, MEDIA_ROLE_CONFIG), NULL,
                                       ret_document, err);
}
