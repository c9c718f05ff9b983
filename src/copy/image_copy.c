/* SPDX-License-Identifier: Apache-2.0 */
#include "copy/image_copy.h"

#include <string.h>

#include "copy/copy_result.h"
#include "copy/copy_write.h"
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
    struct fetched root;
};

static void copy_dispose(struct copy *copy)
{
    fetched_dispose(&copy->root);
    push_target_dispose(&copy->target);
    store_free(copy->from);
}

/* The platform of an index's image, when the user named none. */
static void choose_host_platform(const struct copy *copy, struct platform *ret_platform)
{
    char text[PLATFORM_TEXT_SIZE];
    platform_host(ret_platform);
    context_notice(&copy->client->context,
                   "%s is an index; its image for this machine's platform, %s, is copied; --all "
                   "copies all, --platform another",
                   copy->source->name, platform_text(ret_platform, text));
}

/* Fetches the manifest, or of an index the one for the platform. */
static int fetch_root(struct copy *copy, const struct lpipe_copy_options *options,
                      struct lpipe_error *err)
{
    struct platform platform = { "", "", "", "" };
    int status = options->platform != NULL ? platform_parse(options->platform, &platform, err) : 0;
    if (status != 0) {
        return status;
    }
    status =
        image_fetch_manifest(copy->from, image_fetch_reference(copy->source), &copy->root, err);
    bool is_index = status == 0 && copy->root.manifest->kind == MANIFEST_KIND_INDEX;
    if (is_index && (options->flags & LPIPE_COPY_ALL) == 0) {
        if (options->platform == NULL) {
            choose_host_platform(copy, &platform);
        }
        status = image_fetch_choose(copy->from, &platform, &copy->root, err);
    }
    return status == 0 ? 0 : fail_context(err, status, "%s", copy->source->name);
}

/* Writes everything but the root. */
static int copy_content(struct copy *copy, const struct copy_route *route,
                        struct document *ret_root, struct lpipe_copy_result *counts,
                        struct lpipe_error *err)
{
    struct copy_graph *graph AUTO_COPY_GRAPH = NULL;
    int status = copy_graph_load(copy->client, copy->from, &copy->root, &graph, err);
    if (status != 0) {
        return status;
    }
    counts->manifest_count = graph->count;
    status = copy_write(route, graph, counts, err);
    if (status == 0) {
        *ret_root = graph->nodes[0]->document;
        graph->nodes[0]->document = (struct document)DOCUMENT_INIT;
    }
    return status;
}

static int copy_run(struct copy *copy, const lpipe_ref *dest, struct lpipe_copy_result *result,
                    struct lpipe_error *err)
{
    AUTO_DOCUMENT struct document root = DOCUMENT_INIT;
    struct push_target *target = &copy->target;
    struct copy_route route;
    copy_route_init(copy->client, copy->source, copy->from, dest, target, &route);
    int status = push_target_check_digest(target, &copy->root.document.descriptor, err);
    if (status == 0 && route.is_same_store) {
        root = copy->root.document;
        copy->root.document = (struct document)DOCUMENT_INIT;
        result->manifest_count = 1;
    } else if (status == 0) {
        status = copy_content(copy, &route, &root, result, err);
    }
    status = status == 0 ? copy_result_fill(target, &root.descriptor, result, err) : status;
    if (status == 0) {
        status = copy_write_manifest(&route, &root, false, target->tags, target->tag_count, err);
    }
    return status == 0 ? store_finish(target->store, err) : status;
}

int image_copy(lpipe_client *client, const lpipe_ref *source, const lpipe_ref *dest,
               const struct lpipe_copy_options *options, struct lpipe_copy_result *ret_result,
               struct lpipe_error *err)
{
    struct copy copy CLEANUP(
        copy_dispose) = { .client = client, .source = source, .root = FETCHED_INIT };
    struct lpipe_copy_result result AUTO_COPY_RESULT = LPIPE_COPY_RESULT_INIT;
    struct lpipe_push_options target = LPIPE_PUSH_OPTIONS_INIT;
    target.tags = options->tags;
    target.tag_count = options->tag_count;
    int status = store_open(client, source, STORE_READ, &copy.from, err);
    status = status == 0 ? fetch_root(&copy, options, err) : status;
    status = status == 0 ? push_target_open(client, dest, &target, &copy.target, err) : status;
    status = status == 0 ? copy_run(&copy, dest, &result, err) : status;
    if (status == 0) {
        *ret_result = result;
        result = (struct lpipe_copy_result)LPIPE_COPY_RESULT_INIT;
    }
    return status;
}
