/* SPDX-License-Identifier: Apache-2.0 */
/* Asks a repository which manifests refer to a digest (distribution-spec, "Listing Referrers"). Any
 * thread. */
#ifndef REGISTRY_REGISTRY_REFERRERS_H
#define REGISTRY_REGISTRY_REFERRERS_H

#include "oci/descriptor_list.h"
#include "request/repository.h"

/* Appends the referrers, page by page. 1, or 0 when the registry has no referrers API. */
MUST_CHECK int registry_referrers_list(const struct repository *repository, const char *digest,
                                       struct descriptor_list *list, struct lpipe_error *err);

#endif
