/* SPDX-License-Identifier: Apache-2.0 */
/* Changes one registry's entry in a file of credentials. Everything else in the file stays as it
 * was. The new file has mode 0600 from its first byte and takes the place of the old one at once;
 * a symbolic link stays one. Not for two processes at a time: the later one wins. */
#ifndef AUTH_AUTHFILE_WRITE_H
#define AUTH_AUTHFILE_WRITE_H

#include "base/secret.h"

/* Puts {"auth": ...} in the place of the entry that a lookup would find. OUTPUT_IO, and what
 * authfile_read() says about the file there is. */
MUST_CHECK int authfile_store(const char *path, const char *registry, const char *username,
                              const struct secret *password, struct lpipe_error *err);
/* Removes the registry's entries, under whatever spelling. 1 = done, 0 = there was none. */
MUST_CHECK int authfile_erase(const char *path, const char *registry, struct lpipe_error *err);

#endif
