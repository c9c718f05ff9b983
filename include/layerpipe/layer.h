/* SPDX-License-Identifier: Apache-2.0 */
/* A streaming layer: its bytes are read once and compressed once; the digests are known at the
 * end. */
#ifndef LAYERPIPE_LAYER_H
#define LAYERPIPE_LAYER_H

#include "observe.h"

#ifdef __cplusplus
extern "C" {
#endif

/** The source of a layer's bytes: callbacks of the caller. */
struct lpipe_source {
    /** Fills buf with at most size bytes. Returns how many, 0 at the end, or a negative errno
     * value. After -EINTR it is called again, unless the layer is cancelled. May block. Called by
     * the thread that reads the layer. Not NULL. */
    ptrdiff_t (*read)(void *ctx, void *buf, size_t size);
    /** Called exactly once, also when lpipe_layer_new() fails. Returns 0 or a negative errno value.
     * May be NULL. */
    int (*close)(void *ctx);
    /** Makes a running read and all later ones return soon. Called by any thread, also while read
     * runs. May be NULL. */
    void (*cancel)(void *ctx);
    void *ctx; /**< first argument of the callbacks */
};

enum lpipe_layer_flag {
    LPIPE_LAYER_RAW = 1u << 0, /**< input is not a tar: no check; not recognised as compressed */
    LPIPE_LAYER_ALLOW_TRUNCATED = 1u << 1, /**< accept a tar that ends early, after a header */
    /** Accept an empty stream. Of a tar that has no entries, only its end-of-archive mark, there is
     * no notice then. */
    LPIPE_LAYER_ALLOW_EMPTY = 1u << 2,
    LPIPE_LAYER_DOCKER = 1u << 3,      /**< Docker's media types instead of OCI's */
    LPIPE_LAYER_FD_BORROWED = 1u << 4, /**< lpipe_layer_new_fd: do not close the descriptor */
    /** For a source that can be read again (a regular file, a directory): lpipe_image_push() first
     * reads it to get its digest, and sends it only if the registry does not have the blob and
     * cannot mount it. Then it is read a second time. No effect for streams, layouts and null:. */
    LPIPE_LAYER_LOOK_FIRST = 1u << 5,
    /** Accept a layer of an image whose tar has entries that container runtimes cannot unpack
     * (docs/tar.md lists them). Without it lpipe_image_push() fails with NOT_TAR before the
     * layer is committed. Single layers and artifacts are accepted in any case, with a notice. */
    LPIPE_LAYER_ALLOW_ODD_ENTRIES = 1u << 6
};

/** Values for lpipe_layer_options.threads. With INLINE the calling thread compresses; only the zstd
 * library still has one thread. */
#define LPIPE_THREADS_DEFAULT 0   /**< one for each processor that the process may use */
#define LPIPE_THREADS_INLINE (-1) /**< no threads */

struct lpipe_layer_options {
    size_t struct_size;
    /** "gzip[:-2..12]" (RFC 1952), "zstd[:1..19]" (RFC 8878) or "none"; NULL = "gzip:1".
     * "zstd-chunked[:1..19]" and "estargz[:-2..12]" add a table of contents, from which a
     * snapshotter fetches single files. A tar that is compressed already is not changed if this
     * is NULL or names its codec; else it is NOT_TAR. */
    const char *compress;
    const char *media_type;    /**< media type of the layer; must fit its bytes; NULL = by codec */
    int32_t threads;           /**< compression workers, or LPIPE_THREADS_* */
    uint32_t flags;            /**< enum lpipe_layer_flag */
    uint64_t memory_bytes_max; /**< limit for the layer's buffers, bytes; 0 = as the threads need */
    lpipe_cancel *cancel;      /**< the layer takes a reference; may be NULL */
    const char *spool_dir;     /**< directory for a file without a name, which takes the table of
                                    contents of a layer with very many files; NULL = $TMPDIR, else
                                    /var/tmp */
    const char *input_name;    /**< what progress events call the input; NULL = nothing */
    /** For "estargz": paths of files that a snapshotter shall fetch first, one a line. The tar gets
     * another order: these entries, with the directories above them and the targets of hard links,
     * then the file .prefetch.landmark, then the others. The source must be one that can be read
     * again (a regular file, a directory). "" writes .no.prefetch.landmark in front of the tar of
     * any source. NULL = the tar is not changed. */
    const char *prefetch;
    /** Name of the file that the blob is: the annotation org.opencontainers.image.title of the
     * layer's descriptor, under which programs such as oras write the blob into a directory. UTF-8
     * without control characters, at most 159 bytes. NULL = none. */
    const char *title;
};
#define LPIPE_LAYER_OPTIONS_INIT                                                                   \
    {                                                                                              \
        sizeof(struct lpipe_layer_options), NULL, NULL, 0, 0, 0, NULL, NULL, NULL, NULL, NULL      \
    }

#define LPIPE_SIZE_UNKNOWN UINT64_MAX

/** An annotation of a descriptor (image-spec, descriptor.md). */
struct lpipe_annotation {
    char key[64];
    char value[160];
};
#define LPIPE_LAYER_ANNOTATIONS_MAX 4

/** The values of a layer that was read to its end without a failure (image-spec, descriptor.md; the
 * diff ID is in config.md). */
struct lpipe_layer_result {
    size_t struct_size;
    char media_type[128];
    char digest[144];              /**< digest of the blob, "sha256:..." */
    char diff_id[144];             /**< digest of the uncompressed bytes; "" = not known */
    uint64_t size;                 /**< size of the blob, bytes */
    uint64_t uncompressed_size;    /**< bytes, or LPIPE_SIZE_UNKNOWN */
    enum lpipe_blob_origin origin; /**< how the blob got into the store */
    uint64_t memory_bytes;         /**< size of the pipeline's buffers, bytes */
    uint64_t reserved[4];
    size_t annotation_count;
    /** Part of the layer's descriptor: what a reader of its table of contents needs, its title. */
    struct lpipe_annotation annotations[LPIPE_LAYER_ANNOTATIONS_MAX];
};
#define LPIPE_LAYER_RESULT_INIT                                                                    \
    {                                                                                              \
        sizeof(struct lpipe_layer_result), "", "", "", 0, LPIPE_SIZE_UNKNOWN,                      \
            LPIPE_ORIGIN_STREAMED, 0, { 0, 0, 0, 0 }, 0,                                           \
        {                                                                                          \
            {                                                                                      \
                "", ""                                                                             \
            }                                                                                      \
        }                                                                                          \
    }

/** A layer. Functions marked "any thread" may be called while another thread reads the layer. */
typedef struct lpipe_layer lpipe_layer;
/** The reader of a layer's compressed bytes. */
typedef struct lpipe_reader lpipe_reader;

/**
 * Makes a layer of callbacks. Nothing is read yet.
 * @param source    copied. Its close callback runs exactly once, also when this function fails; not
 *                  NULL
 * @param options   strings are copied; may be NULL
 * @param ret_layer owned by the caller, lpipe_layer_free(); not NULL
 * @return 0, INVALID_ARGUMENT (level, media type, codec, limit; LPIPE_LAYER_DOCKER with zstd or an
 *         OCI media type), UNSUPPORTED (media type of a non-distributable layer). Any thread.
 */
LPIPE_API LPIPE_CHECK int lpipe_layer_new(const struct lpipe_source *source,
                                          const struct lpipe_layer_options *options,
                                          lpipe_layer **ret_layer, struct lpipe_error *err);

/**
 * Makes a layer of a descriptor: a pipe, a stream socket or a file. If a file becomes shorter while
 * it is read, reading the layer fails with SOURCE_IO; a notice tells any other change.
 * @param fd        taken, also on failure, unless LPIPE_LAYER_FD_BORROWED is set. It is closed when
 *                  the layer has ended; a regular file, which can be read again after a lost
 *                  upload, when the layer is freed
 * @param options   strings are copied; may be NULL
 * @param ret_layer owned by the caller, lpipe_layer_free(); not NULL
 * @return 0, INVALID_ARGUMENT and UNSUPPORTED as lpipe_layer_new(), NO_RESOURCES. Any thread.
 */
LPIPE_API LPIPE_CHECK int lpipe_layer_new_fd(int fd, const struct lpipe_layer_options *options,
                                             lpipe_layer **ret_layer, struct lpipe_error *err);

/**
 * Makes a layer of a directory: a reproducible tar (POSIX pax format). Entries are in byte order of
 * their names; owners are numeric; modification times are whole seconds, at most SOURCE_DATE_EPOCH
 * if that variable is set. Hard links and extended attributes are kept, sockets are left out,
 * symbolic links are not followed. The layer can be read again after a lost upload. When a file
 * cannot be read or changes while it is read, reading the layer fails with SOURCE_IO.
 * @param path      opened by this call; not empty
 * @param options   strings are copied; may be NULL
 * @param ret_layer owned by the caller, lpipe_layer_free(); not NULL
 * @return 0, SOURCE_IO (the directory cannot be opened), INVALID_ARGUMENT and UNSUPPORTED as
 *         lpipe_layer_new(). Any thread.
 */
LPIPE_API LPIPE_CHECK int lpipe_layer_new_directory(const char *path,
                                                    const struct lpipe_layer_options *options,
                                                    lpipe_layer **ret_layer,
                                                    struct lpipe_error *err);

/** How the tar of a directory differs from the directory. */
struct lpipe_directory_options {
    size_t struct_size;
    /** "UID:GID" in decimal: the owner of all entries; NULL = as in the directory. */
    const char *owner;
    /** Path in the tar under which the directory is, "opt/app". Its parents are written, too, with
     * mode 0755 and the directory's time and owner. No part may be ".." or begin with ".wh.".
     * NULL = none. */
    const char *prefix;
    /** Permission bits as chmod(1) takes them, "0644" or "u+rwX,go-w", with umask 0. Symbolic links
     * and the parents of the prefix are not changed. NULL = as in the directory. */
    const char *mode;
    /** Patterns of paths in the tar, with the prefix, that are left out; a directory with all that
     * is below it. layerpipe-layer(1) describes patterns. The directory itself is not left out. */
    const char *const *excludes;
    size_t exclude_count;
};
#define LPIPE_DIRECTORY_OPTIONS_INIT                                                               \
    {                                                                                              \
        sizeof(struct lpipe_directory_options), NULL, NULL, NULL, NULL, 0                          \
    }

/**
 * As lpipe_layer_new_directory(), with changes.
 * @param path              opened by this call; not empty
 * @param directory_options strings are copied; may be NULL
 * @param options           strings are copied; may be NULL
 * @param ret_layer         owned by the caller, lpipe_layer_free(); not NULL
 * @return 0, INVALID_ARGUMENT (also an owner, a prefix, a mode or a pattern that is malformed),
 *         SOURCE_IO and UNSUPPORTED as lpipe_layer_new_directory(). Any thread.
 */
LPIPE_API LPIPE_CHECK int lpipe_layer_new_directory_with(
    const char *path, const struct lpipe_directory_options *directory_options,
    const struct lpipe_layer_options *options, lpipe_layer **ret_layer, struct lpipe_error *err);

/**
 * Opens the reader of the compressed bytes. A layer can be opened once.
 * @param layer      must not be freed before the reader is closed
 * @param ret_reader closed by the caller, lpipe_reader_close()
 * @return 0, IN_USE (a reader is open), CONSUMED (a reader was open before), NO_RESOURCES
 */
LPIPE_API LPIPE_CHECK int lpipe_layer_open(lpipe_layer *layer, lpipe_reader **ret_reader,
                                           struct lpipe_error *err);

/**
 * Reads compressed bytes. Blocks until there is at least one byte, the end, or a failure.
 * @param buf      of the caller
 * @param size     of buf, bytes, at least 1
 * @param ret_size bytes written to buf; 0 = the end: now lpipe_layer_result() has the values
 * @return 0, INVALID_ARGUMENT, SOURCE_IO, NOT_TAR (also damaged compressed input), TRUNCATED,
 *         CANCELLED, ABORTED, UNSUPPORTED (zstd input with LPIPE_LAYER_DOCKER). After a failure of
 *         the stream every later call returns the same failure.
 */
LPIPE_API LPIPE_CHECK int lpipe_reader_read(lpipe_reader *reader, void *buf, size_t size,
                                            size_t *ret_size, struct lpipe_error *err);

/**
 * Closes and frees the reader. If it has not reached the end, the layer fails with ABORTED.
 * @param reader may be NULL
 * @return 0, or SOURCE_IO when the source's close callback failed; the reader is freed, and the
 *         values of a complete layer stay valid
 */
LPIPE_API int lpipe_reader_close(lpipe_reader *reader, struct lpipe_error *err);

/**
 * The values of a layer that was read to its end.
 * @param ret_result initialised; not NULL
 * @return 0, NOT_COMPUTED (not at the end yet), INVALID_ARGUMENT, or the failure of the layer. Any
 *         thread.
 */
LPIPE_API LPIPE_CHECK int lpipe_layer_result(const lpipe_layer *layer,
                                             struct lpipe_layer_result *ret_result,
                                             struct lpipe_error *err);
/**
 * Single values of lpipe_layer_result(), with the same errors. Any thread.
 * @param ret_digest borrowed until the layer is freed; not NULL
 */
LPIPE_API LPIPE_CHECK int lpipe_layer_digest(const lpipe_layer *layer, const char **ret_digest,
                                             struct lpipe_error *err);
/**
 * See lpipe_layer_digest().
 * @param ret_diff_id borrowed until the layer is freed; not NULL
 */
LPIPE_API LPIPE_CHECK int lpipe_layer_diff_id(const lpipe_layer *layer, const char **ret_diff_id,
                                              struct lpipe_error *err);
/**
 * See lpipe_layer_digest().
 * @param ret_size size of the blob, bytes; not NULL
 */
LPIPE_API LPIPE_CHECK int lpipe_layer_size(const lpipe_layer *layer, uint64_t *ret_size,
                                           struct lpipe_error *err);
/**
 * The layer's media type, in any state: from the options or the codec. For compressed input it may
 * change when the first bytes are read.
 * @param layer may be NULL: ""
 * @return borrowed until the layer is freed. Any thread.
 */
LPIPE_API const char *lpipe_layer_media_type(const lpipe_layer *layer);

/** Always fails with UNSUPPORTED, because a stream cannot be read again in uncompressed form. Any
 * thread. */
LPIPE_API LPIPE_CHECK int lpipe_layer_uncompressed(lpipe_layer *layer, lpipe_reader **ret_reader,
                                                   struct lpipe_error *err);

/**
 * Frees a layer in any state: ends its threads and closes the source if it is still open. An open
 * reader becomes invalid. If another thread is in lpipe_reader_read(), that call first ends with
 * ABORTED; if the source has no cancel callback, this function waits for its read callback.
 * @param layer may be NULL
 * @return NULL. Any thread.
 */
LPIPE_API lpipe_layer *lpipe_layer_free(lpipe_layer *layer);

#ifdef __cplusplus
}
#endif

#endif
