/* SPDX-License-Identifier: Apache-2.0 */
/* Pushes layers and images into a store, and shows images. A store is a repository of a registry,
 * an OCI image layout, or null:. */
#ifndef LAYERPIPE_PUSH_H
#define LAYERPIPE_PUSH_H

#include "image.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * Reads a layer to its end and writes its blob into a store.
 * @param client     may be in use by other threads
 * @param dest       its tag and digest are not used
 * @param layer      read to its end; the caller still frees it
 * @param ret_result initialised; filled in on success; may be NULL
 * @return 0, INVALID_ARGUMENT; the failures of lpipe_layer_open() and lpipe_reader_read(); of a
 *         registry: AUTH_REQUIRED, DENIED, NOT_FOUND, NETWORK, TIMEOUT, TLS, RATE_LIMITED, SERVER,
 *         REFUSED, PROTOCOL, INTEGRITY; of a layout: OUTPUT_IO; CANCELLED. Any thread.
 */
LPIPE_API LPIPE_CHECK int lpipe_write_layer(lpipe_client *client, const lpipe_ref *dest,
                                            lpipe_layer *layer,
                                            struct lpipe_layer_result *ret_result,
                                            struct lpipe_error *err);

/** A layer whose bytes the caller writes. One thread at a time may use it. */
typedef struct lpipe_writer lpipe_writer;

/**
 * Opens a layer for writing.
 * @param client     borrowed until the writer is freed
 * @param dest       its tag and digest are not used
 * @param options    strings are copied; may be NULL
 * @param ret_writer owned by the caller, lpipe_writer_free(); not NULL
 * @return 0, INVALID_ARGUMENT, NO_RESOURCES, and the failures of a store: see lpipe_write_layer()
 */
LPIPE_API LPIPE_CHECK int lpipe_writer_open(lpipe_client *client, const lpipe_ref *dest,
                                            const struct lpipe_layer_options *options,
                                            lpipe_writer **ret_writer, struct lpipe_error *err);
/**
 * Writes all of data. Blocks while the buffers are full.
 * @param data may be NULL if size is 0
 * @param size of data, bytes
 * @return 0, INVALID_STATE (after lpipe_writer_finish()), or the failure: see lpipe_write_layer().
 *         After a failure every later call returns the same failure.
 */
LPIPE_API LPIPE_CHECK int lpipe_writer_write(lpipe_writer *writer, const void *data, size_t size,
                                             struct lpipe_error *err);
/**
 * Ends the stream and commits the blob. Before this call the store does not have the blob.
 * @param ret_result initialised; filled in on success; may be NULL
 * @return 0, TRUNCATED (the written bytes are not a complete tar), INVALID_STATE (called before),
 *         or the failure: see lpipe_write_layer()
 */
LPIPE_API LPIPE_CHECK int lpipe_writer_finish(lpipe_writer *writer,
                                              struct lpipe_layer_result *ret_result,
                                              struct lpipe_error *err);
/**
 * Frees a writer. Without a successful lpipe_writer_finish() the upload is abandoned.
 * @param writer may be NULL
 * @return NULL
 */
LPIPE_API lpipe_writer *lpipe_writer_free(lpipe_writer *writer);

struct lpipe_push_options {
    size_t struct_size;
    const char *const *tags; /**< tags to set after the reference's tag */
    size_t tag_count;
    /** Reference or digest of a manifest in the same repository: it becomes the subject
     * (image-spec, manifest.md). Parse the target with LPIPE_REF_NO_DEFAULT_TAG, or it also gets
     * the tag "latest". NULL = none. */
    const char *subject;
    const char *mount_from; /**< repository of the same registry to mount blobs from; NULL = none */
    /** Make a SOCI index: the zTOCs of the gzip layers that are made, and those of the base's
     * layers, are pushed with it. Needs the OCI format. */
    enum lpipe_soci soci;
    uint64_t soci_bytes_min; /**< layers with fewer bytes get no zTOC; 0 = 10 MiB, 1 = all */
};
#define LPIPE_PUSH_OPTIONS_INIT                                                                    \
    {                                                                                              \
        sizeof(struct lpipe_push_options), NULL, 0, NULL, NULL, LPIPE_SOCI_NONE, 0                 \
    }

