/* SPDX-License-Identifier: Apache-2.0 */
/* Reads passwords from stdin, a descriptor or the terminal, never from an argument. */
#ifndef CLI_PASSWORD_H
#define CLI_PASSWORD_H

#include "options.h"

/* The int functions return an exit status; if it is not 0, a message was printed. */

/* Checks that the options for user name and password fit together and reads the password.
 * *ret_password stays NULL if no credentials were given. Owned by the caller, password_free(). */
int password_read(const struct settings *settings, char **ret_password);

/* Asks on the terminal: writes the question to stderr and reads the answer from stdin. For a
 * password echo is false. Owned by the caller, password_free(). */
int prompt_read(const char *question, bool echo, char **ret_answer);

/* True if stdin and stderr are terminals. */
bool prompt_is_possible(void);

/* Overwrites the password and frees it; NULL does nothing. */
void password_free(char *secret);

#endif
