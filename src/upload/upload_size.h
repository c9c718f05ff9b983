/* SPDX-License-Identifier: Apache-2.0 */
/* Decides the size of a chunk, from the user's option, the registry's headers, refusals, and the time
 * that chunks take. The memory for chunks is decided before the first byte, so a chunk never becomes
 * larger than its buffer. Pure; any thread. */
#ifndef UPLOAD_UPLOAD_SIZE_H
#define UPLOAD_UPLOAD_SIZE_H

#include <stdbool.h>
#include <stdint.h>

struct upload_size {
    uint64_t bytes;     /* of the next chunk */
    uint64_t bytes_min; /* only the last chunk may be smaller; at least 1 */
    uint64_t capacity;  /* of the buffer for one chunk */
    bool is_equal;      /* all chunks but the last must have the same size */
};

/* asked: the user's option, 0 = not given; usual and usual_max: defaults for this registry. */
struct upload_size upload_size_begin(uint64_t asked, uint64_t usual, uint64_t usual_max);
/* Takes the values of OCI-Chunk-Min-Length and OCI-Chunk-Max-Length, "" where absent. False when chunks
 * of the announced size do not fit into the buffer; the size stays as it was. */
bool upload_size_announced(struct upload_size *size, const char *min, const char *max);
/* Whether a smaller chunk can be tried after a refused one. */
bool upload_size_can_shrink(const struct upload_size *size);
/* After a refusal. limit: from the registry's message, 0 = none. */
void upload_size_shrink(struct upload_size *size, uint64_t limit);
/* After an acknowledged chunk that took time_ms. Slow chunks become smaller, because many proxies end
 * a request after a minute. */
void upload_size_took(struct upload_size *size, uint64_t time_ms);

/* The limit that a refusal's text names ("... permissible limit of 4.00MiB"), minus a margin; 0 = none
 * found. text has size bytes. */
uint64_t upload_size_limit_named(const char *text, uint64_t size);

#endif
