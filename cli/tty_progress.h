/* SPDX-License-Identifier: Apache-2.0 */
/* Draws the library's events on stderr: one redrawn line a blob on a terminal, a plain line every
 * few seconds elsewhere. Log lines (-v) pass here too, so that they do not tear the drawing. */
#ifndef CLI_TTY_PROGRESS_H
#define CLI_TTY_PROGRESS_H

#include <layerpipe.h>

#include "options.h"

struct progress;

struct progress *progress_new(const struct settings *settings); /* NULL: no memory */
/* Borrows progress; it must outlive the client. */
struct lpipe_observer progress_observer(struct progress *progress);
/* Wipes what is drawn, so that a message can follow. */
void progress_clear(struct progress *progress);
void progress_free(struct progress *progress); /* wipes what is drawn; NULL is fine */

#endif
