/* SPDX-License-Identifier: Apache-2.0 */
#include "copy/index_convert.h"

#include <string.h>

#include "base/mem.h"
#include "copy/copy_result.h"
#include "copy/copy_write.h"
#include "copy/index_build.h"
#include "image/image_push.h"
#include "image/image_soci.h"
#include "image/soci_find.h"
#include "image/store_open.h"
#include "oci/json_write.h"
#include "oci/reference.h"
#include "registry/client.h"

/* podman notes here that the layers of an image are zstd. */
#define KEY_ZSTD "io.github.containers.compression.zstd"

struct entry {
    const struct manifest_item *old;
    struct manifest_item item;
    struct json_t *source; /* of the item; owned */
    bool is_left_out;
    bool is_converted;
    struct manifest_item soci; /* the SOCI index of the image; digest "" = none */
    struct string_map soci_annotations;
};

struct index_convert {
    const struct convert_rules *rules;
    const lpipe_ref *source;
    const lpipe_ref *dest;
    struct store *from;
    const struct fetched *root;
    struct push_target target;
    struct copy_route route;
    struct entry *entries;
    size_t count;
    size_t kept_count; /* entries that are no images */
    struct lpipe_copy_result *result;
};

static void index_convert_dispose(struct index_convert *convert)
{
    for (size_t i = 0; convert->entries != NULL && i < convert->count; i++) {
        json_unref(&convert->entries[i].source);
        string_map_dispose(&convert->entries[i].soci_annotations);
    }
    free(convert->entries);
    push_target_dispose(&convert->target);
}

/* An image has a config, and layers that are tars. BuildKit's attestations have a config, too. */
static bool is_image(const struct manifest *manifest)
{
    bool found = image_has_config(manifest);
    for (size_t i = 0; found && i < manifest->item_count; i++) {
        enum media_role role = media_type_role(manifest->items[i].descriptor.media_type, NULL);
        found = role == MEDIA_ROLE_LAYER || role == MEDIA_ROLE_FOREIGN;
    }
    return found;
}

/* What is no image keeps its bytes. */
static int keep_entry(struct index_convert *convert, struct fetched *fetched,
                      struct lpipe_error *err)
{
    struct copy_graph *graph AUTO_COPY_GRAPH = NULL;
    convert->kept_count++;
    if (convert->route.is_same_store) {
        convert->result->manifest_count++;
        return 0;
    }
    int status = copy_graph_load(convert->rules->client, convert->from, fetched, &graph, err);
    status = status == 0 ? copy_write(&convert->route, graph, convert->result, err) : status;
    if (status != 0) {
        return status;
    }
    convert->result->manifest_count += graph->count;
    const struct copy_manifest child = { .document = &graph->nodes[0]->document, .as_child = true };
    return copy_write_manifest(&convert->route, &child, err);
}

/* The target of one image: an entry of the index. */
static struct push_target child_target(const struct index_convert *convert,
                                       const struct manifest *manifest)
{
    struct push_target target = convert->target;
    target.as_child = true;
    target.tags = NULL;
    target.tag_count = 0;
    target.digest = NULL;
    target.has_subject = manifest->has_subject;
    target.subject = manifest->subject.descriptor;
    return target;
}

static int note_image(struct index_convert *convert, struct entry *entry, const lpipe_image *image,
                      const struct lpipe_push_result *pushed, struct lpipe_error *err)
{
    struct descriptor *manifest = &entry->item.descriptor;
    *manifest = (struct descriptor){ .size = pushed->size };
    memcpy(manifest->media_type, pushed->media_type, sizeof manifest->media_type);
    memcpy(manifest->digest, pushed->digest, sizeof manifest->digest);
    entry->is_converted = true;
    convert->result->manifest_count++;
    convert_count(pushed, convert->result);
    if (image->soci_index.digest[0] == '\0') {
        return 0;
    }
    convert->result->manifest_count++;
    return convert->target.soci == LPIPE_SOCI_V2
               ? image_soci_item(image, manifest, &image->soci_index, &entry->soci_annotations,
                                 &entry->soci, err)
               : 0;
}

