/* SPDX-License-Identifier: Apache-2.0 */
/* Recognises by its first bytes what an input is that is not an uncompressed tar. Pure. */
#ifndef FLOW_INPUT_FORMAT_H
#define FLOW_INPUT_FORMAT_H

#include "codec/codec.h"

enum input_kind {
    INPUT_PLAIN = 0,  /* a tar, or bytes that are not known */
    INPUT_CODEC,      /* compressed with a codec that layers may have */
    INPUT_COMPRESSED, /* by a program whose output cannot be a layer: see tool */
    INPUT_OTHER       /* not a tar: see name */
};

struct input_format {
    enum input_kind kind;
    const char *name; /* "xz", "a zip archive" */
    const char *tool; /* that decompresses it, with -dc; NULL = none */
    enum codec_kind codec;
    bool skipped; /* zstd that begins with a skippable frame */
};

/* A tar whose first file has a name like the first bytes of another format is PLAIN. A few formats
 * need the first 33 KiB to be recognised. */
struct input_format input_recognise(const unsigned char *data, size_t size);

#endif
