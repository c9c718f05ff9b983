/* SPDX-License-Identifier: Apache-2.0 */
/* The names under which credentials are stored, and which repository each one fits. Pure; any
 * thread. */
#ifndef AUTH_AUTH_NAME_H
#define AUTH_AUTH_NAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A normalised name: no scheme, no "/v1/" or "/v2/", host in lower case, port 443 left out, one
 * name for Docker Hub. */
struct auth_name {
    char host[256];
    uint16_t port;  /* 0 = the scheme's default */
    char path[512]; /* namespace or repository, "" = the whole registry */
};

/* Reads a key of a credentials file, or "registry/repository". False when it does not name a
 * registry. */
bool auth_name_parse(const char *text, struct auth_name *ret_name);
/* How well a key fits a target: 0 = it does not fit; a longer match has a higher score. A key
 * fits its own repository and the repositories below it. */
size_t auth_name_score(const struct auth_name *key, const struct auth_name *target);
/* Score of a key that names the registry alone. */
#define AUTH_NAME_REGISTRY_SCORE ((size_t)1)
/* The name that helpers and docker's config.json use for a registry. */
const char *auth_name_server(const char *registry);

#endif
