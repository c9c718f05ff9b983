/* SPDX-License-Identifier: Apache-2.0 */
/* The registry hosts that a client has talked to. They live as long as the list. Any thread. */
#ifndef REQUEST_HOST_LIST_H
#define REQUEST_HOST_LIST_H

#include "layerpipe/ref.h"
#include "request/registry_host.h"

struct host_list {
    pthread_mutex_t mutex; /* guards what follows */
    struct registry_host *first;
};
void host_list_init(struct host_list *list);
void host_list_dispose(struct host_list *list);

/* The host of a reference, with the credentials for its repository; borrowed from the list. For a
 * registry on this machine, where http is only a guess, this call sends the first request, and may
 * fail as a request may. */
MUST_CHECK int host_list_get(struct host_list *list, struct context *context, const lpipe_ref *ref,
                             struct registry_host **ret_host, struct lpipe_error *err);

#endif
