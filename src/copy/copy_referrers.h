/* SPDX-License-Identifier: Apache-2.0 */
/* Copies the manifests that refer to an image as their subject (signatures, SBOMs, attestations),
 * and what refers to these. Any thread. */
#ifndef COPY_COPY_REFERRERS_H
#define COPY_COPY_REFERRERS_H

#include "copy/copy_steps.h"

/* graph: of the image; all but its root is in the destination. Puts the root under its digest if
 * there are referrers, because some registries refuse a referrer without its subject. Adds to the
 * counts of *result. */
MUST_CHECK int copy_referrers(const struct copy_steps *image, const struct copy_graph *graph,
                              struct lpipe_copy_result *result, struct lpipe_error *err);

#endif
