/* SPDX-License-Identifier: Apache-2.0 */
/* A registry cannot be asked to change a tag only if nobody else has changed it. So the index is
 * put, then the tags and the references are read again, and all is repeated if they have
 * changed. See include/layerpipe/index.h for what that guarantees. */
#include "copy/index_push.h"

#include <string.h>
#include <sys/random.h>

#include "base/cancel.h"
#include "base/clock.h"
#include "base/mem.h"
#include "copy/copy_result.h"
#include "copy/copy_write.h"
#include "copy/index_build.h"
#include "oci/reference.h"
#include "registry/client.h"

struct index_push {
    lpipe_client *client;
    const lpipe_ref *dest;
    const struct lpipe_index_entry *entries;
    size_t entry_count;
    const struct lpipe_index_options *options;
    struct push_target target;
    struct index_part *parts; /* of the current attempt; one for each entry */
    struct lpipe_copy_result result;
    uint64_t put_ms; /* how long the attempt took from the reading of the old index to the put */
};

static bool has_flag(const struct index_push *push, enum lpipe_index_flag flag)
{
    return (push->options->flags & flag) != 0;
}

static void dispose_parts(struct index_push *push)
{
    for (size_t i = 0; push->parts != NULL && i < push->entry_count; i++) {
        index_part_dispose(&push->parts[i]);
        push->parts[i] = (struct index_part){ 0 };
    }
}

static void index_push_dispose(struct index_push *push)
{
    dispose_parts(push);
    free(push->parts);
    copy_result_dispose(&push->result);
    push_target_dispose(&push->target);
}

static int load_parts(struct index_push *push, struct lpipe_error *err)
{
    int status = 0;
    size_t found = 0;
    dispose_parts(push);
    for (size_t i = 0; i < push->entry_count && status == 0; i++) {
        struct index_part *part = &push->parts[i];
        status = index_part_load(push->client, &push->entries[i],
                                 has_flag(push, LPIPE_INDEX_SKIP_MISSING), part, err);
        found += part->store != NULL;
    }
    return status == 0 && found == 0
               ? fail(err, LPIPE_NOT_FOUND, "none of the references exists, so there is no index")
               : status;
}

static int copy_parts(struct index_push *push, struct lpipe_error *err)
{
    int status = 0;
    push->result.blobs_existing = 0; /* an earlier attempt has copied the others */
    for (size_t i = 0; i < push->entry_count && status == 0; i++) {
        status = index_part_copy(&push->parts[i], push->dest, &push->target, &push->result, err);
    }
    return status;
}

/* Fetches the index that a tag names. When there is none, *ret_old is untouched. */
static int fetch_index(const struct index_push *push, const char *tag, struct fetched *ret_old,
                       struct lpipe_error *err)
{
    struct fetched old AUTO_FETCHED = FETCHED_INIT;
    int status = image_fetch_manifest(push->target.store, tag, &old, err);
    if (status == LPIPE_NOT_FOUND) {
        return 0;
    }
    if (status == 0 && old.manifest->kind != MANIFEST_KIND_INDEX) {
        return fail_with_advice(err, LPIPE_INVALID_ARGUMENT,
                                "%s names an image, not an index, so nothing can be added to it; "
                                "without `LPIPE_INDEX_APPEND` it is replaced by an index",
                                push->dest->name);
    }
    if (status == 0) {
        *ret_old = old;
        old = (struct fetched)FETCHED_INIT;
    }
    return status;
}

/* True when the tag hardly names this index already: the tag was read, and names another one or
 * none; or a blob of the index was new. */
static bool is_new(const struct index_push *push, const struct fetched *old,
                   const struct document *index)
{
    bool other = old->manifest == NULL ||
                 strcmp(old->document.descriptor.digest, index->descriptor.digest) != 0;
    return copy_result_has_new_blob(&push->result) || (has_flag(push, LPIPE_INDEX_APPEND) && other);
}

