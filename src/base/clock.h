/* SPDX-License-Identifier: Apache-2.0 */
/* Monotonic time in milliseconds. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

uint64_t clock_ms(void);

#endif
