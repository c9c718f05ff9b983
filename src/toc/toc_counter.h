/* SPDX-License-Identifier: Apache-2.0 */
/* Counts the entries and chunks in the JSON of a table of contents, zstd:chunked or eStargz, while
 * its bytes pass. Constant memory; the bytes may be of any program. One thread at a time. */
#ifndef TOC_TOC_COUNTER_H
#define TOC_TOC_COUNTER_H

#include "base/fail.h"

struct toc_counter {
    uint64_t entries; /* files, directories, links, ... */
    uint64_t chunks;  /* parts of files that can be fetched alone */
    /* The place in the JSON. */
    unsigned depth;
    bool in_string, is_escaped;
    bool is_entries;    /* the last key of the outermost object was "entries" */
    bool is_type;       /* the last key of an entry was "type" */
    bool is_chunk;      /* the current entry is a further chunk of a file */
    bool has_contents;  /* it has a place in the blob */
    char text[12];      /* the last string, cut off */
    unsigned text_size; /* of the whole string */
    bool has_end;       /* of the outermost object */
};

/* *counter is all zeros before the first bytes. */
void toc_counter_bytes(struct toc_counter *counter, const void *data, size_t size);
/* Whether the bytes were a whole JSON object, as far as the counter can tell. */
bool toc_counter_is_whole(const struct toc_counter *counter);

#endif
