/* SPDX-License-Identifier: Apache-2.0 */
/* Names under which credentials are filed: what belongs to which repository. Pure; any thread. */
#ifndef AUTH_AUTH_NAME_H
#define AUTH_AUTH_NAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A normalised name: without scheme, without "/v1/" and "/v2/", host in lower case, 443 as no port,
 * the names of Docker Hub as one. */
struct auth_name {
    char host[256];
    uint16_t port;  /* 0 = the scheme's own */
    char path[512]; /* namespace or repository, "" = the whole registry */
};

/* A key of a file, or "registry/repository". False for what is no name of a registry. */
bool auth_name_parse(const char *text, struct auth_name *ret_name);
/* How well a key fits a target: 0 = not at all, else more for a longer match. A key fits its own
 * repository and what lies below it, never a sibling. */
size_t auth_name_score(const struct auth_name *key, const struct auth_name *target);
/* Score of a key that names the registry alone. */
#define AUTH_NAME_REGISTRY_SCORE ((size_t)1)
/* What helpers and docker's file call a registry. */
const char *auth_name_server(const char *registry);

#endif
