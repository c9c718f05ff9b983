/* SPDX-License-Identifier: Apache-2.0 */
/* Looks up the credentials of a registry.
 *
 * Order: the user name and password of the client's options; the client's authfile alone; else,
 * all together, DOCKER_AUTH_CONFIG, the file of REGISTRY_AUTH_FILE, docker's config.json (in
 * DOCKER_CONFIG, else ~/.docker), and auth.json in $XDG_RUNTIME_DIR/containers and in
 * ${XDG_CONFIG_HOME:-~/.config}/containers. The entry with the longest matching name wins
 * (host/a/b, host/a, host), then the earlier source, then a helper before an entry. An entry for
 * another repository is never used. The files of the authfile option and of REGISTRY_AUTH_FILE must
 * be readable if they exist; the other ones are skipped when the way to them is forbidden or a
 * directory has their name. Any thread. */
#ifndef AUTH_CREDENTIAL_FIND_H
#define AUTH_CREDENTIAL_FIND_H

#include "auth/credential.h"
#include "auth/settings.h"

/* Finds the candidates; no helper runs. An empty list means anonymous. registry is host[:port]
 * of a reference; repository may be NULL. INVALID_ARGUMENT for a malformed file or a malformed
 * entry of this registry; malformed entries of other registries are ignored. */
MUST_CHECK int credential_find(const struct settings *settings, const char *registry,
                               const char *repository, struct credential_list *ret_list,
                               struct lpipe_error *err);

/* Runs the helpers in order, up to the first candidate that has a secret. *ret_credential is
 * borrowed from the list, NULL = anonymous. When a helper fails, the call fails with
 * AUTH_REQUIRED: the next candidate is not tried. */
MUST_CHECK int credential_resolve(struct credential_list *list, lpipe_cancel *cancel,
                                  struct credential **ret_credential, struct lpipe_error *err);

/* Where credential_find() looks, for a message: "A, B and C". Returns buf. */
char *credential_places(const struct settings *settings, char *buf, size_t buf_size);

#endif
