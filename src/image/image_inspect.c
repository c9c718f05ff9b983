/* SPDX-License-Identifier: Apache-2.0 */
#include "image/image_inspect.h"

#include "base/limits.h"
#include "base/mem.h"
#include "image/image_fetch.h"
#include "image/image_text.h"
#include "image/soci_find.h"
#include "image/store_open.h"
#include "oci/image_config.h"
#include "oci/json_read.h"
#include "oci/json_write.h"
#include "oci/reference.h"
#include "registry/client.h"

/* Adds a document as it was fetched. It is parsed again here to keep the order of its keys. */
static int add_document(struct json_t *object, const char *key, const struct document *document,
                        size_t bytes_max, struct lpipe_error *err)
{
    struct json_doc doc AUTO_JSON_DOC = JSON_DOC_INIT;
    int status = json_doc_parse(document->bytes.data, document->bytes.size, bytes_max, key,
                                LPIPE_PROTOCOL, &doc, err);
    if (status != 0) {
        return status;
    }
    return json_set_shared(object, key, doc.root) == 0 ? 0 : fail_memory(err);
}

static int add_table(struct json_t *array, const struct descriptor *layer,
                     const struct layer_table *table)
{
    struct json_t *object AUTO_JSON = json_new_object();
    int status = json_set_text(object, "layer", layer->digest);
    status |= json_set_text(object, "kind", layer_table_name(table));
    if (table->is_read) {
        status |= json_set_size(object, "entries", table->entries);
        status |= json_set_size(object, table->kind == LAYER_TABLE_SOCI ? "spans" : "chunks",
                                table->chunks);
    }
    if (table->index_bytes > 0) {
        status |= json_set_size(object, "indexSize", table->index_bytes);
    }
    return status | json_add_shared(array, object);
}

/* What the layers offer to programs that pull them lazily, if there is anything. */
static int add_tables(struct json_t *object, const struct image_view *view)
{
    const struct manifest *manifest = view->fetched->manifest;
    struct json_t *array AUTO_JSON = json_new_array();
    int status = 0;
    for (size_t i = 0; view->tables != NULL && i < manifest->item_count; i++) {
        if (view->tables[i].kind != LAYER_TABLE_NONE) {
            status |= add_table(array, &manifest->items[i].descriptor, &view->tables[i]);
        }
    }
    return json_array_count(array) == 0 ? status
                                        : status | json_set_shared(object, "lazyPull", array);
}

static int write_json(const struct image_view *view, struct buf *text, struct lpipe_error *err)
{
    const struct descriptor *descriptor = &view->fetched->document.descriptor;
    struct json_t *object AUTO_JSON = json_new_object();
    int status = json_set_bytes(object, "reference", view->reference);
    status |= json_set_text(object, "mediaType", descriptor->media_type);
    status |= json_set_text(object, "digest", descriptor->digest);
    status |= json_set_size(object, "size", descriptor->size);
    if (status != 0) {
        return fail_memory(err);
    }
    status = add_document(object, "manifest", &view->fetched->document, MANIFEST_BYTES_MAX, err);
    if (status == 0 && view->config != NULL) {
        status = add_document(object, "config", view->config, CONFIG_BYTES_MAX, err);
    }
    if (status == 0 && add_tables(object, view) != 0) {
        return fail_memory(err);
    }
    return status != 0 || json_write(object, text) == 0 ? status : fail_memory(err);
}

/* What each layer offers. read: the tables are read, too. */
static int find_tables(struct store *store, const struct fetched *image, bool read,
                       struct layer_table *tables, struct lpipe_error *err)
{
    struct fetched soci AUTO_FETCHED = FETCHED_INIT;
    const struct manifest *manifest = image->manifest;
    int status = soci_index_find(store, image, read, &soci, err);
    for (size_t i = 0; i < manifest->item_count && status == 0; i++) {
        const struct manifest_item *layer = &manifest->items[i];
        layer_table_find(layer, soci.manifest, &tables[i]);
        if (read) {
            status = layer_table_read(store, &layer->descriptor, &tables[i], err);
        }
    }
    return status;
}

/* An image that is not in an index has its platform in its config. */
static int check_platform(const struct document *document, const struct manifest *manifest,
                          const struct platform *wanted, struct lpipe_error *err)
{
    struct image_config *config AUTO_IMAGE_CONFIG = NULL;
    int status = image_config_read(document, manifest->item_count, &config, err);
    return status == 0 ? image_config_check_platform(config, wanted, err) : status;
}

static int fetch(struct store *store, const lpipe_ref *ref, const struct platform *platform,
                 struct fetched *fetched, struct document *config, struct lpipe_error *err)
{
    int status = image_fetch_manifest(store, image_fetch_reference(ref), fetched, err);
    if (status == 0 && platform != NULL) {
        status = image_fetch_choose(store, platform, fetched, err);
    }
    if (status == 0 && image_has_config(fetched->manifest)) {
        status = image_fetch_config(store, fetched->manifest, config, err);
        status = status == 0 && platform != NULL
                     ? check_platform(config, fetched->manifest, platform, err)
                     : status;
    }
    return status == 0 ? 0 : fail_about(err, status, "", ref->name);
}

/* Layers are those of an image: the tags of a push with a SOCI index of version 2 name an index. */
static void notice_index(lpipe_client *client, const lpipe_ref *ref, const struct fetched *fetched,
                         uint32_t flags)
{
    if ((flags & LPIPE_INSPECT_TABLES) != 0 && fetched->manifest->kind == MANIFEST_KIND_INDEX) {
        context_notice(&client->context,
                       "%s is an index, which has no layers; `platform` shows one of its images "
                       "with its tables",
                       ref->name);
    }
}

int image_inspect(lpipe_client *client, const lpipe_ref *ref, const struct platform *platform,
                  uint32_t flags, char **ret_text, struct lpipe_error *err)
{
    CONTEXT_CALL(&client->context);
    struct store *store AUTO_STORE = NULL;
    struct fetched fetched AUTO_FETCHED = FETCHED_INIT;
    AUTO_DOCUMENT struct document config = DOCUMENT_INIT;
    AUTO_BUF struct buf text = BUF_INIT(INSPECT_BYTES_MAX);
    int status = store_open(client, ref, STORE_READ, &store, err);
    status = status == 0 ? fetch(store, ref, platform, &fetched, &config, err) : status;
    if (status != 0) {
        return status;
    }
    notice_index(client, ref, &fetched, flags);
    AUTO_FREE char *reference =
        mem_printf("%s@%s", store->name, fetched.document.descriptor.digest);
    if (reference == NULL) {
        return fail_memory(err);
    }
    AUTO_FREE struct layer_table *tables =
        mem_new_array(fetched.manifest->item_count + 1, sizeof *tables);
    if (tables == NULL) {
        return fail_memory(err);
    }
    struct image_view view = { reference, &fetched, config.bytes.size > 0 ? &config : NULL, NULL };
    if (view.config != NULL) {
        view.tables = tables;
        status = find_tables(store, &fetched, (flags & LPIPE_INSPECT_TABLES) != 0, tables, err);
        status = status == 0 ? 0 : fail_about(err, status, "", ref->name);
    }
    if (status == 0) {
        status = (flags & LPIPE_INSPECT_JSON) != 0 ? write_json(&view, &text, err)
                                                   : image_text(&view, &text, err);
    }
    if (status == 0) {
        *ret_text = buf_take(&text);
        status = *ret_text == NULL ? fail_memory(err) : 0;
    }
    return status;
}
