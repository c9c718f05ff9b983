/* SPDX-License-Identifier: Apache-2.0 */
/* Shows progress on stderr: on a terminal one line for each blob, which is redrawn; elsewhere a new
 * line every few seconds. Log lines (-v) are printed here too, because the drawn lines have to be
 * erased before. */
#ifndef CLI_PROGRESS_H
#define CLI_PROGRESS_H

#include <layerpipe.h>

#include "options.h"

struct progress;

struct progress *progress_new(const struct settings *settings); /* NULL: no memory */
/* The observer borrows progress, which must not be freed before the client. */
struct lpipe_observer progress_observer(struct progress *progress);
/* Erases the drawn lines, so that a message can be printed. */
void progress_clear(struct progress *progress);
void progress_free(struct progress *progress); /* erases the drawn lines; NULL does nothing */

#endif