static int put_index(struct index_push *push, const struct fetched *old,
                     const struct document *index, struct lpipe_error *err)
{
    const struct push_target *target = &push->target;
    const struct copy_route route = { .client = push->client,
                                      .to = target->store,
                                      .remote = target->remote };
    const struct copy_manifest manifest = { .document = index,
                                            .is_new = is_new(push, old, index),
                                            .tags = target->tags,
                                            .tag_count = target->tag_count };
    int status = push_target_check_digest(target, &index->descriptor, err);
    if (status == 0) {
        copy_result_dispose(&push->result);
        status = copy_result_fill(target, &index->descriptor, &push->result, err);
    }
    return status == 0 ? copy_write_manifest(&route, &manifest, err) : status;
}

/* A store is completed once, so each attempt opens its own. */
static int open_target(struct index_push *push, struct lpipe_error *err)
{
    struct lpipe_push_options options = LPIPE_PUSH_OPTIONS_INIT;
    options.tags = push->options->tags;
    options.tag_count = push->options->tag_count;
    push_target_dispose(&push->target);
    push->target = (struct push_target){ 0 };
    return push_target_open(push->client, push->dest, &options, &push->target, err);
}

/* old: the index that is changed; NULL = none. */
static int make_index(const struct index_push *push, const struct manifest *old,
                      struct document *ret_index, struct lpipe_error *err)
{
    const struct index_recipe recipe = { .old = old,
                                         .parts = push->parts,
                                         .part_count = push->entry_count,
                                         .format = push->options->format,
                                         .annotations = push->options->annotations,
                                         .annotation_count = push->options->annotation_count };
    return index_build(&recipe, ret_index, err);
}

/* Parts that cannot be in one index are found before any blob is sent. */
static int check_parts(const struct index_push *push, struct lpipe_error *err)
{
    AUTO_DOCUMENT struct document index = DOCUMENT_INIT;
    return make_index(push, NULL, &index, err);
}

/* Reads the old index, changes it, and puts the new one. */
static int build_and_put(struct index_push *push, struct lpipe_error *err)
{
    struct fetched old AUTO_FETCHED = FETCHED_INIT;
    AUTO_DOCUMENT struct document index = DOCUMENT_INIT;
    uint64_t start_ms = clock_ms();
    int status = 0;
    if (has_flag(push, LPIPE_INDEX_APPEND)) {
        status = fetch_index(push, push->dest->tag, &old, err);
    }
    status = status == 0 ? make_index(push, old.manifest, &index, err) : status;
    status = status == 0 ? put_index(push, &old, &index, err) : status;
    push->put_ms = clock_ms() - start_ms;
    return status;
}

/* 1 when the tag names an index with all that was put. */
static int tag_is_current(const struct index_push *push, const char *tag, struct lpipe_error *err)
{
    struct fetched now AUTO_FETCHED = FETCHED_INIT;
    char digest[DIGEST_TEXT_SIZE] = "";
    if (!has_flag(push, LPIPE_INDEX_APPEND)) {
        int found = store_manifest_head(push->target.store, tag, digest, err);
        return found == 1 ? strcmp(digest, push->result.digest) == 0 : found;
    }
    int status = fetch_index(push, tag, &now, err);
    return status == 0 ? now.manifest != NULL &&
                             index_has_parts(now.manifest, push->parts, push->entry_count)
                       : status;
}

/* 1 when tags and references are as they were put and read, 0 when another client has changed
 * them. */
static int is_current(const struct index_push *push, struct lpipe_error *err)
{
    int current = 1;
    for (size_t i = 0; i < push->entry_count && current == 1; i++) {
        current = has_flag(push, LPIPE_INDEX_SKIP_MISSING)
                      ? index_part_is_current(&push->parts[i], err)
                      : 1;
    }
    for (size_t i = 0; i < push->target.tag_count && current == 1; i++) {
        current = tag_is_current(push, push->target.tags[i], err);
    }
    return current;
}

/* Looks at the tags, and with APPEND once more after a wait: another client that had read the old
 * index before this put has probably put its own by then. */
