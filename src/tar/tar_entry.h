/* SPDX-License-Identifier: Apache-2.0 */
/* What the headers of an entry say together: its size and its name as Go's archive/tar takes
 * them, and what of them is odd. Constant memory; the caller follows the framing. */
#ifndef TAR_TAR_ENTRY_H
#define TAR_TAR_ENTRY_H

#include "tar/tar_odd.h"
#include "tar/tar_pax.h"
#include "tar/tar_tops.h"

/* A name in a header of GNU tar. */
struct tar_long_name {
    bool ended; /* by its NUL; more bytes may follow */
    struct tar_name name;
};

struct tar_entry {
    struct tar_text name; /* of the last entry */
    struct tar_odd odd;   /* of all entries so far */
    struct tar_tops tops; /* of all entries so far */
    unsigned image_marks; /* which files of an image archive are at the top: see tar_entry.c */
    int64_t sparse_size;  /* of a sparse file with its holes */
    /* Of the entry whose headers are being read. */
    uint64_t offset; /* of the last of them */
    bool is_odd;
    bool has_pax;
    bool pax_is_odd; /* of type X: no runtime reads it */
    struct tar_pax pax;
    struct tar_long_name long_path;
    struct tar_long_name long_link;
    struct tar_name header_path;
};

/* A header begins, of any type. first: none of its entry has come before. */
void tar_entry_header(struct tar_entry *entry, const unsigned char *header, uint64_t offset,
                      bool first);
/* An extension header, type x, X, g, L or K. Its body goes to tar_pax_feed(&entry->pax), or to
 * tar_entry_long_bytes() for L and K. */
void tar_entry_extension_begin(struct tar_entry *entry, char type);
void tar_entry_long_bytes(struct tar_entry *entry, char type, const unsigned char *data,
                          size_t size);
void tar_entry_extension_end(struct tar_entry *entry, char type, const unsigned char *header);
bool tar_entry_has_pax_size(const struct tar_entry *entry);
/* The header of the entry itself. io_size: what it says, then the bytes that follow. True where
 * they begin with the map of a sparse file; tar_entry_sparse_wrong() if that turns out to be
 * none. */
bool tar_entry_done(struct tar_entry *entry, const unsigned char *header, uint64_t *io_size);
void tar_entry_sparse_wrong(struct tar_entry *entry);

/* Whether the entries so far are those of an image archive (docker save, an OCI layout), not of a
 * file system. */
bool tar_entry_is_image_archive(const struct tar_entry *entry);

#endif
