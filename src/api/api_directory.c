/* SPDX-License-Identifier: Apache-2.0 */
/* A directory as a layer. */
#include "flow/layer.h"
#include "image/source_date.h"
#include "tar/directory_source.h"

int lpipe_layer_new_directory(const char *path, const struct lpipe_layer_options *options,
                              lpipe_layer **ret_layer, struct lpipe_error *err)
{
    int64_t mtime_max = INT64_MAX;
    struct directory_source *pack = NULL;
    if (path == NULL || *path == '\0' || ret_layer == NULL) {
        return fail(err, LPIPE_INVALID_ARGUMENT, "no directory, or no place for its layer");
    }
    int status = source_date(&mtime_max, err);
    status = status == 0 ? directory_source_new(path, mtime_max, &pack, err) : status;
    if (status != 0) {
        return status;
    }
    struct lpipe_source source = { .read = directory_source_read, .ctx = pack };
    status = lpipe_layer_new(&source, options, ret_layer, err);
    if (status != 0) {
        directory_source_free(pack);
        return status;
    }
    struct source_extra words = {
        .explain = directory_source_explain,
        .remark = directory_source_remark,
        .rewind = directory_source_rewind,
        .free = directory_source_destroy,
        .ctx = pack,
    };
    layer_set_words(*ret_layer, &words);
    return 0;
}
