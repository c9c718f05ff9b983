/* SPDX-License-Identifier: Apache-2.0 */
/* Opens what a path of the command line names: a file, a FIFO or a descriptor of this process. */
#ifndef CLI_PATH_OPEN_H
#define CLI_PATH_OPEN_H

/* The N of /dev/fd/N or /proc/self/fd/N, 0 to 2 for /dev/stdin, /dev/stdout and /dev/stderr; -1 for
 * any other path. */
int path_descriptor_number(const char *path);

/* Opens a path for reading; "-" is stdin. /dev/fd/N is duplicated: opening its path fails for a
 * socket, and would read a file from its start. A FIFO is opened without waiting for its writer,
 * and stays non-blocking. -1 and errno on failure. */
int path_open(const char *path);

#endif
