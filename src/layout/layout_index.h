/* SPDX-License-Identifier: Apache-2.0 */
/* oci-layout and index.json of a layout. For the layout room alone. */
#ifndef LAYOUT_LAYOUT_INDEX_H
#define LAYOUT_LAYOUT_INDEX_H

#include "layout/layout_dir.h"

/* Makes the files of an empty layout where they are missing. A directory that is neither empty nor
 * a layout is refused, and so is a damaged one. */
MUST_CHECK int layout_index_prepare(const struct layout *layout, struct lpipe_error *err);
/* Checks that this is a layout that we understand. NOT_FOUND when it is none. */
MUST_CHECK int layout_index_check(const struct layout *layout, struct lpipe_error *err);

/* Enters a manifest: under a tag, replacing what had it, or without one (tag NULL) where no entry
 * has its digest yet. Entries and fields of others stay. */
MUST_CHECK int layout_index_put(const struct layout *layout, const struct descriptor *manifest,
                                const char *tag, struct lpipe_error *err);

/* Finds an entry by tag or digest; "" finds the only one. NOT_FOUND names the tags there are. */
MUST_CHECK int layout_index_find(const struct layout *layout, const char *reference,
                                 struct descriptor *ret_manifest, struct lpipe_error *err);

#endif
