/* SPDX-License-Identifier: Apache-2.0 */
/* The requests to a host that is not known to be a registry yet. The first request of a run is a
 * real one: its answer shows the scheme, the challenge, and whether it is a registry. Any
 * thread. */
#ifndef REQUEST_HOST_FIRST_H
#define REQUEST_HOST_FIRST_H

#include "request/registry_host.h"

/* attempt_send() for any host. Until it is known to be a registry: tries https where http is
 * only a guess; retries a failure of any method, as long as the host has never answered;
 * explains the refusal of another server. Asks for the challenge where an answer lacks it, and
 * sends the request again. */
MUST_CHECK int first_send(struct registry_host *host, const struct host_request *request,
                          struct http_response *ret_response, bool *ret_trusted,
                          struct lpipe_error *err);

#endif
