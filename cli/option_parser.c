/* SPDX-License-Identifier: Apache-2.0 */
#include "option_parser.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define WORD_MAX 32
#define HELP_COLUMN 30

struct parser {
    const struct option_group *const *groups;
    char *const *argv;
    void *settings;
    struct item_list *args;
    char *message;
};

bool item_add(struct item_list *list, int tag, const char *text)
{
    struct item *grown = realloc(list->items, (list->count + 1) * sizeof(struct item));
    if (grown == NULL) {
        return false;
    }
    list->items = grown;
    list->items[list->count++] = (struct item){ .tag = tag, .text = text };
    return true;
}

void item_list_dispose(struct item_list *list)
{
    free(list->items);
    *list = (struct item_list){ 0 };
}

/* Writes the message of a usage error. Returns false. */
__attribute__((format(printf, 2, 3))) static bool refuse(const struct parser *parser,
                                                         const char *format, ...)
{
    va_list args;
    va_start(args, format);
    (void)vsnprintf(parser->message, OPTION_MESSAGE_MAX, format, args);
    va_end(args);
    return false;
}

/* Levenshtein distance. For a word longer than WORD_MAX it is WORD_MAX. */
static unsigned word_distance(const char *a, const char *b)
{
    unsigned row[WORD_MAX + 1];
    size_t a_size = strlen(a), b_size = strlen(b);
    if (a_size > WORD_MAX || b_size > WORD_MAX) {
        return WORD_MAX;
    }
    for (size_t j = 0; j <= b_size; j++) {
        row[j] = (unsigned)j;
    }
    for (size_t i = 1; i <= a_size; i++) {
        unsigned diagonal = row[0];
        row[0] = (unsigned)i;
        for (size_t j = 1; j <= b_size; j++) {
            unsigned replaced = diagonal + (a[i - 1] != b[j - 1]);
            unsigned shifted = (row[j] < row[j - 1] ? row[j] : row[j - 1]) + 1;
            diagonal = row[j];
            row[j] = replaced < shifted ? replaced : shifted;
        }
    }
    return row[b_size];
}

const char *nearest_word(const char *word, const char *best_so_far, const char *candidate)
{
    unsigned limit = (unsigned)strlen(word) / 3 + 1;
    unsigned distance = word_distance(word, candidate);
    if (distance > limit) {
        return best_so_far;
    }
    bool nearer = best_so_far == NULL || distance < word_distance(word, best_so_far);
    return nearer ? candidate : best_so_far;
}

static const struct option *find_letter(const struct parser *parser, char letter)
{
    for (size_t g = 0; parser->groups[g] != NULL; g++) {
        for (const struct option *row = parser->groups[g]->rows; row->name != NULL; row++) {
            if (row->letter == letter) {
                return row;
            }
        }
    }
    return NULL;
}

static const struct option *find_name(const struct parser *parser, const char *name, size_t size)
{
    for (size_t g = 0; parser->groups[g] != NULL; g++) {
        for (const struct option *row = parser->groups[g]->rows; row->name != NULL; row++) {
            if (strlen(row->name) == size && memcmp(row->name, name, size) == 0) {
                return row;
            }
        }
    }
    return NULL;
}

static bool unknown_option(const struct parser *parser, const char *name, size_t size)
{
    char word[WORD_MAX + 1] = "";
    const char *best = NULL;
    if (size <= WORD_MAX) {
        memcpy(word, name, size);
    }
    for (size_t g = 0; parser->groups[g] != NULL && word[0] != '\0'; g++) {
        for (const struct option *row = parser->groups[g]->rows; row->name != NULL; row++) {
            best = nearest_word(word, best, row->name);
        }
    }
    if (best == NULL) {
        return refuse(parser, "unknown option --%.*s", (int)size, name);
    }
    return refuse(parser, "unknown option --%.*s; did you mean --%s?", (int)size, name, best);
}

static bool parse_digits(const char *text, const char **ret_end, uint64_t *ret_value)
{
    uint64_t value = 0;
    const char *next = text;
    for (; *next >= '0' && *next <= '9'; next++) {
        uint64_t digit = (uint64_t)(*next - '0');
        if (value > (UINT64_MAX - digit) / 10) {
            return false;
        }
        value = value * 10 + digit;
    }
    *ret_end = next;
    *ret_value = value;
    return next != text;
}

static bool set_number(const struct parser *parser, const struct option *row, const char *text,
                       int64_t *ret_number)
{
    uint64_t value;
    const char *end;
    if (!parse_digits(text, &end, &value) || *end != '\0' || value < row->min || value > row->max) {
        return refuse(parser, "--%s needs a number from %llu to %llu, not \"%.40s\"", row->name,
                      (unsigned long long)row->min, (unsigned long long)row->max, text);
    }
    *ret_number = (int64_t)value;
    return true;
}

/* 0 for "", 10 for "K", "KB" and "KiB", 20 for "M" and so on; -1 for anything else. */
static int size_shift(const char *suffix)
{
    static const char letters[] = "KMGT";
    char upper = (char)(*suffix >= 'a' && *suffix <= 'z' ? *suffix - 32 : *suffix);
    const char *letter = upper == '\0' ? NULL : strchr(letters, upper);
    if (letter == NULL) {
        return *suffix == '\0' ? 0 : -1;
    }
    const char *rest = suffix + 1;
    bool valid = *rest == '\0' || strcmp(rest, "B") == 0 || strcmp(rest, "iB") == 0;
    return valid ? (int)(letter - letters + 1) * 10 : -1;
}

