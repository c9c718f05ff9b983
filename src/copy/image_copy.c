/* SPDX-License-Identifier: Apache-2.0 */
#include "copy/image_copy.h"

#include "copy/copy_result.h"
#include "copy/copy_steps.h"
#include "copy/target_look.h"
#include "image/image_fetch.h"
#include "image/push_target.h"
#include "image/store_open.h"
#include "oci/reference.h"
#include "registry/client.h"

/* One copy: from where, what and to where. */
struct copy {
    lpipe_client *client;
    const lpipe_ref *source;
    struct store *from;
    struct push_target target;
    struct target_look look;
    bool with_referrers;
    struct fetched root;
};

static void copy_dispose(struct copy *copy)
{
    target_look_end(&copy->look);
    fetched_dispose(&copy->root);
    push_target_dispose(&copy->target);
    store_free(copy->from);
}

/* Fetches the manifest, or of an index the one for the platform. */
static int fetch_root(struct copy *copy, const struct lpipe_copy_options *options,
                      struct lpipe_error *err)
{
    const char *name = copy->source->name;
    int status =
        image_fetch_manifest(copy->from, image_fetch_reference(copy->source), &copy->root, err);
    if (status == 0) {
        status = copy_root_choose(copy->client, copy->from, name, options, &copy->root, err);
    }
    return status == 0 ? 0 : fail_about(err, status, "", name);
}

static int copy_run(struct copy *copy, const lpipe_ref *dest, struct lpipe_copy_result *result,
                    struct lpipe_error *err)
{
    const struct document *root = &copy->root.document;
    struct copy_steps image = {
        .target = &copy->target,
        .with_referrers = copy->with_referrers,
        .found_reference = target_look_reference(&copy->look, root->descriptor.digest),
    };
    copy_route_init(copy->client, copy->source, copy->from, dest, &copy->target, &image.route);
    int status = push_target_check_digest(&copy->target, &root->descriptor, err);
    if (status != 0) {
        return status;
    }
    if (image.route.is_same_store) {
        result->manifest_count = 1;
        return copy_root_put(&image, root, result, err);
    }
    return copy_root_write(&image, &copy->root, result, err);
}

int image_copy(lpipe_client *client, const lpipe_ref *source, const lpipe_ref *dest,
               const struct lpipe_copy_options *options, struct lpipe_copy_result *ret_result,
               struct lpipe_error *err)
{
    CONTEXT_CALL(&client->context);
    struct copy copy CLEANUP(copy_dispose) = {
        .client = client,
        .source = source,
        .with_referrers = (options->flags & LPIPE_COPY_REFERRERS) != 0,
        .root = FETCHED_INIT,
    };
    struct lpipe_copy_result result AUTO_COPY_RESULT = LPIPE_COPY_RESULT_INIT;
    struct lpipe_push_options target = LPIPE_PUSH_OPTIONS_INIT;
    target.tags = options->tags;
    target.tag_count = options->tag_count;
    int status = store_open(client, source, STORE_READ, &copy.from, err);
    /* A layout is only made when there is something to copy. */
    bool is_remote = dest->kind == LPIPE_REF_REGISTRY;
    if (status == 0 && is_remote) {
        status = push_target_open(client, dest, &target, &copy.target, err);
    }
    /* With one job, all requests follow one another. */
    if (status == 0 && is_remote && client->context.settings.jobs != 1) {
        target_look_start(&copy.look, &copy.target);
    }
    status = status == 0 ? fetch_root(&copy, options, err) : status;
    if (status == 0 && !is_remote) {
        status = push_target_open(client, dest, &target, &copy.target, err);
    }
    status = status == 0 ? target_look_wait(&copy.look, err) : status;
    status = status == 0 ? copy_run(&copy, dest, &result, err) : status;
    if (status == 0) {
        *ret_result = result;
        result = (struct lpipe_copy_result)LPIPE_COPY_RESULT_INIT;
    }
    return status;
}
