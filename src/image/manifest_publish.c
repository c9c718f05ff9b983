/* SPDX-License-Identifier: Apache-2.0 */
#include "image/manifest_publish.h"

#include <string.h>

#include "base/cancel.h"
#include "image/blob_ensure.h"
#include "image/image_referrers.h"
#include "registry/client.h"

static void send_event(const struct publication *publication, enum lpipe_event_kind kind,
                       const char *text)
{
    const struct lpipe_event event = { .struct_size = sizeof event,
                                       .kind = kind,
                                       .digest = publication->manifest->descriptor.digest,
                                       .text = text };
    context_event(&publication->client->context, &event);
}

/* True when reference names this manifest already. After a failure the answer is no, and the put
 * shows whether the store works. */
static bool is_put_already(const struct publication *publication, const char *reference)
{
    const char *digest = publication->manifest->descriptor.digest;
    char found[DIGEST_TEXT_SIZE];
    if (publication->found_reference != NULL &&
        strcmp(publication->found_reference, reference) == 0) {
        return true;
    }
    return store_manifest_head(publication->store, reference, found, NULL) == 1 &&
           strcmp(found, digest) == 0;
}

static int put_manifest(const struct publication *publication, const char *tag,
                        struct lpipe_error *err)
{
    struct store *store = publication->store;
    const char *digest = publication->manifest->descriptor.digest;
    int status = cancel_requested(publication->client->context.cancel) ? fail_cancelled(err) : 0;
    /* A layout or archive compares all tags with its index in one step, when it is finished. */
    bool may_skip = !publication->is_new && !store->children_are_blobs;
    bool skip = status == 0 && may_skip && is_put_already(publication, tag != NULL ? tag : digest);
    if (status == 0 && !skip) {
        status = store->ops->manifest_put(store, publication->manifest, tag, err);
    }
    if (status == 0) {
        send_event(publication, tag != NULL ? LPIPE_EVENT_TAG : LPIPE_EVENT_MANIFEST, tag);
    }
    return status;
}

/* Puts a manifest with a subject. If the store does not list referrers, adds the manifest to the
 * subject's referrers tag. */
static int put_referrer(const struct publication *publication, struct lpipe_error *err)
{
    struct store *store = publication->store;
    int status = store->ops->manifest_put(store, publication->manifest, NULL, err);
    if (status != 0) {
        return status;
    }
    send_event(publication, LPIPE_EVENT_MANIFEST, NULL);
    return store->ops->referrers_native(store) != 0
               ? 0
               : image_referrers_add(store, publication->subject_digest, publication->referrer,
                                     err);
}

int manifest_publish(const struct publication *publication, struct lpipe_error *err)
{
    int status = 0;
    size_t put = 0;
    if (publication->subject_digest != NULL) {
        status = put_referrer(publication, err);
    } else if (publication->tag_count == 0) {
        status = put_manifest(publication, NULL, err);
    }
    for (; put < publication->tag_count && status == 0; put++) {
        status = put_manifest(publication, publication->tags[put], err);
    }
    if (status != 0 && put > 1 && publication->store->ops->finish == NULL && err != NULL) {
        err->flags |= LPIPE_ERROR_MAYBE_PUBLISHED; /* the tags before this one are set */
    }
    return status;
}

int manifest_publish_child(const struct publication *publication, struct lpipe_error *err)
{
    if (!publication->store->children_are_blobs) {
        return manifest_publish(publication, err);
    }
    const struct document *manifest = publication->manifest;
    const struct blob_job job = { .client = publication->client,
                                  .store = publication->store,
                                  .name = "manifest" };
    int status = blob_ensure_bytes(&job, &manifest->descriptor, manifest->bytes.data, err);
    return status;
}
