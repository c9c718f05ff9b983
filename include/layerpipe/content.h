/* SPDX-License-Identifier: Apache-2.0 */
/* Reads images back: the flattened file system as a tar, the tar of one layer, the bytes of a
 * blob. */
#ifndef LAYERPIPE_CONTENT_H
#define LAYERPIPE_CONTENT_H

#include "client.h"
#include "layer.h"
#include "ref.h"

#ifdef __cplusplus
extern "C" {
#endif

enum lpipe_content_flag {
    LPIPE_CONTENT_BLOB = 1u << 0 /**< stored bytes: of the layer, or of the reference's digest */
};

struct lpipe_content_options {
    size_t struct_size;
    uint32_t flags; /**< enum lpipe_content_flag */
    /** "os/arch[/variant]": chooses the image of an index; a single image must be for it, else
     * NOT_FOUND. NULL = this machine's platform for an index. */
    const char *platform;
    /** One layer: its number from 1, the lowest one, or the digest of its blob. NULL = all. */
    const char *layer;
    /** "gzip[:LEVEL]", "zstd[:LEVEL]" or "none": compresses the tar that is read. NULL = none. */
    const char *compress;
    int32_t threads; /**< compression workers, or LPIPE_THREADS_* (layer.h) */
};
#define LPIPE_CONTENT_OPTIONS_INIT                                                                 \
    {                                                                                              \
        sizeof(struct lpipe_content_options), 0, NULL, NULL, NULL, 0                               \
    }

/** Content that is read and verified at the same time. */
typedef struct lpipe_content lpipe_content;

/**
 * Opens the content of an image, a layer or a blob for reading. Manifest and config are fetched
 * and verified here, layers while they are read.
 *
 * Without options.layer the layers of an image are flattened (image-spec, layer.md, "Applying
 * Changesets"): one pass from the highest layer down, each path as its highest layer has it,
 * without what whiteouts and opaque whiteouts delete. Headers of entries are kept byte for byte;
 * names that are absolute or have ".." are cleaned. A hard link whose target is in a lower layer
 * comes after the target; one whose target is deleted or replaced by a higher layer gets the
 * target's content, for which a layer may be read a second time. Memory: about 50 bytes and the
 * last part of the path for each entry that is not in the lowest layer, 256 MiB at most
 * (NO_RESOURCES).
 *
 * A layer of more than 8 MiB is fetched from a registry in several ranges at a time
 * (lpipe_client_options.jobs); each needs 5 MiB of memory.
 *
 * A digest that names no manifest but a blob is taken for a layer without an image.
 *
 * @param client      must outlive the content; may be in use by other threads
 * @param ref         registry, layout or image archive in a file. Borrowed for the call
 * @param options     may be NULL
 * @param ret_content freed with lpipe_content_close()
 * @return 0, INVALID_ARGUMENT, NOT_FOUND, UNSUPPORTED (an artifact without options.layer, an
 *         encrypted layer, one that is not distributable), INTEGRITY, PROTOCOL or a failure of the
 *         connection. Any thread.
 */
LPIPE_API LPIPE_CHECK int lpipe_content_open(lpipe_client *client, const lpipe_ref *ref,
                                             const struct lpipe_content_options *options,
                                             lpipe_content **ret_content, struct lpipe_error *err);

/**
 * Reads the next bytes. Blocks until there is at least one byte, the end, or a failure.
 *
 * The end of the content is given only after all its bytes were verified: each blob against its
 * digest and size, each layer of an image against its diff ID. Before that, at least the last 32
 * KiB are held back and all zeros in front of the end, so the end-of-archive mark of a tar is
 * never given before (for compressed content: the end of the compressed bytes). After a failure
 * every call fails in the same way.
 *
 * @param content  one thread at a time
 * @param buf      of the caller
 * @param size     of buf, bytes, at least 1
 * @param ret_size bytes written to buf; 0 = the end: everything was verified
 * @return 0, INVALID_ARGUMENT, INVALID_STATE (in a child of fork()), INTEGRITY (digest, diff ID
 *         or size does not match), NOT_TAR or
 *         TRUNCATED (a layer that is what its digest says, but no tar), NO_RESOURCES, CANCELLED (by
 *         the client's cancel token) or a failure of the connection after all retries
 */
LPIPE_API LPIPE_CHECK int lpipe_content_read(lpipe_content *content, void *buf, size_t size,
                                             size_t *ret_size, struct lpipe_error *err);

/**
 * Closes and frees the content in any state. In a child of fork() it does nothing.
 * @param content may be NULL
 * @return NULL
 */
LPIPE_API lpipe_content *lpipe_content_close(lpipe_content *content);

#ifdef __cplusplus
}
#endif

#endif
