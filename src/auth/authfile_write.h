/* SPDX-License-Identifier: Apache-2.0 */
/* Changes one registry's entry in a credentials file. Everything else in the file is kept. The
 * new file has mode 0600 from the start and replaces the old one atomically; a symbolic link
 * stays a link. Two edits at the same time happen one after the other: each locks the file's
 * directory with flock(). docker and podman do not, so an entry can be lost when they write at the
 * same time. */
#ifndef AUTH_AUTHFILE_WRITE_H
#define AUTH_AUTHFILE_WRITE_H

#include "base/secret.h"
#include "layerpipe/observe.h"

/* Replaces the entry that a lookup would find with {"auth": ...}, or adds one. OUTPUT_IO, and
 * the errors of authfile_read() for the existing file. */
MUST_CHECK int authfile_store(const char *path, const char *registry, const char *username,
                              const struct secret *password, lpipe_cancel *cancel,
                              struct lpipe_error *err);
/* Removes the registry's entries, in every spelling. 1 = removed, 0 = there was none. */
MUST_CHECK int authfile_erase(const char *path, const char *registry, lpipe_cancel *cancel,
                              struct lpipe_error *err);

#endif
