/* SPDX-License-Identifier: Apache-2.0 */
/* Makes an index of images and pushes it. Any thread. */
#ifndef COPY_INDEX_PUSH_H
#define COPY_INDEX_PUSH_H

#include "layerpipe/index.h"
#include "oci/store.h"

/* options must come from opts_take() (base/opts.h). *ret_result is filled in on success; free it
 * with copy_result_dispose(). */
MUST_CHECK int index_push(lpipe_client *client, const lpipe_ref *dest,
                          const struct lpipe_index_entry *entries, size_t entry_count,
                          const struct lpipe_index_options *options,
                          struct lpipe_copy_result *ret_result, struct lpipe_error *err);

#endif
