/* SPDX-License-Identifier: Apache-2.0 */
/* The public type lpipe_client: a context (settings, cancel token, HTTP client, observer) and the
 * registry hosts that it has used. Any thread. */
#ifndef REGISTRY_CLIENT_H
#define REGISTRY_CLIENT_H

#include "base/process.h"
#include "layerpipe/client.h"
#include "request/context.h"
#include "request/host_list.h"

struct lpipe_client {
    struct context context;
    struct host_list hosts;
    pid_t process; /* that made it: see client_check() */
};

/* options must be complete (see base/opts.h). The client owns the observer from this call on: it is
 * freed exactly once, also when this fails. */
MUST_CHECK int client_new(const struct lpipe_client_options *options, lpipe_client **ret_client,
                          struct lpipe_error *err);
/* 0, or INVALID_STATE in a child of fork(): there every call would wait for threads that it does
 * not have. Public functions that use the client call this first. */
MUST_CHECK int client_check(const lpipe_client *client, struct lpipe_error *err);
/* In a child of fork() the client is left as it is: its connections belong to the parent. */
lpipe_client *client_free(lpipe_client *client);

#endif
