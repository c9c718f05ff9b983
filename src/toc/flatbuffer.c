/* SPDX-License-Identifier: Apache-2.0 */
#include "toc/flatbuffer.h"

void flatbuffer_bytes(struct flatbuffer *buffer, const void *data, size_t size)
{
    if (buffer->status != 0) {
        return;
    }
    buffer->sink(buffer->ctx, data, size);
    buffer->status = spool_append(buffer->spool, data, size, buffer->err);
    buffer->position += size;
}

static void put_number(struct flatbuffer *buffer, uint64_t value, size_t size)
{
    unsigned char bytes[8];
    for (size_t i = 0; i < size; i++) {
        bytes[i] = (unsigned char)(value >> (8 * i));
    }
    flatbuffer_bytes(buffer, bytes, size);
}

void flatbuffer_u8(struct flatbuffer *buffer, uint8_t value)
{
    put_number(buffer, value, 1);
}

void flatbuffer_u16(struct flatbuffer *buffer, uint16_t value)
{
    put_number(buffer, value, 2);
}

void flatbuffer_u32(struct flatbuffer *buffer, uint32_t value)
{
    put_number(buffer, value, 4);
}

void flatbuffer_u64(struct flatbuffer *buffer, uint64_t value)
{
    put_number(buffer, value, 8);
}

void flatbuffer_offset(struct flatbuffer *buffer, uint64_t position)
{
    put_number(buffer, position - buffer->position, 4);
}

void flatbuffer_table(struct flatbuffer *buffer, uint64_t vtable_position)
{
    put_number(buffer, buffer->position - vtable_position, 4);
}

uint64_t flatbuffer_aligned(uint64_t position, unsigned alignment, unsigned rest)
{
    return position + (alignment + rest - position % alignment) % alignment;
}

void flatbuffer_align(struct flatbuffer *buffer, unsigned alignment, unsigned rest)
{
    static const unsigned char zeros[16];
    uint64_t to = flatbuffer_aligned(buffer->position, alignment, rest);
    flatbuffer_bytes(buffer, zeros, (size_t)(to - buffer->position));
}

uint64_t flatbuffer_string_bytes(size_t size)
{
    return flatbuffer_aligned(4 + (uint64_t)size + 1, 4, 0);
}

void flatbuffer_string(struct flatbuffer *buffer, const char *text, size_t size)
{
    flatbuffer_u32(buffer, (uint32_t)size);
    flatbuffer_bytes(buffer, text, size);
    flatbuffer_u8(buffer, 0);
    flatbuffer_align(buffer, 4, 0);
}

void flatbuffer_vtable(struct flatbuffer *buffer, uint16_t table_bytes, const uint16_t *fields,
                       unsigned count)
{
    flatbuffer_u16(buffer, (uint16_t)FLATBUFFER_VTABLE_BYTES(count));
    flatbuffer_u16(buffer, table_bytes);
    for (unsigned i = 0; i < count; i++) {
        flatbuffer_u16(buffer, fields[i]);
    }
}
