/* SPDX-License-Identifier: Apache-2.0 */
/* The completion script for zsh. */
#include <string.h>

#include "completion.h"

/* Writes text of an _arguments specification, where brackets and colons are escaped. */
static void put_text(const char *text, FILE *out)
{
    for (; *text != '\0'; text++) {
        if (strchr("[]:", *text) != NULL) {
            (void)fputc('\\', out);
        }
        completion_put_quoted((char[]){ *text, '\0' }, out);
    }
}

/* "=-": the value is in the same word, after '='; "=": there or in the next word. "::": it may be
 * left out. */
static void put_option(const struct command *command, const struct option *row, FILE *out)
{
    static const char *const actions[] = { [OPTION_COMPLETE_NONE] = "",
                                           [OPTION_COMPLETE_FILE] = "_files",
                                           [OPTION_COMPLETE_DIRECTORY] = "_directories",
                                           [OPTION_COMPLETE_REFERENCE] = "_layerpipe_reference" };
    bool takes_word = option_takes_value(row);
    bool takes_value = takes_word || completion_has_words(row);
    (void)command;
    (void)fprintf(out, "            '*--%s%s[", row->name,
                  takes_word    ? "="
                  : takes_value ? "=-"
                                : "");
    put_text(row->help, out);
    (void)fputs(!takes_value ? "]" : takes_word ? "]:value:" : "]::value:", out);
    if (completion_has_words(row)) {
        (void)fputc('(', out);
        completion_put_words(row, "\\:", out);
        (void)fputc(')', out);
    } else if (takes_value) {
        (void)fputs(actions[row->complete], out);
    }
    (void)fputs("' \\\n", out);
}

static const char reference_end[] =
    "' layerpipe \"$PREFIX\")\"})\n    (( $#found )) && compadd -Q -S '' -- ${(q)found}\n"
    "    [[ $PREFIX == *:* ]] || _files\n}\n";

/* General options may precede the command. */
static const char find_command[] =
    "    )\n    local i=2\n    while (( i < CURRENT )); do\n        case $words[i] in\n"
    "        --progress) (( i += 2 )) ;;\n        -*) (( i++ )) ;;\n        *) break ;;\n"
    "        esac\n    done\n    local subcommand=\n    if (( i < CURRENT )); then\n"
    "        subcommand=$words[i]\n        shift $(( i - 1 )) words\n"
    "        (( CURRENT -= i - 1 ))\n    elif [[ $words[CURRENT] != -* ]]; then\n"
    "        _describe command subcommands\n        return\n    fi\n    case $subcommand in\n";

static void put_arguments(const struct command *command, const struct command *const *commands,
                          FILE *out)
{
    (void)fprintf(out, "    '%s')\n        _arguments \\\n", command->name);
    completion_each_option(command, out, put_option);
    if (completion_has_argument_words(command)) {
        (void)fputs("            '*:word:(", out);
        completion_put_argument_words(command, commands, out);
        (void)fputs(")'", out);
    } else if (command->takes_references) {
        (void)fputs("            '*:reference:_layerpipe_reference'", out);
    } else {
        (void)fputs("            '*:word:'", out);
    }
    (void)fputs("\n        ;;\n", out);
}

void completion_put_zsh(const struct command *const *commands, FILE *out)
{
    const struct option_group *const groups[] = { &group_general, NULL };
    const struct command general = { .name = "", .groups = groups };
    (void)fprintf(out,
                  "#compdef layerpipe\n_layerpipe_reference()\n{\n    local -a found\n"
                  "    found=(${(f)\"$(sh -c '%s%s"
                  "_layerpipe()\n{\n    local -a subcommands\n    subcommands=(\n",
                  completion_reference_script, reference_end);
    for (size_t i = 0; commands[i] != NULL; i++) {
        (void)fprintf(out, "        '%s:", commands[i]->name);
        completion_put_quoted(commands[i]->summary, out);
        (void)fputs("'\n", out);
    }
    (void)fputs(find_command, out);
    put_arguments(&general, commands, out);
    for (size_t i = 0; commands[i] != NULL; i++) {
        put_arguments(commands[i], commands, out);
    }
    (void)fputs("    esac\n}\nif [ \"$funcstack[1]\" = _layerpipe ]; then\n    _layerpipe \"$@\"\n"
                "else\n    compdef _layerpipe layerpipe\nfi\n",
                out);
}
