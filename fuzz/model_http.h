/* SPDX-License-Identifier: Apache-2.0 */
/* The HTTP client of a fuzz target, in place of the one that uses libcurl: the requests go to the
 * registry of model_registry.h, and a script of bytes decides which of them fail and which answers
 * are changed on their way. When the script has ended, every answer is honest.
 *
 * Each request is checked: a secret goes to the registry and its token server only. Waits take no
 * time. */
#ifndef FUZZ_MODEL_HTTP_H
#define FUZZ_MODEL_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

void script_begin(const uint8_t *data, size_t size);
/* True when an answer has claimed that something is stored which the registry does not have. */
bool script_has_lied(void);

#endif
