/* SPDX-License-Identifier: Apache-2.0 */
/* A streaming layer: bytes in once, compressed bytes out once, digests at the end. */
#ifndef LAYERPIPE_LAYER_H
#define LAYERPIPE_LAYER_H

#include "observe.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * Where a layer's bytes come from.
 *
 * read:   fills buf with up to size bytes; returns how many, 0 at the end, or a negative errno
 *         value. Called by the thread that reads the layer, never by two at once.
 * close:  called exactly once in every case, also when lpipe_layer_new() fails. Returns 0 or a
 *         negative errno value. May be NULL.
 * cancel: makes a blocked or later read return soon; called from any thread, may be NULL.
 */
struct lpipe_source {
    ptrdiff_t (*read)(void *ctx, void *buf, size_t size);
    int (*close)(void *ctx);
    void (*cancel)(void *ctx);
    void *ctx;
};

enum lpipe_layer_flag {
    LPIPE_LAYER_RAW = 1u << 0,             /**< input is no tar: no check, no recognition */
    LPIPE_LAYER_ALLOW_TRUNCATED = 1u << 1, /**< accept a tar cut off anywhere behind a header */
    LPIPE_LAYER_ALLOW_EMPTY = 1u << 2,     /**< accept a stream of no bytes */
    LPIPE_LAYER_DOCKER = 1u << 3,          /**< Docker media types in place of OCI's */
    LPIPE_LAYER_FD_BORROWED = 1u << 4,     /**< lpipe_layer_new_fd: do not close the descriptor */
    /** A source that can be read again (a regular file, a directory) is read once to be hashed before
     * lpipe_image_push() sends it to a registry, so that a blob which the registry has already, or can
     * mount, is not sent. This costs a second reading when it is not there. Without effect for streams,
     * and where nothing goes over a network. */
    LPIPE_LAYER_LOOK_FIRST = 1u << 5
};

/** Values for lpipe_layer_options.threads. INLINE: all work is done in the calling thread; only the
 * zstd library keeps a thread of its own. */
#define LPIPE_THREADS_DEFAULT 0   /**< as many as processors this process may use */
#define LPIPE_THREADS_INLINE (-1) /**< none */

struct lpipe_layer_options {
    size_t struct_size;
    const char *compress;      /**< "gzip[:-2..12]", "zstd[:1..19]", "none"; NULL = "gzip:1". A tar
                                 that is compressed already passes through as it is with NULL and
                                 with the name of its codec; with another it is NOT_TAR */
    const char *media_type;    /**< label; must agree with the bytes. NULL = by codec */
    int32_t threads;           /**< compression workers, or LPIPE_THREADS_* */
    uint32_t flags;            /**< enum lpipe_layer_flag */
    uint64_t memory_bytes_max; /**< limit for the layer's buffers; 0 = what the threads need */
    lpipe_cancel *cancel;      /**< a reference is taken; may be NULL */
};
#define LPIPE_LAYER_OPTIONS_INIT                                                                   \
    {                                                                                              \
        sizeof(struct lpipe_layer_options), NULL, NULL, 0, 0, 0, NULL                              \
    }

#define LPIPE_SIZE_UNKNOWN UINT64_MAX

/** What is known of a layer once it has ended well. */
struct lpipe_layer_result {
    size_t struct_size;
    char media_type[128];
    char digest[144];           /**< of the blob, "sha256:..." */
    char diff_id[144];          /**< of the uncompressed bytes; "" where not known */
    uint64_t size;              /**< of the blob, bytes */
    uint64_t uncompressed_size; /**< bytes, or LPIPE_SIZE_UNKNOWN */
    enum lpipe_blob_origin origin;
    uint64_t memory_bytes; /**< buffers that the pipeline held */
    uint64_t reserved[4];
};
#define LPIPE_LAYER_RESULT_INIT                                                                    \
    {                                                                                              \
        sizeof(struct lpipe_layer_result), "", "", "", 0, LPIPE_SIZE_UNKNOWN,                      \
            LPIPE_ORIGIN_STREAMED, 0,                                                              \
        {                                                                                          \
            0, 0, 0, 0                                                                             \
        }                                                                                          \
    }

typedef struct lpipe_layer lpipe_layer;
typedef struct lpipe_reader lpipe_reader;

/**
 * Makes a layer of a source. Nothing is read yet.
 *
 * @param source  copied; source->close runs exactly once whatever happens, also on failure here
 * @param options borrowed, may be NULL
 * @param ret_layer owned by the caller, lpipe_layer_free()
 * @return 0, INVALID_ARGUMENT (level, media type, codec, limit; zstd or a media type of OCI's with
 *         Docker's types), UNSUPPORTED (types of layers that may not be distributed), NO_MEMORY
 */
