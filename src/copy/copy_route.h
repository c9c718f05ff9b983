/* SPDX-License-Identifier: Apache-2.0 */
/* From which store a copy reads, and into which it writes. */
#ifndef COPY_COPY_ROUTE_H
#define COPY_COPY_ROUTE_H

#include "image/push_target.h"

/* All members are borrowed. */
struct copy_route {
    lpipe_client *client;
    struct store *from;
    const char *from_repository; /* to mount blobs from; NULL = no mount is possible */
    struct store *to;
    bool remote;        /* the destination is a registry */
    bool one_job;       /* one blob or manifest at a time: several such copies run */
    bool is_same_store; /* one repository or layout: there is nothing to copy */
};

void copy_route_init(lpipe_client *client, const lpipe_ref *source, struct store *from,
                     const lpipe_ref *dest, const struct push_target *target,
                     struct copy_route *ret_route);

#endif
