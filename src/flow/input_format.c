/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/input_format.h"

#include <stdbool.h>
#include <string.h>

#include "base/macros.h"

/* A skippable zstd frame; some parallel compressors (pzstd) begin with one. */
static bool is_skippable(const unsigned char *data, size_t size)
{
    return size >= 4 && (data[0] & 0xf0) == 0x50 && memcmp(data + 1, "\x2a\x4d\x18", 3) == 0;
}

enum input_kind input_recognise(const unsigned char *data, size_t size)
{
    static const struct {
        enum input_kind kind;
        size_t size;
        const char *magic;
    } known[] = {
        { INPUT_GZIP, 3, "\x1f\x8b\x08" },
        { INPUT_ZSTD, 4, "\x28\xb5\x2f\xfd" },
        { INPUT_XZ, 6,
          "\xfd"
          "7zXZ\0" },
        { INPUT_BZIP2, 3, "BZh" },
        { INPUT_LZ4, 4, "\x04\x22\x4d\x18" },
    };
    for (size_t i = 0; i < ARRAY_LEN(known); i++) {
        if (size >= known[i].size && memcmp(data, known[i].magic, known[i].size) == 0) {
            return known[i].kind;
        }
    }
    return is_skippable(data, size) ? INPUT_ZSTD : INPUT_PLAIN;
}
