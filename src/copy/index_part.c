/* SPDX-License-Identifier: Apache-2.0 */
#include "copy/index_part.h"

#include <string.h>

#include "copy/copy_write.h"
#include "image/store_open.h"
#include "oci/image_config.h"
#include "oci/reference.h"
#include "registry/client.h"

void index_part_dispose(struct index_part *part)
{
    fetched_dispose(&part->fetched);
    part->store = store_free(part->store);
}

/* The platform in the config of an image, as it is written there. */
static int read_platform(struct index_part *part, struct platform *ret_platform,
                         struct lpipe_error *err)
{
    const struct manifest *manifest = part->fetched.manifest;
    AUTO_DOCUMENT struct document document = DOCUMENT_INIT;
    AUTO_IMAGE_CONFIG struct image_config *config = NULL;
    int status = image_fetch_config(part->store, manifest, &document, err);
    if (status == 0) {
        status = image_config_read(&document, manifest->item_count, &config, err);
    }
    if (status == 0) {
        image_config_platform(config, ret_platform);
    }
    return status;
}

static void notice_other_platform(const struct index_part *part, const struct platform *config,
                                  const struct platform *wanted)
{
    char has[PLATFORM_TEXT_SIZE], text[PLATFORM_TEXT_SIZE];
    if (config->os[0] != '\0' && !platform_equal(config, wanted)) {
        context_notice(&part->client->context,
                       "%s: its config says %s, but the index will say %s, as it was asked to",
                       part->entry->ref->name, platform_text(config, has),
                       platform_text(wanted, text));
    }
}

/* Decides for which platform the index says that the image is. wanted: NULL = the config's. */
static int set_platform(struct index_part *part, const struct platform *wanted,
                        struct lpipe_error *err)
{
    struct platform *platform = &part->image.platform;
    if (image_has_config(part->fetched.manifest)) {
        int status = read_platform(part, platform, err);
        if (status != 0) {
            return status;
        }
        if (wanted != NULL) {
            notice_other_platform(part, platform, wanted);
        } else if (platform->os[0] == '\0' || platform->arch[0] == '\0') {
            return fail_with_advice(err, LPIPE_INVALID_ARGUMENT,
                                    "the config names no platform; name it with `platform`");
        }
    }
    if (wanted != NULL) {
        *platform = *wanted;
    }
    return 0;
}

static int take_image(struct index_part *part, const struct platform *wanted,
                      struct lpipe_error *err)
{
    const struct manifest *manifest = part->fetched.manifest;
    part->image.descriptor = part->fetched.document.descriptor;
    part->image.artifact_type = manifest->artifact_type;
    part->items = &part->image;
    part->item_count = 1;
    return set_platform(part, wanted, err);
}

static int take_fetched(struct index_part *part, struct lpipe_error *err)
{
    struct platform platform;
    const struct platform *wanted = NULL;
    int status = 0;
    if (part->entry->platform != NULL) {
        status = platform_parse(part->entry->platform, &platform, err);
        wanted = &platform;
    }
    if (status == 0 && wanted != NULL) {
        status = image_fetch_choose(part->store, wanted, &part->fetched, err);
    }
    if (status != 0) {
        return status;
    }
    if (part->fetched.manifest->kind == MANIFEST_KIND_IMAGE) {
        return take_image(part, wanted, err);
    }
    part->items = part->fetched.manifest->items;
    part->item_count = part->fetched.manifest->item_count;
    return 0;
}

int index_part_load(lpipe_client *client, const struct lpipe_index_entry *entry, bool skip_missing,
                    struct index_part *part, struct lpipe_error *err)
{
    part->client = client;
    part->entry = entry;
    int status = store_open(client, entry->ref, STORE_READ, &part->store, err);
    if (status == 0) {
        status = image_fetch_manifest(part->store, image_fetch_reference(entry->ref),
                                      &part->fetched, err);
    }
    if (status == LPIPE_NOT_FOUND && skip_missing) {
        part->store = store_free(part->store);
        return 0;
    }
    if (status == 0) {
        part->named = part->fetched.document.descriptor;
        status = take_fetched(part, err);
    }
    return status == 0 ? 0 : fail_about(err, status, "", entry->ref->name);
}

int index_part_copy(struct index_part *part, const lpipe_ref *dest,
                    const struct push_target *target, struct lpipe_copy_result *counts,
                    struct lpipe_error *err)
{
    struct copy_graph *graph AUTO_COPY_GRAPH = NULL;
    struct copy_route route;
    if (part->store == NULL) {
        return 0;
    }
    copy_route_init(part->client, part->entry->ref, part->store, dest, target, &route);
    if (route.is_same_store) {
        return 0;
    }
    bool is_image = part->fetched.manifest->kind == MANIFEST_KIND_IMAGE;
    int status = copy_graph_load(part->client, part->store, &part->fetched, &graph, err);
    status = status == 0 ? copy_write(&route, graph, counts, err) : status;
    if (status == 0 && is_image) {
        const struct copy_manifest child = { .document = &graph->nodes[0]->document,
                                             .as_child = true };
        status = copy_write_manifest(&route, &child, err);
    }
    return status == 0 ? 0 : fail_about(err, status, "", part->entry->ref->name);
}

/* 1 with the digest, 0 when the reference does not exist. */
static int find_digest(const struct index_part *part, char ret_digest[DIGEST_TEXT_SIZE],
                       struct lpipe_error *err)
{
    const lpipe_ref *ref = part->entry->ref;
    struct store *store AUTO_STORE = NULL;
    int found = store_open(part->client, ref, STORE_READ, &store, err);
    found = found == 0 ? store_manifest_head(store, image_fetch_reference(ref), ret_digest, err)
                       : found;
    return found == LPIPE_NOT_FOUND ? 0 : found;
}

int index_part_is_current(const struct index_part *part, struct lpipe_error *err)
{
    char digest[DIGEST_TEXT_SIZE] = "";
    if (part->store != NULL && part->entry->ref->digest != NULL) {
        return 1;
    }
    int found = find_digest(part, digest, err);
    if (found < 0) {
        return found;
    }
    return part->store == NULL ? found == 0 : strcmp(digest, part->named.digest) == 0;
}
