/* SPDX-License-Identifier: Apache-2.0 */
/* What every verb that talks to a registry needs: cancel token, progress, client. */
#ifndef CLI_SETUP_H
#define CLI_SETUP_H

#include <layerpipe.h>

#include "options.h"

struct progress;

struct setup {
    lpipe_cancel *cancel; /* of the process */
    struct progress *progress;
    lpipe_client *client;
};
#define AUTO_SETUP __attribute__((cleanup(setup_done)))

/* Warns of what weakens the connection and makes the client. password may be NULL. Returns an exit
 * status; for anything but 0 it has said why. */
int setup_begin(struct setup *setup, const struct settings *settings, const char *username,
                const char *password);
void setup_done(struct setup *setup);

#endif