static int check_after_put(const struct index_push *push, struct lpipe_error *err)
{
    int current = is_current(push, err);
    if (current == 1 && has_flag(push, LPIPE_INDEX_APPEND) && push->target.remote) {
        uint64_t wait_ms =
            MIN_OF(MAX_OF(4 * push->put_ms, (uint64_t)INDEX_LOOK_MS), (uint64_t)INDEX_LOOK_MS_MAX);
        int status = cancel_sleep(push->client->context.cancel, wait_ms, err);
        current = status == 0 ? is_current(push, err) : status;
    }
    if (current < 0 && err != NULL) {
        err->flags |= LPIPE_ERROR_MAYBE_PUBLISHED;
    }
    return current;
}

/* A random wait, so that clients that change the same tag do not go on in step. */
static int wait_for_attempt(const struct index_push *push, unsigned attempt,
                            struct lpipe_error *err)
{
    uint32_t number = 0;
    (void)getrandom(&number, sizeof number, GRND_NONBLOCK);
    uint64_t limit_ms = (uint64_t)INDEX_BACKOFF_MS << MIN_OF(attempt, 4u);
    return cancel_sleep(push->client->context.cancel, number % limit_ms, err);
}

static int run_attempts(struct index_push *push, struct lpipe_error *err)
{
    /* Nobody else writes the same archive, and null: keeps nothing. */
    bool checks = push->options->flags != 0 &&
                  (push->dest->kind == LPIPE_REF_REGISTRY || push->dest->kind == LPIPE_REF_LAYOUT);
    for (unsigned attempt = 0; attempt < INDEX_ATTEMPTS; attempt++) {
        int status = attempt > 0 ? wait_for_attempt(push, attempt, err) : 0;
        status = status == 0 ? open_target(push, err) : status;
        status = status == 0 ? load_parts(push, err) : status;
        status = status == 0 ? check_parts(push, err) : status;
        status = status == 0 ? copy_parts(push, err) : status;
        status = status == 0 ? build_and_put(push, err) : status;
        /* Before the look at the tags: a layout sets them in this step. */
        status = status == 0 ? store_finish(push->target.store, err) : status;
        int current = status == 0 && checks ? check_after_put(push, err) : 1;
        if (status != 0 || current != 0) {
            return status != 0 ? status : MIN_OF(current, 0);
        }
        context_notice(&push->client->context,
                       "%s was changed by another client at the same time; the index is made again",
                       push->dest->name);
    }
    return fail_with_advice(err, LPIPE_SERVER,
                            "%s was changed by other clients after each of %d attempts; try again",
                            push->dest->name, INDEX_ATTEMPTS);
}

static int check_flags(const struct index_push *push, struct lpipe_error *err)
{
    return push->options->flags != 0 && push->dest->tag == NULL
               ? fail(err, LPIPE_INVALID_ARGUMENT,
                      "%s has no tag: an index that is changed, or made of references that may be "
                      "missing, needs one",
                      push->dest->name)
               : 0;
}

int index_push(lpipe_client *client, const lpipe_ref *dest, const struct lpipe_index_entry *entries,
               size_t entry_count, const struct lpipe_index_options *options,
               struct lpipe_copy_result *ret_result, struct lpipe_error *err)
{
    CONTEXT_CALL(&client->context);
    struct index_push push CLEANUP(index_push_dispose) = { .client = client,
                                                           .dest = dest,
                                                           .entries = entries,
                                                           .entry_count = entry_count,
                                                           .options = options,
                                                           .result = LPIPE_COPY_RESULT_INIT };
    push.parts = mem_new_array(entry_count, sizeof *push.parts);
    int status = push.parts == NULL ? fail_memory(err) : check_flags(&push, err);
    status = status == 0 ? run_attempts(&push, err) : status;
    if (status == 0) {
        *ret_result = push.result;
        push.result = (struct lpipe_copy_result)LPIPE_COPY_RESULT_INIT;
    }
    return status;
}