static int convert_entry(struct index_convert *convert, struct entry *entry,
                         struct fetched *fetched, struct lpipe_error *err)
{
    struct lpipe_push_options options = LPIPE_PUSH_OPTIONS_INIT;
    struct lpipe_push_result pushed = LPIPE_PUSH_RESULT_INIT;
    lpipe_image *image = NULL;
    options.soci = convert->rules->options->soci;
    struct store *store = NULL;
    int status = store_open(convert->rules->client, convert->source, STORE_READ, &store, err);
    if (status == 0) {
        status = convert_load(convert->rules, convert->source, store, fetched, &image, err);
    }
    status = status == 0 ? image_push_check(image, &options, err) : status;
    if (status == 0) {
        status = convert_layers(convert->rules, image, convert->target.soci_bytes_min, err);
    }
    if (status == 0) {
        struct push_target target = child_target(convert, image->base.fetched.manifest);
        status = image_push_into(image, &target, &pushed, err);
    }
    status = status == 0 ? note_image(convert, entry, image, &pushed, err) : status;
    image_push_result_dispose(&pushed);
    (void)image_free(image);
    return status;
}

static bool is_soci_index(const struct manifest_item *item)
{
    return item->artifact_type != NULL &&
           strcmp(item->artifact_type, soci_index_type(LPIPE_SOCI_V2)) == 0;
}

static int take_entry(struct index_convert *convert, struct entry *entry, struct lpipe_error *err)
{
    const struct descriptor *old = &entry->old->descriptor;
    struct fetched fetched AUTO_FETCHED = FETCHED_INIT;
    entry->item = *entry->old;
    entry->item.source = entry->source = json_clone(entry->old->source);
    entry->is_left_out = is_soci_index(entry->old);
    enum media_role role = media_type_role(old->media_type, NULL);
    if (entry->source == NULL) {
        return fail_memory(err);
    }
    if (entry->is_left_out) {
        return 0;
    }
    if (role != MEDIA_ROLE_MANIFEST && role != MEDIA_ROLE_INDEX) {
        return fail(err, LPIPE_UNSUPPORTED,
                    "the index names %s, which is no image (%s), so it cannot be compressed again",
                    old->digest, old->media_type);
    }
    int status = image_fetch_child(convert->from, old, &fetched, err);
    if (status == 0) {
        bool converts = fetched.manifest->kind == MANIFEST_KIND_IMAGE && is_image(fetched.manifest);
        status = converts ? convert_entry(convert, entry, &fetched, err)
                          : keep_entry(convert, &fetched, err);
    }
    return status == 0 ? 0 : fail_context(err, status, "the manifest %s of the index", old->digest);
}

/* The new digest of an image of the old index; NULL: none. */
static const char *new_digest(const struct index_convert *convert, const char *old)
{
    for (size_t i = 0; i < convert->count; i++) {
        const struct entry *entry = &convert->entries[i];
        if (entry->is_converted && strcmp(entry->old->descriptor.digest, old) == 0) {
            return entry->item.descriptor.digest;
        }
    }
    return NULL;
}

/* Changes what an entry says of its image: embedded bytes, and annotations. */
static int correct_source(const struct index_convert *convert, struct entry *entry)
{
    struct json_t *annotations = json_member(entry->source, "annotations");
    const char *attested = json_member_text(annotations, INDEX_KEY_ATTESTED);
    const char *digest = attested == NULL ? NULL : new_digest(convert, attested);
    if (entry->is_converted) {
        json_remove(entry->source, "data");
    }
    if (entry->is_converted && annotations != NULL &&
        convert->rules->format.codec.kind != CODEC_ZSTD) {
        json_remove(annotations, KEY_ZSTD);
    }
    return digest == NULL ? 0 : json_set_text(annotations, INDEX_KEY_ATTESTED, digest);
}

static enum media_family choose_family(const struct index_convert *convert)
{
    enum media_family family = convert->root->manifest->family;
    for (size_t i = 0; i < convert->count && family == MEDIA_FAMILY_DOCKER; i++) {
        const struct entry *entry = &convert->entries[i];
        if (!entry->is_left_out) {
            (void)media_type_role(entry->item.descriptor.media_type, &family);
        }
    }
    return convert->rules->options->format == LPIPE_FORMAT_DOCKER ? MEDIA_FAMILY_DOCKER : family;
}

