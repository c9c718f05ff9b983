/* SPDX-License-Identifier: Apache-2.0 */
#include "image/image_descriptor.h"

#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "oci/json_read.h"

static int take_text(const struct json_node *top, const char *key, bool required, char *buf,
                     size_t buf_size, struct lpipe_error *err)
{
    const char *text = NULL;
    int found = json_get_text(top, key, &text, err);
    struct json_node node = json_node_member(top, key);
    if (found == 0 && required) {
        return json_fail(&node, err, "missing");
    }
    if (found == 1 && strlen(text) >= buf_size) {
        return json_fail(&node, err, "longer than %zu bytes", buf_size - 1);
    }
    if (found == 1) {
        (void)snprintf(buf, buf_size, "%s", text);
    }
    return MIN_OF(found, 0);
}

static int take_size(const struct json_node *top, const char *key, bool required,
                     uint64_t *ret_size, struct lpipe_error *err)
{
    int found = json_get_size(top, key, ret_size, err);
    struct json_node node = json_node_member(top, key);
    return found == 0 && required ? json_fail(&node, err, "missing") : MIN_OF(found, 0);
}

/* Takes as many annotations as a result has places for. */
static int take_annotations(const struct json_node *top, struct lpipe_layer_result *layer,
                            struct lpipe_error *err)
{
    struct json_node node = json_node_member(top, "annotations");
    int found = json_node_is(&node, JSON_KIND_OBJECT, err);
    for (const char *key = found == 1 ? json_next_key(&node, NULL) : NULL; key != NULL;
         key = json_next_key(&node, key)) {
        struct lpipe_annotation *to = &layer->annotations[layer->annotation_count];
        if (layer->annotation_count == LPIPE_LAYER_ANNOTATIONS_MAX) {
            return json_fail(&node, err, "more than %d members", LPIPE_LAYER_ANNOTATIONS_MAX);
        }
        if (strlen(key) >= sizeof to->key) {
            return json_fail(&node, err, "a key is longer than %zu bytes", sizeof to->key - 1);
        }
        (void)snprintf(to->key, sizeof to->key, "%s", key);
        found = take_text(&node, key, true, to->value, sizeof to->value, err);
        if (found != 0) {
            return found;
        }
        layer->annotation_count++;
    }
    return MIN_OF(found, 0);
}

int image_descriptor_parse(const char *json, size_t size, struct lpipe_layer_result *ret_layer,
                           struct lpipe_error *err)
{
    struct json_doc doc AUTO_JSON_DOC = JSON_DOC_INIT;
    struct lpipe_layer_result layer = LPIPE_LAYER_RESULT_INIT;
    int status = json_doc_parse(json, size, DESCRIPTOR_FILE_BYTES_MAX, "layer descriptor",
                                LPIPE_INVALID_ARGUMENT, &doc, err);
    if (status != 0) {
        return status;
    }
    struct json_node top = json_node_root(&doc);
    status = take_text(&top, "mediaType", true, layer.media_type, sizeof layer.media_type, err);
    if (status == 0) {
        status = take_text(&top, "digest", true, layer.digest, sizeof layer.digest, err);
    }
    if (status == 0) {
        status = take_size(&top, "size", true, &layer.size, err);
    }
    if (status == 0) {
        status = take_text(&top, "diffId", false, layer.diff_id, sizeof layer.diff_id, err);
    }
    if (status == 0) {
        status = take_size(&top, "uncompressedSize", false, &layer.uncompressed_size, err);
    }
    if (status == 0) {
        status = take_annotations(&top, &layer, err);
    }
    if (status == 0) {
        *ret_layer = layer;
    }
    return status;
}
