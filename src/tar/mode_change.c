/* SPDX-License-Identifier: Apache-2.0 */
#include "tar/mode_change.h"

#include <string.h>
#include <sys/stat.h>

#include "base/text.h"

#define MODE_ALL 07777u
#define READ_ALL 0444u
#define WRITE_ALL 0222u
#define EXECUTE_ALL 0111u
#define SET_IDS 06000u

static int fail_mode(const char *text, const char *why, struct lpipe_error *err)
{
    char shown[80];
    return fail(err, LPIPE_INVALID_ARGUMENT, "mode \"%s\" %s",
                text_printable(shown, sizeof shown, text, strlen(text)), why);
}

static int parse_octal(const char *text, struct mode_change *change, struct lpipe_error *err)
{
    unsigned value = 0;
    for (const char *next = text; *next != '\0'; next++) {
        if (*next < '0' || *next > '7' || value > MODE_ALL / 8) {
            return fail_mode(text, "is not an octal number from 0 to 7777", err);
        }
        value = value * 8 + (unsigned)(*next - '0');
    }
    /* chmod(1) takes five digits as the wish to clear a directory's setuid and setgid, too. */
    unsigned mentioned = strlen(text) > 4 ? MODE_ALL : value;
    change->steps[change->count++] = (struct mode_step){
        .operator= '=', .affected = MODE_ALL, .value = value, .mentioned = mentioned
    };
    return 0;
}

/* The bits that "u", "g", "o" and "a" may change; none is all. */
static unsigned parse_who(const char **io_next)
{
    unsigned who = 0;
    for (;; ++*io_next) {
        switch (**io_next) {
        case 'u':
            who |= S_ISUID | S_IRWXU;
            break;
        case 'g':
            who |= S_ISGID | S_IRWXG;
            break;
        case 'o':
            who |= S_ISVTX | S_IRWXO;
            break;
        case 'a':
            who |= MODE_ALL;
            break;
        default:
            return who == 0 ? MODE_ALL : who;
        }
    }
}

static void parse_permissions(const char **io_next, struct mode_step *step)
{
    const char *letters = "rwxstX";
    static const unsigned bits[] = { READ_ALL, WRITE_ALL, EXECUTE_ALL, SET_IDS, S_ISVTX, 0 };
    const char *found = NULL;
    while (**io_next != '\0' && (found = strchr(letters, **io_next)) != NULL) {
        step->value |= bits[found - letters];
        step->execute_if_any = step->execute_if_any || *found == 'X';
        ++*io_next;
    }
}

/* What is after an operator: the u, g or o to copy, or letters. */
static void parse_value(const char **io_next, struct mode_step *step)
{
    switch (**io_next) {
    case 'u':
        step->copied = S_IRWXU;
        ++*io_next;
        break;
    case 'g':
        step->copied = S_IRWXG;
        ++*io_next;
        break;
    case 'o':
        step->copied = S_IRWXO;
        ++*io_next;
        break;
    default:
        parse_permissions(io_next, step);
        step->mentioned = step->value & step->affected;
        break;
    }
}

static bool is_operator(char byte)
{
    return byte == '+' || byte == '-' || byte == '=';
}

/* "ug+rw-x": one or more steps for the same bits. */
static int parse_clause(const char *text, const char **io_next, struct mode_change *change,
                        struct lpipe_error *err)
{
    unsigned who = parse_who(io_next);
    if (!is_operator(**io_next)) {
        return fail_mode(text, "is neither octal nor like u+rwX,go-w", err);
    }
    while (is_operator(**io_next)) {
        if (change->count == MODE_STEPS_MAX) {
            return fail_mode(text, "has too many changes", err);
        }
        struct mode_step *step = &change->steps[change->count++];
        *step = (struct mode_step){ .operator= ** io_next, .affected = who };
        ++*io_next;
        parse_value(io_next, step);
    }
    return 0;
}

int mode_change_parse(const char *text, struct mode_change *ret_change, struct lpipe_error *err)
{
    *ret_change = (struct mode_change){ .count = 0 };
    if (*text >= '0' && *text <= '9') {
        return parse_octal(text, ret_change, err);
    }
    const char *next = text;
    int status = parse_clause(text, &next, ret_change, err);
    while (status == 0 && *next == ',') {
        next++;
        status = parse_clause(text, &next, ret_change, err);
    }
    return status == 0 && *next != '\0'
               ? fail_mode(text, "is neither octal nor like u+rwX,go-w", err)
               : status;
}

/* "g=u": the bits of one are the bits of all, to be limited to the affected ones. */
static unsigned copy_bits(unsigned mode, unsigned from)
{
    unsigned bits = mode & from;
    return ((bits & READ_ALL) != 0 ? READ_ALL : 0) | ((bits & WRITE_ALL) != 0 ? WRITE_ALL : 0) |
           ((bits & EXECUTE_ALL) != 0 ? EXECUTE_ALL : 0);
}

static unsigned apply_step(const struct mode_step *step, unsigned mode, bool is_directory)
{
    unsigned kept = is_directory ? SET_IDS & ~step->mentioned : 0;
    unsigned changed = step->affected & ~kept;
    unsigned value = step->copied != 0 ? copy_bits(mode, step->copied) : step->value;
    if (step->execute_if_any && (is_directory || (mode & EXECUTE_ALL) != 0)) {
        value |= EXECUTE_ALL;
    }
    value &= changed;
    return step->operator== '+'   ? mode | value
           : step->operator== '-' ? mode & ~value
                                  : (mode & ~changed) | value;
}

unsigned mode_change_apply(const struct mode_change *change, unsigned mode, bool is_directory)
{
    for (size_t i = 0; i < change->count; i++) {
        mode = apply_step(&change->steps[i], mode, is_directory);
    }
    return mode;
}
