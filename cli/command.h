/* SPDX-License-Identifier: Apache-2.0 */
/* A command of the command line. Each is one cmd_*.c; main.c lists them. */
#ifndef CLI_COMMAND_H
#define CLI_COMMAND_H

#include "options.h"

struct command {
    const char *name;
    const char *synopsis; /* what follows the name */
    const char *summary;  /* one line of `layerpipe help` */
    const char *details;  /* paragraphs of `layerpipe help VERB`, may be NULL */
    const struct opt_group *const *groups;
    size_t args_min, args_max;
    int (*run)(struct settings *settings); /* returns the exit status */
};

/* commands ends with NULL. NULL when none has this name. */
const struct command *command_find(const struct command *const *commands, const char *name);
/* Writes the overview, or the help of one command, to out. */
void command_overview(const struct command *const *commands, FILE *out);
void command_help(const struct command *command, FILE *out);

extern const struct command command_layer, command_push, command_inspect, command_login,
    command_logout, command_version, command_help_verb, command_completion;

#endif
