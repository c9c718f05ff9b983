/* SPDX-License-Identifier: Apache-2.0 */
/* The body of a PAX extended header, read in pieces of any size and in constant memory: checks the
 * records' syntax and keeps what decides where the next header begins, and what runtimes read.
 * The last of several records of one key counts, as for Go's archive/tar. */
#ifndef TAR_TAR_PAX_H
#define TAR_TAR_PAX_H

#include "tar/tar_header.h"
#include "tar/tar_name.h"
#include "tar/tar_odd.h"
#include "tar/tar_sparse.h"

enum tar_pax_phase { TAR_PAX_LENGTH = 0, TAR_PAX_KEY, TAR_PAX_VALUE };

enum tar_pax_key {
    TAR_PAX_OTHER = 0,
    TAR_PAX_PATH,
    TAR_PAX_LINKPATH,
    TAR_PAX_UNAME,
    TAR_PAX_GNAME,
    TAR_PAX_UID,
    TAR_PAX_GID,
    TAR_PAX_ATIME,
    TAR_PAX_MTIME,
    TAR_PAX_CTIME,
    TAR_PAX_SIZE,
    TAR_PAX_SPARSE_MAJOR,
    TAR_PAX_SPARSE_MINOR,
    TAR_PAX_SPARSE_NAME,
    TAR_PAX_SPARSE_SIZE,
    TAR_PAX_SPARSE_REALSIZE,
    TAR_PAX_SPARSE_NUMBLOCKS,
    TAR_PAX_SPARSE_MAP,
    TAR_PAX_SPARSE_OFFSET,
    TAR_PAX_SPARSE_NUMBYTES,
    TAR_PAX_XATTR, /* SCHILY.xattr. and its name */
    TAR_PAX_KEYS
};

/* What a record's value was. An empty one is as good as none. */
struct tar_pax_value {
    bool present;
    bool wrong; /* not what the key's values are */
    int64_t number;
};

enum tar_pax_sparse {
    TAR_PAX_SPARSE_NONE = 0,
    TAR_PAX_SPARSE_IN_RECORDS, /* versions 0.0 and 0.1 */
    TAR_PAX_SPARSE_IN_DATA     /* version 1.0: the map stands in front of the data */
};

struct tar_pax {
    enum tar_pax_phase phase;
    uint64_t record_size; /* as announced */
    uint64_t record_left; /* bytes of the record still to come */
    unsigned digits;      /* seen of the length */
    size_t key_size;
    char key_text[24]; /* its beginning: enough to tell the known keys */
    /* Of the value being read. */
    enum tar_pax_key key;
    size_t value_size;
    struct tar_decimal number;
    bool in_fraction; /* of a time */
    bool value_wrong;
    struct tar_pax_value values[TAR_PAX_KEYS];
    /* What makes the whole header unreadable for archive/tar. */
    enum tar_odd_reason odd;
    enum tar_pax_key odd_key;
    struct tar_sparse map;   /* of GNU.sparse.map */
    struct tar_sparse pairs; /* of GNU.sparse.offset and GNU.sparse.numbytes */
    bool pairs_filled;       /* there is more than one empty record of these */
    /* Last, as their text need not be cleared. */
    struct tar_name path;
    struct tar_name link;
    struct tar_name sparse_name;
};

void tar_pax_begin(struct tar_pax *pax);
/* Returns NULL, or what is wrong with the bytes. */
const char *tar_pax_feed(struct tar_pax *pax, const unsigned char *data, size_t size);
const char *tar_pax_end(const struct tar_pax *pax);
bool tar_pax_size(const struct tar_pax *pax, uint64_t *ret_size);

/* What archive/tar refuses in the header, as a whole: the only check that a global one is given. */
enum tar_odd_reason tar_pax_odd(const struct tar_pax *pax, enum tar_pax_key *ret_key);
/* The same where an entry follows, which the values are for. */
enum tar_odd_reason tar_pax_odd_entry(const struct tar_pax *pax, enum tar_pax_key *ret_key);
const char *tar_pax_key_name(enum tar_pax_key key);
enum tar_pax_sparse tar_pax_sparse(const struct tar_pax *pax);
/* The size of a sparse file with its holes: stored where no record says it. False where the record
 * is no number. */
bool tar_pax_sparse_size(const struct tar_pax *pax, uint64_t stored, int64_t *ret_size);
/* Whether the map of versions 0.0 and 0.1 is right for a file of which so many bytes are stored. */
bool tar_pax_sparse_fits(const struct tar_pax *pax, uint64_t stored);

#endif
