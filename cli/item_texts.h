/* SPDX-License-Identifier: Apache-2.0 */
/* The texts of options that may be repeated, as the library takes them. */
#ifndef CLI_ITEM_TEXTS_H
#define CLI_ITEM_TEXTS_H

#include "option_parser.h"

/* The caller frees the list; the texts belong to the items. NULL: no memory. */
const char **item_texts(const struct item_list *items);

#endif
