/* SPDX-License-Identifier: Apache-2.0 */
#include "image/image_fetch.h"

#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "oci/reference.h"

#define READ_BYTES ((size_t)4096)

void fetched_dispose(struct fetched *fetched)
{
    fetched->manifest = manifest_free(fetched->manifest);
    document_dispose(&fetched->document);
}

const char *image_fetch_reference(const lpipe_ref *ref)
{
    return ref->digest != NULL ? ref->digest : ref->tag != NULL ? ref->tag : "";
}

int fetched_parse(struct fetched *fetched, struct lpipe_error *err)
{
    struct descriptor *descriptor = &fetched->document.descriptor;
    int status = manifest_parse(&fetched->document, &fetched->manifest, err);
    if (status == 0) {
        (void)snprintf(descriptor->media_type, sizeof descriptor->media_type, "%s",
                       fetched->manifest->media_type);
    }
    return status;
}

int image_fetch_manifest(struct store *store, const char *reference, struct fetched *ret_fetched,
                         struct lpipe_error *err)
{
    struct fetched fetched AUTO_FETCHED = FETCHED_INIT;
    int status = store->ops->manifest_get(store, reference, &fetched.document, err);
    status = status == 0 ? fetched_parse(&fetched, err) : status;
    if (status == 0) {
        *ret_fetched = fetched;
        fetched = (struct fetched)FETCHED_INIT;
    }
    return status;
}

int image_fetch_child(struct store *store, const struct descriptor *child,
                      struct fetched *ret_fetched, struct lpipe_error *err)
{
    struct fetched fetched AUTO_FETCHED = FETCHED_INIT;
    struct descriptor *got = &fetched.document.descriptor;
    int status = store->ops->manifest_get(store, child->digest, &fetched.document, err);
    status = status == 0 ? document_check(&fetched.document, child, err) : status;
    if (status != 0) {
        return status;
    }
    if (got->media_type[0] != '\0' && strcmp(got->media_type, child->media_type) != 0) {
        return fail(err, LPIPE_PROTOCOL,
                    "%s: the media type is %s in the index, but the store returned %s",
                    child->digest, child->media_type, got->media_type);
    }
    memcpy(got->media_type, child->media_type, sizeof got->media_type);
    status = fetched_parse(&fetched, err);
    if (status == 0) {
        *ret_fetched = fetched;
        fetched = (struct fetched)FETCHED_INIT;
    }
    return status;
}

int image_fetch_choose(struct store *store, const struct platform *platform,
                       struct fetched *fetched, struct lpipe_error *err)
{
    for (unsigned depth = 0; fetched->manifest->kind == MANIFEST_KIND_INDEX; depth++) {
        const struct manifest_item *item = NULL;
        struct fetched child = FETCHED_INIT;
        if (depth == INDEX_DEPTH_MAX) {
            return fail(err, LPIPE_PROTOCOL,
                        "the index has nested indexes more than %d levels deep", INDEX_DEPTH_MAX);
        }
        int status = manifest_choose(fetched->manifest, platform, &item, err);
        status = status == 0 ? image_fetch_child(store, &item->descriptor, &child, err) : status;
        if (status != 0) {
            return status;
        }
        fetched_dispose(fetched);
        *fetched = child;
    }
    return 0;
}

bool image_has_config(const struct manifest *manifest)
{
    return manifest->kind == MANIFEST_KIND_IMAGE &&
           media_type_role(manifest->config.descriptor.media_type, NULL) == MEDIA_ROLE_CONFIG;
}

static int read_all(struct blob_reader *reader, struct buf *bytes, struct lpipe_error *err)
{
    char part[READ_BYTES];
    for (;;) {
        size_t size = 0;
        int status = reader->ops->read(reader, part, sizeof part, &size, err);
        if (status != 0 || size == 0) {
            return status;
        }
        status = buf_append(bytes, part, size);
        if (status == LPIPE_TOO_LARGE) {
            return fail(err, LPIPE_INTEGRITY, "more bytes than its descriptor says");
        }
        if (status != 0) {
            return fail_memory(err);
        }
    }
}

int image_fetch_config(struct store *store, const struct manifest *manifest,
                       struct document *ret_document, struct lpipe_error *err)
{
    const struct descriptor *config = &manifest->config.descriptor;
    struct blob_reader *reader AUTO_BLOB_READER = NULL;
    if (config->size > CONFIG_BYTES_MAX) {
        return fail(err, LPIPE_TOO_LARGE, "the image config has more than %zu bytes",
                    CONFIG_BYTES_MAX);
    }
    /* The descriptor's size limits the buffer, so the store cannot make it grow further. */
    AUTO_BUF struct buf bytes = BUF_INIT((size_t)config->size);
    AUTO_DOCUMENT struct document document = DOCUMENT_INIT;
    int status = store->ops->blob_open(store, config, &reader, err);
    status = status == 0 ? read_all(reader, &bytes, err) : status;
    if (status == 0) {
        status = document_make(&bytes, config->media_type, config->digest, &document, err);
    }
    status = status == 0 ? document_check(&document, config, err) : status;
    if (status != 0) {
        return fail_context(err, status, "image config");
    }
    *ret_document = document;
    document = (struct document)DOCUMENT_INIT;
    return 0;
}
