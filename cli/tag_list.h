/* SPDX-License-Identifier: Apache-2.0 */
/* The tags of the --tag options, as the library takes them. */
#ifndef CLI_TAG_LIST_H
#define CLI_TAG_LIST_H

#include "options.h"

/* settings->tags.count tags. The caller frees the list; the texts belong to settings. NULL: no
 * memory. */
const char **tag_list(const struct settings *settings);

#endif
