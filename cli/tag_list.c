/* SPDX-License-Identifier: Apache-2.0 */
#include "tag_list.h"

#include <stdlib.h>

const char **tag_list(const struct settings *settings)
{
    const char **tags = calloc(settings->tags.count + 1, sizeof *tags);
    for (size_t i = 0; tags != NULL && i < settings->tags.count; i++) {
        tags[i] = settings->tags.items[i].text;
    }
    return tags;
}
