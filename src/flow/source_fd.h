/* SPDX-License-Identifier: Apache-2.0 */
/* A descriptor as a source: handles EINTR and non-blocking descriptors, ends its reads when a
 * cancel token is triggered, enlarges pipes, and can start again if the descriptor is a regular
 * file. */
#ifndef FLOW_SOURCE_FD_H
#define FLOW_SOURCE_FD_H

#include "base/source.h"

/* On failure the descriptor is closed unless it is borrowed. */
MUST_CHECK int source_fd_new(int fd, bool borrowed, struct source **ret_source,
                             struct lpipe_error *err);

#endif
