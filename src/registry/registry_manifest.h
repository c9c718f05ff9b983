/* SPDX-License-Identifier: Apache-2.0 */
/* Manifests in and out of a repository, their digests checked. Any thread. */
#ifndef REGISTRY_REGISTRY_MANIFEST_H
#define REGISTRY_REGISTRY_MANIFEST_H

#include "oci/document.h"
#include "request/repository.h"

/* Fetches what a tag or digest names, of any OCI or Docker type. INTEGRITY when the bytes are not
 * what was asked for, or what the registry says they are. */
MUST_CHECK int registry_manifest_get(const struct repository *repository, const char *reference,
                                     struct document *ret_document, struct lpipe_error *err);

/* 1 with the digest of what a tag or digest names, 0 when there is nothing. */
MUST_CHECK int registry_manifest_head(const struct repository *repository, const char *reference,
                                      char ret_digest[DIGEST_TEXT_SIZE], struct lpipe_error *err);

/* Puts a manifest under a tag, or under its digest (tag NULL). Where an answer was lost, or says
 * little, the registry is asked what it has; blobs that it does not know yet are given time. Returns 1
 * when the registry said that it lists the manifest as a referrer of its subject, else 0. */
MUST_CHECK int registry_manifest_put(const struct repository *repository,
                                     const struct document *manifest, const char *tag,
                                     struct lpipe_error *err);

#endif
