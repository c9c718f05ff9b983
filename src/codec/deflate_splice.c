/* SPDX-License-Identifier: Apache-2.0 */
/* The walk needs only the number of bits of each symbol, not its value. A table entry has the
 * bits of a code and its extra bits, or the sum for several short literals and a length after
 * them, and whether a distance follows. The next step is found by table index, not by a branch,
 * because the branch could not be predicted. Codes longer than the table's index are rare and
 * are decoded bit by bit. */
#include "codec/deflate_splice.h"

#include <endian.h>
#include <stdbool.h>
#include <string.h>

#define INDEX_COUNT (1u << SPLICE_INDEX_BITS)
#define INDEX_MASK (INDEX_COUNT - 1)

/* An entry: bits to skip; how many of them are the code and must be in the index; special cases. */
#define ENTRY(code, extra) ((uint16_t)((code) << 6 | ((code) + (extra))))
#define ENTRY_BITS(entry) ((entry)&63u)
#define ENTRY_CODE(entry) ((entry) >> 6 & 15u)
/* Offset of the distance half of the table: an entry tells in which half the next lookup is. */
#define ENTRY_DISTANCE INDEX_COUNT
#define ENTRY_END 0x8000u  /* end of block */
#define ENTRY_LONG 0xa000u /* the code is longer than the index */
#define ENTRY_BAD 0xc000u  /* no such code */
#define ENTRY_SPECIAL(entry) ((entry)&0xe000u)

struct walk {
    const unsigned char *next; /* next byte to load */
    const unsigned char *end;
    uint64_t bits; /* loaded and not used, lowest first */
    unsigned count;
    uint64_t missing; /* zero bits added after the end */
};

/* Loads up to at least 56 bits. After the end of the stream zeros are added and counted; a walk
 * that used any of them has failed. */
static inline void refill(struct walk *walk)
{
    if (walk->end - walk->next >= 8) {
        uint64_t word = 0;
        memcpy(&word, walk->next, sizeof word);
        walk->bits |= le64toh(word) << walk->count;
        walk->next += (63 - walk->count) >> 3;
        walk->count |= 56;
        return;
    }
    while (walk->count <= 56) {
        if (walk->next < walk->end) {
            walk->bits |= (uint64_t)*walk->next++ << walk->count;
        } else {
            walk->missing += 8;
        }
        walk->count += 8;
    }
}

static inline unsigned take(struct walk *walk, unsigned count)
{
    unsigned value = (unsigned)(walk->bits & ((1u << count) - 1));
    walk->bits >>= count;
    walk->count -= count;
    return value;
}

static inline void skip(struct walk *walk, unsigned count)
{
    walk->bits >>= count;
    walk->count -= count;
}

static inline bool overrun(const struct walk *walk)
{
    return walk->missing > walk->count;
}

/* Bits of the stream used so far. */
static uint64_t position(const struct walk *walk, const unsigned char *stream)
{
    return (uint64_t)(walk->next - stream) * 8 + walk->missing - walk->count;
}

static unsigned length_extra_bits(unsigned symbol)
{
    return symbol < 265 || symbol == 285 ? 0 : (symbol - 261) / 4;
}

static uint16_t litlen_entry(unsigned symbol, unsigned length)
{
    if (symbol < 256) {
        return ENTRY(length, 0);
    }
    if (symbol == 256) {
        return ENTRY_END | ENTRY(length, 0);
    }
    return symbol > 285 ? ENTRY_BAD : ENTRY_DISTANCE | ENTRY(length, length_extra_bits(symbol));
}

static uint16_t dist_entry(unsigned symbol, unsigned length)
{
    return symbol > 29 ? ENTRY_BAD : ENTRY(length, symbol < 4 ? 0 : symbol / 2 - 1);
}

/* Reverses a code: its bits are stored in the opposite order in the stream. */
static unsigned reverse(unsigned code, unsigned length)
{
    code = (code & 0x5555) << 1 | (code >> 1 & 0x5555);
    code = (code & 0x3333) << 2 | (code >> 2 & 0x3333);
    code = (code & 0x0f0f) << 4 | (code >> 4 & 0x0f0f);
    code = (code & 0x00ff) << 8 | code >> 8;
    return code >> (16 - length);
}

/* Fills the table of a canonical code. False when the code is over-subscribed or incomplete. One
 * single code of one bit is allowed; unused patterns are ENTRY_BAD then. */
