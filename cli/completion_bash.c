/* SPDX-License-Identifier: Apache-2.0 */
/* The completion script for bash. */
#include "completion.h"

static void put_name(const struct command *command, const struct option *row, FILE *out)
{
    (void)command;
    (void)fprintf(out, " --%s", row->name);
}

/* One case for "COMMAND:--OPTION", the word before the value, or "COMMAND:--OPTION=". */
static void put_value(const struct command *command, const struct option *row, FILE *out)
{
    static const char *const kinds[] = { [OPTION_COMPLETE_NONE] = "none",
                                         [OPTION_COMPLETE_FILE] = "file",
                                         [OPTION_COMPLETE_DIRECTORY] = "directory",
                                         [OPTION_COMPLETE_REFERENCE] = "reference" };
    const char *name = command->name;
    if (option_takes_value(row)) {
        (void)fprintf(out, "    %s:--%s | %s:--%s=) ", name, row->name, name, row->name);
    } else if (completion_has_words(row)) {
        (void)fprintf(out, "    %s:--%s=) ", name, row->name);
    } else {
        return;
    }
    if (completion_has_words(row)) {
        (void)fputs("kind=words words='", out);
        completion_put_words(row, ":", out);
        (void)fputs("' ;;\n", out);
    } else {
        (void)fprintf(out, "kind=%s ;;\n", kinds[row->complete]);
    }
}

/* bash ends a word at '=' and ':', so that "cur" is only the last part. "word" is the whole text
 * before the cursor, or the value after "--option=". General options may precede the command. */
static const char begin[] =
    "# bash completion of layerpipe\n_layerpipe()\n{\n"
    "    local line=${COMP_LINE:0:COMP_POINT} cur=${COMP_WORDS[COMP_CWORD]}\n"
    "    local word prev subcommand='' kind='' words='' i\n    local -a typed\n"
    "    read -ra typed <<<\"$line\"\n    [[ $line == *[[:space:]] ]] && typed+=('')\n"
    "    word=${typed[-1]} prev=${typed[-2]}\n"
    "    case \"$word\" in --*=*) prev=${word%%=*}= word=${word#*=} ;; esac\n"
    "    case \"$cur\" in = | :) cur='' ;; esac\n"
    "    for ((i = 1; i < ${#typed[@]} - 1; i++)); do\n        case \"${typed[i]}\" in\n"
    "        --progress) i=$((i + 1)) ;;\n        -*) ;;\n"
    "        *) subcommand=${typed[i]}; break ;;\n        esac\n    done\n"
    "    case \"$subcommand:$prev\" in\n";

/* The candidates are whole words; bash gets them without what it takes for earlier words. */
static const char end[] =
    "    esac\n    COMPREPLY=()\n    case $kind in\n"
    "    file | directory) compopt -o filenames 2>/dev/null\n"
    "        mapfile -t COMPREPLY < <(compgen -${kind:0:1} -- \"$cur\"); return ;;\n"
    "    reference) words=$(_layerpipe_references \"$word\")\n"
    "        [[ $word == *:* ]] || mapfile -t COMPREPLY < <(compgen -f -- \"$cur\")\n"
    "        [ -z \"$words\" ] && compopt -o filenames 2>/dev/null\n"
    "        [[ $words == *[:/] ]] && compopt -o nospace 2>/dev/null ;;\n"
    "    words) words=$(compgen -W \"$words\" -- \"$word\") ;;\n    *) return ;;\n    esac\n"
    "    local before=${word%\"$cur\"}\n    while read -r i; do\n"
    "        [ -n \"$i\" ] && COMPREPLY+=(\"${i#\"$before\"}\")\n    done <<<\"$words\"\n}\n"
    "complete -F _layerpipe layerpipe\n";

static void put_words_of(const struct command *command, const struct command *const *commands,
                         FILE *out)
{
    (void)fprintf(out, "    :%s:-*) kind=words words='", command->name);
    completion_each_option(command, out, put_name);
    (void)fputs("' ;;\n", out);
    if (completion_has_argument_words(command)) {
        (void)fprintf(out, "    :%s:*) kind=words words='", command->name);
        completion_put_argument_words(command, commands, out);
        (void)fputs("' ;;\n", out);
    } else if (command->takes_references) {
        (void)fprintf(out, "    :%s:*) kind=reference ;;\n", command->name);
    }
}

void completion_put_bash(const struct command *const *commands, FILE *out)
{
    const struct option_group *const groups[] = { &group_general, NULL };
    const struct command general = { .name = "", .groups = groups };
    (void)fprintf(out, "_layerpipe_references()\n{\n    sh -c '%s' layerpipe \"$1\"\n}\n",
                  completion_reference_script);
    (void)fputs(begin, out);
    completion_each_option(&general, out, put_value);
    for (size_t i = 0; commands[i] != NULL; i++) {
        completion_each_option(commands[i], out, put_value);
    }
    (void)fputs("    esac\n    case \"$kind:$subcommand:$word\" in\n    ::-*) kind=words words='",
                out);
    completion_each_option(&general, out, put_name);
    (void)fputs("' ;;\n    ::*) kind=words words='", out);
    completion_put_command_names(commands, out);
    (void)fputs("' ;;\n", out);
    for (size_t i = 0; commands[i] != NULL; i++) {
        put_words_of(commands[i], commands, out);
    }
    (void)fputs(end, out);
}
