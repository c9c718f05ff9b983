/* SPDX-License-Identifier: Apache-2.0 */
/* Makes one line for a message of a text that another program or server has written: its words,
 * cleaned of control characters and cut. Left out are the users, queries and fragments of URLs, and
 * the word after "Bearer" or "Basic". Pure; any thread. */
#ifndef BASE_CLEAN_WORDS_H
#define BASE_CLEAN_WORDS_H

#include <stdbool.h>
#include <stddef.h>

/* markup: HTML; only its text is taken. buf_size is at most ANSWER_TEXT_BYTES_MAX. */
void clean_words(const char *text, size_t size, bool markup, char *buf, size_t buf_size);

#endif
