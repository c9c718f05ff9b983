/* SPDX-License-Identifier: Apache-2.0 */
/* Keys of the annotations that programs look for which pull layers lazily. */
#ifndef TOC_TOC_KEYS_H
#define TOC_TOC_KEYS_H

/* Of a zstd:chunked layer (containers/storage, pkg/chunked). */
#define KEY_ZSTD_DIGEST "io.github.containers.zstd-chunked.manifest-checksum"
#define KEY_ZSTD_PLACE "io.github.containers.zstd-chunked.manifest-position"
#define KEY_ZSTD_TAR_SPLIT "io.github.containers.zstd-chunked.tarsplit-position"

/* Of an eStargz layer (stargz-snapshotter, docs/estargz.md). */
#define KEY_ESTARGZ_DIGEST "containerd.io/snapshot/stargz/toc.digest"
#define KEY_ESTARGZ_SIZE "io.containers.estargz.uncompressed-size"

/* Of an image, of the entries of its SOCI index, and of that index (soci-snapshotter, docs). */
#define KEY_SOCI_INDEX "com.amazon.soci.index-digest"
#define KEY_SOCI_LAYER_DIGEST "com.amazon.soci.image-layer-digest"
#define KEY_SOCI_LAYER_TYPE "com.amazon.soci.image-layer-mediaType"
#define KEY_SOCI_SPAN_SIZE "com.amazon.soci.span-size"
#define KEY_SOCI_BUILD_TOOL "com.amazon.soci.build-tool-identifier"
#define KEY_SOCI_MANIFEST_DIGEST "com.amazon.soci.image-manifest-digest"

#endif
