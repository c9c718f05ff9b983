/* SPDX-License-Identifier: Apache-2.0 */
/* Opens the store that a reference names: a registry repository, a layout directory or null:. Only
 * this file knows all kinds of stores. Any thread. */
#ifndef IMAGE_STORE_OPEN_H
#define IMAGE_STORE_OPEN_H

#include "layerpipe/client.h"
#include "layerpipe/ref.h"
#include "oci/store.h"

enum store_access {
    STORE_READ = 0,       /* a layout that does not exist is NOT_FOUND */
    STORE_WRITE = 1,      /* a layout that does not exist is created */
    STORE_READ_RANGES = 2 /* as READ, for a caller that reads one blob at a time: the client's jobs
                             setting says in how many ranges at a time a registry's blob is read */
};

/* ref is borrowed for the call, client until the store is freed. */
MUST_CHECK int store_open(lpipe_client *client, const lpipe_ref *ref, enum store_access mode,
                          struct store **ret_store, struct lpipe_error *err);

#endif
