/* SPDX-License-Identifier: Apache-2.0 */
/* Logging in and out: credentials tested against the registry, then stored or removed, with the
 * helper that the configuration names for it, else in its file. The file is the client's authfile,
 * else that of REGISTRY_AUTH_FILE, else docker's config.json. Any thread. */
#ifndef REGISTRY_LOGIN_H
#define REGISTRY_LOGIN_H

#include "registry/client.h"

/* registry is host[:port]; a scheme and a path of old are let pass. AUTH_REQUIRED or DENIED when
 * the registry refuses, OUTPUT_IO when they cannot be stored. */
MUST_CHECK int login(lpipe_client *client, const char *registry, const char *username,
                     const char *password, struct lpipe_error *err);
/* NOT_FOUND when there was nothing to remove. */
MUST_CHECK int logout(lpipe_client *client, const char *registry, struct lpipe_error *err);

#endif
