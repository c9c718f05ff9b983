/* SPDX-License-Identifier: Apache-2.0 */
/* An image under construction: a base, layers not yet read, config edits. */
#ifndef LAYERPIPE_IMAGE_H
#define LAYERPIPE_IMAGE_H

#include "client.h"
#include "layer.h"
#include "ref.h"

#ifdef __cplusplus
extern "C" {
#endif

enum lpipe_format {
    LPIPE_FORMAT_DEFAULT = 0, /**< the base's family, else OCI */
    LPIPE_FORMAT_OCI = 1,
    LPIPE_FORMAT_DOCKER = 2
};

struct lpipe_image_options {
    size_t struct_size;
    enum lpipe_format format;
    const char *platform; /**< "os/arch[/variant]": child of an index base, platform of an image
                               without base; NULL = this machine's */
    const char
        *created; /**< RFC 3339 time or decimal seconds; NULL = SOURCE_DATE_EPOCH, else now */
    const char *artifact_type; /**< makes an artifact with the empty config; NULL = an image */
};
#define LPIPE_IMAGE_OPTIONS_INIT                                                                   \
    {                                                                                              \
        sizeof(struct lpipe_image_options), LPIPE_FORMAT_DEFAULT, NULL, NULL, NULL                 \
    }

/** A change to the image config or manifest; the value is text as on the command line. */
enum lpipe_edit {
    LPIPE_EDIT_ENV = 1,        /**< "KEY=VALUE"; replaces KEY */
    LPIPE_EDIT_ENTRYPOINT = 2, /**< JSON array, or words; clears Cmd of the base unless set too */
    LPIPE_EDIT_CMD = 3,        /**< JSON array, or words */
    LPIPE_EDIT_USER = 4,
    LPIPE_EDIT_WORKDIR = 5,
    LPIPE_EDIT_LABEL = 6,  /**< "KEY=VALUE" */
    LPIPE_EDIT_PORT = 7,   /**< "80", "80/tcp", "53/udp" */
    LPIPE_EDIT_VOLUME = 8, /**< absolute path */
    LPIPE_EDIT_STOP_SIGNAL = 9,
    LPIPE_EDIT_AUTHOR = 10,
    LPIPE_EDIT_ANNOTATION = 11, /**< "KEY=VALUE" of the manifest */
    LPIPE_EDIT_HISTORY = 12     /**< an entry of the history that has no layer; before those of the
                                   new layers */
};

typedef struct lpipe_image lpipe_image;

/**
 * Begins an image.
 * @param client  borrowed until the image is freed
 * @param base    borrowed for the call; NULL = no base. Manifest and config are fetched now and
 *                verified; layers are not read
 * @param options borrowed, may be NULL
 * @return 0, INVALID_ARGUMENT, NOT_FOUND, INTEGRITY, PROTOCOL, AUTH_REQUIRED, NETWORK ...
 */
LPIPE_API LPIPE_CHECK int lpipe_image_new(lpipe_client *client, const lpipe_ref *base,
                                          const struct lpipe_image_options *options,
                                          lpipe_image **ret_image, struct lpipe_error *err);

/**
 * Appends a layer that has not been read yet; nothing is asked of it before it is pushed.
 * @param layer   taken on success: freed with the image. A media type that it was given must be one
 *                of the image's format, or of none (INVALID_ARGUMENT)
 * @param history text of the layer's history entry (created_by), copied; NULL = none given
 */
LPIPE_API LPIPE_CHECK int lpipe_image_add_layer(lpipe_image *image, lpipe_layer *layer,
                                                const char *history, struct lpipe_error *err);

/** Appends a layer that is in the target repository already, by its result: media_type, digest, size
 * and, for an image, diff_id. uncompressed_size is LPIPE_SIZE_UNKNOWN, as the _INIT macro has it, where
 * it is not known. A media type of the other format becomes its counterpart in this image's. */
LPIPE_API LPIPE_CHECK int lpipe_image_add_descriptor(lpipe_image *image,
                                                     const struct lpipe_layer_result *layer,
                                                     const char *history, struct lpipe_error *err);
/** The same from the JSON object that `layerpipe layer --json` prints. */
LPIPE_API LPIPE_CHECK int lpipe_image_add_descriptor_json(lpipe_image *image, const char *json,
                                                          size_t size, const char *history,
                                                          struct lpipe_error *err);

/** Applies one edit; later edits win. INVALID_ARGUMENT names what is wrong with the value. */
LPIPE_API LPIPE_CHECK int lpipe_image_edit(lpipe_image *image, enum lpipe_edit edit,
                                           const char *value, struct lpipe_error *err);

/** Frees the image and the layers it took. Returns NULL. */
LPIPE_API lpipe_image *lpipe_image_free(lpipe_image *image);

#ifdef __cplusplus
}
#endif

#endif
