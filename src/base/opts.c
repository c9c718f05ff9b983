/* SPDX-License-Identifier: Apache-2.0 */
#include "base/opts.h"

#include <string.h>

/* No version will have larger structs: a larger value means that the size was not set. */
#define OPTIONS_BYTES_MAX ((size_t)4096)

int opts_take(const void *options, void *ret_known, size_t known_size, const char *what,
              struct lpipe_error *err)
{
    const unsigned char *bytes = options;
    size_t size = 0;
    if (options != NULL) {
        memcpy(&size, options, sizeof size);
        if (size < sizeof size || size > OPTIONS_BYTES_MAX) {
            return fail(err, LPIPE_INVALID_ARGUMENT,
                        "%s: struct_size is not set, or built for a newer liblayerpipe", what);
        }
        for (size_t i = known_size; i < size; i++) {
            if (bytes[i] != 0) {
                return fail(err, LPIPE_INVALID_ARGUMENT, "%s: built for a newer liblayerpipe",
                            what);
            }
        }
    }
    memset(ret_known, 0, known_size);
    if (size > 0) {
        memcpy(ret_known, options, size < known_size ? size : known_size);
    }
    return 0;
}

int opts_check_flags(uint32_t flags, uint32_t known, const char *what, struct lpipe_error *err)
{
    if ((flags & ~known) != 0) {
        return fail(err, LPIPE_INVALID_ARGUMENT,
                    "%s: unknown flags 0x%x: built for a newer liblayerpipe?", what,
                    (unsigned)(flags & ~known));
    }
    return 0;
}
