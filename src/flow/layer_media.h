/* SPDX-License-Identifier: Apache-2.0 */
/* The media type of a layer by its codec, and the check of a media type that the caller names.
 * The names themselves are in oci/media_type.c. Pure. */
#ifndef FLOW_LAYER_MEDIA_H
#define FLOW_LAYER_MEDIA_H

#include "codec/codec.h"

/* NULL for zstd with Docker's types, which does not exist. */
const char *layer_media_of(enum codec_kind kind, bool docker);
int fail_docker_zstd(enum lpipe_status status, struct lpipe_error *err);
/* INVALID_ARGUMENT for a media type of the other format. */
MUST_CHECK int layer_media_check_format(const char *label, bool docker, struct lpipe_error *err);

/* Whether a media type names a compression, and may be used for layers. */
bool layer_media_is_compressed(const char *label);
/* Whether a media type may be used for bytes of that codec. A type that names no compression is
 * allowed for raw input only. 0, INVALID_ARGUMENT, or UNSUPPORTED for non-distributable layer
 * types. */
MUST_CHECK int layer_media_check(const char *label, enum codec_kind kind, bool raw,
                                 struct lpipe_error *err);

#endif
