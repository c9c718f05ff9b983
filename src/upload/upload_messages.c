/* SPDX-License-Identifier: Apache-2.0 */
/* The errors and notices of an upload: what failed, at which byte, what the registry answered, and
 * what the user can do. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "base/text.h"
#include "upload/upload_run.h"

#define CUT_MS_MIN 55000u /* some proxies and registries cut every request after a minute */
#define CUT_MS_MAX 65000u

static void size_text(uint64_t bytes, char *buf, size_t buf_size)
{
    static const char *const units[] = { "bytes", "KiB", "MiB", "GiB", "TiB" };
    (void)text_size(buf, buf_size, bytes, 1024, units, ARRAY_LEN(units));
}

static void set_session_lost(struct upload *upload)
{
    char at[32];
    char why[sizeof upload->err.message];
    bool still_buffered = window_holds(&upload->window, 0);
    bool cut = upload->response.time_ms >= CUT_MS_MIN && upload->response.time_ms <= CUT_MS_MAX;
    size_text(upload->acked, at, sizeof at);
    (void)snprintf(why, sizeof why, "%.200s", upload->err.message);
    if (still_buffered) {
        (void)fail(&upload->err, LPIPE_NETWORK,
                   "upload to %s/%s failed in upload session %u, after the registry had "
                   "acknowledged %s: %s",
                   upload->repository->registry, upload->repository->name, *upload->sessions_opened,
                   at, why);
    } else {
        (void)fail_with_advice(
            &upload->err, LPIPE_NETWORK,
            "upload to %s/%s failed after the registry had acknowledged %s: the upload session "
            "cannot be resumed and the stream cannot be read again; use `spool_dir`, or a file as "
            "input (%s)%s",
            upload->repository->registry, upload->repository->name, at, why,
            cut ? "; the request was cut after a minute, probably by a time-out of a proxy or of "
                  "the registry: try `LPIPE_UPLOAD_CHUNKED` with a smaller `chunk_bytes`"
                : "");
        upload->err.flags |= *upload->sessions_opened < SESSIONS_MAX ? LPIPE_ERROR_REPLAY : 0;
    }
    upload->err.flags |= LPIPE_ERROR_RETRYABLE;
    upload->err.offset = upload->acked;
}

static void set_content_mismatch(struct upload *upload)
{
    struct lpipe_error refusal = upload->err;
    bool answered = upload->response.status >= 400;
    (void)fail(
        &upload->err, LPIPE_INTEGRITY,
        "the bytes of %s in %s/%s are not those that were sent%s%.200s; a proxy or the registry "
        "has changed them",
        upload->digest, upload->repository->registry, upload->repository->name,
        answered ? ": " : "", answered ? refusal.message : "");
    upload->err.http_status = refusal.http_status;
    memcpy(upload->err.registry_code, refusal.registry_code, sizeof refusal.registry_code);
    if (!window_holds(&upload->window, 0) && *upload->sessions_opened < SESSIONS_MAX) {
        upload->err.flags |= LPIPE_ERROR_REPLAY;
    }
}

/* Which other method may work after this refusal; NULL = none. */
static const char *other_upload(const struct upload *upload)
{
    int status = upload->response.status;
    bool refused = status >= 400 && status < 500 && status != 401 && status != 403;
    bool puts_bytes = upload->method == UPLOAD_SINGLE_PUT;
    bool sends =
        upload->state == UPLOAD_SENDING || (upload->state == UPLOAD_COMMITTING && puts_bytes);
    if (!sends || (!refused && status != 501)) {
        return NULL;
    }
    if (!puts_bytes && (status == 405 || status == 501)) {
        /* PATCH is forbidden, often by a proxy. */
        return "`LPIPE_UPLOAD_MONOLITHIC` `spool_dir`";
    }
    switch (upload->mode) {
    case LPIPE_UPLOAD_STREAMED:
    case LPIPE_UPLOAD_MONOLITHIC:
        return "`LPIPE_UPLOAD_AUTO`";
    case LPIPE_UPLOAD_CHUNKED: /* a chunk that is too large was made smaller already */
        return status == 413 ? NULL : "`LPIPE_UPLOAD_AUTO`";
    case LPIPE_UPLOAD_AUTO:
    default:
        return NULL;
    }
}

static void advise_other_upload(struct upload *upload)
{
    const char *other = other_upload(upload);
    size_t size = strlen(upload->err.message);
    if (other != NULL) {
        (void)snprintf(upload->err.message + size, sizeof upload->err.message - size, "; try %s",
                       other);
        upload->err.flags |= LPIPE_ERROR_ADVICE;
    }
}

void upload_set_error(struct upload *upload, enum upload_cause cause)
{
    const char *registry = upload->repository->registry;
    const char *name = upload->repository->name;
    struct lpipe_error last = upload->err;
    switch (cause) {
    case UPLOAD_SESSION_LOST:
        set_session_lost(upload);
        break;
    case UPLOAD_CONTENT_MISMATCH:
        set_content_mismatch(upload);
        break;
    case UPLOAD_COMMIT_UNCONFIRMED:
        (void)fail(&upload->err, LPIPE_NETWORK,
                   "all bytes were sent, but %s/%s did not confirm the blob %s; it may appear "
                   "later (%.200s)",
                   registry, name, upload->digest, last.message);
        upload->err.flags |= (uint32_t)LPIPE_ERROR_RETRYABLE | (uint32_t)LPIPE_ERROR_REPLAY;
        break;
    case UPLOAD_BLOB_MISSING_AFTER_COMMIT:
        (void)fail(&upload->err, LPIPE_INTEGRITY,
                   "%s/%s accepted the blob %s, but now reports it missing", registry, name,
                   upload->digest);
        break;
    case UPLOAD_TOO_LARGE_FOR_ONE_REQUEST:
        (void)fail_with_advice(
            &upload->err, LPIPE_TOO_LARGE,
            "a blob of more than %" PRIu64
            " bytes cannot be sent in one request; use `spool_dir` or another `upload` method",
            upload->window.held_max);
        break;
    case UPLOAD_LAST_ERROR:
        if (window_is_abandoned(&upload->window)) {
            (void)fail(&upload->err, LPIPE_ABORTED, "the upload was abandoned");
        } else {
            advise_other_upload(upload);
        }
        break;
    case UPLOAD_NO_CAUSE:
    case UPLOAD_CAUSE_COUNT:
    default:
        break;
    }
}

void upload_announce(struct upload *upload, enum upload_state next)
{
    struct context *context = upload->repository->context;
    const char *registry = upload->repository->registry;
    unsigned session = *upload->sessions_opened + 1;
    bool tells = next == UPLOAD_RESTARTING &&
                 retry_notices_add(&context->retry_notices, registry, RETRY_SESSION, session, 0);
    if (tells) {
        context_notice(context,
                       "upload to %s/%s failed (%.200s); sending it again from its first byte "
                       "(upload session %u of %d)",
                       registry, upload->repository->name, upload->err.message, session,
                       SESSIONS_MAX);
    }
}
