/* SPDX-License-Identifier: Apache-2.0 */
/* The block function of SHA-256 (FIPS 180-4, 6.2.2) by the processor's own instructions: for one
 * message, or for two independent messages at once. An instruction of one message has to wait for
 * the one before it; in this time the processor works on the other message, so two messages take
 * as long as one. For digest.c only. No state but the caller's; any thread. */
#ifndef CODEC_SHA256_BLOCKS_H
#define CODEC_SHA256_BLOCKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SHA256_BLOCK_BYTES 64
#define SHA256_STATE_WORDS 8

/* Whether there is code for this kind of processor. Only gcc allows the instructions of arm64 in
 * one function of a program for all arm64 processors. */
#if defined(__x86_64__) || (defined(__aarch64__) && !defined(__clang__))
#define SHA256_BLOCKS_EXIST
#endif

/* FIPS 180-4, 4.2.2: the constants of four rounds in a row. */
extern const uint32_t SHA256_CONSTANTS[16][4];

/* Whether this processor has the instructions. Without them the functions below must not be
 * called. */
bool sha256_blocks_supported(void);
/* Hashes `count` blocks of data into the state. */
void sha256_blocks(uint32_t state[SHA256_STATE_WORDS], const unsigned char *data, size_t count);
/* The same for two messages, with `count` blocks of each. */
void sha256_blocks_pair(uint32_t state_a[SHA256_STATE_WORDS], const unsigned char *data_a,
                        uint32_t state_b[SHA256_STATE_WORDS], const unsigned char *data_b,
                        size_t count);

#endif
