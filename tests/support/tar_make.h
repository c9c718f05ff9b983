/* SPDX-License-Identifier: Apache-2.0 */
/* Makes tar archives and other inputs in memory, valid and invalid ones. */
#ifndef SUPPORT_TAR_MAKE_H
#define SUPPORT_TAR_MAKE_H

#include "support/unit.h"

#include "base/macros.h"

struct bytes {
    unsigned char *data;
    size_t size;
    size_t capacity;
};

/* lpipe_source.read: gives the bytes in parts that fit no block. ctx: struct bytes with those that are
 * left; it does not own them. */
static inline ptrdiff_t bytes_read_part(void *ctx, void *buf, size_t size)
{
    struct bytes *left = ctx;
    size_t part = size < 7777 ? size : 7777;
    part = part < left->size ? part : left->size;
    memcpy(buf, left->data, part);
    left->data += part;
    left->size -= part;
    return (ptrdiff_t)part;
}

static inline void bytes_put(struct bytes *bytes, const void *data, size_t size)
{
    if (size == 0) {
        return;
    }
    if (bytes->size + size > bytes->capacity) {
        bytes->capacity = 2 * (bytes->size + size);
        bytes->data = realloc(bytes->data, bytes->capacity);
        assert_non_null(bytes->data);
    }
    memcpy(bytes->data + bytes->size, data, size);
    bytes->size += size;
}

static inline void bytes_fill(struct bytes *bytes, unsigned char value, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        bytes_put(bytes, &value, 1);
    }
}

static inline void bytes_dispose(struct bytes *bytes)
{
    free(bytes->data);
    *bytes = (struct bytes){ NULL, 0, 0 };
}

static inline void cleanup_bytes(struct bytes *bytes)
{
    bytes_dispose(bytes);
}
#define AUTO_BYTES __attribute__((cleanup(cleanup_bytes)))

/* Writes the checksum of a header of 512 bytes. */
static inline void tar_sum(unsigned char *header)
{
    unsigned sum = 0;
    char text[32];
    memset(header + 148, ' ', 8);
    for (size_t i = 0; i < 512; i++) {
        sum += header[i];
    }
    snprintf(text, sizeof text, "%06o", sum & 0777777u);
    memcpy(header + 148, text, 7);
    header[155] = ' ';
}

static inline void tar_header(unsigned char header[512], const char *name, char type, uint64_t size)
{
    char text[32];
    memset(header, 0, 512);
    memcpy(header, name, strlen(name));
    memcpy(header + 100, "0000600", 7);
    memcpy(header + 108, "0000000", 7);
    memcpy(header + 116, "0000000", 7);
    snprintf(text, sizeof text, "%011llo", (unsigned long long)size);
    memcpy(header + 124, text, 12);
    memcpy(header + 136, "00000000000", 11);
    header[156] = (unsigned char)type;
    memcpy(header + 257, "ustar\00000", 8);
    memcpy(header + 329, "0000000", 7);
    memcpy(header + 337, "0000000", 7);
    tar_sum(header);
}

static inline void tar_put_header(struct bytes *tar, const char *name, char type, uint64_t size)
{
    unsigned char header[512];
    tar_header(header, name, type, size);
    bytes_put(tar, header, sizeof header);
}

static inline void tar_pad(struct bytes *tar)
{
    bytes_fill(tar, 0, (512 - tar->size % 512) % 512);
}

static inline void tar_put(struct bytes *tar, const char *name, char type, const void *body,
                           size_t size)
{
    tar_put_header(tar, name, type, size);
    bytes_put(tar, body, size);
    tar_pad(tar);
}

static inline void tar_file(struct bytes *tar, const char *name, const char *body)
{
    tar_put(tar, name, '0', body, strlen(body));
}

static inline void tar_end(struct bytes *tar)
{
    bytes_fill(tar, 0, 1024);
}

/* 1000 small files. The diff ID of this archive is known from other implementations. */
static inline void tar_thousand(struct bytes *tar)
{
    for (int i = 0; i < 1000; i++) {
        char name[32];
        char body[32];
        snprintf(name, sizeof name, "file-%d.txt", i);
        snprintf(body, sizeof body, "i am file number %d", i);
        tar_file(tar, name, body);
    }
    tar_end(tar);
}

static inline uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static inline void bytes_random(struct bytes *bytes, size_t size)
{
    uint64_t state = 88172645463325252u;
    for (size_t i = 0; i < size; i += 8) {
        uint64_t value = next_random(&state);
        bytes_put(bytes, &value, size - i < 8 ? size - i : 8);
    }
}

/* Words, runs, distant repetitions and noise: compressing them gives every kind of deflate block.
 * The bytes must never change, because tests contain digests of the compressed bytes. */
static inline void bytes_mixed(struct bytes *bytes, size_t size)
{
    uint64_t state = 1181783497276652981u;
    while (bytes->size < size) {
        uint64_t pick = next_random(&state);
        unsigned count = (unsigned)(pick >> 8) % 200 + 1;
        switch (pick % 8) {
        case 0:
            bytes_fill(bytes, (unsigned char)(pick >> 32), count * 4);
            break;
        case 1:
            for (unsigned i = 0; i < count; i++) {
                unsigned char noise = (unsigned char)(next_random(&state) >> 56);
                bytes_put(bytes, &noise, 1);
            }
            break;
        case 2:
            if (bytes->size > 70000) {
                unsigned char copy[256];
                memcpy(copy, bytes->data + (pick >> 20) % (bytes->size - 256), sizeof copy);
                bytes_put(bytes, copy, count < 256 ? count : 256);
            }
            break;
        default:
            for (unsigned i = 0; i < count; i++) {
                char word[32];
                int length = snprintf(word, sizeof word, "%s%u ", (i & 1) != 0 ? "layer-" : "file",
                                      (unsigned)(next_random(&state) >> 54));
                bytes_put(bytes, word, (size_t)length);
            }
            break;
        }
    }
    bytes->size = size;
}

/* A complete tar for layers with a table of contents: small and large files, zeros, no contents.
 * It must never change, either. */
static inline void tar_put_mixed(struct bytes *tar)
{
    static const size_t sizes[] = { 0, 1, 511, 3000, 70000, 600000 };
    struct bytes body AUTO_BYTES = { NULL, 0, 0 };
    char name[16];
    bytes_mixed(&body, sizes[ARRAY_LEN(sizes) - 1]);
    tar_put(tar, "dir/", '5', NULL, 0);
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        (void)snprintf(name, sizeof name, "dir/%zu", i);
        tar_put(tar, name, '0', body.data, sizes[i]);
    }
    memset(body.data + 1000, 0, 200000);
    tar_put(tar, "zeros", '0', body.data, 300000);
    tar_end(tar);
}

#endif
