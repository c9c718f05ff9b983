/* SPDX-License-Identifier: Apache-2.0 */
/* The first request to a registry, GET /v2/: which scheme does it speak, is it a registry, and
 * what challenge does it answer with? Functions that end in _locked are called with the host's
 * mutex held. */
#ifndef REQUEST_HOST_PROBE_H
#define REQUEST_HOST_PROBE_H

#include "request/registry_host.h"

/* Finds out which scheme a registry on this machine speaks, unless the user has said so. The URL of
 * the host is fixed from then on; only its maker may have the host before. */
MUST_CHECK int host_find_scheme(struct registry_host *host, struct lpipe_error *err);

/* Sends the first request and keeps the challenge and the kind of the address. */
MUST_CHECK int host_probe_locked(struct registry_host *host, struct lpipe_error *err);

/* GET /v2/ with that Authorization (NULL = none). An answer of any status is no failure. */
MUST_CHECK int host_ping_locked(struct registry_host *host, const char *secret, bool retry,
                                struct http_response *ret_response, bool *ret_trusted,
                                struct lpipe_error *err);
/* What an answer to GET /v2/ that is neither 200 nor 401 means. */
int host_fail_probe(const struct registry_host *host, int http_status, struct lpipe_error *err);

#endif