/** The result of a push. The caller frees its members with lpipe_push_result_done(). */
struct lpipe_push_result {
    size_t struct_size;
    char *reference; /**< "registry/repository@sha256:..." */
    char media_type[128];
    char digest[144];
    uint64_t size;
    char config_media_type[128];
    char config_digest[144];
    uint64_t config_size;
    struct lpipe_layer_result *layers; /**< all layers of the manifest, the base's first */
    size_t layer_count;
    char **tags; /**< tags that were set, in this order */
    size_t tag_count;
    uint64_t reserved[4];
    char soci_digest[144];  /**< of the SOCI index; "" = none was made */
    char image_digest[144]; /**< of the image's manifest; digest is another with LPIPE_SOCI_V2 */
};
#define LPIPE_PUSH_RESULT_INIT                                                                     \
    {                                                                                              \
        sizeof(struct lpipe_push_result), NULL, "", "", 0, "", "", 0, NULL, 0, NULL, 0,            \
            { 0, 0, 0, 0 }, "", ""                                                                 \
    }
/**
 * Frees the members of a result. The result can then be used again, and this function may be called
 * again.
 * @param result initialised; may be NULL
 */
LPIPE_API void lpipe_push_result_done(struct lpipe_push_result *result);

/**
 * Pushes an image (distribution-spec, "Push"): layers and config first, then the manifest, then the
 * tags. If a step before the tags fails, no tag has changed. An image can be pushed once, because
 * its layers are read.
 *
 * By default all layers that can be read only once are read at the same time: see
 * lpipe_client_options.jobs. For a regular file or a directory see LPIPE_LAYER_LOOK_FIRST.
 *
 * @param image      its layers are read; the caller still frees it
 * @param dest       its tag is set first. With a digest, the manifest must have this digest, and
 *                   only the tags in options are set. Without both, the manifest is put by its
 *                   digest
 * @param options    may be NULL
 * @param ret_result initialised; filled in on success; may be NULL
 * @return 0; INVALID_ARGUMENT; INVALID_STATE (the image was pushed); INTEGRITY (dest names another
 *         digest); NOT_FOUND (the subject, or a layer of lpipe_image_add_descriptor()); the
 *         failures of a layer or a store: see lpipe_write_layer()
 */
LPIPE_API LPIPE_CHECK int lpipe_image_push(lpipe_image *image, const lpipe_ref *dest,
                                           const struct lpipe_push_options *options,
                                           struct lpipe_push_result *ret_result,
                                           struct lpipe_error *err);

/**
 * Fetches and verifies a manifest or an index, and the config of an image, and shows them.
 * @param client   may be in use by other threads
 * @param platform "os/arch[/variant]": chooses the image of an index; NULL = shows the index
 * @param as_json  true: {"reference","mediaType","digest","size","manifest":{},"config":{}}, and
 *                 "lazyPull":[] if a layer has a table of contents; false: text for people
 * @param ret_text owned by the caller, free(); not NULL
 * @return 0, INVALID_ARGUMENT, NOT_FOUND, INTEGRITY, PROTOCOL, UNSUPPORTED, TOO_LARGE, and the
 *         failures of a store: see lpipe_write_layer(). Any thread.
 */
LPIPE_API LPIPE_CHECK int lpipe_inspect(lpipe_client *client, const lpipe_ref *ref,
                                        const char *platform, bool as_json, char **ret_text,
                                        struct lpipe_error *err);

enum lpipe_inspect_flag {
    LPIPE_INSPECT_JSON = 1u << 0, /**< a JSON object, not text for people */
    /** Read the tables of contents of layers that can be pulled lazily (zstd:chunked, eStargz, the
     * zTOCs of a SOCI index, also of one of version 1), to count their entries and chunks. Only the
     * tables are fetched; their digests are verified. Tables of more than 150 MiB, zTOCs of more
     * than 64 MiB are not read. */
    LPIPE_INSPECT_TABLES = 1u << 1
};

/**
 * lpipe_inspect() with flags.
 * @param flags enum lpipe_inspect_flag
 * @return as lpipe_inspect(). Any thread.
 */
LPIPE_API LPIPE_CHECK int lpipe_inspect_with(lpipe_client *client, const lpipe_ref *ref,
                                             const char *platform, uint32_t flags, char **ret_text,
                                             struct lpipe_error *err);

#ifdef __cplusplus
}
#endif

#endif
