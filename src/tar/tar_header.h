/* SPDX-License-Identifier: Apache-2.0 */
/* One 512-byte tar header: the fields that decide where the next one begins. Pure functions. */
#ifndef TAR_TAR_HEADER_H
#define TAR_TAR_HEADER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TAR_BLOCK_BYTES 512

enum {
    TAR_NAME_BYTES = 256, /* of names kept for messages */
};

/* The checksum field agrees with the sum of the bytes, taken as unsigned or, as old writers did, as
 * signed. */
bool tar_header_checksum_good(const unsigned char *header);
/* Octal with blanks around it, or GNU's base-256; false when malformed, negative or above
 * 2^63-1. */
bool tar_number(const unsigned char *field, size_t width, uint64_t *ret_value);
bool tar_header_size(const unsigned char *header, uint64_t *ret_size);
char tar_header_type(const unsigned char *header);
/* True for entries that have no data whatever their size field says: links, devices,
 * directories. */
bool tar_type_is_bare(char type);
/* Old GNU sparse entry: is its map continued in a block before the data? */
bool tar_header_sparse_continues(const unsigned char *header);
bool tar_sparse_block_continues(const unsigned char *block);
/* Name with its prefix, cut to fit, not yet fit for printing. Returns its length. */
size_t tar_header_name(const unsigned char *header, char ret_name[TAR_NAME_BYTES]);

#endif
