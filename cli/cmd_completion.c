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

/* Writes the words of "gzip[:LEVEL]|none": the ones that can be typed as they are. */
static void put_bash_words(const char *value, FILE *out)
{
    while (value != NULL && *value != '\0') {
        size_t size = strcspn(value, "|");
        size_t word = strspn(value, "abcdefghijklmnopqrstuvwxyz0123456789-");
        if (word > 0 && (word == size || value[word] == '[')) {
            (void)fprintf(out, "%.*s ", (int)word, value);
        }
        value += size + (value[size] == '|');
    }
}

/* One case for "COMMAND:--OPTION", the word before the value, or "COMMAND:--OPTION=". */
static void put_bash_value(const struct command *command, const struct option *row, FILE *out)
{
    const char *name = command->name;
    bool takes_word = option_takes_value(row);
    if (!takes_word && row->kind != OPTION_MODE && row->kind != OPTION_ONOFF) {
        return;
    }
    if (takes_word) {
        (void)fprintf(out, "    %s:--%s | %s:--%s=) ", name, row->name, name, row->name);
    } else {
        (void)fprintf(out, "    %s:--%s=) ", name, row->name);
    }
    if (row->complete != OPTION_COMPLETE_NONE) {
        (void)fprintf(out, "COMPREPLY=($(compgen -%c -- \"$cur\")); return ;;\n",
                      row->complete == OPTION_COMPLETE_DIRECTORY ? 'd' : 'f');
        return;
    }
    (void)fputs("words='", out);
    put_bash_words(row->kind == OPTION_ONOFF ? "true|false" : row->value, out);
    (void)fputs("'; is_value=1 ;;\n", out);
}

/* Finds the command, which general options may precede, and puts a '=' that bash made a word of its
 * own to the option before it. */
static const char bash_begin[] =
    "# bash completion of layerpipe\n_layerpipe()\n{\n"
    "    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}\n"
    "    local subcommand='' words='' is_value='' i\n    COMPREPLY=()\n"
    "    for ((i = 1; i < COMP_CWORD; i++)); do\n"
    "        case \"${COMP_WORDS[i]}\" in\n"
    "        --progress) [ \"${COMP_WORDS[i+1]}\" = '=' ] && i=$((i + 1)); i=$((i + 1)) ;;\n"
    "        -*) ;;\n        *) subcommand=${COMP_WORDS[i]}; break ;;\n        esac\n    done\n"
    "    if [ \"$cur\" = '=' ]; then\n        cur=''; prev=\"$prev=\"\n"
    "    elif [ \"$prev\" = '=' ]; then\n        prev=\"${COMP_WORDS[COMP_CWORD-2]}=\"\n    fi\n"
    "    case \"$subcommand:$prev\" in\n";

static const char bash_end[] =
    "    esac\n    if [ -n \"$is_value\" ] || [ -n \"$words\" ]; then\n"
    "        COMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n    else\n"
    "        COMPREPLY=($(compgen -f -- \"$cur\"))\n    fi\n}\n"
    "complete -o filenames -F _layerpipe layerpipe\n";

static void put_bash_options(const struct command *const *commands, const struct command *general,
                             FILE *out)
{
    (void)fputs("    esac\n    case \"$is_value:$subcommand:$cur\" in\n    ::-*) words='", out);
    for_each_option(general, out, put_bash_option);
    (void)fputs("' ;;\n    ::*) words='", out);
    put_command_names(commands, out);
    (void)fputs("' ;;\n", out);
    for (size_t i = 0; commands[i] != NULL; i++) {
        (void)fprintf(out, "    :%s:-*) words='", commands[i]->name);
        for_each_option(commands[i], out, put_bash_option);
        (void)fputs("' ;;\n", out);
    }
}

static void put_bash(const struct command *const *commands, FILE *out)
{
    const struct option_group *const groups[] = { &group_general, NULL };
    const struct command general = { .name = "", .groups = groups };
    (void)fputs(bash_begin, out);
    (void)fputs("    help:help) words='", out);
    put_command_names(commands, out);
    (void)fputs("' ;;\n    completion:completion) words='bash zsh fish' ;;\n", out);
    for_each_option(&general, out, put_bash_value);
    for (size_t i = 0; commands[i] != NULL; i++) {
        for_each_option(commands[i], out, put_bash_value);
    }
    put_bash_options(commands, &general, out);
    (void)fputs(bash_end, out);
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
