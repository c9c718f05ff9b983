/* SPDX-License-Identifier: Apache-2.0 */
/* Writes flatbuffers forward, into a spool: the places of all parts are computed before they are
 * written, so that nothing is kept in memory. Only what a zTOC needs: tables whose fields all
 * have a place, vectors, strings. Offsets are little-endian and point forward; the format is
 * described at flatbuffers.dev ("Internals"). */
#ifndef TOC_FLATBUFFER_H
#define TOC_FLATBUFFER_H

#include "base/spool.h"

/* Offsets are 32 bits wide, and the ones to vtables are signed. */
#define FLATBUFFER_BYTES_MAX (UINT64_C(1) << 31)

struct flatbuffer {
    struct spool *spool;
    void (*sink)(void *ctx, const void *data, size_t size); /* sees all bytes, in order */
    void *ctx;
    uint64_t position;
    int status; /* the first failure; then nothing is written */
    struct lpipe_error *err;
};

void flatbuffer_bytes(struct flatbuffer *buffer, const void *data, size_t size);
void flatbuffer_u8(struct flatbuffer *buffer, uint8_t value);
void flatbuffer_u16(struct flatbuffer *buffer, uint16_t value);
void flatbuffer_u32(struct flatbuffer *buffer, uint32_t value);
void flatbuffer_u64(struct flatbuffer *buffer, uint64_t value);
/* The offset from here to a later position. */
void flatbuffer_offset(struct flatbuffer *buffer, uint64_t position);
/* The start of a table, whose vtable is before it. */
void flatbuffer_table(struct flatbuffer *buffer, uint64_t vtable_position);
/* Zeros until position % alignment == rest. */
void flatbuffer_align(struct flatbuffer *buffer, unsigned alignment, unsigned rest);
uint64_t flatbuffer_aligned(uint64_t position, unsigned alignment, unsigned rest);
/* A string begins at a multiple of 4 and is filled up to one. */
void flatbuffer_string(struct flatbuffer *buffer, const char *text, size_t size);
uint64_t flatbuffer_string_bytes(size_t size);
/* A vtable: offsets of the fields in the table, 0 = not there. */
void flatbuffer_vtable(struct flatbuffer *buffer, uint16_t table_bytes, const uint16_t *fields,
                       unsigned count);
#define FLATBUFFER_VTABLE_BYTES(fields) (4 + 2 * (fields))

#endif
