/* SPDX-License-Identifier: Apache-2.0 */
/* One repository of a registry: what requests about it need. Immutable; any thread. */
#ifndef REQUEST_REPOSITORY_H
#define REQUEST_REPOSITORY_H

#include "request/context.h"
#include "request/host_request.h"

struct repository {
    struct context *context;    /* borrowed */
    struct registry_host *host; /* borrowed from the client */
    const char *registry;       /* host[:port], for messages */
    const char *name;           /* "library/debian" */
    const char *actions;        /* that tokens are for: "pull,push"; NULL = "pull" */
};

#endif
