/* SPDX-License-Identifier: Apache-2.0 */
/* Recognises compressed input by its first bytes. Pure. */
#ifndef FLOW_INPUT_FORMAT_H
#define FLOW_INPUT_FORMAT_H

#include <stddef.h>

enum input_kind {
    INPUT_PLAIN = 0,
    INPUT_GZIP,
    INPUT_ZSTD,
    INPUT_XZ,
    INPUT_BZIP2,
    INPUT_LZ4,
};

/* 6 bytes are enough for every format; with fewer, a format may be taken for plain input. */
enum input_kind input_recognise(const unsigned char *data, size_t size);

#endif
