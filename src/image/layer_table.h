/* SPDX-License-Identifier: Apache-2.0 */
/* What a layer offers to programs that pull it lazily: its table of contents, or the zTOC that a
 * SOCI index has for it. Any thread. */
#ifndef IMAGE_LAYER_TABLE_H
#define IMAGE_LAYER_TABLE_H

#include "oci/manifest.h"
#include "oci/store.h"

enum layer_table_kind {
    LAYER_TABLE_NONE = 0,
    LAYER_TABLE_ZSTD_CHUNKED,
    LAYER_TABLE_ESTARGZ,
    LAYER_TABLE_SOCI
};

struct layer_table {
    enum layer_table_kind kind;
    uint64_t index_bytes; /* stored, of the table and what belongs to it; 0 = not known */
    bool is_read;         /* the counts are known */
    uint64_t entries;     /* files, directories, links, ... */
    uint64_t chunks;      /* content chunks, or spans of a zTOC */
    /* Where the table is. */
    struct descriptor ztoc;
    char digest[DIGEST_TEXT_SIZE]; /* of the table */
    uint64_t offset, size, raw_size;
};

/* "zstd:chunked"; NULL for a layer without a table. */
const char *layer_table_name(const struct layer_table *table);

/* What the descriptor of a layer says, and a SOCI index (NULL = none). Annotations that are not
 * right are as if they were not there. */
void layer_table_find(const struct manifest_item *layer, const struct manifest *soci_index,
                      struct layer_table *ret_table);
/* Fetches the table, and only it, verifies its digest and counts what is in it. A table of more
 * than TOC_READ_BYTES_MAX bytes, or a zTOC of more than ZTOC_READ_BYTES_MAX, is not read.
 * INTEGRITY, and the failures of the store. */
MUST_CHECK int layer_table_read(struct store *store, const struct descriptor *layer,
                                struct layer_table *table, struct lpipe_error *err);

#endif
