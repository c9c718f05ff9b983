/* SPDX-License-Identifier: Apache-2.0 */
/* layerpipe completion: prints scripts for bash, zsh and fish, made from the option tables. */
#include <string.h>

#include "command.h"
#include "print.h"

/* Calls put for every option of a command. */
static void for_each_option(const struct command *command, FILE *out,
                            void (*put)(const struct command *, const struct option *, FILE *))
{
    for (size_t g = 0; command->groups[g] != NULL; g++) {
        for (const struct option *row = command->groups[g]->rows; row->name != NULL; row++) {
            put(command, row, out);
        }
    }
}

/* Writes "a|b|c" as "a b c". */
static void put_choices(const char *value, FILE *out)
{
    for (; *value != '\0'; value++) {
        (void)fputc(*value == '|' ? ' ' : *value, out);
    }
}

/* Writes text that stands between single quotes of a shell. It has no backslashes. */
static void put_quoted(const char *text, FILE *out)
{
    for (; *text != '\0'; text++) {
        (void)fputs(*text == '\'' ? "'\\''" : (char[]){ *text, '\0' }, out);
    }
}

static void put_command_names(const struct command *const *commands, FILE *out)
{
    for (size_t i = 0; commands[i] != NULL; i++) {
        (void)fprintf(out, "%s%s", i > 0 ? " " : "", commands[i]->name);
    }
}

static void put_bash_option(const struct command *command, const struct option *row, FILE *out)
{
    (void)command;
    (void)fprintf(out, " --%s", row->name);
}

static void put_bash_value(const struct command *command, const struct option *row, FILE *out)
{
    if (row->kind == OPTION_CHOICE) {
        (void)fprintf(out, "    %s:--%s) words='", command->name, row->name);
        put_choices(row->value, out);
        (void)fputs("' ;;\n", out);
    } else if (row->complete == OPTION_COMPLETE_DIRECTORY) {
        (void)fprintf(out, "    %s:--%s) COMPREPLY=($(compgen -d -- \"$cur\")); return ;;\n",
                      command->name, row->name);
    } else if (option_takes_value(row)) {
        (void)fprintf(out, "    %s:--%s) COMPREPLY=($(compgen -f -- \"$cur\")); return ;;\n",
                      command->name, row->name);
    }
}

static void put_bash(const struct command *const *commands, FILE *out)
{
    (void)fputs("# bash completion of layerpipe\n_layerpipe()\n{\n"
                "    local cur=${COMP_WORDS[COMP_CWORD]} subcommand=${COMP_WORDS[1]} words=''\n"
                "    local prev=${COMP_WORDS[COMP_CWORD-1]}\n    COMPREPLY=()\n"
                "    if [ \"$COMP_CWORD\" -eq 1 ]; then\n        words='",
                out);
    put_command_names(commands, out);
    (void)fputs(
        "'\n        COMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n        return\n    fi\n"
        "    case \"$subcommand:$prev\" in\n    help:help) words='",
        out);
    put_command_names(commands, out);
    (void)fputs("' ;;\n    completion:completion) words='bash zsh fish' ;;\n", out);
    for (size_t i = 0; commands[i] != NULL; i++) {
        for_each_option(commands[i], out, put_bash_value);
    }
    (void)fputs("    esac\n    if [ -z \"$words\" ] && [ \"${cur#-}\" != \"$cur\" ]; then\n"
                "        case \"$subcommand\" in\n",
                out);
    for (size_t i = 0; commands[i] != NULL; i++) {
        (void)fprintf(out, "        %s) words='", commands[i]->name);
        for_each_option(commands[i], out, put_bash_option);
        (void)fputs("' ;;\n", out);
    }
    (void)fputs("        esac\n    fi\n    if [ -n \"$words\" ]; then\n"
                "        COMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n    else\n"
                "        COMPREPLY=($(compgen -f -- \"$cur\"))\n    fi\n}\n"
                "complete -o filenames -F _layerpipe layerpipe\n",
                out);
}

/* Writes text of an _arguments specification, where brackets and colons are escaped. */
static void put_zsh_text(const char *text, FILE *out)
{
    for (; *text != '\0'; text++) {
        if (strchr("[]:", *text) != NULL) {
            (void)fputc('\\', out);
        }
        put_quoted((char[]){ *text, '\0' }, out);
    }
}

