/* SPDX-License-Identifier: Apache-2.0 */
#include "option_parser.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define WORD_MAX 32
#define HELP_COLUMN 30

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
__attribute__((format(printf, 2, 3))) static bool refuse(struct option_parser *parser,
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
    size_t size = strlen(word);
    unsigned limit = size <= 5 ? 1 : size <= 8 ? 2 : 3; /* short words are similar by chance */
    unsigned distance = word_distance(word, candidate);
    if (distance > limit) {
        return best_so_far;
    }
    bool nearer = best_so_far == NULL || distance < word_distance(word, best_so_far);
    return nearer ? candidate : best_so_far;
}

static const struct option *find_letter(const struct option_parser *parser, char letter)
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

static const struct option *find_name(const struct option_parser *parser, const char *name,
                                      size_t size)
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

/* What to write for an option of another tool; NULL if it is not known or does not fit here. */
static const char *advice_for(const struct option_parser *parser, const char *name, size_t size)
{
    for (const struct option_advice *row = parser->foreign; row->advice != NULL; row++) {
        bool is_meant = row->command == NULL ||
                        (parser->command != NULL && strcmp(parser->command, row->command) == 0);
        if (is_meant && strlen(row->word) == size && memcmp(row->word, name, size) == 0 &&
            find_name(parser, row->needs, strlen(row->needs)) != NULL) {
            return row->advice;
        }
    }
    return NULL;
}

static bool unknown_letter(struct option_parser *parser, char letter)
{
    const char *advice = advice_for(parser, &letter, 1);
    return refuse(parser, "unknown option -%c%s%s", letter, advice == NULL ? "" : "; ",
                  advice == NULL ? "" : advice);
}

