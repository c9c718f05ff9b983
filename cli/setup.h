/* SPDX-License-Identifier: Apache-2.0 */
/* Cancel token, progress display and client: what a command needs to talk to a registry. */
#ifndef CLI_SETUP_H
#define CLI_SETUP_H

#include <layerpipe.h>

#include "option_file.h"
#include "options.h"

struct progress;

struct setup {
    lpipe_cancel *cancel; /* borrowed, see stop_signal.h */
    struct progress *progress;
    struct option_file authfile, cacert, cert, key; /* those that are pipes */
    lpipe_client *client;
};
#define AUTO_SETUP __attribute__((cleanup(setup_dispose)))

/* Prints warnings about options that make the connection insecure, reads option files that are
 * pipes, then makes the client. password may be NULL. Returns an exit status; if it is not 0, a
 * message was printed. */
int setup_begin(struct setup *setup, const struct settings *settings, const char *username,
                const char *password);
void setup_dispose(struct setup *setup);

/* Prints a notice if dest is a layout whose parent directory does not exist: it will be made, and a
 * misspelt path would be found nowhere else. */
void notice_new_directories(const struct settings *settings, const lpipe_ref *dest);

/* Refuses --username when the references name more than one registry: the client would send user
 * name and password to all of them. Returns an exit status. */
int check_username(const struct settings *settings, lpipe_ref *const *refs, size_t ref_count);

#endif
