/* SPDX-License-Identifier: Apache-2.0 */
/* An OCI image layout directory as a store.
 *
 * Every file appears under its name complete and synced, or not at all; index.json is replaced under
 * a lock and keeps what others wrote. Safe with any number of processes and threads, and when killed
 * at any moment. Symbolic links, FIFOs and devices in place of the layout's files are refused. */
#ifndef LAYOUT_LAYOUT_STORE_H
#define LAYOUT_LAYOUT_STORE_H

#include "layerpipe/observe.h"
#include "oci/store.h"

/* Opens the layout in dir. create makes the directory and its files where missing; without it a
 * missing layout is NOT_FOUND. OUTPUT_IO names the path and the reason. The token (NULL = none) ends
 * a wait for others who write to the layout: CANCELLED. */
MUST_CHECK int layout_store_open(const char *dir, bool create, lpipe_cancel *cancel,
                                 struct store **ret_store, struct lpipe_error *err);

#endif
