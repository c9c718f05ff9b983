/* SPDX-License-Identifier: Apache-2.0 */
/* Shows progress on stderr: on a terminal lines that are redrawn five times a second; elsewhere a
 * line after 10, 30 and 70 s and then each minute. A call that succeeds ends with one line that
 * sums up. Log lines (-v) and notices are printed here too, because they must stand above the drawn
 * lines.
 *
 * Between two redraws the cursor stands at the start of the first drawn line, and a redraw writes
 * from there on. So another program's message, the "^C" of the terminal, or a window that was
 * resized do not move lines to a wrong place, and nothing above is ever erased. */
#ifndef CLI_PROGRESS_H
#define CLI_PROGRESS_H

#include <layerpipe.h>

#include "options.h"

struct progress;

struct progress *progress_new(const struct settings *settings); /* NULL: no memory */
/* The observer borrows progress, which must not be freed before the client. */
struct lpipe_observer progress_observer(struct progress *progress);
/* A call of the library begins, whose target is dest; NULL: the command writes to stdout. */
void progress_begin(struct progress *progress, const lpipe_ref *dest);
/* The command has written bytes to stdout. */
void progress_count(struct progress *progress, uint64_t bytes);
/* The command begins or ends to write to stdout, where its reader may let it wait. */
void progress_writing(struct progress *progress, bool writing);
/* It has ended: erases the drawn lines, so that messages can be printed, and sums up a success. */
void progress_end(struct progress *progress, bool success);
void progress_free(struct progress *progress); /* erases the drawn lines; NULL does nothing */

#endif
