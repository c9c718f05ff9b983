/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of an image configuration, for the files image_config*.c and image_edit.c alone. */
#ifndef OCI_IMAGE_CONFIG_TREE_H
#define OCI_IMAGE_CONFIG_TREE_H

#include "oci/image_config.h"

struct json_t;

struct image_config {
    struct json_t *root; /* the whole document */
    struct json_t *base; /* the base's document as it was, for its order; NULL = none */
    bool cmd_set;        /* Cmd was edited, so that an Entrypoint edit keeps it */
};

/* The "config" object, made when missing; borrowed. NULL when out of memory. */
struct json_t *image_config_settings(struct image_config *config);

#endif
