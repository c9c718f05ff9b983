/* SPDX-License-Identifier: Apache-2.0 */
/* The token servers that the user has allowed at login:
 * ${XDG_CONFIG_HOME:-~/.config}/layerpipe/trusted-realms. Each line is an entry of trust_realms:
 * REGISTRY=HOST. The file has mode 0600 and is replaced atomically. */
#ifndef CLI_REALM_FILE_H
#define CLI_REALM_FILE_H

#include <stdbool.h>

/* The text of the file, "" if there is none; owned by the caller. NULL: no memory. A file that
 * another user can change is not used, and a message says so. */
char *realm_file_read(void);

/* Replaces the entries of a registry by this one; NULL removes them. A file that has nothing to
 * remove is not touched. Returns an exit status; if it is not 0, a message was printed. */
int realm_file_set(const char *registry, const char *entry);

#endif
