/* SPDX-License-Identifier: Apache-2.0 */
/* Reads files that options name: --authfile, --cacert, --cert, --key and --layer-descriptor. Such a
 * file may be a pipe, as <(...) in a shell. A signal ends the reading; its handlers must be
 * installed (stop_signal.h). */
#ifndef CLI_OPTION_FILE_H
#define CLI_OPTION_FILE_H

#include <stddef.h>

/* Reads a whole file into buf, which takes size_max bytes. Returns an exit status; if it is not
 * 0, a message was printed. option: the option's name, for messages. */
int option_file_read(const char *option, const char *path, char *buf, size_t size_max,
                     size_t *ret_size);

/* A file in memory that has a path. All zero is none. */
struct option_file {
    char path[32];
    int fd; /* valid if path is not empty */
};
void option_file_dispose(struct option_file *file);

/* The path by which the library can read an option's file as often as it likes. A pipe or socket
 * is replaced by a copy in memory: behind /dev/fd/N itself, or, for a named pipe, at another
 * path. path may be NULL. *ret_path is borrowed from path or file. Returns as
 * option_file_read(). */
int option_file_keep(const char *option, const char *path, struct option_file *file,
                     const char **ret_path);

#endif