static bool unknown_option(struct option_parser *parser, const char *name, size_t size)
{
    const char *advice = advice_for(parser, name, size);
    if (advice != NULL) {
        return refuse(parser, "unknown option --%.*s; %s", (int)size, name, advice);
    }
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

static bool set_number(struct option_parser *parser, const struct option *row, const char *text,
                       int64_t *ret_number)
{
    uint64_t value;
    const char *end;
    if (!parse_digits(text, &end, &value) || *end != '\0' || value < row->min || value > row->max) {
        /* The text is not shown: after --password-fd it may be the password. */
        return refuse(parser, "--%s needs a number from %llu to %llu", row->name,
                      (unsigned long long)row->min, (unsigned long long)row->max);
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

static bool set_bytes(struct option_parser *parser, const struct option *row, const char *text,
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

static bool set_choice(struct option_parser *parser, const struct option *row, const char *text,
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

static bool set_onoff(struct option_parser *parser, const struct option *row, const char *text,
                      int *ret_on)
{
    bool on = text == NULL || strcmp(text, "true") == 0;
    if (!on && strcmp(text, "false") != 0) {
        return refuse(parser, "--%s is true or false, not \"%.40s\"", row->name, text);
    }
    *ret_on = on;
    return true;
}

/* Finds values that cannot be meant for the option: usually its value was forgotten, and the next
 * word is an argument. The library checks values completely, but only after all words were parsed.
 * */
static bool check_item(struct option_parser *parser, const struct option *row, const char *text)
{
    if (strcmp(row->value, "K=V") == 0 && strchr(text, '=') == NULL) {
        return refuse(parser, "--%s needs K=V; its value has no '='", row->name);
    }
    if (strcmp(row->value, "TAG") == 0 && strpbrk(text, "/:@=") != NULL) {
        return refuse(parser, "--%s needs a tag; its value is a path or reference", row->name);
    }
    return true;
}

static bool set_item(struct option_parser *parser, const struct option *row, const char *text,
                     struct item_list *list)
{
    return check_item(parser, row, text) &&
           (item_add(list, row->tag, text) || refuse(parser, "out of memory"));
}

static bool set_value(struct option_parser *parser, const struct option *row, const char *text)
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
        return set_item(parser, row, text, place);
    case OPTION_NUMBER:
        return set_number(parser, row, text, place);
    case OPTION_BYTES:
        return set_bytes(parser, row, text, place);
    case OPTION_CHOICE:
        return set_choice(parser, row, text, place);
    case OPTION_MODE:
        if (text == NULL) {
            *(int *)place = (int)row->min;
            return true;
        }
        return set_choice(parser, row, text, place);
    }
    return false;
}

bool option_takes_value(const struct option *row)
{
    return row->kind != OPTION_FLAG && row->kind != OPTION_RAISE && row->kind != OPTION_ONOFF &&
           row->kind != OPTION_MODE;
}

/* True if word is one of the a|b|c of choices. */
static bool is_choice(const char *choices, const char *word)
{
    const char *found = strstr(choices, word);
    size_t size = strlen(word);
    return found != NULL && size > 0 && (found == choices || found[-1] == '|') &&
           (found[size] == '\0' || found[size] == '|');
}

/* Refuses "--tls-verify false": other tools take the next word as the value, here it would become
 * an argument, for example the name of the image. */
static bool check_next_word(struct option_parser *parser, const struct option *row,
                            const char *word)
{
    const char *choices = row->kind == OPTION_MODE ? row->value : "true|false|yes|no";
    if (word == NULL || !is_choice(choices, word)) {
        return true;
    }
    if (row->kind == OPTION_ONOFF || row->kind == OPTION_MODE) {
        bool on = strcmp(word, "yes") == 0, off = strcmp(word, "no") == 0;
        return refuse(parser, "write --%s=%s (with '=')", row->name,
                      on    ? "true"
                      : off ? "false"
                            : word);
    }
    return refuse(parser,
                  "--%s takes no value: remove \"%s\"; for a file or image of this name write "
                  "it elsewhere",
                  row->name, word);
}

/* Parses one long option. *next points to the word after it; if that word is the option's value,
 * *next is moved after it. */
static bool parse_long(struct option_parser *parser, const char *name, char *const **next)
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
    if (text == NULL && option_takes_value(row)) {
        text = **next;
        if (text == NULL) {
            return refuse(parser, "--%s needs a value: %s", row->name, row->value);
        }
        (*next)++;
    } else if (text == NULL && !check_next_word(parser, row, **next)) {
        return false;
    }
    return set_value(parser, row, text);
}

static bool parse_letters(struct option_parser *parser, const char *letters)
{
    for (; *letters != '\0'; letters++) {
        const struct option *row = find_letter(parser, *letters);
        if (row == NULL) {
            return unknown_letter(parser, *letters);
        }
        if (!set_value(parser, row, NULL)) {
            return false;
        }
    }
    return true;
}

/* Parses a word that begins with '-' and is longer. */
static bool parse_option(struct option_parser *parser, const char *word, char *const **next)
{
    return word[1] == '-' ? parse_long(parser, word + 2, next) : parse_letters(parser, word + 1);
}

static bool is_option(const char *word)
{
    return word[0] == '-' && word[1] != '\0' && strcmp(word, "--") != 0;
}

bool option_parse_leading(struct option_parser *parser, char *const **argv)
{
    while (**argv != NULL && is_option(**argv)) {
        const char *word = *(*argv)++;
        if (!parse_option(parser, word, argv)) {
            return false;
        }
    }
    return true;
}

bool option_parse(struct option_parser *parser, char *const *argv)
{
    bool options_over = false;
    while (*argv != NULL) {
        const char *word = *argv++;
        if (!options_over && is_option(word)) {
            if (!parse_option(parser, word, &argv)) {
                return false;
            }
        } else if (!options_over && strcmp(word, "--") == 0) {
            options_over = true;
        } else if (!item_add(parser->args, ITEM_ARGUMENT, word)) {
            return refuse(parser, "out of memory");
        }
    }
    return true;
}

static void help_row(const struct option *row, FILE *out)
{
    char left[96];
    int used = row->letter != 0 ? snprintf(left, sizeof left, "  -%c, --%s", row->letter, row->name)
                                : snprintf(left, sizeof left, "      --%s", row->name);
    if (row->kind == OPTION_ONOFF) {
        (void)snprintf(left + used, sizeof left - (size_t)used, "[=true|false]");
    } else if (row->kind == OPTION_MODE) {
        (void)snprintf(left + used, sizeof left - (size_t)used, "[=%s]", row->value);
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
