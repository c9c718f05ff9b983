/* SPDX-License-Identifier: Apache-2.0 */
/* The public functions that make a layer of a directory. */
#include "flow/layer.h"
#include "image/source_date.h"
#include "tar/directory_source.h"

int lpipe_layer_new_directory(const char *path, const struct lpipe_layer_options *options,
                              lpipe_layer **ret_layer, struct lpipe_error *err)
{
    return lpipe_layer_new_directory_with(path, NULL, options, ret_layer, err);
}

int lpipe_layer_new_directory_with(const char *path,
                                   const struct lpipe_directory_options *directory_options,
                                   const struct lpipe_layer_options *options,
                                   lpipe_layer **ret_layer, struct lpipe_error *err)
{
    int64_t mtime_max = INT64_MAX;
    struct source *source = NULL;
    if (path == NULL || *path == '\0' || ret_layer == NULL) {
        return fail(err, LPIPE_INVALID_ARGUMENT,
                    "lpipe_layer_new_directory: path and ret_layer are required");
    }
    int status = source_date_read(&mtime_max, err);
    if (status == 0) {
        status = directory_source_new(path, directory_options, mtime_max, &source, err);
    }
    return status == 0 ? layer_new_source(source, options, ret_layer, err) : status;
}
