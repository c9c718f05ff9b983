/* SPDX-License-Identifier: Apache-2.0 */
#include "archive/docker_manifest.h"

#include "base/limits.h"

/* An array of texts; it may be absent or null. */
static int check_texts(const struct json_node *image, const char *key, struct lpipe_error *err)
{
    struct json_node list = json_node_member(image, key);
    int status = json_node_is(&list, JSON_KIND_ARRAY, err);
    for (size_t i = 0; status == 1 && i < json_node_count(&list); i++) {
        struct json_node entry = json_node_entry(&list, i);
        int wrong = json_node_require(&entry, JSON_KIND_TEXT, err);
        status = wrong != 0 ? wrong : 1;
    }
    return status < 0 ? status : 0;
}

static int check_image(const struct json_node *image, struct lpipe_error *err)
{
    static const char *const known[] = { "Config", "RepoTags", "Layers", NULL };
    struct json_node config = json_node_member(image, "Config");
    struct json_node layers = json_node_member(image, "Layers");
    int status = json_node_require(image, JSON_KIND_OBJECT, err);
    status = status == 0 ? json_check_case(image, known, err) : status;
    status = status == 0 ? json_node_require(&config, JSON_KIND_TEXT, err) : status;
    status = status == 0 ? check_texts(image, "Layers", err) : status;
    status = status == 0 ? check_texts(image, "RepoTags", err) : status;
    if (status == 0 && json_node_count(&layers) > LAYERS_MAX) {
        status = json_fail(&layers, err, "more than %d layers", LAYERS_MAX);
    }
    return status;
}

int docker_manifest_parse(const char *text, size_t size, struct docker_manifest *ret_manifest,
                          struct lpipe_error *err)
{
    struct docker_manifest manifest AUTO_DOCKER_MANIFEST = DOCKER_MANIFEST_INIT;
    int status =
        json_list_parse(text, size, ARCHIVE_JSON_BYTES_MAX, "manifest.json of the image archive",
                        LPIPE_NOT_TAR, &manifest.doc, err);
    if (status != 0) {
        return status;
    }
    struct json_node top = json_node_root(&manifest.doc);
    for (size_t i = 0; i < json_node_count(&top) && status == 0; i++) {
        struct json_node image = json_node_entry(&top, i);
        status = check_image(&image, err);
    }
    if (status == 0 && json_node_count(&top) == 0) {
        status = json_fail(&top, err, "it names no image");
    }
    if (status == 0) {
        *ret_manifest = manifest;
        manifest = (struct docker_manifest)DOCKER_MANIFEST_INIT;
    }
    return status;
}

void docker_manifest_dispose(struct docker_manifest *manifest)
{
    json_doc_dispose(&manifest->doc);
}

size_t docker_manifest_count(const struct docker_manifest *manifest)
{
    struct json_node top = json_node_root(&manifest->doc);
    return json_node_count(&top);
}

const char *docker_manifest_config(const struct docker_manifest *manifest, size_t image)
{
    struct json_node top = json_node_root(&manifest->doc);
    struct json_node object = json_node_entry(&top, image);
    struct json_node config = json_node_member(&object, "Config");
    return json_node_text(&config);
}

static size_t count_of(const struct docker_manifest *manifest, size_t image, const char *key)
{
    struct json_node top = json_node_root(&manifest->doc);
    struct json_node object = json_node_entry(&top, image);
    struct json_node list = json_node_member(&object, key);
    return json_node_count(&list);
}

static const char *text_of(const struct docker_manifest *manifest, size_t image, const char *key,
                           size_t index)
{
    struct json_node top = json_node_root(&manifest->doc);
    struct json_node object = json_node_entry(&top, image);
    struct json_node list = json_node_member(&object, key);
    struct json_node entry = json_node_entry(&list, index);
    return json_node_text(&entry);
}

size_t docker_manifest_layer_count(const struct docker_manifest *manifest, size_t image)
{
    return count_of(manifest, image, "Layers");
}

const char *docker_manifest_layer(const struct docker_manifest *manifest, size_t image,
                                  size_t layer)
{
    return text_of(manifest, image, "Layers", layer);
}

size_t docker_manifest_tag_count(const struct docker_manifest *manifest, size_t image)
{
    return count_of(manifest, image, "RepoTags");
}

const char *docker_manifest_tag(const struct docker_manifest *manifest, size_t image, size_t tag)
{
    return text_of(manifest, image, "RepoTags", tag);
}
