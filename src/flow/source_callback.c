/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/source_callback.h"

#include <errno.h>
#include <inttypes.h>
#include <stdatomic.h>

#include "base/cancel.h"
#include "base/mem.h"

#define ERRNO_MAX 4095 /* the kernel's own limit for error numbers */

struct source_callback {
    struct source base;
    struct lpipe_source callbacks;
    uint64_t offset; /* bytes read so far */
    lpipe_cancel *cancel;
    atomic_bool cancelled;
};

/* A negative result of a callback as an errno value; EIO if it cannot be one. */
static int errno_of(ptrdiff_t result)
{
    return result < -ERRNO_MAX ? EIO : (int)-result;
}

static ptrdiff_t callback_read(struct source *source, void *buf, size_t size,
                               struct lpipe_error *err)
{
    struct source_callback *self = (struct source_callback *)source;
    ptrdiff_t got = 0;
    /* A signal may be how the caller's cancel function ends a read. */
    do {
        got = self->callbacks.read(self->callbacks.ctx, buf, size);
    } while (got == -EINTR && !atomic_load(&self->cancelled) && !cancel_requested(self->cancel));
    if (got < 0) {
        return fail_errno(err, LPIPE_SOURCE_IO, errno_of(got),
                          "reading the input failed at byte %" PRIu64, self->offset);
    }
    if ((size_t)got > size) {
        return fail(err, LPIPE_SOURCE_IO, "the source returned more bytes than fit");
    }
    self->offset += (uint64_t)got;
    return got;
}

static int callback_close(struct source *source)
{
    struct source_callback *self = (struct source_callback *)source;
    int code = self->callbacks.close != NULL ? self->callbacks.close(self->callbacks.ctx) : 0;
    return code < 0 ? -errno_of(code) : 0;
}

static void callback_cancel(struct source *source)
{
    struct source_callback *self = (struct source_callback *)source;
    atomic_store(&self->cancelled, true);
    if (self->callbacks.cancel != NULL) {
        self->callbacks.cancel(self->callbacks.ctx);
    }
}

static void callback_use_cancel(struct source *source, lpipe_cancel *cancel)
{
    struct source_callback *self = (struct source_callback *)source;
    lpipe_cancel_unref(self->cancel);
    self->cancel = cancel_ref(cancel);
}

static void callback_free(struct source *source)
{
    lpipe_cancel_unref(((struct source_callback *)source)->cancel);
    free(source);
}

static const struct source_ops ops = {
    .read = callback_read,
    .close = callback_close,
    .cancel = callback_cancel,
    .free = callback_free,
};

/* Nothing ends a read that blocks, so no thread has to watch the token. */
static const struct source_ops ops_without_cancel = {
    .read = callback_read,
    .close = callback_close,
    .cancel = callback_cancel,
    .use_cancel = callback_use_cancel,
    .free = callback_free,
};

struct source *source_callback_new(const struct lpipe_source *callbacks)
{
    struct source_callback *self = NEW(struct source_callback);
    if (self == NULL) {
        return NULL;
    }
    self->base.ops = callbacks->cancel != NULL ? &ops : &ops_without_cancel;
    self->callbacks = *callbacks;
    return &self->base;
}
