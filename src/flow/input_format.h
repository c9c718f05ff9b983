/* SPDX-License-Identifier: Apache-2.0 */
/* Tells from its first bytes whether an input is compressed. Pure. */
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

/* Needs 6 bytes to tell all of them; fewer bytes are plain where they do not suffice. */
enum input_kind input_recognise(const unsigned char *data, size_t size);

#endif
