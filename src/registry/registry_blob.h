/* SPDX-License-Identifier: Apache-2.0 */
/* Blobs of a repository that are there already: mounting and reading. Any thread; a reader belongs to
 * one. */
#ifndef REGISTRY_REGISTRY_BLOB_H
#define REGISTRY_REGISTRY_BLOB_H

#include "oci/store.h"
#include "request/repository.h"

/* 1 when mounted; 0 for every way in which a registry can say no. */
MUST_CHECK int registry_blob_mount(const struct repository *repository, const char *digest,
                                   const char *from_repository, struct lpipe_error *err);

/* Reads a blob as it comes, wherever redirects lead, and goes on after a broken connection where it
 * was. The first read asks the registry. repository is borrowed as long as the reader. */
MUST_CHECK int registry_blob_open(const struct repository *repository,
                                  const struct descriptor *blob, struct blob_reader **ret_reader,
                                  struct lpipe_error *err);

#endif
