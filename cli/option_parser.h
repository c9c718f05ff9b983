/* SPDX-License-Identifier: Apache-2.0 */
/* Parses options by tables. Parsing, help, usage messages and shell completion use the same tables.
 *
 * A row says where its value is stored in a settings struct. This module does not know what the
 * options mean. Accepted: --name value, --name=value, single letters (several after one "-"), "--"
 * as the end of the options, options and arguments in any order. Abbreviated names are refused. */
#ifndef CLI_OPTION_PARSER_H
#define CLI_OPTION_PARSER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum option_kind {
    OPTION_FLAG,   /* bool, becomes true */
    OPTION_RAISE,  /* int, plus 1 each time */
    OPTION_ONOFF,  /* bool; --name, --name=true, --name=false */
    OPTION_TEXT,   /* const char *, the last one wins */
    OPTION_ITEM,   /* struct item_list, gets an item with the row's tag */
    OPTION_NUMBER, /* int64_t between min and max */
    OPTION_BYTES,  /* uint64_t between min and max, with K, M, G, T (factors of 1024) */
    OPTION_CHOICE, /* int: index in the value's a|b|c, plus the row's tag */
    OPTION_MODE,   /* as OPTION_CHOICE, but only --name=value; --name alone means the value min */
};

enum option_completion {
    OPTION_COMPLETE_NONE,
    OPTION_COMPLETE_FILE,
    OPTION_COMPLETE_DIRECTORY,
    OPTION_COMPLETE_REFERENCE
};

struct option {
    const char *name;
    char letter; /* 0 = none */
    enum option_kind kind;
    size_t offset;     /* of the value in the settings struct */
    const char *value; /* placeholder in the help, "a|b|c" for a choice; NULL for a flag */
    const char *help;
    enum option_completion complete;
    const char *words; /* values that completion offers, separated by spaces; may be NULL */
    int tag;
    uint64_t min, max;
};

/* An option that other tools have: what to write in its place. */
struct option_advice {
    const char *word;    /* its name, or its letter */
    const char *needs;   /* only for commands that have this option */
    const char *advice;  /* NULL ends a list */
    const char *command; /* only for this one; NULL = for every one. Rows with one come first */
};

/* Options about one topic; several commands use the same group. A row without name ends it. */
struct option_group {
    const char *title;
    const struct option *rows;
};

struct item {
    int tag; /* the row's tag; ITEM_ARGUMENT for an argument that is no option */
    const char *text;
};
#define ITEM_ARGUMENT 0

struct item_list {
    struct item *items;
    size_t count;
};
bool item_add(struct item_list *list, int tag, const char *text);
void item_list_dispose(struct item_list *list);

#define OPTION_MESSAGE_MAX 256

struct option_parser {
    const struct option_group *const *groups;
    const struct option_advice *foreign;
    const char *command; /* its name, or NULL before it is known */
    void *settings;
    struct item_list *args;           /* gets the arguments */
    char message[OPTION_MESSAGE_MAX]; /* after a failure: one sentence */
};

/* Parses argv (without the command's name). Texts are borrowed from argv. */
bool option_parse(struct option_parser *parser, char *const *argv);
/* Parses the options at the start of *argv and moves *argv to the first word that is no option. */
bool option_parse_leading(struct option_parser *parser, char *const **argv);

/* True if the word after the option is its value. */
bool option_takes_value(const struct option *row);

/* Writes all options with their help texts. */
void option_print_help(const struct option_group *const *groups, FILE *out);

/* For "did you mean": returns candidate if it is similar to word and more similar than best_so_far,
 * else best_so_far. Start with NULL. */
const char *nearest_word(const char *word, const char *best_so_far, const char *candidate);

#endif
