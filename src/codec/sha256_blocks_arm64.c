/* SPDX-License-Identifier: Apache-2.0 */
/* arm64: the SHA-256 instructions of the cryptographic extension. */
#include "codec/sha256_blocks.h"

#if defined(__aarch64__) && defined(SHA256_BLOCKS_EXIST)
#include <arm_neon.h>
#include <sys/auxv.h>

#define INLINE static inline __attribute__((always_inline, target("+crypto")))

/* The state, and the last 16 words of the message schedule. */
struct message {
    uint32x4_t abcd;
    uint32x4_t efgh;
    uint32x4_t words[4];
};

INLINE void state_load(struct message *message, const uint32_t state[SHA256_STATE_WORDS])
{
    message->abcd = vld1q_u32(state);
    message->efgh = vld1q_u32(state + 4);
}

INLINE void state_store(const struct message *message, uint32_t state[SHA256_STATE_WORDS])
{
    vst1q_u32(state, message->abcd);
    vst1q_u32(state + 4, message->efgh);
}

/* The words of a block are big-endian. */
INLINE void words_load(struct message *message, const unsigned char *block)
{
    for (size_t i = 0; i < 4; i++) {
        message->words[i] = vreinterpretq_u32_u8(vrev32q_u8(vld1q_u8(block + 16 * i)));
    }
}

/* Rounds 4 * group to 4 * group + 3, and the words of the group four groups later. */
INLINE void rounds(struct message *message, unsigned group)
{
    uint32x4_t *words = message->words;
    uint32x4_t *now = &words[group % 4];
    uint32x4_t sum = vaddq_u32(*now, vld1q_u32(SHA256_CONSTANTS[group]));
    uint32x4_t abcd = message->abcd;
    if (group < 12) {
        *now = vsha256su1q_u32(vsha256su0q_u32(*now, words[(group + 1) % 4]),
                               words[(group + 2) % 4], words[(group + 3) % 4]);
    }
    message->abcd = vsha256hq_u32(abcd, message->efgh, sum);
    message->efgh = vsha256h2q_u32(message->efgh, abcd, sum);
}

INLINE void state_add(struct message *message, const struct message *before)
{
    message->abcd = vaddq_u32(message->abcd, before->abcd);
    message->efgh = vaddq_u32(message->efgh, before->efgh);
}

/* Each group of rounds is written out, so that the schedule stays in registers. */
#define EACH_GROUP(DO)                                                                             \
    DO(0)                                                                                          \
    DO(1) DO(2) DO(3) DO(4) DO(5) DO(6) DO(7) DO(8) DO(9) DO(10) DO(11) DO(12) DO(13) DO(14) DO(15)

__attribute__((target("+crypto"))) void sha256_blocks(uint32_t state[SHA256_STATE_WORDS],
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

__attribute__((target("+crypto"))) void
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
    return (getauxval(AT_HWCAP) & HWCAP_SHA2) != 0;
}
#endif
