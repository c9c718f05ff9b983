/* SPDX-License-Identifier: Apache-2.0 */
/* Makes a layer of an INPUT argument: "-", a file, a FIFO, /dev/fd/N or a directory. Nothing is
 * read here. A FIFO is opened without waiting for its writer, so that several FIFOs can be
 * given. */
#ifndef CLI_INPUT_H
#define CLI_INPUT_H

#include <layerpipe.h>

#include "options.h"

/* True if stdin is a pipe, a socket or a file: then it is the input when no INPUT is given. */
bool input_stdin_is_readable(void);

/* Returns an exit status; if it is not 0, a message was printed. */
int input_open(const struct settings *settings, const char *path, lpipe_cancel *cancel,
               lpipe_layer **ret_layer);

#endif
