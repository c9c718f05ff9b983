/* SPDX-License-Identifier: Apache-2.0 */
/* A descriptor as a source: survives EINTR and non-blocking descriptors, gives way to a cancel token
 * and to cancellation by the layer, enlarges pipes, and can start again where the descriptor is a
 * regular file. */
#ifndef FLOW_SOURCE_FD_H
#define FLOW_SOURCE_FD_H

#include "base/fail.h"
#include "layerpipe/layer.h"

struct source_fd;

/* On failure the descriptor is closed unless borrowed. */
MUST_CHECK int source_fd_new(int fd, bool borrowed, struct source_fd **ret_source,
                             struct lpipe_error *err);
/* A reference is taken; may be NULL. */
void source_fd_use_cancel(struct source_fd *source, lpipe_cancel *cancel);
/* Frees the object; the descriptor is closed if that has not happened. */
struct source_fd *source_fd_free(struct source_fd *source);

/* As struct lpipe_source wants them; ctx is the object. */
ptrdiff_t source_fd_read(void *ctx, void *buf, size_t size);
int source_fd_close(void *ctx);
void source_fd_cancel(void *ctx);

bool source_fd_can_rewind(const struct source_fd *source);
MUST_CHECK int source_fd_rewind(struct source_fd *source, struct lpipe_error *err);
/* After a rewind, at the end: is the file still the one that was read first? */
bool source_fd_unchanged(const struct source_fd *source);

#endif
