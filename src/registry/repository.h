/* SPDX-License-Identifier: Apache-2.0 */
/* One repository of a registry, as the files of this room hand it to each other. Immutable; any
 * thread. */
#ifndef REGISTRY_REPOSITORY_H
#define REGISTRY_REPOSITORY_H

#include "registry/client.h"
#include "registry/session.h"

struct repository {
    lpipe_client *client;    /* borrowed */
    struct session *session; /* borrowed from the client */
    const char *registry;    /* host[:port], for messages */
    const char *name;        /* "library/debian" */
    const char *actions;     /* that tokens are for: "pull,push"; NULL = "pull" */
};

#endif
