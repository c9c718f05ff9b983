/* SPDX-License-Identifier: Apache-2.0 */
/* Options and commands of other tools (crane, docker, oras, podman, skopeo), and what to write here
 * in their place. */
#ifndef CLI_FOREIGN_WORDS_H
#define CLI_FOREIGN_WORDS_H

#include "option_parser.h"

/* Ends with a row without word. */
extern const struct option_advice foreign_options[];

/* What to do in place of a command that layerpipe does not have; NULL for an unknown word. */
const char *foreign_command_advice(const char *name);

#endif
