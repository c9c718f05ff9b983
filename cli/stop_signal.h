/* SPDX-License-Identifier: Apache-2.0 */
/* What happens on SIGINT (Ctrl-C), SIGTERM and SIGHUP. The first one triggers the cancel token,
 * so that the work stops and cleans up; a second one ends the process at once. A signal that is
 * ignored when the process starts (nohup) stays ignored. */
#ifndef CLI_STOP_SIGNAL_H
#define CLI_STOP_SIGNAL_H

#include <layerpipe.h>

/* Installs the handlers. Every call returns the same token, which is never freed. */
int stop_signal_install(lpipe_cancel **ret_cancel, struct lpipe_error *err);

/* The signal that was received first; 0 if none was. */
int stop_signal_received(void);
const char *stop_signal_name(void); /* its name: "SIGINT" */

enum stop_signal_wait { STOP_SIGNAL_READABLE, STOP_SIGNAL_TIMEOUT, STOP_SIGNAL_RECEIVED };

/* Waits until fd is readable or at its end. timeout_ms -1: without a limit. */
enum stop_signal_wait stop_signal_wait_readable(int fd, int timeout_ms);

/* Ends the process by the signal that stopped the work, so that a shell sees 128+N. Returns
 * status if there was no signal, or if the work succeeded in spite of it (status 0). */
int stop_signal_exit(int status);

#endif
