/* SPDX-License-Identifier: Apache-2.0 */
/* Credentials of a registry: where they are looked up, in which order, and what they are.
 *
 * Order: the user name and password of the client's options; the client's authfile alone; else, all
 * together, DOCKER_AUTH_CONFIG, the file of REGISTRY_AUTH_FILE, docker's config.json (in
 * DOCKER_CONFIG, else ~/.docker), and auth.json in $XDG_RUNTIME_DIR/containers and in
 * ${XDG_CONFIG_HOME:-~/.config}/containers. The entry with the longest matching name wins
 * (host/a/b, host/a, host), then the earlier source, then a helper before an entry. What fits
 * another repository only is never used. Any thread. */
#ifndef AUTH_CREDENTIAL_H
#define AUTH_CREDENTIAL_H

#include "auth/settings.h"
#include "base/secret.h"

/* One place that may have credentials, and what was found there. */
struct credential {
    char *source;           /* for messages: "--username", a file's path, a helper's name */
    char *username;         /* NULL = none */
    struct secret password; /* goes with the user name; may be empty */
    struct secret identity; /* identity (refresh) token for OAuth2 */
    struct secret bearer;   /* token of the registry itself */
    char *helper;           /* program to ask, "docker-credential-<helper>"; NULL = none */
    char *helper_key;       /* what to ask it for */
    size_t score;           /* how well the name matched */
};
/* No secret in it (yet: see helper). */
bool credential_is_empty(const struct credential *credential);
/* 'the credentials of "name" from SOURCE', for a message. Returns buf. */
char *credential_describe(const struct credential *credential, char *buf, size_t buf_size);
void credential_dispose(struct credential *credential);

#define CREDENTIALS_MAX 12
struct credential_list {
    struct credential items[CREDENTIALS_MAX]; /* best first */
    size_t count;
};
void credential_list_dispose(struct credential_list *list);
#define AUTO_CREDENTIAL_LIST CLEANUP(credential_list_dispose)

/* Finds the candidates. No program runs. An empty list means anonymous. registry is host[:port] of
 * a reference; repository may be NULL. INVALID_ARGUMENT for a malformed file or a malformed entry
 * of this registry; a malformed entry of another one does not matter. */
MUST_CHECK int credential_find(const struct settings *settings, const char *registry,
                               const char *repository, struct credential_list *ret_list,
                               struct lpipe_error *err);

/* Runs the helpers in turn, up to the first candidate that has a secret. *ret_credential is
 * borrowed from the list, NULL = anonymous. A helper that fails is a failure (AUTH_REQUIRED):
 * nothing else is tried in its place. */
MUST_CHECK int credential_resolve(struct credential_list *list, lpipe_cancel *cancel,
                                  struct credential **ret_credential, struct lpipe_error *err);

/* Where credential_find() looks, for a message: "A, B and C". Returns buf. */
char *credential_places(const struct settings *settings, char *buf, size_t buf_size);

#endif
