/* SPDX-License-Identifier: Apache-2.0 */
#include "archive/archive_choose_docker.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "archive/archive_name.h"
#include "archive/archive_read_store.h"
#include "archive/docker_manifest.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"
#include "oci/image_config.h"
#include "oci/manifest.h"
#include "oci/reference.h"

/* The chosen image. */
struct chosen {
    struct archive_members *members;
    const struct archive_wish *wish;
    struct docker_manifest list;
    size_t image; /* its number in the list */
    const struct archive_member *config;
    enum media_family family; /* of a new manifest */
    char config_type[MEDIA_TYPE_SIZE];
    bool has_new_diff_ids;      /* a layer was stored with another diff ID than its tar has */
    struct document new_config; /* then */
};

static bool is_same_name(const char *tag, const char *wanted)
{
    lpipe_ref *a AUTO_REFERENCE = NULL;
    lpipe_ref *b AUTO_REFERENCE = NULL;
    return strcmp(tag, wanted) == 0 ||
           (reference_parse(tag, 0, &a, NULL) == 0 && reference_parse(wanted, 0, &b, NULL) == 0 &&
            strcmp(a->name, b->name) == 0);
}

static bool has_tag(const struct docker_manifest *list, size_t image, const char *wanted)
{
    for (size_t i = 0; i < docker_manifest_tag_count(list, image); i++) {
        if (is_same_name(docker_manifest_tag(list, image, i), wanted)) {
            return true;
        }
    }
    return false;
}

static int list_images(const struct docker_manifest *list, struct buf *text)
{
    int status = 0;
    for (size_t i = 0; i < docker_manifest_count(list) && status == 0; i++) {
        size_t tags = docker_manifest_tag_count(list, i);
        for (size_t k = 0; k < MAX_OF(tags, (size_t)1) && status == 0; k++) {
            const char *name =
                tags > 0 ? docker_manifest_tag(list, i, k) : docker_manifest_config(list, i);
            char shown[160];
            status = buf_printf(text, "%s%s", text->size > 0 ? ", " : "",
                                text_printable(shown, sizeof shown, name, strlen(name)));
        }
    }
    return status;
}

/* Names the images of the archive; a long list is cut. */
static int fail_images(const struct docker_manifest *list, const char *image,
                       struct lpipe_error *err)
{
    if (docker_manifest_count(list) == 0) {
        return fail_with_advice(err, LPIPE_NOT_FOUND,
                                "the image archive has no images; make it again");
    }
    AUTO_BUF struct buf text = BUF_INIT(600);
    if (list_images(list, &text) == LPIPE_NO_MEMORY) {
        return fail_memory(err);
    }
    const char *images = text.data != NULL ? text.data : "";
    return image != NULL
               ? fail_with_advice(err, LPIPE_NOT_FOUND,
                                  "the image archive has no image %s; it has: %s", image, images)
               : fail_with_advice(err, LPIPE_NOT_FOUND,
                                  "the image archive has %zu images; choose one with "
                                  "docker-archive:FILE:NAME:TAG (FILE is - for stdin): %s",
                                  docker_manifest_count(list), images);
}

static int find_image(struct chosen *chosen, struct lpipe_error *err)
{
    const struct docker_manifest *list = &chosen->list;
    const char *wanted = chosen->wish->image;
    size_t count = docker_manifest_count(list);
    if (wanted == NULL) {
        return count == 1 ? 0 : fail_images(list, NULL, err);
    }
    while (chosen->image < count && !has_tag(list, chosen->image, wanted)) {
        chosen->image++;
    }
    return chosen->image < count ? 0 : fail_images(list, wanted, err);
}

static int fail_missing(const char *what, const char *name, struct lpipe_error *err)
{
    char shown[200];
    return fail_with_advice(
        err, LPIPE_NOT_FOUND,
        "manifest.json of the image archive names the %s %s, which the archive does not "
        "have; make the archive again",
        what, text_printable(shown, sizeof shown, name, strlen(name)));
}

/* The member that the list names; Docker takes "./a" and "a//b", too. NULL: there is none. */
static int find_member(const struct chosen *chosen, const char *name,
                       const struct archive_member **ret_member, struct lpipe_error *err)
{
    AUTO_FREE char *clean = NULL;
    *ret_member = archive_members_find(chosen->members, name);
    int status = *ret_member == NULL ? archive_name_clean(name, &clean, err) : 0;
    if (status == 0 && clean != NULL) {
        *ret_member = archive_members_find(chosen->members, clean);
    }
    return status == LPIPE_NOT_TAR ? 0 : status; /* no member has such a name */
}