static void put_zsh_option(const struct command *command, const struct option *row, FILE *out)
{
    (void)command;
    (void)fprintf(out, "            '*--%s[", row->name);
    put_zsh_text(row->help, out);
    (void)fputc(']', out);
    if (row->kind == OPTION_CHOICE) {
        (void)fputs(":value:(", out);
        put_choices(row->value, out);
        (void)fputc(')', out);
    } else if (row->complete == OPTION_COMPLETE_DIRECTORY) {
        (void)fputs(":directory:_directories", out);
    } else if (row->complete == OPTION_COMPLETE_FILE) {
        (void)fputs(":file:_files", out);
    } else if (option_takes_value(row)) {
        (void)fputs(":value:", out);
    }
    (void)fputs("' \\\n", out);
}

static void put_zsh(const struct command *const *commands, FILE *out)
{
    (void)fputs(
        "#compdef layerpipe\n_layerpipe()\n{\n    local -a subcommands\n    subcommands=(\n", out);
    for (size_t i = 0; commands[i] != NULL; i++) {
        (void)fprintf(out, "        '%s:", commands[i]->name);
        put_quoted(commands[i]->summary, out);
        (void)fputs("'\n", out);
    }
    (void)fputs("    )\n    if (( CURRENT == 2 )); then\n        _describe command subcommands\n"
                "        return\n    fi\n    local subcommand=$words[2]\n    shift words\n"
                "    (( CURRENT-- ))\n    case $subcommand in\n",
                out);
    for (size_t i = 0; commands[i] != NULL; i++) {
        (void)fprintf(out, "    %s)\n        _arguments \\\n", commands[i]->name);
        for_each_option(commands[i], out, put_zsh_option);
        (void)fputs("            '*:file:_files'\n        ;;\n", out);
    }
    (void)fputs("    esac\n}\nif [ \"$funcstack[1]\" = _layerpipe ]; then\n    _layerpipe \"$@\"\n"
                "else\n    compdef _layerpipe layerpipe\nfi\n",
                out);
}

static void put_fish_option(const struct command *command, const struct option *row, FILE *out)
{
    (void)fprintf(out, "complete -c layerpipe -n '__fish_seen_subcommand_from %s' -l %s",
                  command->name, row->name);
    if (row->letter != 0) {
        (void)fprintf(out, " -s %c", row->letter);
    }
    if (row->kind == OPTION_CHOICE) {
        (void)fputs(" -x -a '", out);
        put_choices(row->value, out);
        (void)fputc('\'', out);
    } else if (row->complete != OPTION_COMPLETE_NONE) {
        (void)fputs(" -r -F", out);
    } else if (option_takes_value(row)) {
        (void)fputs(" -x", out);
    }
    (void)fputs(" -d '", out);
    put_quoted(row->help, out);
    (void)fputs("'\n", out);
}

static void put_fish(const struct command *const *commands, FILE *out)
{
    (void)fputs("# fish completion of layerpipe\n", out);
    for (size_t i = 0; commands[i] != NULL; i++) {
        (void)fprintf(out, "complete -c layerpipe -n __fish_use_subcommand -f -a %s -d '",
                      commands[i]->name);
        put_quoted(commands[i]->summary, out);
        (void)fputs("'\n", out);
        for_each_option(commands[i], out, put_fish_option);
    }
}

static int run(struct settings *settings)
{
    static const struct {
        const char *shell;
        void (*put)(const struct command *const *commands, FILE *out);
    } shells[] = { { "bash", put_bash }, { "zsh", put_zsh }, { "fish", put_fish } };
    const char *shell = settings_argument(settings, 0);
    for (size_t i = 0; i < sizeof shells / sizeof shells[0]; i++) {
        struct text_out text;
        if (strcmp(shells[i].shell, shell) == 0) {
            FILE *out = text_open(&text);
            if (out != NULL) {
                shells[i].put(settings->commands, out);
            }
            return print_text(&text, NULL);
        }
    }
    return usage_error(settings->command_name,
                       "no completion for \"%s\"; the shell must be bash, zsh or fish", shell);
}

const struct command command_completion = {
    .name = "completion",
    .synopsis = "SHELL",
    .summary = "Print a completion script for bash, zsh or fish",
    .groups = (const struct option_group *const[]){ &group_general, NULL },
    .args_min = 1,
    .args_max = 1,
    .run = run,
};
