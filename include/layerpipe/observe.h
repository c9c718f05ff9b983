/* SPDX-License-Identifier: Apache-2.0 */
/* Progress events, log lines and cancellation. */
#ifndef LAYERPIPE_OBSERVE_H
#define LAYERPIPE_OBSERVE_H

#include "error.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Kinds of events. A later version may send others: ignore those that you do not know. */
enum lpipe_event_kind {
    LPIPE_EVENT_BLOB_START = 1, /**< work on a blob begins */
    LPIPE_EVENT_BLOB_PROGRESS,  /**< the counters of a blob; every 200 ms from start to end, also
                                   when nothing has moved */
    LPIPE_EVENT_BLOB_DONE,      /**< blob is in the store; always sent on success */
    LPIPE_EVENT_BLOB_FAILED,    /**< blob failed */
    LPIPE_EVENT_MANIFEST,       /**< a manifest was put */
    LPIPE_EVENT_TAG,            /**< a tag was set */
    LPIPE_EVENT_NOTICE,         /**< a message for a person, in text */
    LPIPE_EVENT_TICK /**< a call runs, or an lpipe_content is open; every 200 ms, after the
                          BLOB_PROGRESS events of all blobs, also when there is no blob */
};

/** How a blob got into the target store. */
enum lpipe_blob_origin {
    LPIPE_ORIGIN_STREAMED = 0, /**< read, compressed and written */
    LPIPE_ORIGIN_MOUNTED,      /**< mounted from another repository of the registry
                                 (distribution-spec, "Mounting a blob from another repository") */
    LPIPE_ORIGIN_EXISTING,     /**< existed already */
    LPIPE_ORIGIN_COPIED /**< copied from the store of the base image, or of a copy's source */
};

/** What is done with a blob. */
enum lpipe_blob_phase {
    LPIPE_PHASE_TRANSFER = 0, /**< the blob is read and sent to the target */
    LPIPE_PHASE_HASH, /**< the blob is only hashed, and sent later if the target does not have
                                 it (LPIPE_LAYER_LOOK_FIRST). Its counters begin again when it is
                                 sent. */
    LPIPE_PHASE_WAIT  /**< every byte was sent; the target has not confirmed the blob yet */
};

/** One event. It and its strings are valid during the callback only. */
struct lpipe_event {
    size_t struct_size;
    enum lpipe_event_kind kind;
    enum lpipe_blob_origin origin;
    uint32_t blob_index;  /**< the blob's number within the call, from 0 */
    uint64_t bytes_in;    /**< uncompressed bytes read so far */
    uint64_t bytes_out;   /**< compressed bytes produced so far */
    uint64_t bytes_acked; /**< bytes that the target has acknowledged */
    uint64_t bytes_total; /**< final value of bytes_out, 0 while it is not known */
    const char *digest;   /**< of the blob or manifest, NULL while unknown */
    const char *text; /**< name of the blob ("layer 2"), tag, or text of the notice; may be NULL */
    enum lpipe_blob_phase phase; /**< of a BLOB_PROGRESS event */
    /** Bytes of the blob that were given to the target so far: to the connection of a registry, or
     * written. Bytes that were given twice count twice, so this never falls. */
    uint64_t bytes_sent;
    /** Those of bytes_sent that were lost and have to be given again. The difference is the place
     * in the blob that has been reached. */
    uint64_t bytes_resent;
    uint64_t input_total; /**< final value of bytes_in, 0 while it is not known */
    const char *input;    /**< lpipe_layer_options.input_name of a layer; may be NULL */
};

enum lpipe_log_level { LPIPE_LOG_REQUEST = 1, LPIPE_LOG_HEADERS = 2 };

/**
 * Callbacks of a client. Each may be NULL. They must not block and must not use the same client.
 *
 * Threads: `event` and `log` are called by the thread that does the work or by a thread of the
 * client. Two callbacks of one client never run at the same time.
 */
struct lpipe_observer {
    void (*event)(void *user, const struct lpipe_event *event);
    void (*log)(void *user, enum lpipe_log_level level, const char *line); /**< without secrets */
    /** Runs exactly once: when the client is freed, or when lpipe_client_new() fails. Exception:
     * when lpipe_client_new() cannot read the options (struct_size is not set, or they are of a
     * newer version), it takes nothing of them and `free` does not run. */
    void (*free)(void *user);
    void *user; /**< first argument of every callback */
};

/** A cancel token. Any number of clients, layers and calls may use one token. */
typedef struct lpipe_cancel lpipe_cancel;

/**
 * Makes a cancel token.
 * @param ret_cancel owned by the caller, lpipe_cancel_unref(); not NULL
 * @return 0, NO_RESOURCES. Any thread.
 */
LPIPE_API LPIPE_CHECK int lpipe_cancel_new(lpipe_cancel **ret_cancel, struct lpipe_error *err);

/**
 * Cancels all calls that use the token, those that run and those that begin later. They return
 * CANCELLED. A token cannot be reset. A call that waits for the system's name resolver returns when
 * the resolver has answered or given up: the resolver cannot be interrupted.
 * @param cancel may be NULL: no effect. Any thread, and any signal handler (async-signal-safe).
 */
LPIPE_API void lpipe_cancel_trigger(lpipe_cancel *cancel);

/**
 * Drops the caller's reference. The token is freed with its last reference; clients and layers have
 * references of their own.
 * @param cancel may be NULL
 * @return NULL. Any thread.
 */
LPIPE_API lpipe_cancel *lpipe_cancel_unref(lpipe_cancel *cancel);

#ifdef __cplusplus
}
#endif

#endif
