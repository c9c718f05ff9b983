/* SPDX-License-Identifier: Apache-2.0 */
/* Putting layers and images where they belong, and looking at what is there. */
#ifndef LAYERPIPE_PUSH_H
#define LAYERPIPE_PUSH_H

#include "image.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * Reads a layer to its end and puts it into a repository, a layout or nowhere (null:).
 * @param dest   borrowed; tag and digest are not used
 * @param layer  borrowed; consumed by the call
 * @param ret_result initialised; filled on success; may be NULL
 * @return 0, INVALID_ARGUMENT, the failure of the layer (IN_USE and CONSUMED too), what a registry or
 *         a file system answered ...
 */
LPIPE_API LPIPE_CHECK int lpipe_write_layer(lpipe_client *client, const lpipe_ref *dest,
                                            lpipe_layer *layer,
                                            struct lpipe_layer_result *ret_result,
                                            struct lpipe_error *err);

/** Push mode: the caller produces the bytes. */
typedef struct lpipe_writer lpipe_writer;

/**
 * Opens a layer for writing.
 * @param client     borrowed until the writer is freed
 * @param dest       borrowed for the call; tag and digest are not used
 * @param options    borrowed for the call, may be NULL
 * @param ret_writer owned by the caller, lpipe_writer_free()
 */
LPIPE_API LPIPE_CHECK int lpipe_writer_open(lpipe_client *client, const lpipe_ref *dest,
                                            const struct lpipe_layer_options *options,
                                            lpipe_writer **ret_writer, struct lpipe_error *err);
/** Takes all of data; blocks while buffers are full. After a failure every call returns it. */
LPIPE_API LPIPE_CHECK int lpipe_writer_write(lpipe_writer *writer, const void *data, size_t size,
                                             struct lpipe_error *err);
/** Ends the stream and commits the blob. Only after this is anything published. ret_result is
 * initialised and may be NULL. TRUNCATED when what was written is no whole tar. */
LPIPE_API LPIPE_CHECK int lpipe_writer_finish(lpipe_writer *writer,
                                              struct lpipe_layer_result *ret_result,
                                              struct lpipe_error *err);
/** Frees the writer; without a successful finish the upload is abandoned. Returns NULL. */
LPIPE_API lpipe_writer *lpipe_writer_free(lpipe_writer *writer);

struct lpipe_push_options {
    size_t struct_size;
    const char *const *tags; /**< more tags than the reference's */
    size_t tag_count;
    const char *subject;    /**< reference or digest (in the same repository) this refers to. A
                              destination parsed with LPIPE_REF_NO_DEFAULT_TAG keeps it from
                              becoming "latest" */
    const char *mount_from; /**< repository of the same registry to try mounts from */
};
#define LPIPE_PUSH_OPTIONS_INIT                                                                    \
    {                                                                                              \
        sizeof(struct lpipe_push_options), NULL, 0, NULL, NULL                                     \
    }

/** What a push made. Freed with lpipe_push_result_done(). */
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
    char **tags; /**< tags set, in order */
    size_t tag_count;
    uint64_t reserved[4];
};
#define LPIPE_PUSH_RESULT_INIT                                                                     \
    {                                                                                              \
        sizeof(struct lpipe_push_result), NULL, "", "", 0, "", "", 0, NULL, 0, NULL, 0,            \
        {                                                                                          \
            0, 0, 0, 0                                                                             \
        }                                                                                          \
    }
/** Frees what the result holds; it may be filled again, or be done again. NULL is fine. */
LPIPE_API void lpipe_push_result_done(struct lpipe_push_result *result);

/**
 * Reads all unread layers of an image and pushes it: layers and config, then manifest, then tags.
 * When anything but a tag fails, no tag has moved. Layers are consumed, so an image is pushed once.
 *
 * Layers that can be read once only are all read at the same time unless the client's jobs say
 * otherwise. A regular file or a directory with LPIPE_LAYER_LOOK_FIRST is hashed first and sent only
 * when a registry does not have it; all others are read once, unless an upload is lost.
 *
 * @param dest       borrowed. Its tag is set first; with a digest, no tag is set and the manifest
 *                   must have this digest; with neither, the manifest is put by digest only
 * @param options    borrowed, may be NULL
 * @param ret_result initialised; filled on success; may be NULL
 * @return 0, the failure of a layer, INTEGRITY (another digest than named), NOT_FOUND (a layer said
 *         to be there, the subject), what a registry or a file system answered ...
 */
LPIPE_API LPIPE_CHECK int lpipe_image_push(lpipe_image *image, const lpipe_ref *dest,
                                           const struct lpipe_push_options *options,
                                           struct lpipe_push_result *ret_result,
                                           struct lpipe_error *err);

/**
 * Fetches a manifest or index and, for an image, its config; verified.
 * @param platform chosen from an index; NULL = show the index itself
 * @param as_json  true: {"reference","mediaType","digest","size","manifest":{},"config":{}};
 *                 false: text for people
 * @param ret_text owned by the caller, free()
 */
LPIPE_API LPIPE_CHECK int lpipe_inspect(lpipe_client *client, const lpipe_ref *ref,
                                        const char *platform, bool as_json, char **ret_text,
                                        struct lpipe_error *err);

#ifdef __cplusplus
}
#endif

#endif