static int build_index(struct index_convert *convert, struct document *ret_index,
                       struct lpipe_error *err)
{
    const struct manifest *old = convert->root->manifest;
    size_t count = 0;
    AUTO_FREE struct manifest_item *items = mem_new_array(2 * convert->count + 1, sizeof *items);
    int status = items == NULL ? LPIPE_NO_MEMORY : 0;
    for (size_t i = 0; i < convert->count && status == 0; i++) {
        status = correct_source(convert, &convert->entries[i]);
        if (!convert->entries[i].is_left_out) {
            items[count++] = convert->entries[i].item;
        }
    }
    if (status != 0) {
        return fail_memory(err);
    }
    for (size_t i = 0; i < convert->count; i++) {
        if (convert->entries[i].soci.descriptor.digest[0] != '\0') {
            items[count++] = convert->entries[i].soci;
        }
    }
    const struct index_spec spec = { .family = choose_family(convert),
                                     .items = items,
                                     .item_count = count,
                                     .annotations = &old->annotations,
                                     .old = old };
    return manifest_write_index(&spec, ret_index, err);
}

static int put_index(struct index_convert *convert, const struct document *index,
                     struct lpipe_error *err)
{
    const struct push_target *target = &convert->target;
    const struct copy_manifest manifest = { .document = index,
                                            .is_new = copy_result_has_new_blob(convert->result),
                                            .tags = target->tags,
                                            .tag_count = target->tag_count };
    int status = push_target_check_digest(target, &index->descriptor, err);
    convert->result->manifest_count++;
    if (status == 0) {
        status = copy_result_fill(target, &index->descriptor, convert->result, err);
    }
    status = status == 0 ? copy_write_manifest(&convert->route, &manifest, err) : status;
    return status == 0 ? store_finish(target->store, err) : status;
}

static void notice_kept(const struct index_convert *convert)
{
    if (convert->kept_count > 0) {
        context_notice(&convert->rules->client->context,
                       "%zu entries of the index are no images, such as attestations, and are "
                       "copied as they are; what they say is about the images as they were",
                       convert->kept_count);
    }
}

static int open_target(struct index_convert *convert, struct lpipe_error *err)
{
    const struct lpipe_copy_options *given = convert->rules->options;
    struct lpipe_push_options options = LPIPE_PUSH_OPTIONS_INIT;
    options.tags = given->tags;
    options.tag_count = given->tag_count;
    options.mount_from = given->mount_from;
    options.soci = given->soci;
    options.soci_bytes_min = given->soci_bytes_min;
    int status =
        push_target_open(convert->rules->client, convert->dest, &options, &convert->target, err);
    if (status == 0) {
        copy_route_init(convert->rules->client, convert->source, convert->from, convert->dest,
                        &convert->target, &convert->route);
        status = store_manifest_check(convert->target.store, &convert->root->document, err);
    }
    return status;
}

int index_convert(const struct convert_rules *rules, const lpipe_ref *source, const lpipe_ref *dest,
                  struct store *from, struct fetched *root, struct lpipe_copy_result *result,
                  struct lpipe_error *err)
{
    struct document index AUTO_DOCUMENT = DOCUMENT_INIT;
    struct index_convert convert CLEANUP(index_convert_dispose) = {
        .rules = rules, .source = source, .dest = dest, .from = from, .root = root, .result = result
    };
    convert.count = root->manifest->item_count;
    convert.entries = mem_new_array(convert.count + 1, sizeof *convert.entries);
    int status = convert.entries == NULL ? fail_memory(err) : open_target(&convert, err);
    for (size_t i = 0; i < convert.count && status == 0; i++) {
        convert.entries[i].old = &root->manifest->items[i];
        status = take_entry(&convert, &convert.entries[i], err);
    }
    if (status == 0) {
        notice_kept(&convert);
        status = build_index(&convert, &index, err);
    }
    return status == 0 ? put_index(&convert, &index, err) : status;
}
