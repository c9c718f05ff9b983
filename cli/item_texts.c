/* SPDX-License-Identifier: Apache-2.0 */
#include "item_texts.h"

#include <stdlib.h>

const char **item_texts(const struct item_list *items)
{
    const char **texts = calloc(items->count + 1, sizeof *texts);
    for (size_t i = 0; texts != NULL && i < items->count; i++) {
        texts[i] = items->items[i].text;
    }
    return texts;
}
