/* SPDX-License-Identifier: Apache-2.0 */
/* All output of the command except progress: the result on stdout, one-line messages on stderr. */
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

/* Prints one line on stderr, with "layerpipe: " before it. Cleaned by
 * terminal_clean(). */
__attribute__((format(printf, 1, 2))) void print_message(const char *format, ...);

/* Writes all to a descriptor, which may be non-blocking. 0 or an errno value. */
int print_bytes(int fd, const char *text, size_t size);

/* Writes text to stderr as it is. */
void print_raw(const char *text);

/* Prints a failed system call: "<what>: No such file or directory". Returns the exit status: the
 * one of status, but EXIT_RESOURCES if descriptors or memory are missing. */
__attribute__((format(printf, 3, 4))) int print_errno(int status, int sys_errno, const char *format,
                                                      ...);

/* Prints the message of a usage error, which points to the help of the command (NULL: to the
 * overview). Returns EXIT_USAGE. */
__attribute__((format(printf, 2, 3))) int usage_error(const char *command_name, const char *format,
                                                      ...);

/* Prints the line of a failure of the library, with a hint what to try (failure_hint.h). After a
 * signal the line says so. Returns the exit status. */
int print_failure(const struct lpipe_error *err);
/* The same with a text before the message and another hint; NULL: none. */
int print_failure_about(const struct lpipe_error *err, const char *before, const char *hint);
/* The same for a reference that was to be read: text is what the user wrote, which may be the name
 * of a file or an image layout. ref may be NULL. */
int print_failure_reading(const struct lpipe_error *err, const lpipe_ref *ref, const char *text);
/* The same for the command login, which is the hint elsewhere. */
int print_failure_of_login(const struct lpipe_error *err);

/* Text that is collected in memory before it is printed. */
struct text_out {
    FILE *stream;
    char *text; /* owned by the caller after text_close() */
    size_t size;
};
FILE *text_open(struct text_out *out); /* NULL: no memory */
/* Ends the text and returns it; NULL if memory did not suffice. */
const char *text_close(struct text_out *out);

/* Closes the text, writes it to stdout and frees it. Returns an exit status. If writing fails, the
 * message begins with `achieved`: what the command has done already ("the push of ... succeeded");
 * NULL if it has done nothing. */
int print_text(struct text_out *out, const char *achieved);
/* The same, but on stderr if an image archive was written to stdout. */
int print_result(const lpipe_ref *dest, struct text_out *out, const char *achieved);
/* True for oci-archive: and docker-archive:; and for one that is stdin or stdout. */
bool is_archive(const lpipe_ref *ref);
bool is_archive_stream(const lpipe_ref *ref);

/* Writes a JSON string with its quotes. */
void print_json_text(FILE *out, const char *text);

#endif