static bool set_bytes(const struct parser *parser, const struct option *row, const char *text,
                      uint64_t *ret_bytes)
{
    uint64_t value;
    const char *end = text;
    int shift = parse_digits(text, &end, &value) ? size_shift(end) : -1;
    if (shift < 0) {
        return refuse(parser, "--%s needs a size such as 512K, 16M or 1G, not \"%.40s\"", row->name,
                      text);
    }
    if (value > row->max >> shift || value << shift < row->min) {
        return refuse(parser, "--%s: %.40s is out of range (%llu to %llu bytes)", row->name, text,
                      (unsigned long long)row->min, (unsigned long long)row->max);
    }
    *ret_bytes = value << shift;
    return true;
}

static bool set_choice(const struct parser *parser, const struct option *row, const char *text,
                       int *ret_choice)
{
    size_t size = strlen(text);
    int place = 0;
    for (const char *next = row->value; next != NULL; place++) {
        const char *bar = strchr(next, '|');
        size_t length = bar == NULL ? strlen(next) : (size_t)(bar - next);
        if (length == size && memcmp(next, text, size) == 0) {
            *ret_choice = place + row->tag;
            return true;
        }
        next = bar == NULL ? NULL : bar + 1;
    }
    return refuse(parser, "--%s is one of %s, not \"%.40s\"", row->name, row->value, text);
}

static bool set_onoff(const struct parser *parser, const struct option *row, const char *text,
                      int *ret_on)
{
    bool on = text == NULL || strcmp(text, "true") == 0;
    if (!on && strcmp(text, "false") != 0) {
        return refuse(parser, "--%s is true or false, not \"%.40s\"", row->name, text);
    }
    *ret_on = on;
    return true;
}

static bool set_value(const struct parser *parser, const struct option *row, const char *text)
{
    void *place = (char *)parser->settings + row->offset;
    switch (row->kind) {
    case OPTION_FLAG:
        *(bool *)place = true;
        return true;
    case OPTION_RAISE:
        *(int *)place += 1;
        return true;
    case OPTION_ONOFF:
        return set_onoff(parser, row, text, place);
    case OPTION_TEXT:
        *(const char **)place = text;
        return true;
    case OPTION_ITEM:
        return item_add(place, row->tag, text) || refuse(parser, "out of memory");
    case OPTION_NUMBER:
        return set_number(parser, row, text, place);
    case OPTION_BYTES:
        return set_bytes(parser, row, text, place);
    case OPTION_CHOICE:
        return set_choice(parser, row, text, place);
    }
    return false;
}

static bool takes_value(const struct option *row)
{
    return row->kind != OPTION_FLAG && row->kind != OPTION_RAISE && row->kind != OPTION_ONOFF;
}

/* Parses one long option. *next points to the word after it; if that word is the option's value,
 * *next is moved behind it. */
static bool parse_long(const struct parser *parser, const char *name, char *const **next)
{
    const char *equals = strchr(name, '=');
    size_t size = equals == NULL ? strlen(name) : (size_t)(equals - name);
    const struct option *row = find_name(parser, name, size);
    const char *text = equals == NULL ? NULL : equals + 1;
    if (row == NULL) {
        return unknown_option(parser, name, size);
    }
    if (text != NULL && (row->kind == OPTION_FLAG || row->kind == OPTION_RAISE)) {
        return refuse(parser, "--%s takes no value", row->name);
    }
    if (text == NULL && takes_value(row)) {
        text = **next;
        if (text == NULL) {
            return refuse(parser, "--%s needs a value: %s", row->name, row->value);
        }
        (*next)++;
    }
    return set_value(parser, row, text);
}

static bool parse_letters(const struct parser *parser, const char *letters)
{
    for (; *letters != '\0'; letters++) {
        const struct option *row = find_letter(parser, *letters);
        if (row == NULL) {
            return refuse(parser, "unknown option -%c", *letters);
        }
        if (!set_value(parser, row, NULL)) {
            return false;
        }
    }
    return true;
}

bool option_parse(const struct option_group *const *groups, char *const *argv, void *settings,
                  struct item_list *args, char *message)
{
    struct parser parser = { groups, argv, settings, args, message };
    bool options_over = false, good = true;
    for (char *const *next = argv; *next != NULL && good;) {
        const char *word = *next++;
        if (options_over || word[0] != '-' || word[1] == '\0') {
            good = item_add(args, ITEM_ARGUMENT, word) || refuse(&parser, "out of memory");
        } else if (strcmp(word, "--") == 0) {
            options_over = true;
        } else if (word[1] == '-') {
            good = parse_long(&parser, word + 2, &next);
        } else {
            good = parse_letters(&parser, word + 1);
        }
    }
    return good;
}

static void help_row(const struct option *row, FILE *out)
{
    char left[96];
    int used = row->letter != 0 ? snprintf(left, sizeof left, "  -%c, --%s", row->letter, row->name)
                                : snprintf(left, sizeof left, "      --%s", row->name);
    if (row->kind == OPTION_ONOFF) {
        (void)snprintf(left + used, sizeof left - (size_t)used, "[=true|false]");
    } else if (row->value != NULL) {
        (void)snprintf(left + used, sizeof left - (size_t)used, " %s", row->value);
    }
    if (strlen(left) >= HELP_COLUMN) {
        (void)fprintf(out, "%s\n%*s%s\n", left, HELP_COLUMN, "", row->help);
    } else {
        (void)fprintf(out, "%-*s%s\n", HELP_COLUMN, left, row->help);
    }
}

void option_print_help(const struct option_group *const *groups, FILE *out)
{
    for (size_t g = 0; groups[g] != NULL; g++) {
        (void)fprintf(out, "\n%s:\n", groups[g]->title);
        for (const struct option *row = groups[g]->rows; row->name != NULL; row++) {
            help_row(row, out);
        }
    }
}
