/* SPDX-License-Identifier: Apache-2.0 */
/* The map of a sparse file: pairs of offset and length, of which only a summary is kept. It is
 * judged as Go's archive/tar judges it. Constant memory. */
#ifndef TAR_TAR_SPARSE_H
#define TAR_TAR_SPARSE_H

#include "tar/tar_decimal.h"

struct tar_sparse {
    struct tar_decimal number; /* the one being read */
    uint64_t count;            /* of whole numbers */
    bool wrong;
    int64_t offset; /* of the region whose length comes next */
    int64_t end;    /* of the last region */
    int64_t stored; /* bytes in all regions */
};

void tar_sparse_begin(struct tar_sparse *map);
/* The bytes of a number, then its end. */
void tar_sparse_byte(struct tar_sparse *map, unsigned char c);
void tar_sparse_number_end(struct tar_sparse *map);
/* Whether the map has regions_wanted regions in order, within size, that hold stored bytes. */
bool tar_sparse_fits(const struct tar_sparse *map, int64_t regions_wanted, int64_t size,
                     uint64_t stored);

/* A map that stands in front of the data (version 1.0 of GNU tar's PAX format): the number of
 * regions, then the pairs, each number on a line, filled up to a whole block. */
struct tar_sparse_data {
    struct tar_sparse map;
    bool counted; /* regions is known */
    int64_t regions;
    uint64_t bytes; /* whole blocks of the map */
};

enum tar_sparse_state { TAR_SPARSE_MORE = 0, TAR_SPARSE_DONE, TAR_SPARSE_WRONG };

void tar_sparse_data_begin(struct tar_sparse_data *data);
/* Some bytes, which do not go beyond a block; block_ends: it ends with them. */
enum tar_sparse_state tar_sparse_data_feed(struct tar_sparse_data *data, const unsigned char *bytes,
                                           size_t size, bool block_ends);

#endif
