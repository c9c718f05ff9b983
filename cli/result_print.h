/* SPDX-License-Identifier: Apache-2.0 */
/* What push, copy, index and layer print when they have succeeded. */
#ifndef CLI_RESULT_PRINT_H
#define CLI_RESULT_PRINT_H

#include <layerpipe.h>
#include <stdio.h>

#include "options.h"

struct printed_result {
    const char *achieved;  /* what succeeded: "the push of"; the digest follows */
    const char *reference; /* printed without --json */
    const char *digest;    /* for --digest-file */
    /* The whole object, for --json. */
    void (*print_json)(FILE *out, const struct settings *settings, const void *result);
    const void *result;
};

/* Writes the digest file, and prints the reference or the JSON object. Returns the exit status. */
int result_print(const struct settings *settings, const lpipe_ref *dest,
                 const struct printed_result *printed);

/* What push, copy and index print about an image. */
struct image_members {
    const char *reference;
    char *const *tags;
    size_t tag_count;
    const char *media_type;
    const char *digest;
    uint64_t size;
};
/* Writes "reference", "tags", "mediaType", "digest" and "size", without the braces around them. */
void json_image_members(FILE *out, const struct image_members *image);
/* Writes "mediaType", "digest", "size" and, if known, "diffId" and "uncompressedSize", without the
 * braces around them. */
void json_layer_members(FILE *out, const struct lpipe_layer_result *layer);

#endif
