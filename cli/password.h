/* SPDX-License-Identifier: Apache-2.0 */
/* Passwords: from stdin, a descriptor or the terminal, never from an argument. */
#ifndef CLI_PASSWORD_H
#define CLI_PASSWORD_H

#include "options.h"

/* Functions return an exit status; for anything but 0 they have said why. */

/* Checks that name and password options go together and reads the password they name;
 * *ret_password stays NULL where no credentials were given. Owned by the caller, secret_free(). */
int secret_read(const struct settings *settings, char **ret_password);

/* Asks on the terminal (stdin, with the question on stderr). A password is not echoed. */
int secret_ask(const char *question, bool echo, char **ret_answer);

/* True when secret_ask() can work. */
bool secret_can_ask(void);

/* Overwrites and frees; NULL is fine. */
void secret_free(char *secret);

#endif
