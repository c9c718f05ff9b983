/* SPDX-License-Identifier: Apache-2.0 */
/* What the completion scripts of all shells are made of. */
#ifndef CLI_COMPLETION_H
#define CLI_COMPLETION_H

#include "command.h"

/* Write the script of a shell. */
void completion_put_bash(const struct command *const *commands, FILE *out);
void completion_put_zsh(const struct command *const *commands, FILE *out);
void completion_put_fish(const struct command *const *commands, FILE *out);

/* A program for sh, without single quotes: prints what its first argument, the beginning of a
 * reference, can become, one in a line. Layouts and archives are looked into for tags. */
extern const char completion_reference_script[];

/* Calls put for every option of a command. */
void completion_each_option(const struct command *command, FILE *out,
                            void (*put)(const struct command *, const struct option *, FILE *));
/* Writes text that stands between single quotes of a shell. It has no backslashes. */
void completion_put_quoted(const char *text, FILE *out);

/* True if the option's values, or some of them, are known words. */
bool completion_has_words(const struct option *row);
/* Writes these words, separated by spaces; colon is what a colon becomes. */
void completion_put_words(const struct option *row, const char *colon, FILE *out);

/* The same for the arguments of a command. */
bool completion_has_argument_words(const struct command *command);
void completion_put_argument_words(const struct command *command,
                                   const struct command *const *commands, FILE *out);
void completion_put_command_names(const struct command *const *commands, FILE *out);

#endif