LPIPE_API LPIPE_CHECK int lpipe_layer_new(const struct lpipe_source *source,
                                          const struct lpipe_layer_options *options,
                                          lpipe_layer **ret_layer, struct lpipe_error *err);

/** The same from a descriptor (pipe, socket, file), which is closed when the layer has ended
 * unless LPIPE_LAYER_FD_BORROWED is set. A regular file can be read again after a lost upload, so it
 * is closed with the layer. NO_RESOURCES too. */
LPIPE_API LPIPE_CHECK int lpipe_layer_new_fd(int fd, const struct lpipe_layer_options *options,
                                             lpipe_layer **ret_layer, struct lpipe_error *err);

/** A layer of a directory, packed as a reproducible tar (sorted by bytes, numeric owners, whole
 * seconds of mtime, clamped to SOURCE_DATE_EPOCH where set; hard links and extended attributes kept,
 * sockets left out, links not followed). It can be read again after a lost upload. What cannot be
 * read, and what changes meanwhile, is SOURCE_IO for whoever reads the layer.
 * @return 0, SOURCE_IO when the directory cannot be opened, or as lpipe_layer_new() */
LPIPE_API LPIPE_CHECK int lpipe_layer_new_directory(const char *path,
                                                    const struct lpipe_layer_options *options,
                                                    lpipe_layer **ret_layer,
                                                    struct lpipe_error *err);

/**
 * Opens the one reader of the compressed bytes.
 * @return 0; IN_USE while a reader is open; CONSUMED after one was closed or reached the end;
 *         NO_MEMORY, NO_RESOURCES
 */
LPIPE_API LPIPE_CHECK int lpipe_layer_open(lpipe_layer *layer, lpipe_reader **ret_reader,
                                           struct lpipe_error *err);

/**
 * Reads compressed bytes; blocks until there is at least one, the end, or a failure.
 * @param ret_size bytes put into buf; 0 means the end, and the layer's values are then available
 * @return 0, or what broke the stream: SOURCE_IO, NOT_TAR, TRUNCATED, CANCELLED ... The same
 *         failure is returned by every later call; a broken stream never ends cleanly. UNSUPPORTED
 *         where the input is zstd already and Docker's types are wanted.
 */
LPIPE_API LPIPE_CHECK int lpipe_reader_read(lpipe_reader *reader, void *buf, size_t size,
                                            size_t *ret_size, struct lpipe_error *err);

/** Closes and frees the reader. Before the end this makes the layer ABORTED. Returns 0, or
 * SOURCE_IO once if closing the source failed (the values of a completed layer stay valid). */
LPIPE_API int lpipe_reader_close(lpipe_reader *reader, struct lpipe_error *err);

/** Digest, diff ID, sizes, media type. NOT_COMPUTED before the end; after a failure or an early
 * close, the cause. Never values of a truncated stream. Any thread. */
LPIPE_API LPIPE_CHECK int lpipe_layer_result(const lpipe_layer *layer,
                                             struct lpipe_layer_result *ret_result,
                                             struct lpipe_error *err);
/** Single values of lpipe_layer_result(); strings are borrowed as long as the layer. */
LPIPE_API LPIPE_CHECK int lpipe_layer_digest(const lpipe_layer *layer, const char **ret_digest,
                                             struct lpipe_error *err);
LPIPE_API LPIPE_CHECK int lpipe_layer_diff_id(const lpipe_layer *layer, const char **ret_diff_id,
                                              struct lpipe_error *err);
LPIPE_API LPIPE_CHECK int lpipe_layer_size(const lpipe_layer *layer, uint64_t *ret_size,
                                           struct lpipe_error *err);
/** The media type as far as known: option or codec; a compressed input settles it when its first
 * bytes have been read. Borrowed as long as the layer. Any thread, any state. */
LPIPE_API const char *lpipe_layer_media_type(const lpipe_layer *layer);

/** Always UNSUPPORTED: a stream has no uncompressed form that could be read again. */
LPIPE_API LPIPE_CHECK int lpipe_layer_uncompressed(lpipe_layer *layer, lpipe_reader **ret_reader,
                                                   struct lpipe_error *err);

/** Frees the layer in any state: cancels, joins its workers, closes the source if that has not
 * happened. An open reader becomes invalid. While another thread is in lpipe_reader_read() that call
 * ends first, with ABORTED; a source without cancel is waited for. Returns NULL. */
LPIPE_API lpipe_layer *lpipe_layer_free(lpipe_layer *layer);

#ifdef __cplusplus
}
#endif

#endif
