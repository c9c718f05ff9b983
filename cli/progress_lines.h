/* SPDX-License-Identifier: Apache-2.0 */
/* Progress as lines of text. A line never takes more columns than it may. */
#ifndef CLI_PROGRESS_LINES_H
#define CLI_PROGRESS_LINES_H

#include "progress_state.h"

#define PROGRESS_LINE_BYTES 512

/* The words for the target in the lines. */
struct progress_words {
    const char *sent; /* "sent", "written" */
    const char *wait; /* "waiting for the registry" */
};

/* One blob in work, for a terminal. */
void progress_line_blob(char line[PROGRESS_LINE_BYTES], size_t columns,
                        const struct progress_state *state, const struct progress_blob *blob,
                        const struct progress_words *words);
/* All blobs together, for a terminal. */
void progress_line_total(char line[PROGRESS_LINE_BYTES], size_t columns,
                         const struct progress_state *state, const struct progress_words *words);
/* All blobs in one line, for a log. */
void progress_line_plain(char line[PROGRESS_LINE_BYTES], const struct progress_state *state,
                         const struct progress_words *words);
/* A blob that has ended. */
void progress_line_done(char line[PROGRESS_LINE_BYTES], const struct progress_blob *blob,
                        const struct lpipe_event *end, uint64_t now_ms, bool full_digest);
/* The whole call, after its success. */
void progress_line_summary(char line[PROGRESS_LINE_BYTES], const struct progress_state *state,
                           const struct progress_words *words);
/* The digest, or its first 12 digits. */
void progress_digest(char text[PROGRESS_LINE_BYTES], const char *digest, bool full);

#endif
