/* SPDX-License-Identifier: Apache-2.0 */
/* Gets and puts manifests of a repository and checks their digests. Any thread. */
#ifndef REGISTRY_REGISTRY_MANIFEST_H
#define REGISTRY_REGISTRY_MANIFEST_H

#include "oci/document.h"
#include "request/repository.h"

/* Fetches the manifest of a tag or digest, of any OCI or Docker type. INTEGRITY when the bytes do
 * not match that digest, or the one that the registry sends with a tag's manifest. */
MUST_CHECK int registry_manifest_get(const struct repository *repository, const char *reference,
                                     struct document *ret_document, struct lpipe_error *err);

/* 1 with the digest of the manifest that a tag or digest names, 0 when there is none. */
MUST_CHECK int registry_manifest_head(const struct repository *repository, const char *reference,
                                      char ret_digest[DIGEST_TEXT_SIZE], struct lpipe_error *err);

/* Puts a manifest under a tag, or under its digest (tag NULL). After an unclear answer, HEAD of the
 * manifest decides. The PUT is retried while the registry does not know the manifest's blobs yet.
 * Returns 1 when the registry answered that it lists the manifest as a referrer of its subject,
 * else 0. */
MUST_CHECK int registry_manifest_put(const struct repository *repository,
                                     const struct document *manifest, const char *tag,
                                     struct lpipe_error *err);

#endif
