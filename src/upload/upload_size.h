/* SPDX-License-Identifier: Apache-2.0 */
/* How large a chunk is: what was asked for, what the registry announces, what a refusal allows, what
 * was too slow. The memory that chunks take is settled before the first byte, so a chunk never grows
 * beyond what there is room for. Pure; any thread. */
#ifndef UPLOAD_UPLOAD_SIZE_H
#define UPLOAD_UPLOAD_SIZE_H

#include <stdbool.h>
#include <stdint.h>

struct upload_size {
    uint64_t bytes;     /* of the next chunk */
    uint64_t bytes_min; /* below this the registry takes the last one only; at least 1 */
    uint64_t room;      /* largest that memory is there for */
    bool is_equal;      /* all but the last have to be of one size */
};

/* asked: by the user, 0 = not; usual and usual_max: of this kind of registry. */
struct upload_size upload_size_begin(uint64_t asked, uint64_t usual, uint64_t usual_max);
/* Values of OCI-Chunk-Min-Length and OCI-Chunk-Max-Length, "" where absent. False when chunks of
 * the announced size do not fit into memory: the size is left as it was. */
bool upload_size_announced(struct upload_size *size, const char *min, const char *max);
/* Whether a refused chunk can be followed by a smaller one. */
bool upload_size_can_shrink(const struct upload_size *size);
/* After a refusal: limit is what the registry named, 0 = nothing. */
void upload_size_shrink(struct upload_size *size, uint64_t limit);
/* After an acknowledged chunk that took time_ms: smaller ones where requests are cut after a minute. */
void upload_size_took(struct upload_size *size, uint64_t time_ms);

/* The limit that a refusal names in words ("... permissible limit of 4.00MiB"), less a little; 0 =
 * none found. text is size bytes. */
uint64_t upload_size_limit_named(const char *text, uint64_t size);

#endif
