/* SPDX-License-Identifier: Apache-2.0 */
/* Writes manifests and indexes. */
#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "oci/json_read.h"
#include "oci/json_write.h"
#include "oci/manifest.h"

/* Optional keys of a descriptor, in the order in which they are written. */
static const char *const EXTRA_KEYS[] = { "data", "urls", "annotations", "platform",
                                          "artifactType" };

void manifest_empty_descriptor(struct descriptor *ret_descriptor)
{
    *ret_descriptor = (struct descriptor){ .size = EMPTY_JSON_SIZE };
    (void)snprintf(ret_descriptor->media_type, MEDIA_TYPE_SIZE, "%s",
                   media_type_name(MEDIA_FAMILY_OCI, MEDIA_ROLE_EMPTY));
    (void)snprintf(ret_descriptor->digest, DIGEST_TEXT_SIZE, "%s", EMPTY_JSON_DIGEST);
}

static bool layers_are_missing(const struct manifest_spec *spec)
{
    return spec->artifact_type != NULL && spec->layer_count == 0;
}

bool manifest_needs_empty(const struct manifest_spec *spec)
{
    return spec->config == NULL || layers_are_missing(spec);
}

static struct json_t *string_map_json(const struct string_map *map)
{
    struct json_t *object = json_new_object();
    int status = object == NULL ? LPIPE_NO_MEMORY : 0;
    for (size_t i = 0; i < map->count; i++) {
        status |= json_set_text(object, map->items[i].key, map->items[i].value);
    }
    if (status != 0) {
        json_unref(&object);
    }
    return object;
}

static int set_annotations(struct json_t *object, const struct string_map *map)
{
    return map == NULL || map->count == 0
               ? 0
               : json_set_value(object, "annotations", string_map_json(map));
}

static struct json_t *platform_json(const struct platform *platform)
{
    const struct {
        const char *key, *text;
    } members[] = { { "architecture", platform->arch },
                    { "os", platform->os },
                    { "os.version", platform->os_version },
                    { "variant", platform->variant } };
    struct json_t *object = json_new_object();
    int status = object == NULL ? LPIPE_NO_MEMORY : 0;
    for (size_t i = 0; i < ARRAY_LEN(members); i++) {
        if (members[i].text[0] != '\0') {
            status |= json_set_text(object, members[i].key, members[i].text);
        }
    }
    if (status != 0) {
        json_unref(&object);
    }
    return object;
}

/* A descriptor: its own fields first, then the optional fields of its source. */
static struct json_t *item_json(const struct manifest_item *item, const char *media_type)
{
    struct json_t *object = json_new_object();
    int status = json_set_text(object, "mediaType", media_type);
    status |= json_set_size(object, "size", item->descriptor.size);
    status |= json_set_text(object, "digest", item->descriptor.digest);
    for (size_t i = 0; i < ARRAY_LEN(EXTRA_KEYS); i++) {
        const struct json_t *value = json_member(item->source, EXTRA_KEYS[i]);
        if (item->annotations != NULL && strcmp(EXTRA_KEYS[i], "annotations") == 0) {
            status |= set_annotations(object, item->annotations);
        } else if (value != NULL) {
            status |= json_set_shared(object, EXTRA_KEYS[i], value);
        } else if (item->platform.os[0] != '\0' && item->source == NULL &&
                   strcmp(EXTRA_KEYS[i], "platform") == 0) {
            status |= json_set_value(object, "platform", platform_json(&item->platform));
        } else if (item->artifact_type != NULL && strcmp(EXTRA_KEYS[i], "artifactType") == 0) {
            status |= json_set_text(object, "artifactType", item->artifact_type);
        }
    }
    if (status != 0) {
        json_unref(&object);
    }
    return object;
}

static struct json_t *descriptor_json(const struct descriptor *descriptor, const char *media_type)
{
    struct manifest_item item = { .descriptor = *descriptor };
    return item_json(&item, media_type != NULL ? media_type : descriptor->media_type);
}

static int check_spec(const struct manifest_spec *spec, struct lpipe_error *err)
{
    bool docker = spec->family == MEDIA_FAMILY_DOCKER;
    if (spec->config == NULL && spec->artifact_type == NULL) {
        return fail(err, LPIPE_INVALID_ARGUMENT,
                    "a manifest with the empty config needs an artifact type");
    }
    if (spec->artifact_type != NULL &&
        !media_type_valid(spec->artifact_type, strlen(spec->artifact_type))) {
        return fail(err, LPIPE_INVALID_ARGUMENT, "the artifact type is not a media type");
    }
    const char *what = spec->artifact_type != NULL ? "an artifact type"
                       : spec->subject != NULL     ? "a subject"
                       : spec->annotations != NULL && spec->annotations->count > 0 ? "annotations"
                                                                                   : NULL;
    if (docker && what != NULL) {
        return fail(err, LPIPE_INVALID_ARGUMENT,
                    "Docker's manifest format does not have %s; use the OCI format", what);
    }
    if (spec->layer_count > LAYERS_MAX) {
        return fail(err, LPIPE_TOO_LARGE, "%zu layers are more than the %d allowed",
                    spec->layer_count, LAYERS_MAX);
    }
    for (size_t i = 0; i < spec->layer_count; i++) {
        const char *type = spec->layers[i].descriptor.media_type;
        if (media_type_in_family(type, spec->family) == NULL) {
            return fail(err, LPIPE_INVALID_ARGUMENT,
                        "layer %zu has the media type %s, which Docker's format does not have; use "
                        "the OCI format",
                        i + 1, type);
        }
    }
    return 0;
}

