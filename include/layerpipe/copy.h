/* SPDX-License-Identifier: Apache-2.0 */
/* Copies images from one store to another. Manifests and blobs keep their bytes and digests, unless
 * the options ask for layers that are compressed in another way. */
#ifndef LAYERPIPE_COPY_H
#define LAYERPIPE_COPY_H

#include "client.h"
#include "image.h"
#include "layer.h"
#include "ref.h"

#ifdef __cplusplus
extern "C" {
#endif

enum lpipe_copy_flag {
    LPIPE_COPY_ALL = 1u << 0, /**< an index is copied with everything that it names */
    /** What refers to the copied manifests as its subject is copied, too: signatures, SBOMs,
     * attestations, and what refers to these. Not into a docker-archive. */
    LPIPE_COPY_REFERRERS = 1u << 1
};

struct lpipe_copy_options {
    size_t struct_size;
    uint32_t flags; /**< enum lpipe_copy_flag */
    /** "os/arch[/variant]": chooses the image of an index; a single image must be for it. NULL =
     * this machine's platform; any image. Not together with LPIPE_COPY_ALL. */
    const char *platform;
    const char *const *tags; /**< tags to set after the reference's tag */
    size_t tag_count;
    /** The text of lpipe_layer_options.compress. From an archive: how layers are compressed that
     * the archive has uncompressed; NULL = "gzip:1"; "none" keeps the bytes of all layers. From a
     * registry or layout: layers that are not compressed in this way yet are compressed again;
     * NULL = all layers keep their bytes. */
    const char *compress;
    int32_t threads;          /**< compression workers, or LPIPE_THREADS_* */
    enum lpipe_format format; /**< of a manifest that must be made; the default is OCI */
    const char *mount_from;   /**< repository of the registry to mount blobs from; NULL = none */
    const char *image;        /**< tag of the image in the archive; NULL = the only image */
    /** Make a SOCI index, as in lpipe_push_options. Layers of at least soci_bytes_min bytes are
     * compressed again as gzip; from an archive that is read once, only those that are not
     * compressed, and not with LPIPE_COPY_ALL. */
    enum lpipe_soci soci;
    uint64_t soci_bytes_min; /**< layers with fewer bytes get no zTOC; 0 = 10 MiB, 1 = all */
};
#define LPIPE_COPY_OPTIONS_INIT                                                                    \
    {                                                                                              \
        sizeof(struct lpipe_copy_options), 0, NULL, NULL, 0, NULL, 0, LPIPE_FORMAT_DEFAULT, NULL,  \
            NULL, LPIPE_SOCI_NONE, 0                                                               \
    }

/** The result of a copy. The caller frees its members with lpipe_copy_result_done(). */
struct lpipe_copy_result {
    size_t struct_size;
    char *reference; /**< "registry/repository@sha256:..." */
    char media_type[128];
    char digest[144];
    uint64_t size; /**< of the manifest or index */
    char **tags;   /**< tags that were set, in this order */
    size_t tag_count;
    uint64_t manifest_count; /**< manifests and indexes of the image */
    uint64_t blobs_copied;   /**< blobs that were read from the source and written */
    uint64_t blobs_mounted;  /**< mounted from the source's repository */
    uint64_t blobs_existing; /**< that the destination had before */
    uint64_t bytes_copied;   /**< of the copied blobs */
    uint64_t referrer_count; /**< manifests that refer to others; with LPIPE_COPY_REFERRERS */
    uint64_t reserved[7];
};
#define LPIPE_COPY_RESULT_INIT                                                                     \
    {                                                                                              \
        sizeof(struct lpipe_copy_result), NULL, "", "", 0, NULL, 0, 0, 0, 0, 0, 0, 0,              \
        {                                                                                          \
            0, 0, 0, 0, 0, 0, 0                                                                    \
        }                                                                                          \
    }
/**
 * Frees the members of a result. The result can then be used again, and this function may be called
 * again.
 * @param result initialised; may be NULL
 */
LPIPE_API void lpipe_copy_result_done(struct lpipe_copy_result *result);

/**
 * Copies an image, an index or an artifact. The blobs are copied first, several at a time
 * (lpipe_client_options.jobs): a blob that the destination has is not read, a blob of another
 * repository of the same registry is mounted (distribution-spec, "Mounting a blob from another
 * repository"), any other blob is read and written at the same time and verified against its
 * digest. Then the manifests are put, the tags last. If a step before the tags fails, no tag has
 * changed.
 *
 * Of an index the image for one platform is copied, or with LPIPE_COPY_ALL the index with all
 * its manifests, nested indexes and attestations. With LPIPE_COPY_REFERRERS the manifests follow
 * that refer to any of these (distribution-spec, "Listing Referrers"); where the source has no
 * referrers API, the referrers tag is read. Layers that are not distributable (image-spec,
 * layer.md, "Non-Distributable Layers") are not copied, and an event of the kind
 * LPIPE_EVENT_NOTICE says so. If source and destination are the same repository or layout, only
 * the tags are set.
 *
 * With compress or soci in the options, the layers of the image are read, verified against digest
 * and diff ID, compressed and written in one pass; layers that are compressed in this way already
 * are copied. The manifest is a new one, in the OCI format where Docker's has no place for it. The
 * config keeps its bytes, except for the diff IDs of "estargz". The counts of the result are those
 * of the layers then. With LPIPE_COPY_ALL this is done with all images of an index, one after the
 * other. The new index has the same entries in the same order; what is no image (attestations, a
 * nested index) keeps its bytes, and a notice says so. SOCI indexes of version 2 are the last
 * entries; those of the old images are left out.
 *
 * @param client     may be in use by other threads
 * @param source     tag or digest; for a layout or archive with a single image neither is
 *         needed. Of
 *                   an image archive its file is read, "-" is stdin: see lpipe_copy_archive()
 * @param dest       its tag is set first. With a digest, the manifest must have this digest, and
 *                   only the tags in options are set. Without both, the manifest is put by its
 *                   digest
 * @param options    may be NULL
 * @param ret_result initialised; filled in on success; may be NULL
 * @return 0; INVALID_ARGUMENT; NOT_FOUND (the source, or its platform; the message lists the
 *         platforms); INTEGRITY (bytes that do not match their digest, or dest names another
 *         digest); PROTOCOL; UNSUPPORTED (Docker schema 1); TOO_LARGE; AUTH_REQUIRED, DENIED,
 *         NETWORK, TIMEOUT, TLS, RATE_LIMITED, SERVER, REFUSED; OUTPUT_IO; CANCELLED. Any thread.
 */
LPIPE_API LPIPE_CHECK int lpipe_copy(lpipe_client *client, const lpipe_ref *source,
                                     const lpipe_ref *dest,
                                     const struct lpipe_copy_options *options,
                                     struct lpipe_copy_result *ret_result, struct lpipe_error *err);

/**
 * Copies an image from an archive that is read once: docker-archive (docker save) and
 * oci-archive (image-spec, image-layout.md, as a tar), also compressed with gzip or zstd as a
 * whole. Nothing is stored locally; the memory is bounded.
 *
 * Each member becomes a blob of the destination while it passes. Where its name says its digest
 * (blobs/sha256/...), the destination is asked for it first, and the digest is verified. Layers
 * that the archive has uncompressed are compressed on the way, and their diff IDs are compared
 * with the config. Small JSON members are kept in memory until the archive ends. Then the image
 * is chosen; what is missing of it is an error. The manifests are written, the tags last.
 *
 * A manifest of the archive keeps its bytes if all its blobs do. Without one (docker save), or
 * when its layers were compressed on the way, a manifest is made of the config, whose bytes are
 * kept, and the layers. An OCI archive without manifest.json keeps all bytes: a layer that was
 * compressed is read back from the destination and stored uncompressed, too. compress "none"
 * avoids this.
 *
 * @param client     may be in use by other threads
 * @param source     copied. Its close callback runs exactly once, also when this function fails;
 *         not
 *                   NULL
 * @param dest       as for lpipe_copy(); the tags of the archive are not used
 * @param options    may be NULL; LPIPE_COPY_ALL and platform are for an archive with an index
 * @param ret_result initialised; filled in on success; may be NULL
 * @return 0; INVALID_ARGUMENT; SOURCE_IO; NOT_TAR (not an image archive); TRUNCATED; INTEGRITY
 *         (digests, sizes or diff IDs that do not match); NOT_FOUND (the image, or a blob of it;
 *         the message lists the images); TOO_LARGE; UNSUPPORTED; the failures of a store as for
 *         lpipe_copy(). Any thread.
 */
LPIPE_API LPIPE_CHECK int
lpipe_copy_archive(lpipe_client *client, const struct lpipe_source *source, const lpipe_ref *dest,
                   const struct lpipe_copy_options *options, struct lpipe_copy_result *ret_result,
                   struct lpipe_error *err);
/**
 * The same for an archive that is read from a descriptor: a pipe, a socket or a file.
 * @param fd borrowed; read from its present position to its end
 * @return as lpipe_copy_archive(). Any thread.
 */
LPIPE_API LPIPE_CHECK int lpipe_copy_archive_fd(lpipe_client *client, int fd, const lpipe_ref *dest,
                                                const struct lpipe_copy_options *options,
                                                struct lpipe_copy_result *ret_result,
                                                struct lpipe_error *err);

#ifdef __cplusplus
}
#endif

#endif
