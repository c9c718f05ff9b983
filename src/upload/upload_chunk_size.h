/* SPDX-License-Identifier: Apache-2.0 */
/* The size of the next chunk. It starts with --chunk-size or the registry's default. Sizes that the
 * registry announces, a refusal or a slow chunk change it. It never grows above bytes_max, because
 * the memory for chunks is reserved before the first byte. Pure; any thread. */
#ifndef UPLOAD_UPLOAD_CHUNK_SIZE_H
#define UPLOAD_UPLOAD_CHUNK_SIZE_H

#include <stdbool.h>
#include <stdint.h>

struct chunk_size {
    uint64_t bytes;     /* of the next chunk */
    uint64_t bytes_min; /* only the last chunk may be smaller; at least 1 */
    uint64_t bytes_max; /* what the reserved memory allows */
    bool must_be_equal; /* all chunks but the last must have the same size */
};

/* asked is --chunk-size, 0 = not given; usual and usual_max are the registry's defaults. */
struct chunk_size chunk_size_init(uint64_t asked, uint64_t usual, uint64_t usual_max);
/* Applies OCI-Chunk-Min-Length and OCI-Chunk-Max-Length, "" = the header is absent. False when the
 * announced sizes need more memory than bytes_max or are unusable; then nothing changes. */
bool chunk_size_set_announced(struct chunk_size *size, const char *min, const char *max);
/* Whether a smaller chunk is possible. */
bool chunk_size_can_shrink(const struct chunk_size *size);
/* After the registry refused a chunk as too large. limit is the size that it allows, 0 =
 * unknown. */
void chunk_size_shrink(struct chunk_size *size, uint64_t limit);
/* After a chunk was acknowledged. Halves the size when the request took more than CHUNK_SLOW_MS. */
void chunk_size_note_time(struct chunk_size *size, uint64_t time_ms);

/* Finds the size limit in the text of a refusal ("... permissible limit of 4.00MiB") and subtracts
 * a small margin; 0 = no limit found. text has size bytes. */
uint64_t chunk_size_limit_in_text(const char *text, uint64_t size);

#endif
