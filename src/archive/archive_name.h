/* SPDX-License-Identifier: Apache-2.0 */
/* Names of the members of an image archive. Pure functions, apart from memory. */
#ifndef ARCHIVE_ARCHIVE_NAME_H
#define ARCHIVE_ARCHIVE_NAME_H

#include "codec/digest.h"

/* The name without "./", empty parts and a slash at its end; "" for the top directory itself.
 * NOT_TAR for an absolute name and for one with "..". *ret_name is freed with free(). */
MUST_CHECK int archive_name_clean(const char *path, char **ret_name, struct lpipe_error *err);
/* The member that a link in the member name means. A symbolic link is relative to the directory of
 * its member, a hard link to the top. NOT_TAR when it leads out of the archive. */
MUST_CHECK int archive_name_target(const char *name, const char *link, bool is_symbolic,
                                   char **ret_name, struct lpipe_error *err);

/* The digest that "blobs/ALGORITHM/HEX" says. False for any other name. */
bool archive_name_digest(const char *name, char ret_digest[DIGEST_TEXT_SIZE]);
/* The digest that a layer has if the tool names its members by it: "HEX.tar.gz", and also
 * "HEX.tar", "HEX.json" and "sha256:HEX". False for any other name. */
bool archive_name_guess(const char *name, char ret_digest[DIGEST_TEXT_SIZE]);
/* True where a member of an image archive can be: in blobs/, at the top, or in a directory at the
 * top. */
bool archive_name_fits(const char *name, bool is_directory);

#endif
