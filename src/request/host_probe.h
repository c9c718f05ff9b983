/* SPDX-License-Identifier: Apache-2.0 */
/* What the first answers of a host show: is it a registry, and which scheme does it speak? The
 * first request of a run is a real one, because its answer shows that as well. GET /v2/ is sent
 * only when the answer leaves it open, before a request that cannot be repeated, and for login.
 * Functions that end in _locked are called with the host's mutex held. */
#ifndef REQUEST_HOST_PROBE_H
#define REQUEST_HOST_PROBE_H

#include "request/registry_host.h"

/* Keeps what the host's first answer shows: that it answers, and the kind of its address. Call it
 * for answers of the host itself, not of one that it named. */
void host_note_answer(struct registry_host *host, const struct http_response *response);
/* Whether only a registry answers like that. A 404 to HEAD may come from any web server. */
bool host_answer_is_registry(const struct http_request *request,
                             const struct http_response *response);
/* After the first request over http where that is only a guess, when its outcome (status, and the
 * answer when status is 0) was not that of a registry: tries https once, where the outcome does not
 * show http. 1 = the server uses https, and is a registry; 0 = it does not; or the failure over
 * https. */
int host_settle_scheme(struct registry_host *host, int status, const struct http_response *response,
                       struct lpipe_error *err);

/* Sends GET /v2/, unless the host is known to be a registry; keeps scheme, challenge and the kind
 * of the address. */
MUST_CHECK int host_probe(struct registry_host *host, struct lpipe_error *err);
MUST_CHECK int host_probe_locked(struct registry_host *host, struct lpipe_error *err);

/* Asks for the challenge with GET /v2/, unless that was done. True when there is one. */
bool host_find_challenge(struct registry_host *host);

/* GET /v2/ with that Authorization (NULL = none). An answer of any status is no failure. */
MUST_CHECK int host_ping_locked(struct registry_host *host, const char *secret, bool retry,
                                struct http_response *ret_response, bool *ret_trusted,
                                struct lpipe_error *err);
/* What an answer to GET /v2/ that is neither 200 nor 401 means, with the text of its body. Called
 * with the host's mutex held. */
int host_fail_probe(const struct registry_host *host, const struct http_response *response,
                    struct lpipe_error *err);
/* A 401 with no challenge that can be answered. */
int host_fail_challenge(const struct registry_host *host, struct lpipe_error *err);

#endif
