/* SPDX-License-Identifier: Apache-2.0 */
/* --digest-file: writes the digest of what was published. If anything fails, the file is not
 * changed. */
#ifndef CLI_DIGEST_FILE_H
#define CLI_DIGEST_FILE_H

/* Both return an exit status; if it is not 0, a message was printed. With path NULL they do
 * nothing. */

/* Checks before the work whether the file can be written. */
int digest_file_check(const char *path);
/* Writes the digest, without a line end: to a temporary file, then fsync and rename. `achieved` is
 * the first part of a failure's message: what the command has done already. */
int digest_file_write(const char *path, const char *digest, const char *achieved);

#endif
