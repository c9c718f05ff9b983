/* SPDX-License-Identifier: Apache-2.0 */
/* An OCI image layout directory (image-spec, image-layout.md) as a store.
 *
 * A file gets its name only when it is complete and on the disk. index.json is replaced under a
 * lock; entries and fields of other programs are kept. Any number of processes and threads may
 * use a layout at the same time, and each may be killed at any moment. FIFOs and devices in
 * place of the layout's files are refused; symbolic links too, except in a layout that is only
 * read. A damaged blob is replaced when it is written again. */
#ifndef LAYOUT_LAYOUT_STORE_H
#define LAYOUT_LAYOUT_STORE_H

#include "layerpipe/observe.h"
#include "oci/store.h"

/* Opens the layout in dir. With create, a missing directory and missing files are created;
 * without it, the layout can only be read, and a missing layout is NOT_FOUND. OUTPUT_IO (without
 * create SOURCE_IO) names the path and the reason. cancel (NULL = none) ends a wait for the lock
 * of another process, and the check of a blob, with CANCELLED. */
MUST_CHECK int layout_store_open(const char *dir, bool create, lpipe_cancel *cancel,
                                 struct store **ret_store, struct lpipe_error *err);

#endif
