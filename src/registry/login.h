/* SPDX-License-Identifier: Apache-2.0 */
/* Login tests credentials against the registry and stores them; logout removes them. They are
 * stored with the credential helper that the configuration names for this registry, else in the
 * configuration file: the client's authfile, else REGISTRY_AUTH_FILE, else docker's config.json.
 * Any thread. */
#ifndef REGISTRY_LOGIN_H
#define REGISTRY_LOGIN_H

#include "registry/client.h"

/* registry is host[:port]; "https://" before it and "/v1/" after it are ignored. AUTH_REQUIRED or
 * DENIED when the registry refuses the credentials, OUTPUT_IO when they cannot be stored. */
MUST_CHECK int login(lpipe_client *client, const char *registry, const char *username,
                     const char *password, struct lpipe_error *err);
/* What login() says of the registry's name, before anything else is done. */
MUST_CHECK int login_check_registry(const char *registry, struct lpipe_error *err);
/* The entry of trust_realms that the token server of the registry needs; "" if it needs none. */
MUST_CHECK int login_realm(lpipe_client *client, const char *registry,
                           char ret_entry[LPIPE_REALM_BYTES], struct lpipe_error *err);
/* NOT_FOUND when there was nothing to remove. */
MUST_CHECK int logout(lpipe_client *client, const char *registry, struct lpipe_error *err);

#endif