static int fail_config(const struct archive_member *config, struct lpipe_error *err)
{
    if (config->size > ARCHIVE_JSON_BYTES_MAX) {
        return fail(err, LPIPE_TOO_LARGE,
                    "the config %s of the image archive has %" PRIu64
                    " bytes; at most %zu are read",
                    config->name, config->size, ARCHIVE_JSON_BYTES_MAX);
    }
    return fail(err, LPIPE_NOT_TAR, "the config %s of the image archive is not a JSON object",
                config->name);
}

/* The config; where its name is its digest, this must be true. */
static int find_config(struct chosen *chosen, struct lpipe_error *err)
{
    const char *name = docker_manifest_config(&chosen->list, chosen->image);
    const struct archive_member *config = NULL;
    char digest[DIGEST_TEXT_SIZE];
    int status = find_member(chosen, name, &config, err);
    if (status != 0 || config == NULL) {
        return status != 0 ? status : fail_missing("config", name, err);
    }
    if (config->state != ARCHIVE_KEPT) {
        return fail_config(config, err);
    }
    if (archive_name_guess(name, digest) && strcmp(digest, config->stored.digest) != 0) {
        return fail(err, LPIPE_INTEGRITY,
                    "the contents of the config %s in the image archive have the digest %s", name,
                    config->stored.digest);
    }
    chosen->config = config;
    return 0;
}

/* True when each layer is stored as the manifest says, or need not be stored. */
static bool has_all_layers(const struct chosen *chosen, const struct manifest *manifest)
{
    for (size_t i = 0; i < manifest->item_count; i++) {
        const struct descriptor *layer = &manifest->items[i].descriptor;
        if (media_type_role(layer->media_type, NULL) != MEDIA_ROLE_FOREIGN &&
            archive_members_by_digest(chosen->members, layer->digest) == NULL) {
            return false;
        }
    }
    return true;
}

static bool is_wanted_family(const struct chosen *chosen, enum media_family family)
{
    enum lpipe_format format = chosen->wish->format;
    return format == LPIPE_FORMAT_DEFAULT ||
           (format == LPIPE_FORMAT_DOCKER) == (family == MEDIA_FAMILY_DOCKER);
}

static bool is_manifest_of_image(const struct chosen *chosen, const struct manifest *manifest)
{
    return manifest->kind == MANIFEST_KIND_IMAGE && is_wanted_family(chosen, manifest->family) &&
           strcmp(manifest->config.descriptor.digest, chosen->config->stored.digest) == 0 &&
           manifest->item_count == docker_manifest_layer_count(&chosen->list, chosen->image) &&
           has_all_layers(chosen, manifest);
}

/* Reads a kept member as a manifest of the image. 1 when it is one. */
static int read_manifest(const struct chosen *chosen, const struct archive_member *member,
                         struct document *ret_root, struct lpipe_error *err)
{
    AUTO_DOCUMENT struct document document = DOCUMENT_INIT;
    AUTO_MANIFEST struct manifest *manifest = NULL;
    int status = archive_member_document(member, "", &document, err);
    if (status != 0) {
        return status;
    }
    if (manifest_parse(&document, &manifest, NULL) != 0 ||
        !is_manifest_of_image(chosen, manifest)) {
        return 0;
    }
    memcpy(document.descriptor.media_type, manifest->media_type, MEDIA_TYPE_SIZE);
    *ret_root = document;
    document = (struct document)DOCUMENT_INIT;
    return 1;
}

/* 1 when the archive has a manifest of the image and all its blobs, with their bytes. */
static int find_manifest(const struct chosen *chosen, struct document *ret_root,
                         struct lpipe_error *err)
{
    int found = 0;
    for (size_t i = 0; i < archive_members_count(chosen->members) && found == 0; i++) {
        const struct archive_member *member = archive_members_at(chosen->members, i);
        if (member->state == ARCHIVE_KEPT && member->named[0] != '\0') {
            found = read_manifest(chosen, member, ret_root, err);
        }
    }
    return found;
}

static int find_layer(const struct chosen *chosen, size_t index, struct manifest_item *ret_layer,
                      const struct archive_member **ret_member, struct lpipe_error *err)
{
    const char *name = docker_manifest_layer(&chosen->list, chosen->image, index);
    const struct archive_member *member = NULL;
    int status = find_member(chosen, name, &member, err);
    if (status != 0 || member == NULL) {
        return status != 0 ? status : fail_missing("layer", name, err);
    }
    if (member->state != ARCHIVE_STORED || member->stored.media_type[0] == '\0') {
        char shown[200];
        return fail(err, LPIPE_NOT_TAR, "the layer %s of the image archive is not a tar",
                    text_printable(shown, sizeof shown, name, strlen(name)));
    }
    *ret_layer = (struct manifest_item){ .descriptor = member->stored };
    ret_layer->annotations = member->annotations.count > 0 ? &member->annotations : NULL;
    *ret_member = member;
    return 0;
}

