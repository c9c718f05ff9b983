/* SPDX-License-Identifier: Apache-2.0 */
/* An image under construction: a base, unread layers, and changes of its config. */
#ifndef LAYERPIPE_IMAGE_H
#define LAYERPIPE_IMAGE_H

#include "client.h"
#include "layer.h"
#include "ref.h"

#ifdef __cplusplus
extern "C" {
#endif

/** The format of manifest and config. */
enum lpipe_format {
    LPIPE_FORMAT_DEFAULT = 0, /**< the base's format, else OCI */
    LPIPE_FORMAT_OCI = 1,     /**< image-spec, manifest.md and config.md */
    LPIPE_FORMAT_DOCKER = 2   /**< Docker image manifest, version 2, schema 2 */
};

/** The SOCI index that a push or a copy makes. */
enum lpipe_soci {
    LPIPE_SOCI_NONE = 0,
    LPIPE_SOCI_V1 = 1, /**< an artifact whose subject is the image */
    LPIPE_SOCI_V2 = 2  /**< the tags name an OCI index with the image and its SOCI index */
};

struct lpipe_image_options {
    size_t struct_size;
    enum lpipe_format format;
    /** "os/arch[/variant]": chooses the image in a base that is an index; the platform of an image
     * without a base. NULL = this machine's platform. */
    const char *platform;
    /** Time of creation: RFC 3339, or decimal seconds since 1970. NULL = the environment variable
     * SOURCE_DATE_EPOCH if it is set, else now. */
    const char *created;
    /** A media type: makes an artifact with the empty config (image-spec, manifest.md, "Guidelines
     * for Artifact Usage"). NULL = an image. */
    const char *artifact_type;
};
#define LPIPE_IMAGE_OPTIONS_INIT                                                                   \
    {                                                                                              \
        sizeof(struct lpipe_image_options), LPIPE_FORMAT_DEFAULT, NULL, NULL, NULL                 \
    }

/** What lpipe_image_edit() changes. The value is the text of the command line's option (image-spec,
 * config.md and annotations.md). */
enum lpipe_edit {
    LPIPE_EDIT_ENV = 1, /**< "KEY=VALUE"; replaces the value of KEY */
    LPIPE_EDIT_ENTRYPOINT =
        2,              /**< JSON array, or words; removes the base's Cmd unless it is set too */
    LPIPE_EDIT_CMD = 3, /**< JSON array, or words */
    LPIPE_EDIT_USER = 4,
    LPIPE_EDIT_WORKDIR = 5,
    LPIPE_EDIT_LABEL = 6,  /**< "KEY=VALUE" */
    LPIPE_EDIT_PORT = 7,   /**< "80", "80/tcp", "53/udp" */
    LPIPE_EDIT_VOLUME = 8, /**< absolute path */
    LPIPE_EDIT_STOP_SIGNAL = 9,
    LPIPE_EDIT_AUTHOR = 10,
    LPIPE_EDIT_ANNOTATION = 11, /**< "KEY=VALUE", in the manifest */
    LPIPE_EDIT_HISTORY = 12 /**< a history entry without a layer; before those of the new layers */
};

/** An image under construction. One thread at a time may use it. */
typedef struct lpipe_image lpipe_image;

/**
 * Begins an image. The base's manifest and config are fetched and verified; its layers are not
 * read.
 * @param client    borrowed until the image is freed
 * @param base      NULL = no base
 * @param options   strings are copied; may be NULL
 * @param ret_image owned by the caller, lpipe_image_free(); not NULL
 * @return 0, INVALID_ARGUMENT, NOT_FOUND (base, or its platform), INTEGRITY, PROTOCOL, UNSUPPORTED
 *         (base is an artifact or Docker schema 1), TOO_LARGE, AUTH_REQUIRED, DENIED, NETWORK,
 *         TIMEOUT, TLS, SERVER, OUTPUT_IO (base in a layout), CANCELLED
 */
LPIPE_API LPIPE_CHECK int lpipe_image_new(lpipe_client *client, const lpipe_ref *base,
                                          const struct lpipe_image_options *options,
                                          lpipe_image **ret_image, struct lpipe_error *err);

/**
 * Appends a layer that has not been read yet. It is read by lpipe_image_push().
 * @param image   not pushed yet
 * @param layer   taken on success: freed with the image
 * @param history text of the layer's history entry (created_by), UTF-8, copied; NULL = none
 * @return 0, INVALID_ARGUMENT (too many layers; a media type of the other format; history is not
 *         UTF-8), INVALID_STATE (the image was pushed)
 */
LPIPE_API LPIPE_CHECK int lpipe_image_add_layer(lpipe_image *image, lpipe_layer *layer,
                                                const char *history, struct lpipe_error *err);

/**
 * Appends a layer that is in the target repository already.
 * @param image   not pushed yet
 * @param layer   copied. media_type, digest, size and, for an image, diff_id are required. If
 *                uncompressed_size is not known, it is LPIPE_SIZE_UNKNOWN, as after the _INIT
 *                macro. A media type of the other format is replaced by the one of the image's
 *                format
 * @param history text of the layer's history entry (created_by), UTF-8, copied; NULL = none
 * @return 0, INVALID_ARGUMENT, INVALID_STATE (the image was pushed). lpipe_image_push() returns
 *         NOT_FOUND when the target does not have the blob.
 */
LPIPE_API LPIPE_CHECK int lpipe_image_add_descriptor(lpipe_image *image,
                                                     const struct lpipe_layer_result *layer,
                                                     const char *history, struct lpipe_error *err);
/**
 * lpipe_image_add_descriptor() with the JSON object that `layerpipe layer --json` prints.
 * @param json does not need a NUL at its end
 * @param size of json, bytes
 * @return as lpipe_image_add_descriptor(), and TOO_LARGE
 */
LPIPE_API LPIPE_CHECK int lpipe_image_add_descriptor_json(lpipe_image *image, const char *json,
                                                          size_t size, const char *history,
                                                          struct lpipe_error *err);

/**
 * Changes the config or the manifest. A later edit of the same field replaces an earlier one.
 * @param image not pushed yet
 * @param value copied; UTF-8
 * @return 0, INVALID_ARGUMENT (the message says what is wrong with the value), INVALID_STATE (the
 *         image was pushed)
 */
LPIPE_API LPIPE_CHECK int lpipe_image_edit(lpipe_image *image, enum lpipe_edit edit,
                                           const char *value, struct lpipe_error *err);

/**
 * Replaces the config by a whole one (image-spec, config.md), as other programs write it. All its
 * members are taken, except for rootfs and history, which describe the layers of this image, and
 * created. Platform members that it does not have stay as they are. Call this before
 * lpipe_image_edit(), because it also replaces what was edited.
 * @param image not pushed yet, not an artifact
 * @param json  an object; does not need a NUL at its end
 * @param size  of json, bytes
 * @return 0; INVALID_ARGUMENT (not an image config; for another platform than the base's or the one
 *         in the image's options); TOO_LARGE; INVALID_STATE (the image was pushed)
 */
LPIPE_API LPIPE_CHECK int lpipe_image_set_config(lpipe_image *image, const char *json, size_t size,
                                                 struct lpipe_error *err);

/**
 * Frees an image and the layers that it has taken.
 * @param image may be NULL
 * @return NULL
 */
LPIPE_API lpipe_image *lpipe_image_free(lpipe_image *image);

#ifdef __cplusplus
}
#endif

#endif
