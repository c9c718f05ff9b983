/* SPDX-License-Identifier: Apache-2.0 */
/* The body of a PAX extended header, read in pieces of any size and in constant memory: checks the
 * records' syntax and keeps the two of interest, "size" and the beginning of "path". */
#ifndef TAR_TAR_PAX_H
#define TAR_TAR_PAX_H

#include "tar/tar_header.h"

enum tar_pax_phase { TAR_PAX_LENGTH = 0, TAR_PAX_KEY, TAR_PAX_VALUE };

struct tar_pax {
    enum tar_pax_phase phase;
    uint64_t record_size; /* as announced */
    uint64_t record_left; /* bytes of the record still to come */
    unsigned digits;      /* seen of the length, then of the value where it is a number */
    size_t key_size;
    char key[8]; /* its beginning: enough to tell the known keys */
    uint64_t number;
    bool has_size;
    uint64_t size;
    size_t path_size; /* bytes kept in path; 0 = no path record */
    char path_last;   /* last byte of the whole path */
    char path[TAR_NAME_BYTES];
};

void tar_pax_begin(struct tar_pax *pax);
/* Returns NULL, or what is wrong with the bytes. */
const char *tar_pax_feed(struct tar_pax *pax, const unsigned char *data, size_t size);
const char *tar_pax_end(const struct tar_pax *pax);

#endif
