/* SPDX-License-Identifier: Apache-2.0 */
/* The file system of an image as one tar, as a container sees it. Layers are read from the highest
 * one down, each once (kept_links.h has the exception), and verified. What is shown is said in
 * layer_paths.h.
 *
 * Headers of entries are kept byte for byte, except for absolute paths and paths with "..", which
 * are cleaned, and hard links whose target is hidden. Left out are global headers, which no runtime
 * applies, whiteouts, and the files that an eStargz layer has at its top for lazy pulls. */
#ifndef CONTENT_FLATTEN_STREAM_H
#define CONTENT_FLATTEN_STREAM_H

#include "content/content_image.h"

/* Store and image are borrowed until the stream is freed. */
MUST_CHECK int flatten_stream_open(struct store *store, const struct content_image *image,
                                   struct content_stream **ret_stream, struct lpipe_error *err);

#endif
