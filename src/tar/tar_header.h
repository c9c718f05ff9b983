/* SPDX-License-Identifier: Apache-2.0 */
/* One 512-byte tar header: the fields that decide where the next one begins, and those that
 * container runtimes read. Pure functions. */
#ifndef TAR_TAR_HEADER_H
#define TAR_TAR_HEADER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TAR_BLOCK_BYTES 512

enum {
    TAR_NAME_BYTES = 272, /* of names kept for messages; what a header can hold fits */
};

enum tar_format {
    TAR_FORMAT_V7 = 0, /* no magic: nothing after the link's name counts */
    TAR_FORMAT_USTAR,  /* and PAX */
    TAR_FORMAT_STAR,   /* ustar's magic, star's trailer: times where the prefix would end */
    TAR_FORMAT_GNU
};

/* The checksum field agrees with the sum of the bytes, taken as unsigned or, as old writers did, as
 * signed. */
bool tar_header_checksum_good(const unsigned char *header);
/* Octal with blanks around it, or GNU's base-256; false when malformed, negative or above
 * 2^63-1. */
bool tar_number(const unsigned char *field, size_t width, uint64_t *ret_value);
/* The same as Go's archive/tar reads it: blanks and NULs in front do not count, and base-256 may be
 * negative. */
bool tar_number_of_go(const unsigned char *field, size_t width, int64_t *ret_value);
/* In GNU's format: whether its two times are numbers or absent. If not, neither is a time. */
bool tar_header_has_gnu_times(const unsigned char *header);
enum tar_format tar_header_format(const unsigned char *header);
/* NULL, or the name of the first field that archive/tar reads as a number and that is none. */
const char *tar_header_not_numeric(const unsigned char *header);
/* Whether both device numbers have at most 32 bits; they do where the format has none. */
bool tar_header_device_fits(const unsigned char *header);
/* The target of a link, not ended by a NUL. Returns its length. */
size_t tar_header_link(const unsigned char *header, const char **ret_link);
bool tar_header_size(const unsigned char *header, uint64_t *ret_size);
char tar_header_type(const unsigned char *header);
/* True for entries that have no data whatever their size field says: links, devices,
 * directories. */
bool tar_type_is_bare(char type);
/* Old GNU sparse entry: is its map continued in a block before the data? */
bool tar_header_sparse_continues(const unsigned char *header);
bool tar_sparse_block_continues(const unsigned char *block);
/* Name with its prefix, not yet fit for printing. Returns its length. */
size_t tar_header_name(const unsigned char *header, char ret_name[TAR_NAME_BYTES]);

#endif
