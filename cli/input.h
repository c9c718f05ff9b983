/* SPDX-License-Identifier: Apache-2.0 */
/* INPUT arguments: "-", a file, a FIFO, /dev/fd/N or a directory become layers. Nothing is read
 * here; a FIFO is opened without waiting for its writer, so that several can be given. */
#ifndef CLI_INPUT_H
#define CLI_INPUT_H

#include <layerpipe.h>

#include "options.h"

/* Without INPUT, stdin is meant when it is a pipe, a socket or a file. */
bool input_stdin_is_given(void);

/* Returns an exit status; for anything but 0 it has said why. */
int input_open(const struct settings *settings, const char *path, lpipe_cancel *cancel,
               lpipe_layer **ret_layer);

#endif