static int check_diff_id(const struct image_config *config, size_t index,
                         const struct archive_member *member, struct lpipe_error *err)
{
    const char *said = image_config_diff_id(config, index);
    said = said != NULL ? said : "none";
    if (member->diff_id[0] == '\0' || strcmp(said, member->diff_id) == 0) {
        return 0;
    }
    return fail(err, LPIPE_INTEGRITY,
                "layer %zu of the image archive has the diff ID %s, but the config says %s",
                index + 1, member->diff_id, said);
}

/* The config gets the diff ID with which the layer was stored. */
static int set_diff_id(struct chosen *chosen, struct image_config *config, size_t index,
                       const struct archive_member *member, struct lpipe_error *err)
{
    if (strcmp(member->stored_diff_id, member->diff_id) == 0) {
        return 0;
    }
    chosen->has_new_diff_ids = true;
    return image_config_set_diff_id(config, index, member->stored_diff_id, err);
}

static int find_layers(struct chosen *chosen, struct image_config *config,
                       struct manifest_item *layers, size_t count, struct lpipe_error *err)
{
    int status = 0;
    for (size_t i = 0; i < count && status == 0; i++) {
        const struct archive_member *member = NULL;
        status = find_layer(chosen, i, &layers[i], &member, err);
        status = status == 0 ? check_diff_id(config, i, member, err) : status;
        status = status == 0 ? set_diff_id(chosen, config, i, member, err) : status;
    }
    return status;
}

static int write_manifest(const struct chosen *chosen, const struct manifest_item *layers,
                          size_t count, struct document *ret_root, struct lpipe_error *err)
{
    struct descriptor config =
        chosen->has_new_diff_ids ? chosen->new_config.descriptor : chosen->config->stored;
    const struct manifest_spec spec = {
        .family = chosen->family, .config = &config, .layers = layers, .layer_count = count
    };
    (void)snprintf(config.media_type, sizeof config.media_type, "%s", chosen->config_type);
    return manifest_write(&spec, ret_root, err);
}

/* The config of the archive keeps its bytes unless a layer has got another diff ID. */
static int write_config(struct chosen *chosen, const struct image_config *config,
                        struct lpipe_error *err)
{
    if (!chosen->has_new_diff_ids) {
        return 0;
    }
    int status = image_config_write(config, chosen->family, &chosen->new_config, err);
    return status == 0 ? archive_members_add_document(chosen->members, &chosen->new_config, err)
                       : status;
}

/* Makes a manifest of the config and the layers as they are stored. */
static int make_manifest(struct chosen *chosen, struct document *ret_root, struct lpipe_error *err)
{
    struct image_config *config AUTO_IMAGE_CONFIG = NULL;
    AUTO_DOCUMENT struct document document = DOCUMENT_INIT;
    size_t count = docker_manifest_layer_count(&chosen->list, chosen->image);
    AUTO_FREE struct manifest_item *layers = mem_new_array(count + 1, sizeof *layers);
    chosen->family =
        chosen->wish->format == LPIPE_FORMAT_DOCKER ? MEDIA_FAMILY_DOCKER : MEDIA_FAMILY_OCI;
    int status = layers == NULL ? fail_memory(err) : 0;
    (void)snprintf(chosen->config_type, sizeof chosen->config_type, "%s",
                   media_type_name(chosen->family, MEDIA_ROLE_CONFIG));
    if (status == 0) {
        status = archive_member_document(chosen->config, chosen->config_type, &document, err);
    }
    status = status == 0 ? image_config_read(&document, count, &config, err) : status;
    status = status == 0 ? find_layers(chosen, config, layers, count, err) : status;
    status = status == 0 ? write_config(chosen, config, err) : status;
    return status == 0 ? write_manifest(chosen, layers, count, ret_root, err) : status;
}

static void chosen_dispose(struct chosen *chosen)
{
    document_dispose(&chosen->new_config);
    docker_manifest_dispose(&chosen->list);
}

int archive_choose_docker(struct archive_members *members, const struct archive_member *list,
                          const struct archive_wish *wish, struct document *ret_root,
                          struct lpipe_error *err)
{
    struct chosen chosen CLEANUP(
        chosen_dispose) = { .members = members, .wish = wish, .list = DOCKER_MANIFEST_INIT };
    int status = docker_manifest_parse(list->bytes.data != NULL ? list->bytes.data : "",
                                       list->bytes.size, &chosen.list, err);
    status = status == 0 ? find_image(&chosen, err) : status;
    status = status == 0 ? find_config(&chosen, err) : status;
    int found = status == 0 ? find_manifest(&chosen, ret_root, err) : status;
    return found == 0 ? make_manifest(&chosen, ret_root, err) : MIN_OF(found, 0);
}
