/* SPDX-License-Identifier: Apache-2.0 */
#include "image/image_text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "base/macros.h"
#include "base/mem.h"
#include "base/text.h"
#include "oci/json_read.h"

#define LABEL_WIDTH 15

/* The text and the first failure to append to it (no memory, or too large). image_text() checks it
 * once at the end. */
struct page {
    struct buf *text;
    int status;
};

static void page_text(struct page *page, const char *text)
{
    page->status = page->status != 0 ? page->status : buf_append_text(page->text, text);
}

static void page_printable(struct page *page, const char *text)
{
    size_t size = strlen(text);
    AUTO_FREE char *clean = mem_new(size + 16);
    if (clean == NULL) {
        page->status = LPIPE_NO_MEMORY;
        return;
    }
    page_text(page, text_printable(clean, size + 16, text, size));
}

static void page_label(struct page *page, const char *label)
{
    int status = buf_printf(page->text, "%-*s ", LABEL_WIDTH, label);
    page->status = page->status != 0 ? page->status : status;
}

static void page_line(struct page *page, const char *label, const char *value)
{
    if (value != NULL && value[0] != '\0') {
        page_label(page, label);
        page_printable(page, value);
        page_text(page, "\n");
    }
}

/* "size 83995563 bytes (84.0 MB)" */
static void page_size(struct page *page, const char *label, uint64_t size)
{
    static const char *const units[] = { "bytes", "kB", "MB", "GB", "TB", "PB", "EB" };
    char amount[32];
    char text[64];
    int used = snprintf(text, sizeof text, "%" PRIu64 " bytes", size);
    if (size >= 1000) {
        (void)snprintf(text + used, sizeof text - (size_t)used, " (%s)",
                       text_size(amount, sizeof amount, size, 1000, units, ARRAY_LEN(units)));
    }
    page_line(page, label, text);
}

/* "KEY=VALUE" lines; only the first line has the label. */
static void page_map(struct page *page, const char *label, const struct string_map *map)
{
    for (size_t i = 0; i < map->count; i++) {
        page_label(page, i == 0 ? label : "");
        page_printable(page, map->items[i].key);
        page_text(page, "=");
        page_printable(page, map->items[i].value);
        page_text(page, "\n");
    }
}

/* The texts of an array, one per line. */
static void page_list(struct page *page, const char *label, const struct json_node *array)
{
    for (size_t i = 0; i < json_node_count(array); i++) {
        struct json_node entry = json_node_entry(array, i);
        const char *text = json_node_text(&entry);
        page_line(page, i == 0 ? label : "", text != NULL ? text : "?");
    }
}

/* The texts of an array on one line, each in quotes. */
static void page_command(struct page *page, const char *label, const struct json_node *array)
{
    size_t count = json_node_count(array);
    for (size_t i = 0; i < count; i++) {
        struct json_node entry = json_node_entry(array, i);
        const char *text = json_node_text(&entry);
        if (i == 0) {
            page_label(page, label);
        }
        page_text(page, i == 0 ? "\"" : " \"");
        page_printable(page, text != NULL ? text : "?");
        page_text(page, i + 1 == count ? "\"\n" : "\"");
    }
}

/* The keys of an object; KEY=VALUE when the value is a text. */
static void page_members(struct page *page, const char *label, const struct json_node *object)
{
    bool first = true;
    for (const char *key = json_next_key(object, NULL); key != NULL;
         key = json_next_key(object, key)) {
        struct json_node value = json_node_member(object, key);
        const char *text = json_node_text(&value);
        page_label(page, first ? label : "");
        page_printable(page, key);
        page_text(page, text != NULL ? "=" : "");
        page_printable(page, text != NULL ? text : "");
        page_text(page, "\n");
        first = false;
    }
}

static void page_member_text(struct page *page, const char *label, const struct json_node *object,
                             const char *key)
{
    struct json_node node = json_node_member(object, key);
    page_line(page, label, json_node_text(&node));
}

static void page_platform(struct page *page, const struct platform *platform)
{
    char text[PLATFORM_TEXT_SIZE];
    if (platform->os[0] != '\0') {
        page_line(page, "platform", platform_text(platform, text));
    }
}

static void page_settings(struct page *page, const struct json_node *settings)
{
    struct json_node entrypoint = json_node_member(settings, "Entrypoint");
    struct json_node cmd = json_node_member(settings, "Cmd");
    struct json_node env = json_node_member(settings, "Env");
    struct json_node ports = json_node_member(settings, "ExposedPorts");
    struct json_node volumes = json_node_member(settings, "Volumes");
    struct json_node labels = json_node_member(settings, "Labels");
    page_command(page, "entrypoint", &entrypoint);
    page_command(page, "cmd", &cmd);
    page_member_text(page, "user", settings, "User");
    page_member_text(page, "workdir", settings, "WorkingDir");
    page_list(page, "env", &env);
    page_members(page, "port", &ports);
    page_members(page, "volume", &volumes);
    page_member_text(page, "stop signal", settings, "StopSignal");
    page_members(page, "label", &labels);
}

