/* SPDX-License-Identifier: Apache-2.0 */
/* Program start: protects the process, then finds the command and runs it. */
#include <fcntl.h>
#include <layerpipe.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "command.h"
#include "print.h"
#include "stop_signal.h"

static const struct command *const commands[] = {
    &command_layer,   &command_push, &command_inspect,    &command_login, &command_logout,
    &command_version, &command_help, &command_completion, NULL,
};

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
    if (count > command->args_max) {
        return usage_error(command->name, "too many arguments at \"%s\"",
                           settings_argument(settings, command->args_max));
    }
    return 0;
}

static int run_command(const struct command *command, char **argv)
{
    struct settings settings;
    char message[OPTION_MESSAGE_MAX];
    settings_init(&settings, command->name);
    settings.commands = commands;
    int code;
    if (!option_parse(command->groups, argv, &settings, &settings.args, message)) {
        code = usage_error(command->name, "%s", message);
    } else if (settings.help) {
        struct text_out text;
        FILE *out = text_open(&text);
        if (out != NULL) {
            command_print_help(command, out);
        }
        code = print_text(&text, NULL);
    } else {
        code = check_arguments(&settings, command);
        code = code != 0 ? code : command->run(&settings);
    }
    settings_dispose(&settings);
    return code;
}

static int unknown_command(const char *name)
{
    const char *best = NULL;
    for (size_t i = 0; commands[i] != NULL; i++) {
        best = nearest_word(name, best, commands[i]->name);
    }
    if (best != NULL) {
        return usage_error(NULL, "unknown command \"%s\"; did you mean %s?", name, best);
    }
    return usage_error(NULL, "unknown command \"%s\"", name);
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
    if (argc < 2) {
        return usage_error(NULL, "no command given");
    }
    const char *name = argv[1];
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0) {
        name = "help";
    } else if (strcmp(name, "--version") == 0) {
        name = "version";
    }
    const struct command *command = command_find(commands, name);
    return command == NULL ? unknown_command(name)
                           : stop_signal_exit(run_command(command, argv + 2));
}
