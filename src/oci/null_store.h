/* SPDX-License-Identifier: Apache-2.0 */
/* The null: store: takes everything and keeps nothing. A blob whose digest is known already counts
 * as there, so that it is not read in order to be dropped. */
#ifndef OCI_NULL_STORE_H
#define OCI_NULL_STORE_H

#include "oci/store.h"

MUST_CHECK int null_store_open(struct store **ret_store, struct lpipe_error *err);

#endif
