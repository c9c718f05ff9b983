/* SPDX-License-Identifier: Apache-2.0 */
/* Makes a layer of an INPUT argument: "-", a file, a FIFO, /dev/fd/N or a directory. Nothing is
 * read here. A FIFO is opened without waiting for its writer, so that several FIFOs can be
 * given. */
#ifndef CLI_INPUT_H
#define CLI_INPUT_H

#include <layerpipe.h>

#include "options.h"

/* For a command without INPUT: true if stdin is the input, because it is a pipe, a socket or a file
 * and no option reads it. Sets settings->stdin_implied. */
bool input_use_stdin(struct settings *settings);
/* For a command with stdin as input: the usage error if an option reads stdin, else 0. */
int input_check_stdin(const struct settings *settings);
/* The usage error for a command without input. needed: what was not given. */
int input_missing(const struct settings *settings, const char *needed);
/* If stdin is the input although no INPUT names it, waits at most two seconds for its first byte,
 * then prints a notice: the user may not know that stdin is open. Signal handlers must be
 * installed. */
void input_wait_for_stdin(const struct settings *settings);
/* print_failure() with what to try with an input that is cut or no tar archive. Of an implied stdin
 * that is empty or no tar archive it says first that it was read, and why. */
int input_print_failure(const struct settings *settings, const struct lpipe_error *err);

/* The usage error if one of args, from `begin` on, names the same pipe, socket or descriptor as
 * `first`, so that each would get a part of it; else 0. */
int input_check_twice(const struct settings *settings, const char *first,
                      const struct item_list *args, size_t begin);

/* The value of --threads for lpipe_layer_options.threads. */
int32_t input_threads(const struct settings *settings);

/* The first option that is for directories only; NULL if none was given. */
const char *input_directory_option(const struct settings *settings);

/* Returns an exit status; if it is not 0, a message was printed. */
int input_open(const struct settings *settings, const char *path, lpipe_cancel *cancel,
               lpipe_layer **ret_layer);

#endif
