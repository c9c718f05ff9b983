/* SPDX-License-Identifier: Apache-2.0 */
/* Which image of an archive is copied, and its manifest. Where the archive has a manifest for the
 * image and all blobs of it with their bytes, the manifest is kept. Else, in Docker's format, a new
 * one is made from the config and the layers as they were stored. A new config too, where a layer
 * was stored with another diff ID: it is added to the members. One thread. */
#ifndef ARCHIVE_ARCHIVE_CHOOSE_H
#define ARCHIVE_ARCHIVE_CHOOSE_H

#include "archive/archive_members.h"
#include "layerpipe/image.h"
#include "oci/platform.h"
#include "oci/store.h"

enum archive_kind {
    ARCHIVE_KIND_ANY = 0,
    ARCHIVE_KIND_OCI,   /* index.json says what images there are */
    ARCHIVE_KIND_DOCKER /* manifest.json does */
};

struct archive_wish {
    enum archive_kind kind;
    const char *image;  /* the tag that it has in the archive; NULL = the only image */
    const char *digest; /* of its manifest; NULL = any. Then image is not used */
    bool all;
    const struct platform *platform; /* NULL = none is asked for */
    enum lpipe_format format;        /* of a new manifest */
};

/* documents: the archive as a store. *ret_root may be an index. NOT_TAR, NOT_FOUND (the message
 * lists the images), INTEGRITY (diff IDs), and the failures of parsing. */
MUST_CHECK int archive_choose(struct archive_members *members, struct store *documents,
                              const struct archive_wish *wish, struct document *ret_root,
                              struct lpipe_error *err);

#endif