static bool code_build(struct deflate_splice_code *code, const unsigned char *lengths,
                       unsigned symbols, uint16_t *table, unsigned table_bits,
                       uint16_t (*entry)(unsigned symbol, unsigned length))
{
    uint16_t offsets[SPLICE_CODE_BITS_MAX + 2] = { 0 };
    uint16_t next[SPLICE_CODE_BITS_MAX + 2] = { 0 };
    int left = 1;
    unsigned longest = 0;
    memset(code->counts, 0, sizeof code->counts);
    for (unsigned i = 0; i < symbols; i++) {
        code->counts[lengths[i]]++;
    }
    code->counts[0] = 0;
    for (unsigned i = 1; i <= SPLICE_CODE_BITS_MAX; i++) {
        left = left * 2 - code->counts[i];
        if (left < 0) {
            return false;
        }
        longest = code->counts[i] > 0 ? i : longest;
        offsets[i + 1] = (uint16_t)(offsets[i] + code->counts[i]);
        next[i + 1] = (uint16_t)((next[i] + code->counts[i]) << 1);
    }
    if (left > 0 && longest > 1) {
        return false;
    }
    for (unsigned i = 0; left > 0 && i < 1u << table_bits; i++) {
        table[i] = ENTRY_BAD; /* a complete code sets all of them */
    }
    for (unsigned i = 0; i < symbols; i++) {
        unsigned length = lengths[i];
        if (length == 0) {
            continue;
        }
        code->symbols[offsets[length]++] = (uint16_t)i;
        unsigned reversed = reverse(next[length]++, length);
        if (length > table_bits) {
            table[reversed & ((1u << table_bits) - 1)] = ENTRY_LONG;
            continue;
        }
        for (unsigned j = reversed; j < 1u << table_bits; j += 1u << length) {
            table[j] = entry(i, length);
        }
    }
    return true;
}

/* Whether the next symbol's entry can be merged into this one: only after literals, and only
 * while the index contains all their code bits. */
static inline bool entries_join(unsigned entry, unsigned next)
{
    return ((entry & ENTRY_DISTANCE) | ENTRY_SPECIAL(entry | next)) == 0 &&
           ENTRY_CODE(entry) + ENTRY_CODE(next) <= SPLICE_INDEX_BITS;
}

/* Merges up to three symbols into one entry: literals, and as the last one perhaps a length. */
static void merge_literals(struct deflate_splice *splice)
{
    for (unsigned i = 0; i < INDEX_COUNT; i++) {
        unsigned entry = splice->single[i];
        for (unsigned more = 0; more < 2; more++) {
            unsigned next = splice->single[i >> ENTRY_CODE(entry)];
            entry += entries_join(entry, next) ? next : 0;
        }
        splice->skips[i] = (uint16_t)entry;
    }
}

/* Decodes a code longer than the table's index. Its bits are consumed; the entry returned has
 * the extra bits that are left. */
static uint16_t long_entry(struct walk *walk, const struct deflate_splice_code *code,
                           uint16_t (*entry)(unsigned symbol, unsigned length))
{
    unsigned value = 0;
    unsigned first = 0;
    unsigned index = 0;
    for (unsigned length = 1; length <= SPLICE_CODE_BITS_MAX; length++) {
        value |= (unsigned)(walk->bits >> (length - 1)) & 1;
        unsigned count = code->counts[length];
        if (value < first + count) {
            return entry(code->symbols[index + value - first], length);
        }
        index += count;
        first = (first + count) << 1;
        value <<= 1;
    }
    return ENTRY_BAD;
}

/* Handles a special entry; sets `at` for the next lookup. False at the end of the block, or for
 * an invalid code. */
static bool walk_special(const struct deflate_splice *splice, struct walk *walk, unsigned *at,
                         bool *ret_end)
{
    unsigned entry = splice->skips[*at + (walk->bits & INDEX_MASK)];
    if (ENTRY_SPECIAL(entry) == ENTRY_LONG) {
        entry = *at == 0 ? long_entry(walk, &splice->litlen_code, litlen_entry)
                         : long_entry(walk, &splice->dist_code, dist_entry);
    }
    skip(walk, ENTRY_BITS(entry));
    *at = entry & ENTRY_DISTANCE;
    *ret_end = ENTRY_SPECIAL(entry) == ENTRY_END;
    return ENTRY_SPECIAL(entry) == 0;
}

static bool walk_codes(const struct deflate_splice *splice, struct walk *ret_walk)
{
    struct walk walk = *ret_walk; /* kept in registers */
    unsigned at = 0;
    bool end = false;
    do {
        /* Two entries need at most 16 and 22 bits of the 56; a special one at most 28 more. */
        refill(&walk);
        unsigned entry = splice->skips[at + (walk.bits & INDEX_MASK)];
        if (ENTRY_SPECIAL(entry) == 0) {
            skip(&walk, ENTRY_BITS(entry));
            at = entry & ENTRY_DISTANCE;
            entry = splice->skips[at + (walk.bits & INDEX_MASK)];
        }
        if (ENTRY_SPECIAL(entry) == 0) {
            skip(&walk, ENTRY_BITS(entry));
            at = entry & ENTRY_DISTANCE;
        } else if (!walk_special(splice, &walk, &at, &end) && !end) {
            return false;
        }
    } while (!end && !overrun(&walk));
    *ret_walk = walk;
    return end && !overrun(&walk);
}

static bool tables_build(struct deflate_splice *splice, const unsigned char *lengths,
                         unsigned litlen_count, unsigned dist_count)
{
    if (!code_build(&splice->litlen_code, lengths, litlen_count, splice->single, SPLICE_INDEX_BITS,
                    litlen_entry) ||
        !code_build(&splice->dist_code, lengths + litlen_count, dist_count,
                    splice->skips + ENTRY_DISTANCE, SPLICE_INDEX_BITS, dist_entry)) {
        return false;
    }
    merge_literals(splice);
    return true;
}

