/* SPDX-License-Identifier: Apache-2.0 */
/* The commands (layer, push ...). A cmd_*.c file defines one or two of them; main.c lists all. */
#ifndef CLI_COMMAND_H
#define CLI_COMMAND_H

#include "options.h"

struct command {
    const char *name;
    const char *synopsis; /* the text after the name in the usage line */
    const char *summary;  /* its line in `layerpipe help`: a sentence without the period */
    const char *examples; /* command lines for the help, may be NULL */
    const char *details;  /* more text for `layerpipe help COMMAND`, may be NULL */
    const struct option_group *const *groups;
    size_t args_min, args_max;
    bool takes_references;      /* arguments are references, or files; for completion */
    const char *argument_words; /* what completion offers, "" = the commands; NULL = nothing */
    int (*run)(struct settings *settings); /* returns the exit status */
};

/* Finds a command by name; NULL if there is none. The list ends with NULL. */
const struct command *command_find(const struct command *const *commands, const char *name);
/* Writes the list of commands, or the help of one command, to out. */
void command_print_overview(const struct command *const *commands, FILE *out);
void command_print_help(const struct command *command, FILE *out);

extern const struct command command_layer, command_push, command_copy, command_cat, command_index,
    command_inspect, command_login, command_logout, command_version, command_help,
    command_completion;

#endif
