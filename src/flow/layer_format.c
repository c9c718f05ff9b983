/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/layer_format.h"

#include <string.h>

#include "base/mem.h"

#define DEFAULT_COMPRESS "gzip" /* its level is in codec.c */

/* Formats with a table of contents, and the codec behind each. */
static const struct {
    const char *name;
    enum toc_format format;
    const char *codec;
} tocs[] = {
    { "zstd-chunked", TOC_ZSTD_CHUNKED, "zstd" },
    { "estargz", TOC_ESTARGZ, "gzip" },
};

int layer_format_fail_docker(struct lpipe_error *err)
{
    return fail(err, LPIPE_INVALID_ARGUMENT,
                "a layer with a table of contents needs the OCI format: Docker's has no place for "
                "its annotations");
}

int layer_format_parse(const char *text, struct layer_format *ret_format, struct lpipe_error *err)
{
    struct layer_format format = { .toc = (enum toc_format)0 };
    AUTO_FREE char *codec = mem_strdup(text == NULL ? DEFAULT_COMPRESS : text);
    for (size_t i = 0; text != NULL && i < ARRAY_LEN(tocs); i++) {
        size_t size = strlen(tocs[i].name);
        if (strncmp(text, tocs[i].name, size) == 0 && (text[size] == '\0' || text[size] == ':')) {
            free(codec);
            codec = mem_printf("%s%s", tocs[i].codec, text + size);
            format.toc = tocs[i].format;
        }
    }
    int status = codec == NULL ? fail_memory(err) : codec_parse(codec, &format.codec, err);
    if (status == 0) {
        *ret_format = format;
    }
    return status;
}