static bool tables_static(struct deflate_splice *splice)
{
    unsigned char lengths[288 + 32];
    memset(lengths, 8, 144);
    memset(lengths + 144, 9, 112);
    memset(lengths + 256, 7, 24);
    memset(lengths + 280, 8, 8);
    memset(lengths + 288, 5, 32);
    return tables_build(splice, lengths, 288, 32);
}

static uint16_t plain_entry(unsigned symbol, unsigned length)
{
    return (uint16_t)(symbol << 8 | length);
}

/* The code lengths of a dynamic block, themselves Huffman coded. */
static bool read_lengths(struct walk *walk, const uint16_t *table, unsigned char *lengths,
                         unsigned count)
{
    unsigned done = 0;
    while (done < count) {
        refill(walk);
        uint16_t entry = table[walk->bits & 127];
        unsigned symbol = entry >> 8;
        unsigned repeat = 1;
        unsigned char value = 0;
        if (ENTRY_BITS(entry) == 0) {
            return false;
        }
        take(walk, ENTRY_BITS(entry));
        if (symbol < 16) {
            value = (unsigned char)symbol;
        } else if (symbol == 16) {
            if (done == 0) {
                return false;
            }
            value = lengths[done - 1];
            repeat = 3 + take(walk, 2);
        } else {
            repeat = symbol == 17 ? 3 + take(walk, 3) : 11 + take(walk, 7);
        }
        if (repeat > count - done || overrun(walk)) {
            return false;
        }
        memset(lengths + done, value, repeat);
        done += repeat;
    }
    return true;
}

static bool tables_dynamic(struct deflate_splice *splice, struct walk *walk)
{
    static const unsigned char order[19] = { 16, 17, 18, 0, 8,  7, 9,  6, 10, 5,
                                             11, 4,  12, 3, 13, 2, 14, 1, 15 };
    unsigned char code_lengths[19] = { 0 };
    unsigned char lengths[288 + 32];
    uint16_t table[128];
    refill(walk);
    unsigned litlen_count = 257 + take(walk, 5);
    unsigned dist_count = 1 + take(walk, 5);
    unsigned code_count = 4 + take(walk, 4);
    for (unsigned i = 0; i < code_count; i++) {
        refill(walk);
        code_lengths[order[i]] = (unsigned char)take(walk, 3);
    }
    return litlen_count <= 286 && dist_count <= 30 &&
           code_build(&splice->litlen_code, code_lengths, 19, table, 7, plain_entry) &&
           table[127] != ENTRY_BAD && /* here a single code is not allowed */
           read_lengths(walk, table, lengths, litlen_count + dist_count) && lengths[256] != 0 &&
           tables_build(splice, lengths, litlen_count, dist_count);
}

static bool walk_stored(struct walk *walk, const unsigned char *stream)
{
    uint64_t bits = position(walk, stream);
    uint64_t left = (uint64_t)(walk->end - stream) * 8;
    uint64_t edge = (bits + 7) / 8;
    if (edge * 8 + 32 > left) {
        return false;
    }
    const unsigned char *header = stream + edge;
    unsigned length = header[0] | (unsigned)header[1] << 8;
    unsigned check = header[2] | (unsigned)header[3] << 8;
    if ((length ^ check) != 0xffff || length > (size_t)(walk->end - header) - 4) {
        return false;
    }
    walk->next = header + 4 + length;
    walk->bits = 0;
    walk->count = 0;
    walk->missing = 0;
    return true;
}

static bool walk_block(struct deflate_splice *splice, struct walk *walk,
                       const unsigned char *stream, bool *ret_final)
{
    refill(walk);
    *ret_final = take(walk, 1) != 0;
    switch (take(walk, 2)) {
    case 0:
        return walk_stored(walk, stream);
    case 1:
        return tables_static(splice) && walk_codes(splice, walk);
    case 2:
        return tables_dynamic(splice, walk) && walk_codes(splice, walk);
    default:
        return false;
    }
}

size_t deflate_splice_unfinish(struct deflate_splice *splice, unsigned char *stream, size_t size)
{
    struct walk walk = { .next = stream, .end = stream + size };
    uint64_t header = 0;
    bool final = false;
    while (!final) {
        header = position(&walk, stream);
        if (!walk_block(splice, &walk, stream, &final) || overrun(&walk)) {
            return 0;
        }
    }
    uint64_t end = position(&walk, stream);
    if ((end + 7) / 8 != size) {
        return 0;
    }
    stream[header / 8] &= (unsigned char)~(1u << (header % 8));
    unsigned used = (unsigned)(end % 8);
    if (used == 0) {
        return size; /* already at a byte boundary */
    }
    stream[size - 1] &= (unsigned char)((1u << used) - 1);
    if (used > 5) {
        stream[size++] = 0; /* the three header bits do not fit into the last byte */
    }
    memcpy(stream + size, "\0\0\xff\xff", 4);
    return size + 4;
}
