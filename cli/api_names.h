/* SPDX-License-Identifier: Apache-2.0 */
/* Messages of the library name options and functions as C programs know them, between backquotes:
 * `spool_dir`. Here they become what a user of the command writes: --spool DIR. */
#ifndef CLI_API_NAMES_H
#define CLI_API_NAMES_H

#include <stddef.h>

/* From now on messages have `shown`, which is borrowed, in place of a path that only this process
 * knows. Before the first thread starts; at most four. */
void api_names_add_path(const char *path, const char *shown);

/* Copies the message into buf with these names and paths replaced; what does not fit is cut. Names
 * that are not known, and other backquotes, stay. Returns buf. */
const char *api_names_replace(const char *message, char *buf, size_t buf_size);

#endif
