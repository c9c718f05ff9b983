/* SPDX-License-Identifier: Apache-2.0 */
/* Shows the manifest that a reference names, and its config, as text or JSON. Any thread. */
#ifndef IMAGE_IMAGE_INSPECT_H
#define IMAGE_IMAGE_INSPECT_H

#include "layerpipe/push.h"
#include "oci/platform.h"

/* platform chooses a manifest of an index; NULL shows the index. flags: enum lpipe_inspect_flag.
 * *ret_text is owned by the caller. */
MUST_CHECK int image_inspect(lpipe_client *client, const lpipe_ref *ref,
                             const struct platform *platform, uint32_t flags, char **ret_text,
                             struct lpipe_error *err);

#endif
