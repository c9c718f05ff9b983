/* SPDX-License-Identifier: Apache-2.0 */
/* Login tests credentials at the registry and stores them; logout removes them. They are stored
 * with the credential helper that the credential file names for the registry, else in the file. The
 * file is the client's authfile, else the one of REGISTRY_AUTH_FILE, else docker's config.json. Any
 * thread. */
#ifndef REGISTRY_LOGIN_H
#define REGISTRY_LOGIN_H

#include "registry/client.h"

/* registry is host[:port]; "https://", "http://" and an old path such as "/v1/" are accepted and
 * ignored. AUTH_REQUIRED or DENIED when the registry refuses the credentials, OUTPUT_IO when they
 * cannot be stored. */
MUST_CHECK int login(lpipe_client *client, const char *registry, const char *username,
                     const char *password, struct lpipe_error *err);
/* NOT_FOUND when no credentials of the registry are stored. */
MUST_CHECK int logout(lpipe_client *client, const char *registry, struct lpipe_error *err);

#endif
