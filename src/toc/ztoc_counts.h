/* SPDX-License-Identifier: Apache-2.0 */
/* Reads from a zTOC how many entries and spans it has. Pure. */
#ifndef TOC_ZTOC_COUNTS_H
#define TOC_ZTOC_COUNTS_H

#include "base/fail.h"

/* False for bytes that are no zTOC. They may come from anywhere: nothing outside of them is
 * read. */
bool ztoc_counts(const unsigned char *data, size_t size, uint64_t *ret_entries,
                 uint64_t *ret_spans);

#endif
