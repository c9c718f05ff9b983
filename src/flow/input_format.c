/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/input_format.h"

#include <string.h>

#include "base/macros.h"
#include "base/text.h"
#include "tar/tar_header.h"

static const struct {
    enum input_kind kind;
    const char *name;
    const char *tool;
    size_t offset;
    size_t size;
    const char *magic;
} formats[] = {
    { INPUT_COMPRESSED, "xz", "xz", 0, 6, "\xfd\x37\x7a\x58\x5a\x00" },
    { INPUT_COMPRESSED, "bzip2", "bzip2", 0, 3, "BZh" },
    { INPUT_COMPRESSED, "lz4", "lz4", 0, 4, "\x04\x22\x4d\x18" },
    { INPUT_COMPRESSED, "lzip", "lzip", 0, 4, "LZIP" },
    { INPUT_COMPRESSED, "lzma", "xz", 0, 5, "\x5d\x00\x00\x80\x00" },
    { INPUT_COMPRESSED, "lzop", "lzop", 0, 4, "\x89LZO" },
    { INPUT_COMPRESSED, "compress", "gzip", 0, 2, "\x1f\x9d" },
    { INPUT_OTHER, "a zip archive", NULL, 0, 4, "PK\x03\x04" },
    { INPUT_OTHER, "a 7z archive", NULL, 0, 6, "7z\xbc\xaf\x27\x1c" },
    { INPUT_OTHER, "a rar archive", NULL, 0, 6, "Rar!\x1a\x07" },
    { INPUT_OTHER, "a cpio archive", NULL, 0, 6, "070701" },
    { INPUT_OTHER, "a cpio archive", NULL, 0, 6, "070702" },
    { INPUT_OTHER, "a cpio archive", NULL, 0, 6, "070707" },
    { INPUT_OTHER, "an ar archive, perhaps a Debian package", NULL, 0, 8, "!<arch>\n" },
    { INPUT_OTHER, "an rpm package", NULL, 0, 4, "\xed\xab\xee\xdb" },
    { INPUT_OTHER, "a squashfs image", NULL, 0, 4, "hsqs" },
    { INPUT_OTHER, "an ISO 9660 image", NULL, 32769, 5, "CD001" },
    { INPUT_OTHER, "a qcow2 disk image", NULL, 0, 4, "QFI\xfb" },
    { INPUT_OTHER, "an ELF program", NULL, 0, 4,
      "\x7f"
      "ELF" },
    { INPUT_OTHER, "a PDF document", NULL, 0, 5, "%PDF-" },
    { INPUT_OTHER, "a PNG picture", NULL, 0, 4, "\x89PNG" },
    { INPUT_OTHER, "a script", NULL, 0, 2, "#!" },
    { INPUT_OTHER, "an XML document", NULL, 0, 5, "<?xml" },
};

static bool begins(const unsigned char *data, size_t size, const char *word)
{
    size_t length = strlen(word);
    return size >= length && text_same_start((const char *)data, word, length);
}

/* Texts may begin with blanks or a byte order mark. */
static struct input_format recognise_text(const unsigned char *data, size_t size)
{
    if (size >= 3 && memcmp(data, "\xef\xbb\xbf", 3) == 0) {
        data += 3;
        size -= 3;
    }
    while (size > 0 && strchr(" \t\r\n", *data) != NULL && *data != '\0') {
        data++;
        size--;
    }
    bool html = begins(data, size, "<!doctype html") || begins(data, size, "<html");
    bool json =
        size > 1 && *data == '{' && data[1] != '\0' && strchr("\"} \t\r\n", data[1]) != NULL;
    return (struct input_format){ .kind = html || json ? INPUT_OTHER : INPUT_PLAIN,
                                  .name = html   ? "an HTML page"
                                          : json ? "JSON"
                                                 : "" };
}

struct input_format input_recognise(const unsigned char *data, size_t size)
{
    struct input_format format = { .kind = INPUT_PLAIN };
    if (size >= TAR_BLOCK_BYTES && tar_header_checksum_good(data)) {
        return format;
    }
    format.codec = codec_recognise(data, size, &format.skipped);
    if (format.codec != CODEC_NONE) {
        format.kind = INPUT_CODEC;
        format.name = codec_name(format.codec);
        format.tool = format.name;
        return format;
    }
    for (size_t i = 0; i < ARRAY_LEN(formats); i++) {
        if (size >= formats[i].offset + formats[i].size &&
            memcmp(data + formats[i].offset, formats[i].magic, formats[i].size) == 0) {
            return (struct input_format){ .kind = formats[i].kind,
                                          .name = formats[i].name,
                                          .tool = formats[i].tool };
        }
    }
    return recognise_text(data, size);
}
