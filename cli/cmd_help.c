/* SPDX-License-Identifier: Apache-2.0 */
/* layerpipe help and layerpipe version. */
#include <layerpipe.h>
#include <string.h>

#include "command.h"
#include "print.h"

static const struct option_group *const general_only[] = { &group_general, NULL };

const struct command *command_find(const struct command *const *commands, const char *name)
{
    for (size_t i = 0; commands[i] != NULL; i++) {
        if (strcmp(commands[i]->name, name) == 0) {
            return commands[i];
        }
    }
    return NULL;
}

static void print_usage(const char *before, const struct command *command, FILE *out)
{
    (void)fprintf(out, "%slayerpipe %s%s%s\n", before, command->name,
                  command->synopsis[0] != '\0' ? " " : "", command->synopsis);
}

void command_print_overview(const struct command *const *commands, FILE *out)
{
    (void)fputs("layerpipe: turn a stream into an OCI layer or image, reading it once\n\nUsage:\n",
                out);
    for (size_t i = 0; commands[i] != NULL; i++) {
        print_usage("  ", commands[i], out);
    }
    (void)fputs("\nCommands:\n", out);
    for (size_t i = 0; commands[i] != NULL; i++) {
        (void)fprintf(out, "  %-11s%s\n", commands[i]->name, commands[i]->summary);
    }
    (void)fputs("\nExit status: 0 success, 1 other failure, 2 usage, 3 input, 4 authentication or\n"
                "permission, 5 not found, 6 network or server, 7 refused or protocol violation,\n"
                "8 local output, 9 integrity, 10 resources, 128+N killed by signal N.\n",
                out);
}

void command_print_help(const struct command *command, FILE *out)
{
    print_usage("Usage: ", command, out);
    (void)fprintf(out, "\n%s%s", command->summary, ".\n");
    if (command->examples != NULL) {
        (void)fprintf(out, "\nExamples:\n%s", command->examples);
    }
    if (command->details != NULL) {
        (void)fprintf(out, "\n%s", command->details);
    }
    option_print_help(command->groups, out);
}

static int run_help(struct settings *settings)
{
    const char *name = settings_argument(settings, 0);
    const struct command *command = name == NULL ? NULL : command_find(settings->commands, name);
    struct text_out text;
    if (name != NULL && command == NULL) {
        return usage_error(NULL, "unknown command \"%s\"", name);
    }
    FILE *out = text_open(&text);
    if (out != NULL && command != NULL) {
        command_print_help(command, out);
    } else if (out != NULL) {
        command_print_overview(settings->commands, out);
    }
    return print_text(&text, NULL);
}

static int run_version(struct settings *settings)
{
    struct text_out text;
    (void)settings;
    FILE *out = text_open(&text);
    if (out != NULL) {
        const char *info = lpipe_build_info();
        size_t size = strlen(info);
        (void)fprintf(out, "layerpipe %s\n%s%s", lpipe_version(), info,
                      size > 0 && info[size - 1] != '\n' ? "\n" : "");
    }
    return print_text(&text, NULL);
}

const struct command command_help = {
    .name = "help",
    .synopsis = "[COMMAND]",
    .summary = "Show this overview, or the help of a command",
    .groups = general_only,
    .args_min = 0,
    .args_max = 1,
    .argument_words = "",
    .run = run_help,
};

const struct command command_version = {
    .name = "version",
    .synopsis = "",
    .summary = "Show the version and the libraries it was built with",
    .groups = general_only,
    .args_min = 0,
    .args_max = 0,
    .run = run_version,
};
