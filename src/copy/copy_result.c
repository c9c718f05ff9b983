/* SPDX-License-Identifier: Apache-2.0 */
#include "copy/copy_result.h"

#include <string.h>

#include "base/mem.h"

void copy_result_dispose(struct lpipe_copy_result *result)
{
    for (size_t i = 0; i < result->tag_count; i++) {
        free(result->tags[i]);
    }
    free(result->tags);
    free(result->reference);
    result->tags = NULL;
    result->reference = NULL;
    result->tag_count = 0;
}

int copy_result_fill(const struct push_target *target, const struct descriptor *manifest,
                     struct lpipe_copy_result *result, struct lpipe_error *err)
{
    result->reference = mem_printf("%s@%s", target->store->name, manifest->digest);
    result->tags = mem_new_array(target->tag_count + 1, sizeof *result->tags);
    if (result->reference == NULL || result->tags == NULL) {
        return fail_memory(err);
    }
    for (size_t i = 0; i < target->tag_count; i++) {
        result->tags[i] = mem_strdup(target->tags[i]);
        if (result->tags[i] == NULL) {
            return fail_memory(err);
        }
        result->tag_count++;
    }
    memcpy(result->media_type, manifest->media_type, sizeof manifest->media_type);
    memcpy(result->digest, manifest->digest, sizeof manifest->digest);
    result->size = manifest->size;
    return 0;
}
