/* SPDX-License-Identifier: Apache-2.0 */
/* What reading and changing index.json share. For the layout room alone. */
#ifndef LAYOUT_LAYOUT_MERGE_H
#define LAYOUT_LAYOUT_MERGE_H

#include "layout/layout_dir.h"
#include "oci/json_read.h"

#define LAYOUT_TAG_KEY "org.opencontainers.image.ref.name"

/* 1 for a layout of the version we know, 0 when oci-layout is missing. */
MUST_CHECK int layout_index_version(const struct layout *layout, struct lpipe_error *err);
/* Parses index.json: 1 with the document and its file's state, 0 when there is none. */
MUST_CHECK int layout_index_load(const struct layout *layout, struct json_doc *ret_doc,
                                 struct stat *ret_info, struct lpipe_error *err);
/* Tag and digest of an entry, or NULL; borrowed. */
const char *layout_entry_tag(const struct json_node *entry);
const char *layout_entry_digest(const struct json_node *entry);

#endif
