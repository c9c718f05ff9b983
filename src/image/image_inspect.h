/* SPDX-License-Identifier: Apache-2.0 */
/* Shows the manifest that a reference names, and its config, as text or JSON. Any thread. */
#ifndef IMAGE_IMAGE_INSPECT_H
#define IMAGE_IMAGE_INSPECT_H

#include "layerpipe/client.h"
#include "layerpipe/ref.h"
#include "oci/platform.h"

/* platform chooses a manifest of an index; NULL shows the index. *ret_text is owned by the
 * caller. */
MUST_CHECK int image_inspect(lpipe_client *client, const lpipe_ref *ref,
                             const struct platform *platform, bool as_json, char **ret_text,
                             struct lpipe_error *err);

#endif
