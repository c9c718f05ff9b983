/* SPDX-License-Identifier: Apache-2.0 */
/* The store null: accepts everything and stores nothing. It says that every blob exists, so that a
 * blob with a known digest is not read only to be discarded. */
#ifndef OCI_NULL_STORE_H
#define OCI_NULL_STORE_H

#include "oci/store.h"

MUST_CHECK int null_store_open(struct store **ret_store, struct lpipe_error *err);

#endif
