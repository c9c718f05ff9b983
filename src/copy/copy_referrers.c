/* SPDX-License-Identifier: Apache-2.0 */
/* In rounds: the referrers of the image's manifests, then the referrers of these, and so on. The
 * tasks of a round have one subject each, because two tasks must not change the referrers tag of a
 * subject at a time. */
#include "copy/copy_referrers.h"

#include <stdio.h>
#include <string.h>

#include "base/sync.h"
#include "copy/copy_jobs.h"
#include "copy/copy_result.h"
#include "image/image_referrers.h"
#include "image/image_tasks.h"

struct referrers {
    const struct copy_steps *image;
    struct copy_route route;
    size_t first;                    /* number of the first subject of this round */
    pthread_mutex_t lock;            /* guards all below, and on_graph of the image */
    struct descriptor_list subjects; /* each once: those of earlier rounds, of this and the next */
    struct lpipe_copy_result *result;
};

static int add_subjects_locked(struct referrers *referrers, const struct copy_graph *graph,
                               struct lpipe_error *err)
{
    int status = 0;
    for (size_t i = 0; i < graph->count && status == 0; i++) {
        status = descriptor_list_add(&referrers->subjects, &graph->nodes[i]->descriptor, err);
    }
    return status;
}

static void subject_at(struct referrers *referrers, size_t number, struct descriptor *ret_subject)
{
    GUARD(&referrers->lock);
    *ret_subject = referrers->subjects.items[number];
}

static void add_counts(struct referrers *referrers, const struct lpipe_copy_result *counts)
{
    GUARD(&referrers->lock);
    struct lpipe_copy_result *result = referrers->result;
    result->referrer_count++;
    result->manifest_count += counts->manifest_count;
    result->blobs_copied += counts->blobs_copied;
    result->blobs_mounted += counts->blobs_mounted;
    result->blobs_existing += counts->blobs_existing;
    result->bytes_copied += counts->bytes_copied;
}

/* True when the destination has the referrer and lists it. */
static bool is_there(const struct referrers *referrers, const struct descriptor_list *there,
                     const char *digest)
{
    char found[DIGEST_TEXT_SIZE];
    return descriptor_list_has(there, digest) &&
           store_manifest_head(referrers->route.to, digest, found, NULL) == 1;
}

/* tag: NULL = none. */
static int write_referrer(struct referrers *referrers, const struct copy_graph *graph,
                          const char *tag, struct lpipe_error *err)
{
    struct lpipe_copy_result counts = { .manifest_count = graph->count };
    int status = copy_write(&referrers->route, graph, &counts, err);
    const struct copy_manifest manifest = { .document = &graph->nodes[0]->document,
                                            .is_new = copy_result_has_new_blob(&counts),
                                            .tags = &tag,
                                            .tag_count = tag != NULL ? 1 : 0 };
    status = status == 0 ? copy_write_manifest(&referrers->route, &manifest, err) : status;
    if (status == 0) {
        add_counts(referrers, &counts);
    }
    return status;
}

/* Fetches a referrer. *ret_graph is NULL when what is listed is missing, or has another subject:
 * registries keep such entries when a manifest is deleted. */
static int load_referrer(const struct referrers *referrers, const struct descriptor *listed,
                         const char *subject, struct copy_graph **ret_graph,
                         struct lpipe_error *err)
{
    const struct copy_route *route = &referrers->route;
    struct fetched fetched AUTO_FETCHED = FETCHED_INIT;
    struct lpipe_error why = { 0 };
    const char *fault = NULL;
    int status = image_fetch_child(route->from, listed, &fetched, &why);
    if (status == LPIPE_NOT_FOUND) {
        fault = "does not exist";
    } else if (status != 0) {
        if (err != NULL) {
            *err = why;
        }
        return status;
    } else if (!fetched.manifest->has_subject ||
               strcmp(fetched.manifest->subject.descriptor.digest, subject) != 0) {
        fault = "does not refer to it";
    }
    if (fault != NULL) {
        context_notice(&route->client->context,
                       "%s is listed as a referrer of %s, but %s; it is not copied", listed->digest,
                       subject, fault);
        return 0;
    }
    return copy_graph_load(route->client, route->from, &fetched, ret_graph, err);
}

/* The next round copies what refers to the manifests of the graph. */
static int take_graph(struct referrers *referrers, struct copy_graph *graph,
                      struct lpipe_error *err)
{
    const struct copy_steps *image = referrers->image;
    GUARD(&referrers->lock);
    int status = add_subjects_locked(referrers, graph, err);
    return status == 0 && image->on_graph != NULL ? image->on_graph(image->ctx, graph, err)
                                                  : status;
}

