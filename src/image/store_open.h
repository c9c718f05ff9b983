/* SPDX-License-Identifier: Apache-2.0 */
/* Opens the store that a reference names: a registry repository, a layout directory, null:. The only
 * place that knows that there are three of them. Any thread. */
#ifndef IMAGE_STORE_OPEN_H
#define IMAGE_STORE_OPEN_H

#include "layerpipe/client.h"
#include "layerpipe/ref.h"
#include "oci/store.h"

enum destination_use {
    DESTINATION_READ = 0, /* a layout must be there */
    DESTINATION_WRITE = 1 /* a layout is made where missing */
};

/* ref is borrowed for the call, client as long as the store. */
MUST_CHECK int destination_open(lpipe_client *client, const lpipe_ref *ref,
                                enum destination_use purpose, struct store **ret_store,
                                struct lpipe_error *err);

#endif