static int finish_document(struct json_t *root, const char *media_type,
                           struct document *ret_document, struct lpipe_error *err)
{
    AUTO_BUF struct buf bytes = BUF_INIT(MANIFEST_BYTES_MAX);
    int status = json_write(root, &bytes);
    if (status == LPIPE_TOO_LARGE) {
        return fail(err, LPIPE_TOO_LARGE,
                    "the manifest would be larger than the %zu bytes that registries accept",
                    MANIFEST_BYTES_MAX);
    }
    return status != 0 ? fail_memory(err)
                       : document_make(&bytes, media_type, NULL, ret_document, err);
}

static struct json_t *layers_json(const struct manifest_spec *spec)
{
    struct descriptor empty;
    struct json_t *layers = json_new_array();
    int status = layers == NULL ? LPIPE_NO_MEMORY : 0;
    for (size_t i = 0; i < spec->layer_count; i++) {
        const char *type = spec->layers[i].descriptor.media_type;
        status |= json_add_value(
            layers, item_json(&spec->layers[i], media_type_in_family(type, spec->family)));
    }
    if (layers_are_missing(spec)) {
        manifest_empty_descriptor(&empty);
        status |= json_add_value(layers, descriptor_json(&empty, NULL));
    }
    if (status != 0) {
        json_unref(&layers);
    }
    return layers;
}

int manifest_write(const struct manifest_spec *spec, struct document *ret_document,
                   struct lpipe_error *err)
{
    struct descriptor empty;
    const char *type = media_type_name(spec->family, MEDIA_ROLE_MANIFEST);
    const struct descriptor *config = spec->config != NULL ? spec->config : &empty;
    int status = check_spec(spec, err);
    if (status != 0) {
        return status;
    }
    manifest_empty_descriptor(&empty);
    struct json_t *root AUTO_JSON = json_new_object();
    status = json_set_size(root, "schemaVersion", 2);
    status |= json_set_text(root, "mediaType", type);
    status |= json_set_value(
        root, "config",
        descriptor_json(config, media_type_in_family(config->media_type, spec->family)));
    status |= json_set_value(root, "layers", layers_json(spec));
    status |= set_annotations(root, spec->annotations);
    if (spec->subject != NULL) {
        status |= json_set_value(root, "subject", descriptor_json(spec->subject, NULL));
    }
    if (spec->artifact_type != NULL) {
        status |= json_set_text(root, "artifactType", spec->artifact_type);
    }
    return status != 0 ? fail_memory(err) : finish_document(root, type, ret_document, err);
}

static int check_index_spec(const struct index_spec *spec, struct lpipe_error *err)
{
    if (spec->item_count > INDEX_ENTRIES_MAX) {
        return fail(err, LPIPE_TOO_LARGE, "%zu entries are more than the %d allowed in an index",
                    spec->item_count, INDEX_ENTRIES_MAX);
    }
    if (spec->family == MEDIA_FAMILY_OCI) {
        return 0;
    }
    if (spec->annotations != NULL && spec->annotations->count > 0) {
        return fail(err, LPIPE_INVALID_ARGUMENT,
                    "Docker's manifest list does not have annotations; use the OCI format");
    }
    for (size_t i = 0; i < spec->item_count; i++) {
        enum media_family family = MEDIA_FAMILY_OCI;
        const char *type = spec->items[i].descriptor.media_type;
        if (media_type_role(type, &family) != MEDIA_ROLE_MANIFEST ||
            family != MEDIA_FAMILY_DOCKER) {
            return fail(err, LPIPE_INVALID_ARGUMENT,
                        "%s has the media type %s, which Docker's manifest list cannot name; use "
                        "the OCI format",
                        spec->items[i].descriptor.digest, type);
        }
    }
    return 0;
}

static struct json_t *items_json(const struct index_spec *spec)
{
    struct json_t *children = json_new_array();
    int status = children == NULL ? LPIPE_NO_MEMORY : 0;
    for (size_t i = 0; i < spec->item_count; i++) {
        const struct manifest_item *item = &spec->items[i];
        status |= json_add_value(children, item_json(item, item->descriptor.media_type));
    }
    if (status != 0) {
        json_unref(&children);
    }
    return children;
}

/* Sets a member as the old index has it. */
static int keep_member(struct json_t *root, const struct index_spec *spec, const char *key)
{
    const struct json_t *value = spec->old != NULL ? json_member(spec->old->root, key) : NULL;
    return value != NULL ? json_set_shared(root, key, value) : 0;
}

int manifest_write_index(const struct index_spec *spec, struct document *ret_document,
                         struct lpipe_error *err)
{
    const char *type = media_type_name(spec->family, MEDIA_ROLE_INDEX);
    int status = check_index_spec(spec, err);
    if (status != 0) {
        return status;
    }
    struct json_t *root AUTO_JSON = json_new_object();
    status = json_set_size(root, "schemaVersion", 2);
    status |= json_set_text(root, "mediaType", type);
    status |= keep_member(root, spec, "artifactType");
    status |= json_set_value(root, "manifests", items_json(spec));
    status |= keep_member(root, spec, "subject");
    status |= set_annotations(root, spec->annotations);
    return status != 0 ? fail_memory(err) : finish_document(root, type, ret_document, err);
}
