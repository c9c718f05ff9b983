/* SPDX-License-Identifier: Apache-2.0 */
/* The completion script for fish. */
#include "completion.h"

static void put_words_option(const struct option *row, FILE *out)
{
    (void)fputs(option_takes_value(row) ? " -x -a '" : " -f -a '", out);
    completion_put_words(row, ":", out);
    (void)fputc('\'', out);
}

static void put_option(const struct command *command, const struct option *row, FILE *out)
{
    (void)fprintf(out, "complete -c layerpipe -n '__fish_seen_subcommand_from %s' -l %s",
                  command->name, row->name);
    if (row->letter != 0) {
        (void)fprintf(out, " -s %c", row->letter);
    }
    if (completion_has_words(row)) {
        put_words_option(row, out);
    } else if (row->complete == OPTION_COMPLETE_REFERENCE) {
        (void)fputs(" -r -F -a '(__layerpipe_references)'", out);
    } else if (row->complete != OPTION_COMPLETE_NONE) {
        (void)fputs(" -r -F", out);
    } else if (option_takes_value(row)) {
        (void)fputs(" -x", out);
    }
    (void)fputs(" -d '", out);
    completion_put_quoted(row->help, out);
    (void)fputs("'\n", out);
}

static void put_arguments(const struct command *command, const struct command *const *commands,
                          FILE *out)
{
    (void)fprintf(out, "complete -c layerpipe -n '__fish_seen_subcommand_from %s'", command->name);
    if (command->takes_references) {
        (void)fputs(" -a '(__layerpipe_references)'", out);
    } else {
        (void)fputs(" -f", out);
    }
    if (completion_has_argument_words(command)) {
        (void)fputs(" -a '", out);
        completion_put_argument_words(command, commands, out);
        (void)fputc('\'', out);
    }
    (void)fputc('\n', out);
}

static void put_general(const struct command *command, const struct option *row, FILE *out)
{
    (void)command;
    (void)fprintf(out, "complete -c layerpipe -n __layerpipe_needs_command -l %s", row->name);
    if (completion_has_words(row)) {
        put_words_option(row, out);
    }
    (void)fputs(" -d '", out);
    completion_put_quoted(row->help, out);
    (void)fputs("'\n", out);
}

void completion_put_fish(const struct command *const *commands, FILE *out)
{
    const struct option_group *const groups[] = { &group_general, NULL };
    const struct command general = { .name = "", .groups = groups };
    (void)fprintf(out,
                  "# fish completion of layerpipe\nfunction __layerpipe_references\n"
                  "    set -l word (string replace -r -- '^--[a-z-]+=' '' (commandline -ct))\n"
                  "    sh -c '%s' layerpipe $word\nend\n"
                  "function __layerpipe_needs_command\n"
                  "    set -l words (commandline -opc)\n    set -e words[1]\n"
                  "    while set -q words[1]\n        switch $words[1]\n"
                  "            case --progress\n                set -e words[1]\n"
                  "            case '-*'\n            case '*'\n                return 1\n"
                  "        end\n        set -e words[1]\n    end\nend\n",
                  completion_reference_script);
    completion_each_option(&general, out, put_general);
    for (size_t i = 0; commands[i] != NULL; i++) {
        (void)fprintf(out, "complete -c layerpipe -n __layerpipe_needs_command -f -a %s -d '",
                      commands[i]->name);
        completion_put_quoted(commands[i]->summary, out);
        (void)fputs("'\n", out);
        completion_each_option(commands[i], out, put_option);
        put_arguments(commands[i], commands, out);
    }
}
