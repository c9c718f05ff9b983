/* SPDX-License-Identifier: Apache-2.0 */
/* Files of credentials as docker and podman keep them: auths, credHelpers, credsStore. Reading;
 * for writing see authfile_write.h. Any thread. */
#ifndef AUTH_AUTHFILE_H
#define AUTH_AUTHFILE_H

#include "auth/auth_name.h"
#include "auth/credential.h"
#include "oci/json_read.h"

struct authfile {
    struct json_doc doc; /* root NULL = nothing there */
    char *name;          /* path, or what it is, for messages */
};
void authfile_dispose(struct authfile *file);
#define AUTO_AUTHFILE CLEANUP(authfile_dispose)

/* A file that is not there, a directory in its place, and one without content have no credentials.
 * INVALID_ARGUMENT: unreadable or malformed, with its name and the place, never its text. */
MUST_CHECK int authfile_read(const char *path, struct authfile *ret_file, struct lpipe_error *err);
MUST_CHECK int authfile_parse(const char *text, size_t size, const char *name,
                              struct authfile *ret_file, struct lpipe_error *err);

/* Adds what the file has for a target: a helper, an entry, both or nothing, with their scores.
 * server: what a helper is asked for. INVALID_ARGUMENT when the entry that fits best is malformed. */
MUST_CHECK int authfile_find(const struct authfile *file, const struct auth_name *target,
                             const char *server, struct credential_list *list,
                             struct lpipe_error *err);

/* The helper that a target's credentials belong to (borrowed), NULL = the file itself. */
MUST_CHECK int authfile_helper(const struct authfile *file, const struct auth_name *target,
                               const char **ret_helper, size_t *ret_score, struct lpipe_error *err);

#endif