static void page_config(struct page *page, const struct json_node *config)
{
    struct json_node os = json_node_member(config, "os");
    struct json_node arch = json_node_member(config, "architecture");
    struct json_node variant = json_node_member(config, "variant");
    struct json_node settings = json_node_member(config, "config");
    page_label(page, "platform");
    page_printable(page, json_node_text(&os) != NULL ? json_node_text(&os) : "?");
    page_text(page, "/");
    page_printable(page, json_node_text(&arch) != NULL ? json_node_text(&arch) : "?");
    if (json_node_text(&variant) != NULL) {
        page_text(page, "/");
        page_printable(page, json_node_text(&variant));
    }
    page_text(page, "\n");
    page_member_text(page, "created", config, "created");
    page_member_text(page, "author", config, "author");
    page_settings(page, &settings);
}

/* What the layer offers to programs that pull it lazily. */
static void page_table(struct page *page, const struct layer_table *table)
{
    char text[160] = "";
    size_t size = 0;
    const char *name = layer_table_name(table);
    if (name == NULL) {
        return;
    }
    if (table->is_read) {
        size += (size_t)snprintf(text, sizeof text, "; %" PRIu64 " entries, %" PRIu64 " %s",
                                 table->entries, table->chunks,
                                 table->kind == LAYER_TABLE_SOCI ? "spans" : "chunks");
    }
    if (table->index_bytes > 0) {
        (void)snprintf(text + size, sizeof text - size, "%s %" PRIu64 " bytes",
                       size > 0 ? "," : ";", table->index_bytes);
    }
    page_label(page, "lazy pull");
    page_text(page, name);
    page_text(page, text);
    page_text(page, "\n");
}

/* Where the history is, while the layers are shown. */
struct history {
    struct json_node entries;
    size_t next;
    size_t layers_without; /* they come first, as in an image that is made with this one as base */
};

static bool history_has_layer(const struct json_node *entries, size_t index)
{
    struct json_node entry = json_node_entry(entries, index);
    bool is_empty = false;
    return json_get_bool(&entry, "empty_layer", &is_empty, NULL) <= 0 || !is_empty;
}

/* A history of more layers than there are is not shown: it does not say which layer is which. */
static void history_begin(struct history *history, size_t layer_count)
{
    size_t count = json_node_count(&history->entries);
    size_t with_layer = 0;
    for (size_t i = 0; i < count; i++) {
        with_layer += history_has_layer(&history->entries, i) ? 1 : 0;
    }
    history->layers_without = layer_count - MIN_OF(with_layer, layer_count);
    history->next = with_layer > layer_count ? count : 0;
}

/* What has made the next layer. */
static void page_history(struct page *page, struct history *history)
{
    size_t count = json_node_count(&history->entries);
    if (history->layers_without > 0) {
        history->layers_without--;
        return;
    }
    while (history->next < count && !history_has_layer(&history->entries, history->next)) {
        history->next++;
    }
    if (history->next < count) {
        struct json_node entry = json_node_entry(&history->entries, history->next++);
        page_member_text(page, "created by", &entry, "created_by");
    }
}

/* number: of a layer, as `cat --layer` counts; 0 = none. */
static void page_item(struct page *page, const char *kind, size_t number,
                      const struct manifest_item *item)
{
    char label[LABEL_WIDTH + 1];
    (void)snprintf(label, sizeof label, number > 0 ? "%s %zu" : "%s", kind, number);
    page_text(page, "\n");
    page_line(page, label, item->descriptor.digest);
    page_line(page, "media type", item->descriptor.media_type);
    page_size(page, "size", item->descriptor.size);
    page_platform(page, &item->platform);
    page_line(page, "artifact type", item->artifact_type);
}

static uint64_t size_of_all(const struct manifest *manifest)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < manifest->item_count; i++) {
        uint64_t size = manifest->items[i].descriptor.size;
        sum = size > UINT64_MAX - sum ? UINT64_MAX : sum + size;
    }
    return sum;
}

int image_text(const struct image_view *view, struct buf *text, struct lpipe_error *err)
{
    struct json_doc doc AUTO_JSON_DOC = JSON_DOC_INIT;
    struct json_node config = { 0 };
    struct history history = { 0 };
    struct page page = { .text = text };
    const struct manifest *manifest = view->fetched->manifest;
    const struct descriptor *descriptor = &view->fetched->document.descriptor;
    bool is_index = manifest->kind == MANIFEST_KIND_INDEX;
    page_line(&page, "reference", view->reference);
    page_line(&page, "media type", descriptor->media_type);
    page_size(&page, "manifest size", descriptor->size);
    if (!is_index) {
        page_size(&page, "layers size", size_of_all(manifest));
    }
    page_line(&page, "artifact type", manifest->artifact_type);
    page_line(&page, "subject", manifest->has_subject ? manifest->subject.descriptor.digest : NULL);
    page_map(&page, "annotation", &manifest->annotations);
    page_line(&page, "config", is_index ? NULL : manifest->config.descriptor.digest);
    if (view->config != NULL) {
        int status = json_doc_parse(view->config->bytes.data, view->config->bytes.size,
                                    CONFIG_BYTES_MAX, "image config", LPIPE_PROTOCOL, &doc, err);
        if (status != 0) {
            return status;
        }
        config = json_node_root(&doc);
        history.entries = json_node_member(&config, "history");
        page_config(&page, &config);
    }
    history_begin(&history, manifest->item_count);
    for (size_t i = 0; i < manifest->item_count; i++) {
        page_item(&page, is_index ? "manifest" : "layer", is_index ? 0 : i + 1,
                  &manifest->items[i]);
        page_history(&page, &history);
        if (view->tables != NULL) {
            page_table(&page, &view->tables[i]);
        }
    }
    return page.status == 0 ? 0 : fail_memory(err);
}
