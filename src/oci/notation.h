/* SPDX-License-Identifier: Apache-2.0 */
/* How references begin, and what a user may write in place of one: the notations of other tools,
 * and a user name with its password before the host. Both are refused, because each could be taken
 * for something else. */
#ifndef OCI_NOTATION_H
#define OCI_NOTATION_H

#include <stdbool.h>
#include <stddef.h>

#include "layerpipe/ref.h"

/* How a reference begins that names no registry. */
struct notation {
    const char *prefix; /* "oci:" */
    enum lpipe_ref_kind kind;
};

/* The notation of a layout, an image archive or null:. NULL for all other texts. */
const struct notation *notation_local(const char *text);

/* If text has a user name before an '@', with or without a password, returns its first character;
 * else NULL. The '@' of a digest ("@sha256:...") is not meant. */
const char *notation_userinfo(const char *text);

/* Copies text for a message: printable, cut, and "***" in place of a password. Returns buf. */
char *notation_shown(char *buf, size_t size, const char *text);

/* If text is written in the notation of another tool, writes into advice what to write instead and
 * returns the character where the notation ends; else returns NULL. */
const char *notation_foreign(const char *text, char *advice, size_t size);

#endif
