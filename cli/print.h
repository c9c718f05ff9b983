/* SPDX-License-Identifier: Apache-2.0 */
/* What people and scripts get to see: the result on stdout, one line for a failure on stderr. */
#ifndef CLI_PRINT_H
#define CLI_PRINT_H

#include <layerpipe.h>
#include <stdio.h>

/* Exit statuses that do not come from a library status. */
enum exit_status {
    EXIT_DONE = 0,
    EXIT_OTHER = 1,
    EXIT_USAGE = 2,
    EXIT_OUTPUT = 8,
    EXIT_RESOURCES = 10
};

/* One line on stderr, "layerpipe: " before it; control characters are replaced. */
__attribute__((format(printf, 1, 2))) void say(const char *format, ...);

/* Wrong usage: one line with a pointer to the help of the verb (NULL: the overview). Returns 2. */
__attribute__((format(printf, 2, 3))) int usage_error(const char *verb, const char *format, ...);

/* The one line for a failure, with a hint where one helps. Returns its exit status; for an
 * operation that a signal stopped the caller ends with stop_exit(). */
int print_failure(const struct lpipe_error *err);

/* A text that grows as it is printed to. */
struct text_out {
    FILE *stream;
    char *text; /* owned by the caller once closed */
    size_t size;
};
FILE *text_open(struct text_out *out); /* NULL: no memory */
/* Ends the text and returns it; NULL when it could not be made, for lack of memory. */
const char *text_close(struct text_out *out);

/* Closes the text, writes it to stdout in full and frees it. On failure says so after `done`, which
 * tells what has been achieved already. Returns an exit status. */
int print_text(struct text_out *out, const char *done);

/* Writes a JSON string with its quotes. */
void print_json_text(FILE *out, const char *text);
/* {"mediaType","digest","size"} and, where known, "diffId" and "uncompressedSize", without braces. */
void json_layer_members(FILE *out, const struct lpipe_layer_result *layer);

#endif
