/* SPDX-License-Identifier: Apache-2.0 */
/* The tar of another source in another order: first the entries that a snapshotter shall fetch
 * first, in the order of a list, then the file .prefetch.landmark, which marks their end, then all
 * other entries (stargz-snapshotter, docs/estargz.md). With an empty list the tar begins with
 * .no.prefetch.landmark and is the same after it.
 *
 * The source is read twice, or three times if an entry of the list is a hard link: so it must be
 * one that can be read again, unless the list is empty. Moved entries are kept in a spool. A source
 * that changes between the passes is SOURCE_IO. One thread at a time. */
#ifndef FLOW_PREFETCH_SOURCE_H
#define FLOW_PREFETCH_SOURCE_H

#include "base/source.h"

/* paths: one a line. from belongs to the new source, also on failure. INVALID_ARGUMENT when from
 * cannot be read again. A path that the tar does not have is INVALID_ARGUMENT when it is read. */
MUST_CHECK int prefetch_source_new(struct source *from, const char *paths, const char *spool_dir,
                                   struct source **ret_source, struct lpipe_error *err);

#endif
