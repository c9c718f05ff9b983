/* SPDX-License-Identifier: Apache-2.0 */
/* The content behind lpipe_content_open(): chooses what is read, holds back its end and compresses
 * it. The public header says what is guaranteed. One thread at a time. */
#ifndef CONTENT_CONTENT_H
#define CONTENT_CONTENT_H

#include "layerpipe/content.h"
#include "oci/platform.h"

/* options must be whole (see base/opts.h). platform: NULL = this machine's. */
MUST_CHECK int content_open(lpipe_client *client, const lpipe_ref *ref,
                            const struct lpipe_content_options *options,
                            const struct platform *platform, lpipe_content **ret_content,
                            struct lpipe_error *err);
MUST_CHECK int content_read(lpipe_content *content, void *buf, size_t size, size_t *ret_size,
                            struct lpipe_error *err);
void content_free(lpipe_content *content);

#endif
