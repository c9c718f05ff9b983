/* SPDX-License-Identifier: Apache-2.0 */
/* A directory as a layer. */
#include "flow/layer.h"
#include "image/pack_source.h"
#include "image/source_date.h"

int lpipe_layer_new_directory(const char *path, const struct lpipe_layer_options *options,
                              lpipe_layer **ret_layer, struct lpipe_error *err)
{
    int64_t mtime_max = INT64_MAX;
    struct pack_source *pack = NULL;
    if (path == NULL || *path == '\0' || ret_layer == NULL) {
        return fail(err, LPIPE_INVALID_ARGUMENT, "no directory, or no place for its layer");
    }
    int status = source_date(&mtime_max, err);
    status = status == 0 ? pack_source_new(path, mtime_max, &pack, err) : status;
    if (status != 0) {
        return status;
    }
    struct lpipe_source source = { .read = pack_source_read, .ctx = pack };
    status = lpipe_layer_new(&source, options, ret_layer, err);
    if (status != 0) {
        pack_source_free(pack);
        return status;
    }
    struct layer_words words = {
        .explain = pack_source_explain,
        .remark = pack_source_remark,
        .rewind = pack_source_rewind,
        .free = pack_source_done,
        .ctx = pack,
    };
    layer_set_words(*ret_layer, &words);
    return 0;
}