static int copy_referrer(struct referrers *referrers, const struct descriptor *listed,
                         const char *subject, const struct descriptor_list *there,
                         struct lpipe_error *err)
{
    struct copy_graph *graph AUTO_COPY_GRAPH = NULL;
    int status = load_referrer(referrers, listed, subject, &graph, err);
    if (status == 0 && graph != NULL) {
        status = take_graph(referrers, graph, err);
    }
    if (status == 0 && graph != NULL && is_there(referrers, there, listed->digest)) {
        add_counts(referrers, &(struct lpipe_copy_result){ .manifest_count = graph->count });
    } else if (status == 0 && graph != NULL) {
        status = write_referrer(referrers, graph, NULL, err);
    }
    return status == 0 ? 0 : fail_context(err, status, "the referrer %s", listed->digest);
}

/* cosign up to version 2 finds signatures, attestations and SBOMs by the tag. 1 when there is
 * one. */
static int load_tagged(const struct referrers *referrers, const char *tag,
                       struct copy_graph **ret_graph, struct lpipe_error *err)
{
    const struct copy_route *route = &referrers->route;
    struct fetched fetched AUTO_FETCHED = FETCHED_INIT;
    char digest[DIGEST_TEXT_SIZE];
    int found = store_manifest_head(route->from, tag, digest, err);
    if (found != 1) {
        return found;
    }
    int status = image_fetch_manifest(route->from, digest, &fetched, err);
    if (status == 0) {
        status = copy_graph_load(route->client, route->from, &fetched, ret_graph, err);
    }
    return status == 0 ? 1 : status;
}

static int copy_tagged(struct referrers *referrers, const char *tag, struct lpipe_error *err)
{
    struct copy_graph *graph AUTO_COPY_GRAPH = NULL;
    int found = load_tagged(referrers, tag, &graph, err);
    if (found == 1) {
        int status = take_graph(referrers, graph, err);
        status = status == 0 ? write_referrer(referrers, graph, tag, err) : status;
        found = status == 0 ? 1 : status;
    }
    return found >= 0 ? 0 : fail_context(err, found, "the tag %s", tag);
}

static int copy_all_tagged(struct referrers *referrers, const char *subject,
                           struct lpipe_error *err)
{
    static const char *const endings[] = { "sig", "att", "sbom" };
    char tag[REFERRERS_TAG_SIZE], full[REFERRERS_TAG_SIZE + 8];
    int status = 0;
    image_referrers_tag(subject, tag);
    for (size_t i = 0; i < ARRAY_LEN(endings) && status == 0; i++) {
        (void)snprintf(full, sizeof full, "%s.%s", tag, endings[i]);
        status = copy_tagged(referrers, full, err);
    }
    return status;
}

static int copy_referrers_of(void *ctx, size_t index, struct lpipe_error *err)
{
    struct referrers *referrers = ctx;
    const struct copy_route *route = &referrers->route;
    AUTO_DESCRIPTOR_LIST struct descriptor_list found = { .count = 0 };
    AUTO_DESCRIPTOR_LIST struct descriptor_list there = { .count = 0 };
    struct descriptor subject;
    subject_at(referrers, referrers->first + index, &subject);
    int status = image_referrers_list(route->from, subject.digest, &found, err);
    if (status == 0 && found.count > 0 && route->remote) {
        status = image_referrers_list(route->to, subject.digest, &there, err);
    }
    for (size_t i = 0; status == 0 && i < found.count; i++) {
        status = copy_referrer(referrers, &found.items[i], subject.digest, &there, err);
    }
    return status == 0 ? copy_all_tagged(referrers, subject.digest, err) : status;
}

static int run_rounds(struct referrers *referrers, struct lpipe_error *err)
{
    int status = 0;
    while (status == 0 && referrers->first < referrers->subjects.count) {
        size_t end = referrers->subjects.count;
        size_t count = end - referrers->first;
        const struct task_list tasks = {
            .count = count,
            .threads = copy_route_jobs(&referrers->image->route, count),
            .threads_min = 1,
            .run = copy_referrers_of,
            .ctx = referrers,
        };
        status = tasks_run(&tasks, err);
        referrers->first = end;
    }
    return status;
}

int copy_referrers(const struct copy_steps *image, const struct copy_graph *graph,
                   struct lpipe_copy_result *result, struct lpipe_error *err)
{
    struct referrers referrers = { .image = image, .route = image->route, .result = result };
    int status = 0;
    if (image->route.remote) {
        const struct copy_manifest manifest = { .document = &graph->nodes[0]->document,
                                                .as_child = true,
                                                .is_new = copy_result_has_new_blob(result) };
        status = copy_write_manifest(&image->route, &manifest, err);
    }
    referrers.route.one_job = true;
    (void)pthread_mutex_init(&referrers.lock, NULL);
    status = status == 0 ? add_subjects_locked(&referrers, graph, err) : status;
    status = status == 0 ? run_rounds(&referrers, err) : status;
    (void)pthread_mutex_destroy(&referrers.lock);
    descriptor_list_dispose(&referrers.subjects);
    return status;
}
