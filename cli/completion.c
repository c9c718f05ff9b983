/* SPDX-License-Identifier: Apache-2.0 */
/* What the completion scripts of all shells are made of. */
#include "completion.h"

const char completion_reference_script[] =
    "layout_tags() { tr -d \"\\n\" | tr , \"\\n\" | "
    "sed -nE \"s/.*\\\"org.opencontainers.image.ref.name\\\" *: *\\\"([^\\\"]*)\\\".*/\\1/p\"; }\n"
    "archive_tags() { tr -d \"\\n\" | tr \"{}\" \"\\n\\n\" | "
    "sed -nE \"s/.*\\\"RepoTags\\\" *: *\\[([^]]*)\\].*/\\1/p\" | tr , \"\\n\" | tr -d \"\\\" \"; "
    "}\n"
    "after() { while read -r tag || [ -n \"$tag\" ]; do printf \"%s:%s\\n\" \"$1\" \"$tag\"; done; "
    "}\n"
    "kind=${1%%:*}; path=${1#*:}; path=${path%%:*}\n"
    "case $1 in\n"
    "oci:*:*) layout_tags <\"$path/index.json\" | after \"oci:$path\" ;;\n"
    "oci-archive:*:*) tar -xOf \"$path\" index.json | layout_tags | after \"$kind:$path\" ;;\n"
    "docker-archive:*:*) tar -xOf \"$path\" manifest.json | archive_tags | after \"$kind:$path\" "
    ";;\n"
    "oci:*) for file in \"$path\"*/; do\n"
    "    if [ -e \"$file/oci-layout\" ]; then echo \"oci:${file%/}:\"\n"
    "    elif [ -d \"$file\" ]; then echo \"oci:$file\"; fi; done ;;\n"
    "oci-archive:* | docker-archive:*) for file in \"$path\"*; do\n"
    "    if [ -d \"$file\" ]; then echo \"$kind:$file/\"\n"
    "    elif [ -e \"$file\" ]; then echo \"$kind:$file\"; fi; done ;;\n"
    "*) printf \"%s\\n\" oci: oci-archive: docker-archive: null: ;;\n"
    "esac 2>/dev/null | while read -r word; do\n"
    "    case $word in \"$1\"*) printf \"%s\\n\" \"$word\" ;; esac; done";

void completion_each_option(const struct command *command, FILE *out,
                            void (*put)(const struct command *, const struct option *, FILE *))
{
    for (size_t g = 0; command->groups[g] != NULL; g++) {
        for (const struct option *row = command->groups[g]->rows; row->name != NULL; row++) {
            put(command, row, out);
        }
    }
}

void completion_put_quoted(const char *text, FILE *out)
{
    for (; *text != '\0'; text++) {
        (void)fputs(*text == '\'' ? "'\\''" : (char[]){ *text, '\0' }, out);
    }
}

static bool is_choice(const struct option *row)
{
    return row->kind == OPTION_CHOICE || row->kind == OPTION_MODE;
}

bool completion_has_words(const struct option *row)
{
    return is_choice(row) || row->kind == OPTION_ONOFF || row->words != NULL;
}

void completion_put_words(const struct option *row, const char *colon, FILE *out)
{
    const char *words = is_choice(row)              ? row->value
                        : row->kind == OPTION_ONOFF ? "true false"
                                                    : row->words;
    for (; *words != '\0'; words++) {
        (void)fputs(*words == '|' ? " " : *words == ':' ? colon : (char[]){ *words, '\0' }, out);
    }
}

void completion_put_command_names(const struct command *const *commands, FILE *out)
{
    for (size_t i = 0; commands[i] != NULL; i++) {
        (void)fprintf(out, "%s%s", i > 0 ? " " : "", commands[i]->name);
    }
}

bool completion_has_argument_words(const struct command *command)
{
    return command->argument_words != NULL;
}

void completion_put_argument_words(const struct command *command,
                                   const struct command *const *commands, FILE *out)
{
    (void)fputs(command->argument_words, out);
    if (command->argument_words[0] == '\0') {
        completion_put_command_names(commands, out);
    }
}
