/* SPDX-License-Identifier: Apache-2.0 */
/* Changes the image config by the values that a user writes. No I/O. */
#ifndef OCI_IMAGE_EDIT_H
#define OCI_IMAGE_EDIT_H

#include "layerpipe/image.h"
#include "oci/image_config.h"

/* Applies one edit; a later edit of the same field replaces it. LPIPE_EDIT_ANNOTATION and
 * LPIPE_EDIT_HISTORY are not accepted: see string_map_set_text() and image_config_add_history().
 * INVALID_ARGUMENT says what is wrong with the value. */
MUST_CHECK int image_edit_apply(struct image_config *config, enum lpipe_edit edit,
                                const char *value, struct lpipe_error *err);

#endif
