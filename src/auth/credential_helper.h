/* SPDX-License-Identifier: Apache-2.0 */
/* Credential helpers: programs "docker-credential-<name>" that keep secrets.
 *
 * A name is [A-Za-z0-9._-]{1,64} without a leading dot. The program is searched in the absolute
 * entries of PATH and run without a shell, in its own process group, with a deadline. It
 * inherits only stdin, stdout and stderr. Every failure of a helper is AUTH_REQUIRED; CANCELLED,
 * NO_MEMORY and NO_RESOURCES are also possible. Any thread. */
#ifndef AUTH_CREDENTIAL_HELPER_H
#define AUTH_CREDENTIAL_HELPER_H

#include "auth/credential.h"
#include "layerpipe/observe.h"

/* Asks for the credentials of a server and fills username, password or identity. 1 = found, 0 = the
 * helper has none. What a helper that fails has printed is in the message, without the secrets of
 * known. */
MUST_CHECK int helper_get(const char *name, const char *server, const struct credential_list *known,
                          lpipe_cancel *cancel, struct credential *credential,
                          struct lpipe_error *err);
MUST_CHECK int helper_store(const char *name, const char *server, const char *username,
                            const struct secret *password, lpipe_cancel *cancel,
                            struct lpipe_error *err);
/* 1 = erased, 0 = there was nothing. */
MUST_CHECK int helper_erase(const char *name, const char *server, lpipe_cancel *cancel,
                            struct lpipe_error *err);

bool helper_name_is_valid(const char *name);

#define HELPER_DEADLINE_MS ((uint64_t)60 * 1000)

#endif
