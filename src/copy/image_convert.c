/* SPDX-License-Identifier: Apache-2.0 */
#include "copy/image_convert.h"

#include <string.h>

#include "copy/convert_layers.h"
#include "copy/copy_result.h"
#include "copy/copy_soci.h"
#include "copy/copy_steps.h"
#include "copy/index_convert.h"
#include "image/image.h"
#include "image/image_push.h"
#include "image/push_target.h"
#include "image/store_open.h"
#include "oci/reference.h"
#include "registry/client.h"

struct convert {
    struct convert_rules rules;
    struct push_target target;
    lpipe_image *image;
    struct lpipe_push_result pushed;
};

static void convert_dispose(struct convert *convert)
{
    image_push_result_dispose(&convert->pushed);
    (void)image_free(convert->image);
    push_target_dispose(&convert->target);
}

bool image_convert_is_wanted(const struct lpipe_copy_options *options)
{
    return options->compress != NULL || options->soci != LPIPE_SOCI_NONE;
}

static int load_image(struct convert *convert, const lpipe_ref *source, struct lpipe_error *err)
{
    const struct convert_rules *rules = &convert->rules;
    struct store *store AUTO_STORE = NULL;
    struct fetched fetched AUTO_FETCHED = FETCHED_INIT;
    struct lpipe_copy_options one = *rules->options;
    one.flags &= ~(uint32_t)LPIPE_COPY_ALL;
    int status = store_open(rules->client, source, STORE_READ, &store, err);
    if (status == 0) {
        status = image_fetch_manifest(store, image_fetch_reference(source), &fetched, err);
    }
    if (status == 0) {
        status = copy_root_choose(rules->client, store, source->name, &one, &fetched, err);
    }
    if (status == 0) {
        status = convert_load(rules, source, TAKE(store), &fetched, &convert->image, err);
    }
    return status == 0 ? 0 : fail_context(err, status, "%s", source->name);
}

static int open_target(struct convert *convert, const lpipe_ref *dest, struct lpipe_error *err)
{
    struct lpipe_push_options options = LPIPE_PUSH_OPTIONS_INIT;
    const struct manifest *manifest = convert->image->base.fetched.manifest;
    options.tags = convert->rules.options->tags;
    options.tag_count = convert->rules.options->tag_count;
    options.mount_from = convert->rules.options->mount_from;
    options.soci = convert->rules.options->soci;
    options.soci_bytes_min = convert->rules.options->soci_bytes_min;
    int status = image_push_check(convert->image, &options, err);
    status = status == 0
                 ? push_target_open(convert->rules.client, dest, &options, &convert->target, err)
                 : status;
    if (status == 0 && manifest->has_subject) {
        convert->target.has_subject = true;
        convert->target.subject = manifest->subject.descriptor;
    }
    return status;
}

static int make_result(const struct convert *convert, struct lpipe_copy_result *result,
                       struct lpipe_error *err)
{
    struct descriptor manifest = { .size = convert->pushed.size };
    memcpy(manifest.media_type, convert->pushed.media_type, sizeof manifest.media_type);
    memcpy(manifest.digest, convert->pushed.digest, sizeof manifest.digest);
    result->manifest_count = copy_soci_manifests(&convert->pushed, convert->rules.options->soci);
    convert_count(&convert->pushed, result);
    return copy_result_fill(&convert->target, &manifest, result, err);
}

static int convert_image(const struct convert_rules *rules, const lpipe_ref *source,
                         const lpipe_ref *dest, struct lpipe_copy_result *result,
                         struct lpipe_error *err)
{
    struct convert convert CLEANUP(convert_dispose) = { .rules = *rules,
                                                        .pushed = LPIPE_PUSH_RESULT_INIT };
    int status = load_image(&convert, source, err);
    status = status == 0 ? open_target(&convert, dest, err) : status;
    if (status == 0) {
        status = convert_layers(rules, convert.image, convert.target.soci_bytes_min, err);
    }
    if (status == 0) {
        status = image_push_into(convert.image, &convert.target, &convert.pushed, err);
    }
    return status == 0 ? make_result(&convert, result, err) : status;
}

/* Converts an index if the source is one; *ret_done says so. */
static int convert_all(const struct convert_rules *rules, const lpipe_ref *source,
                       const lpipe_ref *dest, struct lpipe_copy_result *result, bool *ret_done,
                       struct lpipe_error *err)
{
    struct store *from AUTO_STORE = NULL;
    struct fetched root AUTO_FETCHED = FETCHED_INIT;
    int status = store_open(rules->client, source, STORE_READ, &from, err);
    if (status == 0) {
        status = image_fetch_manifest(from, image_fetch_reference(source), &root, err);
    }
    if (status != 0) {
        return fail_context(err, status, "%s", source->name);
    }
    *ret_done = root.manifest->kind == MANIFEST_KIND_INDEX;
    return *ret_done ? index_convert(rules, source, dest, from, &root, result, err) : 0;
}

int image_convert(lpipe_client *client, const lpipe_ref *source, const lpipe_ref *dest,
                  const struct lpipe_copy_options *options, struct lpipe_copy_result *ret_result,
                  struct lpipe_error *err)
{
    CONTEXT_CALL(&client->context);
    struct lpipe_copy_result result AUTO_COPY_RESULT = LPIPE_COPY_RESULT_INIT;
    struct convert_rules rules;
    bool done = false;
    int status = convert_rules_read(client, options, &rules, err);
    if (status == 0 && (options->flags & LPIPE_COPY_ALL) != 0) {
        status = convert_all(&rules, source, dest, &result, &done, err);
    }
    if (status == 0 && !done) {
        status = convert_image(&rules, source, dest, &result, err);
    }
    if (status == 0) {
        *ret_result = result;
        result = (struct lpipe_copy_result)LPIPE_COPY_RESULT_INIT;
    }
    return status;
}
