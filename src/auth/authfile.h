/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the credentials files of docker and podman: auths, credHelpers, credsStore. Writing:
 * authfile_write.h. Any thread. */
#ifndef AUTH_AUTHFILE_H
#define AUTH_AUTHFILE_H

#include "auth/auth_name.h"
#include "auth/credential.h"
#include "oci/json_read.h"

struct authfile {
    struct json_doc doc; /* root NULL = no file, or an empty one */
    char *name;          /* path or variable name, for messages */
};
void authfile_dispose(struct authfile *file);
#define AUTO_AUTHFILE CLEANUP(authfile_dispose)

/* A missing file and an empty file have no credentials. INVALID_ARGUMENT: the file is
 * unreadable, a directory or malformed; the message has its name and the position, never its
 * text. */
MUST_CHECK int authfile_read(const char *path, struct authfile *ret_file, struct lpipe_error *err);
MUST_CHECK int authfile_parse(const char *text, size_t size, const char *name,
                              struct authfile *ret_file, struct lpipe_error *err);

/* Adds the file's credentials for a target: a helper, an entry, both or none, with their scores.
 * server: the name that a helper is asked for. INVALID_ARGUMENT when the best entry is
 * malformed. */
MUST_CHECK int authfile_find(const struct authfile *file, const struct auth_name *target,
                             const char *server, struct credential_list *list,
                             struct lpipe_error *err);

/* The helper that stores a target's credentials (borrowed), NULL = the file itself. */
MUST_CHECK int authfile_helper(const struct authfile *file, const struct auth_name *target,
                               const char **ret_helper, size_t *ret_score, struct lpipe_error *err);

#endif
