/* SPDX-License-Identifier: Apache-2.0 */
/* Copies an index whose images get layers that are compressed in another way.
 *
 * The new index has the entries of the old one in the same order, with their platforms and
 * annotations. What is no image (attestations, for example) keeps its bytes. SOCI indexes of the
 * old images are left out; those of the new images are the last entries. Any thread. */
#ifndef COPY_INDEX_CONVERT_H
#define COPY_INDEX_CONVERT_H

#include "copy/convert_layers.h"
#include "image/image_fetch.h"

/* from: the open source, of which root is an index. Fills in *result. UNSUPPORTED (an entry that is
 * no manifest), and the failures of image_convert(). */
MUST_CHECK int index_convert(const struct convert_rules *rules, const lpipe_ref *source,
                             const lpipe_ref *dest, struct store *from, struct fetched *root,
                             struct lpipe_copy_result *result, struct lpipe_error *err);

#endif
