/* SPDX-License-Identifier: Apache-2.0 */
/* Option tables: parsing, help, wrong-usage messages and shell completion come from one source.
 *
 * A table row says where in a settings struct its value goes; this file knows nothing of what the
 * options mean. Accepted: --name value, --name=value, single letters (bundled), "--" to end the
 * options, options and arguments in any order. Names are never guessed from abbreviations. */
#ifndef CLI_OPTION_PARSER_H
#define CLI_OPTION_PARSER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum opt_kind {
    OPT_FLAG,   /* bool, set to true */
    OPT_RAISE,  /* int, one more each time */
    OPT_ONOFF,  /* bool; --name, --name=true, --name=false */
    OPT_TEXT,   /* const char *, the last one wins */
    OPT_ITEM,   /* struct item_list, appended with the row's tag */
    OPT_NUMBER, /* int64_t between min and max */
    OPT_BYTES,  /* uint64_t between min and max, with K, M, G, T (factors of 1024) */
    OPT_CHOICE, /* int: place in the value's a|b|c, plus the row's tag */
};

enum opt_complete { OPT_COMPLETE_NONE, OPT_COMPLETE_FILE, OPT_COMPLETE_DIRECTORY };

struct opt {
    const char *name;
    char letter; /* 0 = none */
    enum opt_kind kind;
    size_t offset;     /* of the value in the settings */
    const char *value; /* what to write for it, "a|b|c" for a choice; NULL for a flag */
    const char *help;
    enum opt_complete complete;
    int tag;
    uint64_t min, max;
};

/* Options of one subject; verbs share groups. Ends with a row without name. */
struct opt_group {
    const char *title;
    const struct opt *rows;
};

struct item {
    int tag; /* of the option, ITEM_ARGUMENT for what is not an option */
    const char *text;
};
#define ITEM_ARGUMENT 0

struct item_list {
    struct item *items;
    size_t count;
};
bool item_add(struct item_list *list, int tag, const char *text);
void item_list_dispose(struct item_list *list);

#define OPT_MESSAGE_MAX 256

/* Parses argv (without the verb) into settings; what is no option is appended to args. Texts are
 * borrowed from argv. Returns false with one sentence in message. */
bool opt_parse(const struct opt_group *const *groups, char *const *argv, void *settings,
               struct item_list *args, char *message);

/* Writes the options with their help, group by group. */
void opt_help(const struct opt_group *const *groups, FILE *out);

/* The candidate nearest to a mistyped word, NULL when none is near. */
const char *nearest_word(const char *word, const char *best_so_far, const char *candidate);

#endif
