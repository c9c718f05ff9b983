/* SPDX-License-Identifier: Apache-2.0 */
/* The files oci-layout and index.json of a layout. Only for files in src/layout. */
#ifndef LAYOUT_LAYOUT_INDEX_H
#define LAYOUT_LAYOUT_INDEX_H

#include "layout/layout_dir.h"
#include "oci/descriptor_list.h"

/* Creates the files of an empty layout if they are missing. A directory that is neither empty nor a
 * layout is refused; a damaged layout too. */
MUST_CHECK int layout_index_prepare(const struct layout *layout, struct lpipe_error *err);
/* Checks that the directory is a layout of a known version. NOT_FOUND when it is not a layout. */
MUST_CHECK int layout_index_check(const struct layout *layout, struct lpipe_error *err);

/* Adds entries for manifests, all in one change of the file. With a tag, an entry replaces the one
 * that has the tag. Without a tag, nothing changes if an entry has the digest already. All other
 * entries and fields are kept. */
MUST_CHECK int layout_index_put(const struct layout *layout, const struct layout_entries *entries,
                                struct lpipe_error *err);

/* Finds an entry by tag or digest; "" finds the only entry. NOT_FOUND lists the images of
 * the layout, as they can be typed. */
MUST_CHECK int layout_index_find(const struct layout *layout, const char *reference,
                                 struct descriptor *ret_manifest, struct lpipe_error *err);
/* Appends all entries; one that has no valid descriptor is left out. */
MUST_CHECK int layout_index_entries(const struct layout *layout, struct descriptor_list *list,
                                    struct lpipe_error *err);

#endif
