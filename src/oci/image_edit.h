/* SPDX-License-Identifier: Apache-2.0 */
/* Edits of an image configuration, as a user writes them. No I/O. */
#ifndef OCI_IMAGE_EDIT_H
#define OCI_IMAGE_EDIT_H

#include "layerpipe/image.h"
#include "oci/image_config.h"

/* Applies one edit at once; later edits win. LPIPE_EDIT_ANNOTATION and LPIPE_EDIT_HISTORY are none of
 * these (see string_map_set_text() and image_config_add_history()). INVALID_ARGUMENT names what is wrong with the value. */
MUST_CHECK int image_edit_apply(struct image_config *config, enum lpipe_edit edit,
                                const char *value, struct lpipe_error *err);

#endif
