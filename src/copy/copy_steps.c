/* SPDX-License-Identifier: Apache-2.0 */
#include "copy/copy_steps.h"

#include "copy/copy_referrers.h"
#include "copy/copy_result.h"
#include "oci/image_config.h"
#include "registry/client.h"

/* The platform of an index's image, when the user named none. */
static void choose_host_platform(lpipe_client *client, const char *name,
                                 struct platform *ret_platform)
{
    char text[PLATFORM_TEXT_SIZE];
    platform_host(ret_platform);
    context_notice(
        &client->context,
        "%s is an index; its image for this machine's platform, %s, is copied; `LPIPE_COPY_ALL` "
        "copies all, `platform` another",
        name, platform_text(ret_platform, text));
}

/* An image that is not in an index has its platform in its config. An artifact has none. */
static int check_platform(struct store *from, const struct manifest *manifest,
                          const struct platform *wanted, struct lpipe_error *err)
{
    AUTO_DOCUMENT struct document document = DOCUMENT_INIT;
    struct image_config *config AUTO_IMAGE_CONFIG = NULL;
    if (!image_has_config(manifest)) {
        return 0;
    }
    int status = image_fetch_config(from, manifest, &document, err);
    if (status == 0) {
        status = image_config_read(&document, manifest->item_count, &config, err);
    }
    return status == 0 ? image_config_check_platform(config, wanted, err) : status;
}

int copy_root_choose(lpipe_client *client, struct store *from, const char *name,
                     const struct lpipe_copy_options *options, struct fetched *root,
                     struct lpipe_error *err)
{
    struct platform platform = { "", "", "", "" };
    int status = options->platform != NULL ? platform_parse(options->platform, &platform, err) : 0;
    if (status != 0 || (options->flags & LPIPE_COPY_ALL) != 0) {
        return status;
    }
    if (root->manifest->kind != MANIFEST_KIND_INDEX) {
        return options->platform != NULL ? check_platform(from, root->manifest, &platform, err) : 0;
    }
    if (options->platform == NULL) {
        choose_host_platform(client, name, &platform);
    }
    return image_fetch_choose(from, &platform, root, err);
}

static int put_root(const struct copy_steps *image, const struct document *root,
                    struct lpipe_copy_result *result, struct lpipe_error *err)
{
    const struct push_target *target = image->target;
    const struct copy_manifest manifest = { .document = root,
                                            .is_new = copy_result_has_new_blob(result),
                                            .found_reference = image->found_reference,
                                            .tags = target->tags,
                                            .tag_count = target->tag_count };
    int status = copy_result_fill(target, &root->descriptor, result, err);
    return status == 0 ? copy_write_manifest(&image->route, &manifest, err) : status;
}

int copy_root_put(const struct copy_steps *image, const struct document *root,
                  struct lpipe_copy_result *result, struct lpipe_error *err)
{
    int status = put_root(image, root, result, err);
    return status == 0 ? store_finish(image->target->store, err) : status;
}

/* In a registry the referrers are there before the tags. A layout or archive gets its tags when it
 * is finished, and the image is its first entry. */
static int put_with_referrers(const struct copy_steps *image, const struct copy_graph *graph,
                              struct lpipe_copy_result *result, struct lpipe_error *err)
{
    const struct document *root = &graph->nodes[0]->document;
    bool remote = image->route.remote;
    int status = remote ? copy_referrers(image, graph, result, err) : 0;
    status = status == 0 ? put_root(image, root, result, err) : status;
    if (status == 0 && !remote) {
        status = copy_referrers(image, graph, result, err);
    }
    return status == 0 ? store_finish(image->target->store, err) : status;
}

int copy_root_write(const struct copy_steps *image, struct fetched *root,
                    struct lpipe_copy_result *result, struct lpipe_error *err)
{
    struct copy_graph *graph AUTO_COPY_GRAPH = NULL;
    const struct copy_route *route = &image->route;
    int status = store_manifest_check(route->to, &root->document, err);
    status = status == 0 ? copy_graph_load(route->client, route->from, root, &graph, err) : status;
    if (status == 0 && image->on_graph != NULL) {
        status = image->on_graph(image->ctx, graph, err);
    }
    if (status != 0) {
        return status;
    }
    result->manifest_count = graph->count;
    if (image->found_reference != NULL && copy_has_children(route, graph)) {
        copy_count_existing(route, graph, result);
    } else {
        status = copy_write(route, graph, result, err);
    }
    if (status != 0) {
        return status;
    }
    return image->with_referrers ? put_with_referrers(image, graph, result, err)
                                 : copy_root_put(image, &graph->nodes[0]->document, result, err);
}
