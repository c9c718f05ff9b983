/* SPDX-License-Identifier: Apache-2.0 */
/* The files of --config and --env-file: an image config, and environment variables. */
#ifndef CLI_EDIT_FILES_H
#define CLI_EDIT_FILES_H

#include <layerpipe.h>

#include "options.h"

struct edit_files {
    char *config; /* NULL = none */
    size_t config_size;
    struct item_list env; /* "KEY=VALUE"; the texts are in buffers */
    char **buffers;       /* one for each --env-file */
    size_t buffer_count;
};
void edit_files_dispose(struct edit_files *files);

/* Reads all files, before anything is sent: files must be zeroed. edit_files_dispose() in every
 * case. Returns an exit status; if it is not 0, a message was printed. */
int edit_files_read(const struct settings *settings, struct edit_files *files);
/* Sets the config, then the variables. Other edits come later, so they win. Returns an exit
 * status. */
int edit_files_apply(const struct edit_files *files, lpipe_image *image);

#endif
