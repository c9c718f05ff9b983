/* SPDX-License-Identifier: Apache-2.0 */
#include "tar/tar_odd.h"

#include <stdio.h>
#include <string.h>

#include "base/macros.h"

#define CURE_POSIX "tar --format=posix writes the archive in a form that runtimes read"

static const struct odd_type {
    char type;
    const char *what;
    const char *cure;
} odd_types[] = {
    { '7', "a contiguous file", CURE_POSIX },
    { 'A', "an access control list of Solaris", CURE_POSIX },
    { 'D', "a directory of an incremental dump", "leave out tar's --listed-incremental" },
    { 'E', "attributes of Solaris", CURE_POSIX },
    { 'I', "an inode of star", CURE_POSIX },
    { 'M', "the rest of a file of the volume before", "leave out tar's --multi-volume" },
    { 'N', "long names of old GNU tar", CURE_POSIX },
    { 'S', "a sparse file of GNU tar",
      "tar --format=posix --sparse writes sparse files in a form that runtimes read" },
    { 'V', "the label of a volume", "leave out tar's --label" },
    { 'X', "a PAX header of Solaris", CURE_POSIX },
};

static const struct odd_type *find_type(char type)
{
    for (size_t i = 0; i < ARRAY_LEN(odd_types); i++) {
        if (odd_types[i].type == type) {
            return &odd_types[i];
        }
    }
    return NULL;
}

bool tar_type_is_odd(char type)
{
    return type != '\0' && !(type >= '0' && type <= '6');
}

void tar_odd_type_text(char type, char *ret_what, size_t size)
{
    const struct odd_type *known = find_type(type);
    if (known != NULL) {
        (void)snprintf(ret_what, size, "its type is %c (%s)", type, known->what);
    } else if (type > ' ' && type <= '~') {
        (void)snprintf(ret_what, size, "its type is %c, which is unknown", type);
    } else {
        (void)snprintf(ret_what, size, "its type is 0x%02x, which is unknown", (unsigned char)type);
    }
}

const char *tar_odd_type_cure(char type)
{
    const struct odd_type *known = find_type(type);
    return known == NULL ? CURE_POSIX : known->cure;
}

const char *tar_odd_cure(enum tar_odd_reason reason)
{
    switch (reason) {
    case TAR_ODD_PATH:
        return "rename it or leave it out";
    case TAR_ODD_LINK:
        return "leave the link out, or give it a target within the image";
    case TAR_ODD_DEVICE:
        return "leave the device out";
    case TAR_ODD_XATTR:
        return "leave the attribute out";
    case TAR_ODD_NONE:
    case TAR_ODD_TYPE:
    case TAR_ODD_FIELD:
    case TAR_ODD_RECORD:
    case TAR_ODD_SPARSE:
        break;
    }
    return CURE_POSIX;
}
