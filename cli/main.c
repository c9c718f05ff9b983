/* SPDX-License-Identifier: Apache-2.0 */
/* Program start: protects the process, then finds the command and runs it. */
#include <fcntl.h>
#include <layerpipe.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "command.h"
#include "foreign_words.h"
#include "print.h"
#include "stop_signal.h"

static const struct command *const commands[] = {
    &command_layer,   &command_push,    &command_copy,       &command_cat,
    &command_index,   &command_inspect, &command_login,      &command_logout,
    &command_version, &command_help,    &command_completion, NULL,
};

static const struct option_group *const general_groups[] = { &group_general, NULL };
static char version_name[] = "version";

/* Opens descriptors 0 to 2 that are closed. Otherwise the next file or socket would get the number
 * of stdout or stderr, and our output would be written into it. Reading such a stdin finds its end;
 * writing to such a stdout fails, because a caller who closed stdout does not get the result. */
static bool open_closed_descriptors(void)
{
    static const int modes[] = { O_RDONLY, O_RDONLY, O_WRONLY };
    for (int fd = 0; fd <= STDERR_FILENO; fd++) {
        if (fcntl(fd, F_GETFD) >= 0) {
            continue;
        }
        int opened = open("/dev/null", modes[fd]);
        if (opened < 0) {
            opened = open("/", O_RDONLY | O_DIRECTORY); /* a chroot without /dev */
        }
        if (opened != fd) {
            return false;
        }
    }
    return true;
}

/* A write to a closed pipe or past the file size limit returns an error and sends no signal. The
 * memory holds passwords, so no core file is written and other processes of the same user cannot
 * read it. */
static void protect_process(void)
{
    (void)signal(SIGPIPE, SIG_IGN);
    (void)signal(SIGXFSZ, SIG_IGN);
    (void)setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 });
#ifndef LAYERPIPE_SANITIZED /* the leak checker has to trace this process */
    (void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
#endif
}

/* glibc gives freed memory of this size and more back to the system. Without this limit it keeps
 * the more of it, the larger the freed blocks were, and libzstd allocates tables of several sizes
 * for each layer. */
static void limit_kept_memory(void)
{
#ifdef __GLIBC__
    (void)mallopt(M_MMAP_THRESHOLD, 512 * 1024);
#endif
}

static int check_arguments(const struct settings *settings, const struct command *command)
{
    size_t count = 0;
    while (settings_argument(settings, count) != NULL) {
        count++;
    }
    if (count < command->args_min) {
        return usage_error(command->name, "too few arguments: layerpipe %s %s", command->name,
                           command->synopsis);
    }
    if (count > command->args_max && command == &command_login) {
        /* The argument is not shown, because it may be the password. */
        return usage_error(command->name,
                           "too many arguments: layerpipe %s %s; a password is never an argument",
                           command->name, command->synopsis);
    }
    if (count > command->args_max) {
        return usage_error(command->name, "too many arguments at \"%s\"",
                           settings_argument(settings, command->args_max));
    }
    return 0;
}

/* argv: the words after the command's name. */
static int run_command(const struct command *command, struct settings *settings, char **argv)
{
    struct option_parser parser = { .groups = command->groups,
                                    .foreign = foreign_options,
                                    .command = command->name,
                                    .settings = settings,
                                    .args = &settings->args };
    settings->command_name = command->name;
    settings->commands = commands;
    if (!option_parse(&parser, argv)) {
        return usage_error(command->name, "%s", parser.message);
    }
    if (settings->help) {
        struct text_out text;
        FILE *out = text_open(&text);
        if (out != NULL) {
            command_print_help(command, out);
        }
        return print_text(&text, NULL);
    }
    int code = check_arguments(settings, command);
    return code != 0 ? code : command->run(settings);
}

static int no_command(void)
{
    char names[128] = "";
    for (size_t i = 0; commands[i] != NULL; i++) {
        size_t used = strlen(names);
        (void)snprintf(names + used, sizeof names - used, "%s%s", i == 0 ? "" : ", ",
                       commands[i]->name);
    }
    return usage_error(NULL, "no command given; the commands are %s", names);
}

static int unknown_command(const char *name)
{
    const char *best = NULL;
    const char *advice = foreign_command_advice(name);
    if (advice != NULL) {
        return usage_error(NULL, "unknown command \"%s\": %s", name, advice);
    }
    for (size_t i = 0; commands[i] != NULL; i++) {
        best = nearest_word(name, best, commands[i]->name);
    }
    if (best != NULL) {
        return usage_error(NULL, "unknown command \"%s\"; did you mean %s?", name, best);
    }
    return usage_error(NULL, "unknown command \"%s\"", name);
}

/* True if a command has this option, which then was written before the command's name. */
static bool is_option_of_a_command(const char *word)
{
    size_t size = strncmp(word, "--", 2) == 0 ? strcspn(word, "=") : 0;
    for (size_t i = 0; commands[i] != NULL; i++) {
        for (size_t g = 0; commands[i]->groups[g] != NULL; g++) {
            for (const struct option *row = commands[i]->groups[g]->rows; row->name != NULL;
                 row++) {
                if (strlen(row->name) + 2 == size && strncmp(word + 2, row->name, size - 2) == 0) {
                    return true;
                }
            }
        }
    }
    return false;
}

/* Parses the general options before the command's name. *argv is moved to the name. */
static int parse_general(struct settings *settings, char *const **argv)
{
    struct option_parser parser = { .groups = general_groups,
                                    .foreign = foreign_options,
                                    .settings = settings,
                                    .args = &settings->args };
    if (option_parse_leading(&parser, argv)) {
        return 0;
    }
    const char *word = (*argv)[-1];
    return is_option_of_a_command(word) ? usage_error(NULL, "write --%.*s after the command's name",
                                                      (int)strcspn(word + 2, "="), word + 2)
                                        : usage_error(NULL, "%s", parser.message);
}

static int run(char **argv)
{
    struct settings settings;
    char *const *next = argv;
    settings_init(&settings);
    int code = parse_general(&settings, &next);
    const char *name = *next;
    if (code == 0 && name == NULL && settings.help) {
        name = "help";
        settings.help = false;
    } else if (code == 0 && name == NULL) {
        code = no_command();
    }
    if (code == 0) {
        const struct command *command = command_find(commands, name);
        char **rest = argv + (next - argv) + (*next != NULL);
        code = command == NULL ? unknown_command(name) : run_command(command, &settings, rest);
    }
    settings_dispose(&settings);
    return code;
}

int main(int argc, char **argv)
{
    if (!open_closed_descriptors()) {
        return EXIT_RESOURCES;
    }
    if (getauxval(AT_SECURE) != 0) {
        print_message("refusing to run setuid, setgid or with file capabilities");
        return EXIT_OTHER;
    }
    protect_process();
    limit_kept_memory();
    if (argc == 2 && (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "-V") == 0)) {
        argv[1] = version_name;
    }
    return stop_signal_exit(run(argc > 0 ? argv + 1 : argv));
}
