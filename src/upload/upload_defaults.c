/* SPDX-License-Identifier: Apache-2.0 */
#include "upload/upload_defaults.h"

#include <string.h>

#include "base/limits.h"
#include "base/macros.h"

/* Chunks are the default: they work with time and size limits of proxies, with tokens that expire
 * after five minutes and with slow producers. A registry that refuses chunks does so while the
 * first two are still buffered, so that the other method can send them again. The registries that
 * start with a stream refuse chunks, or lose chunks that they had accepted. */
static const struct upload_defaults registries[] = {
    { "ghcr.io", UPLOAD_STREAMED, UPLOAD_STREAMED, 3 * MIB, 4 * MIB - 64 * KIB,
      UPLOAD_LAST_IN_PATCH },
    { "*.pkg.dev", UPLOAD_STREAMED, UPLOAD_STREAMED, CHUNK_BYTES_DEFAULT, CHUNK_BYTES_MAX,
      UPLOAD_LAST_IN_PATCH },
    { "gcr.io", UPLOAD_STREAMED, UPLOAD_STREAMED, CHUNK_BYTES_DEFAULT, CHUNK_BYTES_MAX,
      UPLOAD_LAST_IN_PATCH },
    { "*.gcr.io", UPLOAD_STREAMED, UPLOAD_STREAMED, CHUNK_BYTES_DEFAULT, CHUNK_BYTES_MAX,
      UPLOAD_LAST_IN_PATCH },
    /* Accepts chunks of 5 to 10 MiB and needs the last one in the PUT. */
    { "*.dkr.ecr.*.amazonaws.com", UPLOAD_STREAMED, UPLOAD_CHUNKED, 10 * MIB, 10 * MIB,
      UPLOAD_LAST_IN_PUT },
    { "*.dkr.ecr.*.amazonaws.com.cn", UPLOAD_STREAMED, UPLOAD_CHUNKED, 10 * MIB, 10 * MIB,
      UPLOAD_LAST_IN_PUT },
    { "public.ecr.aws", UPLOAD_STREAMED, UPLOAD_CHUNKED, 10 * MIB, 10 * MIB, UPLOAD_LAST_IN_PUT },
    { "*.azurecr.io", UPLOAD_CHUNKED, UPLOAD_STREAMED, 8 * MIB, CHUNK_BYTES_DEFAULT,
      UPLOAD_LAST_IN_PATCH },
    { "*", UPLOAD_CHUNKED, UPLOAD_STREAMED, CHUNK_BYTES_DEFAULT, CHUNK_BYTES_MAX,
      UPLOAD_LAST_IN_PATCH },
};

static int same_letter(char a, char b)
{
    a = a >= 'A' && a <= 'Z' ? (char)(a + 32) : a;
    b = b >= 'A' && b <= 'Z' ? (char)(b + 32) : b;
    return a == b;
}

/* When the text after the last '*' does not match, that '*' takes one more character. */
static int pattern_matches(const char *pattern, const char *text, size_t size)
{
    const char *star = NULL;
    size_t star_at = 0;
    size_t at = 0;
    while (at < size) {
        if (*pattern == '*') {
            star = ++pattern;
            star_at = at;
        } else if (*pattern != '\0' && same_letter(*pattern, text[at])) {
            pattern++;
            at++;
        } else if (star != NULL) {
            pattern = star;
            at = ++star_at;
        } else {
            return 0;
        }
    }
    while (*pattern == '*') {
        pattern++;
    }
    return *pattern == '\0';
}

const struct upload_defaults *upload_defaults_for(const char *registry)
{
    size_t size = registry[0] == '[' ? strlen(registry) : strcspn(registry, ":");
    const struct upload_defaults *any = &registries[ARRAY_LEN(registries) - 1];
    for (const struct upload_defaults *row = registries; row != any; row++) {
        if (pattern_matches(row->pattern, registry, size)) {
            return row;
        }
    }
    return any;
}
