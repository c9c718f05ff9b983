/* SPDX-License-Identifier: Apache-2.0 */
#include "oci/document.h"

#include <stdio.h>
#include <string.h>

int document_make(struct buf *bytes, const char *media_type, const char *wanted_digest,
                  struct document *ret_document, struct lpipe_error *err)
{
    struct descriptor made = { .size = bytes->size };
    enum digest_alg alg = wanted_digest == NULL ? DIGEST_SHA256 : digest_alg_of(wanted_digest);
    int status = digest_of(alg, bytes->data, bytes->size, made.digest, err);
    if (status != 0) {
        return status;
    }
    if (wanted_digest != NULL && strcmp(made.digest, wanted_digest) != 0) {
        return fail(err, LPIPE_INTEGRITY,
                    "%s was requested, but the bytes received have the digest %s", wanted_digest,
                    made.digest);
    }
    (void)snprintf(made.media_type, sizeof made.media_type, "%s", media_type);
    ret_document->descriptor = made;
    ret_document->bytes = *bytes;
    *bytes = (struct buf)BUF_INIT(bytes->size_max);
    return 0;
}

int document_check(const struct document *document, const struct descriptor *wanted,
                   struct lpipe_error *err)
{
    char digest[DIGEST_TEXT_SIZE];
    if (document->bytes.size != wanted->size) {
        return fail(err, LPIPE_INTEGRITY, "%s: %zu bytes, but the descriptor says %llu",
                    wanted->digest, document->bytes.size, (unsigned long long)wanted->size);
    }
    int status = digest_of(digest_alg_of(wanted->digest), document->bytes.data,
                           document->bytes.size, digest, err);
    if (status == 0 && strcmp(digest, wanted->digest) != 0) {
        return fail(err, LPIPE_INTEGRITY, "%s: the bytes have the digest %s", wanted->digest,
                    digest);
    }
    return status;
}

void document_dispose(struct document *document)
{
    buf_dispose(&document->bytes);
}
