/* SPDX-License-Identifier: Apache-2.0 */
/* One pass over a JSON text before the parser runs. It measures what the parser would take, and
 * finds what the parser cannot keep: numbers that fit no C type, and texts that begin with NUL.
 *
 * json_scan_rewrite() writes such a number as a text of NUL, '#' and its digits, and puts one more
 * NUL before such a text. json_write() writes both as they were. No other text of a document begins
 * with NUL, so nothing can be taken for such a number. No I/O; any thread. */
#ifndef OCI_JSON_SCAN_H
#define OCI_JSON_SCAN_H

#include <stddef.h>

struct json_scan {
    size_t depth;  /* deepest nesting of brackets */
    size_t values; /* commas and opening brackets: at least the number of values less one */
    size_t added;  /* bytes that the rewritten text has more; 0 = nothing to rewrite */
};

/* Counts brackets, commas and numbers outside of strings. The text need not be valid JSON. */
void json_scan(const char *text, size_t size, struct json_scan *ret_scan);
/* Writes the rewritten text of size + added bytes to out. */
void json_scan_rewrite(const char *text, size_t size, char *out);

#endif
