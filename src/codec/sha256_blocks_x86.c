/* SPDX-License-Identifier: Apache-2.0 */
/* x86-64: the SHA extensions. */
#include "codec/sha256_blocks.h"

#if defined(__x86_64__)
#include <cpuid.h>
#include <immintrin.h>

#include "base/macros.h"

#define INLINE static inline __attribute__((always_inline, target("sha,sse4.1")))

/* The words of the state in the order that the instructions want, and the last 16 words of the
 * message schedule. */
struct message {
    __m128i abef;
    __m128i cdgh;
    __m128i words[4];
};

INLINE void state_load(struct message *message, const uint32_t state[SHA256_STATE_WORDS])
{
    __m128i dcba = _mm_loadu_si128((const __m128i *)state);
    __m128i hgfe = _mm_loadu_si128((const __m128i *)(state + 4));
    __m128i cdab = _mm_shuffle_epi32(dcba, 0xb1);
    __m128i efgh = _mm_shuffle_epi32(hgfe, 0x1b);
    message->abef = _mm_alignr_epi8(cdab, efgh, 8);
    message->cdgh = _mm_blend_epi16(efgh, cdab, 0xf0);
}

INLINE void state_store(const struct message *message, uint32_t state[SHA256_STATE_WORDS])
{
    __m128i feba = _mm_shuffle_epi32(message->abef, 0x1b);
    __m128i dchg = _mm_shuffle_epi32(message->cdgh, 0xb1);
    _mm_storeu_si128((__m128i *)state, _mm_blend_epi16(feba, dchg, 0xf0));
    _mm_storeu_si128((__m128i *)(state + 4), _mm_alignr_epi8(dchg, feba, 8));
}

/* The words of a block are big-endian. */
INLINE void words_load(struct message *message, const unsigned char *block)
{
    const __m128i swap = _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);
    for (size_t i = 0; i < 4; i++) {
        __m128i words = _mm_loadu_si128((const __m128i *)(block + 16 * i));
        message->words[i] = _mm_shuffle_epi8(words, swap);
    }
}

/* Rounds 4 * group to 4 * group + 3, and the words that later rounds need. */
INLINE void rounds(struct message *message, int group)
{
    __m128i *words = message->words;
    __m128i now = words[group % 4];
    __m128i sum = _mm_add_epi32(now, _mm_load_si128((const __m128i *)SHA256_CONSTANTS[group]));
    message->cdgh = _mm_sha256rnds2_epu32(message->cdgh, message->abef, sum);
    if (group >= 3 && group < 15) {
        __m128i *next = &words[(group + 1) % 4];
        *next = _mm_add_epi32(*next, _mm_alignr_epi8(now, words[(group + 3) % 4], 4));
        *next = _mm_sha256msg2_epu32(*next, now);
    }
    sum = _mm_shuffle_epi32(sum, 0x0e);
    message->abef = _mm_sha256rnds2_epu32(message->abef, message->cdgh, sum);
    if (group >= 1 && group < 13) {
        __m128i *before = &words[(group + 3) % 4];
        *before = _mm_sha256msg1_epu32(*before, now);
    }
}

INLINE void state_add(struct message *message, const struct message *before)
{
    message->abef = _mm_add_epi32(message->abef, before->abef);
    message->cdgh = _mm_add_epi32(message->cdgh, before->cdgh);
}

/* Each group of rounds is written out, so that the schedule stays in registers. */
#define EACH_GROUP(DO)                                                                             \
    DO(0)                                                                                          \
    DO(1) DO(2) DO(3) DO(4) DO(5) DO(6) DO(7) DO(8) DO(9) DO(10) DO(11) DO(12) DO(13) DO(14) DO(15)

__attribute__((target("sha,sse4.1"))) void sha256_blocks(uint32_t state[SHA256_STATE_WORDS],
                                                         const unsigned char *data, size_t count)
{
    struct message a;
    state_load(&a, state);
    for (size_t i = 0; i < count; i++) {
        struct message before = a;
        words_load(&a, data + i * SHA256_BLOCK_BYTES);
#define ROUNDS_OF_ONE(group) rounds(&a, group);
        EACH_GROUP(ROUNDS_OF_ONE)
        state_add(&a, &before);
    }
    state_store(&a, state);
}

__attribute__((target("sha,sse4.1"))) void
sha256_blocks_pair(uint32_t state_a[SHA256_STATE_WORDS], const unsigned char *data_a,
                   uint32_t state_b[SHA256_STATE_WORDS], const unsigned char *data_b, size_t count)
{
    struct message a;
    struct message b;
    state_load(&a, state_a);
    state_load(&b, state_b);
    for (size_t i = 0; i < count; i++) {
        struct message before_a = a;
        struct message before_b = b;
        words_load(&a, data_a + i * SHA256_BLOCK_BYTES);
        words_load(&b, data_b + i * SHA256_BLOCK_BYTES);
#define ROUNDS_OF_BOTH(group)                                                                      \
    rounds(&a, group);                                                                             \
    rounds(&b, group);
        EACH_GROUP(ROUNDS_OF_BOTH)
        state_add(&a, &before_a);
        state_add(&b, &before_b);
    }
    state_store(&a, state_a);
    state_store(&b, state_b);
}

bool sha256_blocks_supported(void)
{
    unsigned eax = 0;
    unsigned ebx = 0;
    unsigned ecx = 0;
    unsigned edx = 0;
    if (__get_cpuid(1, &eax, &ebx, &ecx, &edx) == 0 || (ecx & bit_SSSE3) == 0 ||
        (ecx & bit_SSE4_1) == 0) {
        return false;
    }
    return __get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) != 0 && (ebx & bit_SHA) != 0;
}
#endif
