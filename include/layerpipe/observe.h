/* SPDX-License-Identifier: Apache-2.0 */
/* Progress events, log lines and cancellation. */
#ifndef LAYERPIPE_OBSERVE_H
#define LAYERPIPE_OBSERVE_H

#include "error.h"

#ifdef __cplusplus
extern "C" {
#endif

/** What an event tells. */
enum lpipe_event_kind {
    LPIPE_EVENT_BLOB_START = 1, /**< work on a blob begins */
    LPIPE_EVENT_BLOB_PROGRESS,  /**< counters moved (at most ten a second a blob) */
    LPIPE_EVENT_BLOB_DONE,      /**< blob is in place; always delivered on success */
    LPIPE_EVENT_BLOB_FAILED,    /**< blob failed */
    LPIPE_EVENT_MANIFEST,       /**< a manifest was put */
    LPIPE_EVENT_TAG,            /**< a tag was set */
    LPIPE_EVENT_NOTICE          /**< something a person should know; see text */
};

/** How a blob came to be in the destination. */
enum lpipe_blob_origin {
    LPIPE_ORIGIN_STREAMED = 0, /**< read, compressed and written */
    LPIPE_ORIGIN_MOUNTED,      /**< mounted from another repository of the registry */
    LPIPE_ORIGIN_EXISTING,     /**< was there already */
    LPIPE_ORIGIN_COPIED        /**< copied from the base image's place */
};

/** One event. Valid during the callback only. */
struct lpipe_event {
    size_t struct_size;
    enum lpipe_event_kind kind;
    enum lpipe_blob_origin origin;
    uint32_t blob_index;  /**< the blob's number within the call, from 0 */
    uint64_t bytes_in;    /**< uncompressed bytes read so far */
    uint64_t bytes_out;   /**< compressed bytes produced so far */
    uint64_t bytes_acked; /**< bytes the destination has acknowledged */
    uint64_t bytes_total; /**< of bytes_out, where known; else 0 */
    const char *digest;   /**< of the blob or manifest, NULL while unknown */
    const char *text;     /**< name of the thing or the notice, may be NULL */
};

enum lpipe_log_level { LPIPE_LOG_REQUEST = 1, LPIPE_LOG_HEADERS = 2 };

/** Callbacks of a client. They must not block and must not call into the same client. `event`
 * is called by the thread doing the work, `log` by the network thread too; calls are serialised.
 * `free` runs exactly once: when the client goes, or when the call that took it fails. The exception
 * is a call that refuses the options as a whole (struct_size is not set, or they were built for a
 * newer library): nothing is taken of options that cannot be read, and `free` does not run. */
struct lpipe_observer {
    void (*event)(void *user, const struct lpipe_event *event);
    void (*log)(void *user, enum lpipe_log_level level, const char *line);
    void (*free)(void *user);
    void *user;
};

/** A cancel token. One token may serve any number of calls. */
typedef struct lpipe_cancel lpipe_cancel;

/** Makes a token, owned by the caller. NO_MEMORY, NO_RESOURCES. */
LPIPE_API LPIPE_CHECK int lpipe_cancel_new(lpipe_cancel **ret_cancel, struct lpipe_error *err);

/** Cancels every call that uses the token, now and later. Any thread; async-signal-safe. */
LPIPE_API void lpipe_cancel_trigger(lpipe_cancel *cancel);

/** Drops one reference (clients and layers hold their own). Returns NULL. */
LPIPE_API lpipe_cancel *lpipe_cancel_unref(lpipe_cancel *cancel);

#ifdef __cplusplus
}
#endif

#endif
