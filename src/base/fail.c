/* SPDX-License-Identifier: Apache-2.0 */
/* Error values. No allocation, no lock: usable on every error path and every thread. */
#include "base/fail.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

static void error_clear(struct lpipe_error *err, int status)
{
    memset(err, 0, sizeof *err);
    err->status = status;
    err->offset = UINT64_MAX;
}

/* Marks a message that snprintf had to cut. */
static void mark_cut(struct lpipe_error *err, int wanted)
{
    if (wanted >= (int)sizeof err->message) {
        memcpy(err->message + sizeof err->message - 4, "...", 4);
    }
}

int fail(struct lpipe_error *err, int status, const char *format, ...)
{
    if (err != NULL) {
        va_list args;
        error_clear(err, status);
        va_start(args, format);
        mark_cut(err, vsnprintf(err->message, sizeof err->message, format, args));
        va_end(args);
    }
    return status;
}

int fail_with_advice(struct lpipe_error *err, int status, const char *format, ...)
{
    if (err != NULL) {
        va_list args;
        error_clear(err, status);
        err->flags = LPIPE_ERROR_ADVICE;
        va_start(args, format);
        mark_cut(err, vsnprintf(err->message, sizeof err->message, format, args));
        va_end(args);
    }
    return status;
}

static int status_of_errno(int status, int sys_errno)
{
    switch (sys_errno) {
    case ENOMEM:
        return LPIPE_NO_MEMORY;
    case EMFILE:
    case ENFILE:
    case EAGAIN:
        return LPIPE_NO_RESOURCES;
    default:
        return status;
    }
}

/* The text for an errno. glibc's strerror_r returns it, which may be elsewhere than in buf; that
 * of POSIX, which musl has, always writes it there. */
static const char *errno_text(int sys_errno, char *buf, size_t buf_size)
{
#ifdef __GLIBC__
    return strerror_r(sys_errno, buf, buf_size);
#else
    return strerror_r(sys_errno, buf, buf_size) == 0 ? buf : "unknown error";
#endif
}

int fail_errno(struct lpipe_error *err, int status, int sys_errno, const char *format, ...)
{
    status = status_of_errno(status, sys_errno);
    if (err != NULL) {
        char text[sizeof err->message];
        char reason[128];
        va_list args;
        va_start(args, format);
        (void)vsnprintf(text, sizeof text, format, args);
        va_end(args);
        error_clear(err, status);
        err->sys_errno = sys_errno;
        const char *why = errno_text(sys_errno, reason, sizeof reason);
        mark_cut(err, snprintf(err->message, sizeof err->message, "%s: %s", text, why));
    }
    return status;
}

int fail_memory(struct lpipe_error *err)
{
    return fail(err, LPIPE_NO_MEMORY, "out of memory");
}

int fail_add_advice(struct lpipe_error *err, int status, const char *advice)
{
    if (err != NULL) {
        size_t used = strlen(err->message);
        size_t left = sizeof err->message - used;
        mark_cut(err, (int)used + snprintf(err->message + used, left, "; %s", advice));
        err->flags |= LPIPE_ERROR_ADVICE;
    }
    return status;
}

int fail_context(struct lpipe_error *err, int status, const char *format, ...)
{
    if (err == NULL) {
        return status;
    }
    char inner[sizeof err->message];
    char outer[sizeof err->message];
    va_list args;
    memcpy(inner, err->message, sizeof inner);
    va_start(args, format);
    (void)vsnprintf(outer, sizeof outer, format, args);
    va_end(args);
    mark_cut(err, snprintf(err->message, sizeof err->message, "%s: %s", outer, inner));
    return status;
}

int fail_about(struct lpipe_error *err, int status, const char *kind, const char *name)
{
    bool is_named = err != NULL && strstr(err->message, name) != NULL;
    return is_named ? status
                    : fail_context(err, status, "%s%s%s", kind, kind[0] != '\0' ? " " : "", name);
}
