/* SPDX-License-Identifier: Apache-2.0 */
#include "tar/tar_header.h"

#include <string.h>

enum {
    NAME_OFFSET = 0,
    NAME_SIZE = 100,
    SIZE_OFFSET = 124,
    SIZE_SIZE = 12,
    SUM_OFFSET = 148,
    SUM_SIZE = 8,
    TYPE_OFFSET = 156,
    MAGIC_OFFSET = 257,
    PREFIX_OFFSET = 345,
    PREFIX_SIZE = 155,
    SPARSE_MORE_OFFSET = 482,
    SPARSE_BLOCK_MORE_OFFSET = 504,
};

static bool number_base256(const unsigned char *field, size_t width, uint64_t *ret_value)
{
    /* The first byte is 0x80 for positive numbers and 0xff for negative ones. */
    uint64_t value = field[0] & 0x3f;
    if ((field[0] & 0x40) != 0) {
        return false;
    }
    for (size_t i = 1; i < width; i++) {
        if (value >> 55 != 0) {
            return false;
        }
        value = value << 8 | field[i];
    }
    *ret_value = value;
    return true;
}

/* Nothing but blanks and NULs. */
static bool is_blank(const unsigned char *field, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (field[i] != ' ' && field[i] != '\0') {
            return false;
        }
    }
    return true;
}

/* A NUL ends the field whatever follows. Readers disagree on digits behind a blank, or behind a NUL
 * that the field begins with: these make no number. */
bool tar_number(const unsigned char *field, size_t width, uint64_t *ret_value)
{
    if ((field[0] & 0x80) != 0) {
        return number_base256(field, width, ret_value);
    }
    size_t at = 0;
    while (at < width && field[at] == ' ') {
        at++;
    }
    size_t begin = at;
    uint64_t value = 0;
    while (at < width && field[at] >= '0' && field[at] <= '7') {
        if (value >> 60 != 0) {
            return false;
        }
        value = value << 3 | (unsigned)(field[at++] - '0');
    }
    bool ended = at > begin && at < width && field[at] == '\0';
    if (!ended && !is_blank(field + at, width - at)) {
        return false;
    }
    *ret_value = value;
    return true;
}

/* Loops without a condition: the compiler takes many bytes at once, and every header passes
 * here. */
static void add_bytes(const unsigned char *bytes, size_t size, unsigned *sum, unsigned *high)
{
    for (size_t i = 0; i < size; i++) {
        *sum += bytes[i];
        *high += bytes[i] >> 7;
    }
}

bool tar_header_checksum_good(const unsigned char *header)
{
    const size_t behind = SUM_OFFSET + SUM_SIZE;
    uint64_t wanted = 0;
    if (!tar_number(header + SUM_OFFSET, SUM_SIZE, &wanted)) {
        return false;
    }
    unsigned sum = SUM_SIZE * ' '; /* what its own field counts as */
    unsigned high = 0;
    add_bytes(header, SUM_OFFSET, &sum, &high);
    add_bytes(header + behind, TAR_BLOCK_BYTES - behind, &sum, &high);
    /* Old programs took bytes for signed: those from 128 on count 256 less. */
    return wanted == sum || (int64_t)wanted == (int64_t)sum - 256 * (int64_t)high;
}

bool tar_header_size(const unsigned char *header, uint64_t *ret_size)
{
    return tar_number(header + SIZE_OFFSET, SIZE_SIZE, ret_size);
}

char tar_header_type(const unsigned char *header)
{
    return (char)header[TYPE_OFFSET];
}

bool tar_type_is_bare(char type)
{
    return type >= '1' && type <= '6';
}

bool tar_header_sparse_continues(const unsigned char *header)
{
    return header[SPARSE_MORE_OFFSET] != 0;
}

bool tar_sparse_block_continues(const unsigned char *block)
{
    return block[SPARSE_BLOCK_MORE_OFFSET] != 0;
}

size_t tar_header_name(const unsigned char *header, char ret_name[TAR_NAME_BYTES])
{
    /* Only POSIX headers have a prefix; GNU's magic ("ustar" and blanks) has other fields there. */
    size_t size = 0;
    if (memcmp(header + MAGIC_OFFSET, "ustar", 6) == 0) {
        size = strnlen((const char *)header + PREFIX_OFFSET, PREFIX_SIZE);
        memcpy(ret_name, header + PREFIX_OFFSET, size);
        if (size > 0) {
            ret_name[size++] = '/';
        }
    }
    size_t name = strnlen((const char *)header + NAME_OFFSET, NAME_SIZE);
    if (name > TAR_NAME_BYTES - 1 - size) {
        name = TAR_NAME_BYTES - 1 - size;
    }
    memcpy(ret_name + size, header + NAME_OFFSET, name);
    ret_name[size + name] = '\0';
    return size + name;
}
