/* SPDX-License-Identifier: Apache-2.0 */
/* A layout or image archive that is written into a directory which becomes a layer. It is left out
 * of the layer: each push would have what the push before has written, and files of this push that
 * are not complete. */
#ifndef CLI_INPUT_DESTINATION_H
#define CLI_INPUT_DESTINATION_H

#include <stdbool.h>

#include "options.h"

/* *ret_pattern: leaves the destination of the command out of the layer of the directory, as an
 * --exclude does; NULL if it is not in the directory. The caller frees it. False: no memory. */
bool input_destination_pattern(const struct settings *settings, const char *directory,
                               char **ret_pattern);

#endif
