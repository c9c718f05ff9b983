/* SPDX-License-Identifier: Apache-2.0 */
/* One credential of a registry, and a list of them. Looking them up: credential_find.h. */
#ifndef AUTH_CREDENTIAL_H
#define AUTH_CREDENTIAL_H

#include "base/secret.h"

/* Credentials from one source. */
struct credential {
    char *source;           /* for messages: "`username`", a file's path, a helper's name */
    char *username;         /* NULL = none */
    struct secret password; /* goes with the user name; may be empty */
    struct secret identity; /* identity (refresh) token for OAuth2 */
    struct secret bearer;   /* token of the registry itself */
    char *helper;           /* program to ask, "docker-credential-<helper>"; NULL = none */
    char *helper_key;       /* the server name that the helper is asked for */
    size_t score;           /* how well the name matched */
};
/* True when it has no secret, which a helper may still provide. */
bool credential_is_empty(const struct credential *credential);
/* 'the credentials of "name" from SOURCE', for a message. Returns buf. */
char *credential_describe(const struct credential *credential, char *buf, size_t buf_size);
/* Replaces the secrets of a credential in a text of the remote side by "***": as they are, and
 * as they are sent (base64 with the user name, in a form, in JSON). NULL has none. 0 or
 * NO_MEMORY: then the text must not be shown. */
MUST_CHECK int credential_mask(const struct credential *credential, struct buf *text);
void credential_dispose(struct credential *credential);

#define CREDENTIALS_MAX 12
struct credential_list {
    struct credential items[CREDENTIALS_MAX]; /* best first */
    size_t count;
    char *skipped; /* why a file was not read, for a message; NULL = all were */
};
void credential_list_dispose(struct credential_list *list);
#define AUTO_CREDENTIAL_LIST CLEANUP(credential_list_dispose)

#endif
