/* SPDX-License-Identifier: Apache-2.0 */
/* SIGINT, SIGTERM and SIGHUP become a cancel token: the first one stops the work cleanly, a second
 * one ends the process at once. Signals that are ignored at the start (nohup) stay ignored. */
#ifndef CLI_STOP_H
#define CLI_STOP_H

#include <layerpipe.h>

/* Installs the handlers; later calls return the same token, which lives as long as the process. */
int stop_begin(lpipe_cancel **ret_cancel, struct lpipe_error *err);

/* The signal that came, 0 for none. */
int stop_signal(void);
const char *stop_signal_name(void); /* "SIGINT" */

/* Waits until a descriptor is readable; false when a signal came first. */
bool stop_wait_readable(int fd);

/* Returns status, or when a signal stopped the work, dies by it (the shell sees 128+N). */
int stop_exit(int status);

#endif
