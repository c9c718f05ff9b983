/* SPDX-License-Identifier: Apache-2.0 */
/* Scopes of tokens: "repository:library/debian:pull,push", compared as sets. Pure. */
#ifndef AUTH_SCOPE_H
#define AUTH_SCOPE_H

#include "base/buf.h"

/* A set of scopes is a text in canonical form: items sorted and unique, separated by a blank, their
 * actions sorted and unique. "" is the empty set. */

/* Adds actions ("pull,push") on a repository to a set. 0, NO_MEMORY, TOO_LARGE. */
MUST_CHECK int scope_add(struct buf *set, const char *repository, const char *actions);
/* Adds the well-formed items of a challenge's scope that are about one of two repositories (NULL
 * = none). Other items are ignored: the registry must not widen a token to other repositories. */
MUST_CHECK int scope_add_offer(struct buf *set, const char *offer, const char *repository,
                               const char *other);
/* Adds those items of another set that concern a repository. */
MUST_CHECK int scope_add_known(struct buf *set, const char *known, const char *repository);
/* True when everything in wanted is in set. */
bool scope_covers(const char *set, const char *wanted);
/* The next item of a set: its size, 0 at the end; *at moves past it. */
size_t scope_next(const char **at, const char **ret_item);

#define SCOPE_BYTES_MAX ((size_t)8192)

#endif
