/* SPDX-License-Identifier: Apache-2.0 */
/* The members of struct image_config, for image_config.c and image_edit.c only. */
#ifndef OCI_IMAGE_CONFIG_TREE_H
#define OCI_IMAGE_CONFIG_TREE_H

#include "oci/image_config.h"

struct json_t;

struct image_config {
    struct json_t *root; /* the whole document */
    struct json_t
        *base; /* unchanged copy of the base's config, for the order of its keys; NULL = no base */
    bool cmd_set; /* Cmd was edited; an edit of Entrypoint then keeps it */
};

/* The object "config", which is made if it is missing; borrowed. NULL when out of memory. */
struct json_t *image_config_settings(struct image_config *config);

#endif
