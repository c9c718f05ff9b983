/* SPDX-License-Identifier: Apache-2.0 */
/* Functions of layout_index.c that layout_merge.c uses too. Only for files in src/layout. */
#ifndef LAYOUT_LAYOUT_MERGE_H
#define LAYOUT_LAYOUT_MERGE_H

#include "layout/layout_dir.h"
#include "oci/json_read.h"

#define LAYOUT_TAG_KEY "org.opencontainers.image.ref.name"

/* 1 for a layout of a known version, 0 when oci-layout is missing. */
MUST_CHECK int layout_version_check(const struct layout *layout, struct lpipe_error *err);
/* Parses index.json: 1 with the document and the stat of the file, 0 when there is no file. */
MUST_CHECK int layout_index_load(const struct layout *layout, struct json_doc *ret_doc,
                                 struct stat *ret_info, struct lpipe_error *err);
/* Tag and digest of an entry, NULL when it has none; borrowed. */
const char *layout_entry_tag(const struct json_node *entry);
const char *layout_entry_digest(const struct json_node *entry);

#endif
