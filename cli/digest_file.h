/* SPDX-License-Identifier: Apache-2.0 */
/* --digest-file: the file holds a whole digest of something that was published, or is as before. */
#ifndef CLI_DIGEST_FILE_H
#define CLI_DIGEST_FILE_H

/* Both return an exit status; for anything but 0 they have said why. path NULL does nothing. */

/* Before the work: can a file be put there? */
int digest_file_check(const char *path);
/* After it: temporary file, fsync, rename. The digest stands alone, without a line end. done tells
 * in a failure message what has been achieved already. */
int digest_file_write(const char *path, const char *digest, const char *done);

#endif
