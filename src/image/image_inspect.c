/* SPDX-License-Identifier: Apache-2.0 */
#include "image/image_inspect.h"

#include "base/limits.h"
#include "base/mem.h"
#include "image/image_fetch.h"
#include "image/image_text.h"
#include "image/store_open.h"
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
    return status != 0 || json_write(object, text) == 0 ? status : fail_memory(err);
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
    }
    return status == 0 ? 0 : fail_context(err, status, "%s", ref->name);
}

int image_inspect(lpipe_client *client, const lpipe_ref *ref, const struct platform *platform,
                  bool as_json, char **ret_text, struct lpipe_error *err)
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
    AUTO_FREE char *reference =
        mem_printf("%s@%s", store->name, fetched.document.descriptor.digest);
    if (reference == NULL) {
        return fail_memory(err);
    }
    const struct image_view view = { reference, &fetched, config.bytes.size > 0 ? &config : NULL };
    status = as_json ? write_json(&view, &text, err) : image_text(&view, &text, err);
    if (status == 0) {
        *ret_text = buf_take(&text);
        status = *ret_text == NULL ? fail_memory(err) : 0;
    }
    return status;
}
