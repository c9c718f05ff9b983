/* SPDX-License-Identifier: Apache-2.0 */
/* Media types of layers: which one a codec gets, and which labels contradict it. Pure. */
#ifndef FLOW_LAYER_MEDIA_H
#define FLOW_LAYER_MEDIA_H

#include "codec/codec.h"

/* NULL for the combination that does not exist: zstd in the Docker family. */
const char *layer_media_of(enum codec_kind kind, bool docker);
int fail_docker_zstd(enum lpipe_status status, struct lpipe_error *err);
/* INVALID_ARGUMENT for a label that belongs to the other format only. */
MUST_CHECK int layer_media_check_format(const char *label, bool docker, struct lpipe_error *err);

/* Whether a label may stand on bytes of that codec. Labels of types that say nothing about
 * compression are for raw input only. 0, INVALID_ARGUMENT, or UNSUPPORTED for types of layers that
 * are not to be distributed. */
MUST_CHECK int layer_media_check(const char *label, enum codec_kind kind, bool raw,
                                 struct lpipe_error *err);

#endif
