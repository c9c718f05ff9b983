/* SPDX-License-Identifier: Apache-2.0 */
/* Where an image archive is written: a file, or stdout.
 *
 * A file gets its name when it is complete and on the disk; until then it has no name, or a
 * temporary one that is removed. Its bytes can be changed until then. What is on stdout cannot
 * be changed. One thread at a time. */
#ifndef ARCHIVE_ARCHIVE_OUTPUT_H
#define ARCHIVE_ARCHIVE_OUTPUT_H

#include <stdbool.h>

#include "base/fail.h"
#include "layerpipe/observe.h"

struct archive_output {
    int fd; /* -1 = not open */
    bool is_stream;
    uint64_t position;          /* where the next bytes go */
    char *path;                 /* the file's final path; NULL for stdout */
    char *temp;                 /* NULL = the file has no name, or its final one */
    const lpipe_cancel *cancel; /* both end a wait for the reader of stdout; borrowed */
    const lpipe_cancel *stop;
};
#define ARCHIVE_OUTPUT_INIT                                                                        \
    {                                                                                              \
        .fd = -1                                                                                   \
    }

/* path "-" is stdout, which must not be a terminal. A file with the path is replaced at the end; it
 * must be a regular file. INVALID_ARGUMENT, OUTPUT_IO. */
MUST_CHECK int archive_output_open(struct archive_output *output, const char *path,
                                   struct lpipe_error *err);
MUST_CHECK int archive_output_write(struct archive_output *output, const void *data, size_t size,
                                    struct lpipe_error *err);
/* Writes over bytes that were written before. Not on a stream. */
MUST_CHECK int archive_output_change(const struct archive_output *output, uint64_t position,
                                     const void *data, size_t size, struct lpipe_error *err);
/* Reads exactly size bytes that were written before. Not on a stream. */
MUST_CHECK int archive_output_read(const struct archive_output *output, uint64_t position,
                                   void *ret_data, size_t size, struct lpipe_error *err);
/* Ends the file at the position, syncs it and gives it its name. */
MUST_CHECK int archive_output_publish(struct archive_output *output, struct lpipe_error *err);
/* Without archive_output_publish() nothing is left of a file. */
void archive_output_dispose(struct archive_output *output);
/* "stdout", or the path; for messages. */
const char *archive_output_name(const struct archive_output *output);

#endif
