/* SPDX-License-Identifier: Apache-2.0 */
#include "tar/tar_pax.h"

#include <string.h>

#include "base/limits.h"
#include "base/macros.h"

#define RECORD_BYTES_MIN 5 /* "5 k=\n" */
#define LENGTH_DIGITS_MAX 8

static const char BAD_LENGTH[] = "a PAX record has a malformed length";
static const char BAD_RECORD[] = "a PAX record is not of the form key=value";
static const char BAD_SIZE[] = "a PAX size record is not a number";

/* What the values of a key are. */
enum value_kind {
    VALUE_ANY = 0,
    VALUE_TEXT, /* without a NUL */
    VALUE_NUMBER,
    VALUE_TIME,
    VALUE_SIZE,
    VALUE_VERSION,
    VALUE_NAME,
    VALUE_MAP,
    VALUE_PAIR
};

#define KEY(text, kind)                                                                            \
    {                                                                                              \
        text, sizeof(text) - 1, kind                                                               \
    }
static const struct {
    const char *name;
    size_t size;
    enum value_kind kind;
} keys[TAR_PAX_KEYS] = {
    [TAR_PAX_OTHER] = KEY("", VALUE_ANY),
    [TAR_PAX_PATH] = KEY("path", VALUE_TEXT),
    [TAR_PAX_LINKPATH] = KEY("linkpath", VALUE_TEXT),
    [TAR_PAX_UNAME] = KEY("uname", VALUE_TEXT),
    [TAR_PAX_GNAME] = KEY("gname", VALUE_TEXT),
    [TAR_PAX_UID] = KEY("uid", VALUE_NUMBER),
    [TAR_PAX_GID] = KEY("gid", VALUE_NUMBER),
    [TAR_PAX_ATIME] = KEY("atime", VALUE_TIME),
    [TAR_PAX_MTIME] = KEY("mtime", VALUE_TIME),
    [TAR_PAX_CTIME] = KEY("ctime", VALUE_TIME),
    [TAR_PAX_SIZE] = KEY("size", VALUE_SIZE),
    [TAR_PAX_SPARSE_MAJOR] = KEY("GNU.sparse.major", VALUE_VERSION),
    [TAR_PAX_SPARSE_MINOR] = KEY("GNU.sparse.minor", VALUE_VERSION),
    [TAR_PAX_SPARSE_NAME] = KEY("GNU.sparse.name", VALUE_NAME),
    [TAR_PAX_SPARSE_SIZE] = KEY("GNU.sparse.size", VALUE_NUMBER),
    [TAR_PAX_SPARSE_REALSIZE] = KEY("GNU.sparse.realsize", VALUE_NUMBER),
    [TAR_PAX_SPARSE_NUMBLOCKS] = KEY("GNU.sparse.numblocks", VALUE_NUMBER),
    [TAR_PAX_SPARSE_MAP] = KEY("GNU.sparse.map", VALUE_MAP),
    [TAR_PAX_SPARSE_OFFSET] = KEY("GNU.sparse.offset", VALUE_PAIR),
    [TAR_PAX_SPARSE_NUMBYTES] = KEY("GNU.sparse.numbytes", VALUE_PAIR),
    [TAR_PAX_XATTR] = KEY("SCHILY.xattr.", VALUE_ANY),
};

void tar_pax_begin(struct tar_pax *pax)
{
    memset(pax, 0, offsetof(struct tar_pax, path));
    tar_name_begin(&pax->path);
    tar_name_begin(&pax->link);
    tar_name_begin(&pax->sparse_name);
}

const char *tar_pax_key_name(enum tar_pax_key key)
{
    return keys[key].name;
}

static const char *length_byte(struct tar_pax *pax, unsigned char c)
{
    if (c >= '0' && c <= '9' && pax->digits < LENGTH_DIGITS_MAX) {
        pax->record_size = pax->record_size * 10 + (c - '0');
        pax->digits++;
        return NULL;
    }
    if (c != ' ' || pax->digits == 0 || pax->record_size < RECORD_BYTES_MIN ||
        pax->record_size <= pax->digits + 1) {
        return BAD_LENGTH;
    }
    pax->record_left = pax->record_size - pax->digits - 1;
    pax->phase = TAR_PAX_KEY;
    pax->key_size = 0;
    return NULL;
}

static enum tar_pax_key find_key(const struct tar_pax *pax)
{
    size_t xattr = keys[TAR_PAX_XATTR].size;
    if (pax->key_size >= xattr && memcmp(pax->key_text, keys[TAR_PAX_XATTR].name, xattr) == 0) {
        return TAR_PAX_XATTR;
    }
    for (enum tar_pax_key key = TAR_PAX_PATH; key < TAR_PAX_XATTR; key++) {
        if (pax->key_size == keys[key].size &&
            memcmp(pax->key_text, keys[key].name, pax->key_size) == 0) {
            return key;
        }
    }
    return TAR_PAX_OTHER;
}

/* The first one stays. */
static void note_odd(struct tar_pax *pax, enum tar_odd_reason reason)
{
    if (pax->odd == TAR_ODD_NONE) {
        pax->odd = reason;
        pax->odd_key = pax->key;
    }
}

static void xattr_begin(struct tar_pax *pax)
{
    size_t name = pax->key_size - keys[TAR_PAX_XATTR].size;
    if (name == 0 || name > TAR_XATTR_NAME_BYTES_MAX) {
        pax->values[TAR_PAX_XATTR].wrong = true;
    }
}

/* Offset and number of bytes take turns. */
static void pair_begin(struct tar_pax *pax)
{
    bool offset_due = pax->pairs.count % 2 == 0;
    if (offset_due != (pax->key == TAR_PAX_SPARSE_OFFSET)) {
        note_odd(pax, TAR_ODD_SPARSE);
    }
}

static void value_begin(struct tar_pax *pax)
{
    pax->phase = TAR_PAX_VALUE;
    pax->key = find_key(pax);
    pax->value_size = 0;
    pax->value_wrong = false;
    pax->in_fraction = false;
    tar_decimal_begin(&pax->number);
    if (pax->key == TAR_PAX_PATH) {
        tar_name_begin(&pax->path);
    } else if (pax->key == TAR_PAX_LINKPATH) {
        tar_name_begin(&pax->link);
    } else if (pax->key == TAR_PAX_SPARSE_NAME) {
        tar_name_begin(&pax->sparse_name);
    } else if (pax->key == TAR_PAX_SPARSE_MAP) {
        tar_sparse_begin(&pax->map);
    } else if (pax->key == TAR_PAX_XATTR) {
        xattr_begin(pax);
    } else if (keys[pax->key].kind == VALUE_PAIR) {
        pair_begin(pax);
    }
}

static const char *key_byte(struct tar_pax *pax, unsigned char c)
{
    pax->record_left--;
    if (c != '=') {
        if (pax->key_size < sizeof pax->key_text) {
            pax->key_text[pax->key_size] = (char)c;
        }
        pax->key_size++;
        return pax->record_left == 0 || c == '\0' ? BAD_RECORD : NULL;
    }
    if (pax->key_size == 0 || pax->record_left == 0) {
        return BAD_RECORD;
    }
    value_begin(pax);
    return NULL;
}

static const char *size_byte(struct tar_pax *pax, unsigned char c)
{
    tar_decimal_byte(&pax->number, c);
    /* A sign is not taken, as readers disagree on it. */
    return c < '0' || c > '9' || pax->number.wrong || pax->number.value > INT64_MAX ? BAD_SIZE
                                                                                    : NULL;
}

static void text_byte(struct tar_pax *pax, char c)
{
    if (c == '\0') {
        note_odd(pax, TAR_ODD_RECORD);
    }
    if (pax->key == TAR_PAX_LINKPATH) {
        tar_name_feed(&pax->link, &c, 1);
    } else if (pax->key == TAR_PAX_PATH) {
        tar_name_feed(&pax->path, &c, 1);
    }
}

/* Seconds, then any number of digits of a fraction. */
static void time_byte(struct tar_pax *pax, unsigned char c)
{
    if (!pax->in_fraction && c != '.') {
        tar_decimal_byte(&pax->number, c);
    } else if (!pax->in_fraction) {
        pax->in_fraction = true;
    } else if (c < '0' || c > '9') {
        pax->value_wrong = true;
    }
}

static void pair_byte(struct tar_pax *pax, unsigned char c)
{
    if (c == ',') {
        note_odd(pax, TAR_ODD_SPARSE);
    }
    tar_sparse_byte(&pax->pairs, c);
}

static void map_byte(struct tar_pax *pax, unsigned char c)
{
    if (c == ',') {
        tar_sparse_number_end(&pax->map);
    } else {
        tar_sparse_byte(&pax->map, c);
    }
}

/* A version counts where it is one digit. */
static void version_byte(struct tar_pax *pax, unsigned char c)
{
    pax->value_wrong = pax->value_size > 1 || c < '0' || c > '9';
    pax->number.value = (uint64_t)(c - '0');
}

static const char *value_byte(struct tar_pax *pax, unsigned char c)
{
    char letter = (char)c;
    pax->value_size++;
    switch (keys[pax->key].kind) {
    case VALUE_SIZE:
        return size_byte(pax, c);
    case VALUE_TEXT:
        text_byte(pax, letter);
        break;
    case VALUE_NAME:
        tar_name_feed(&pax->sparse_name, &letter, 1);
        break;
    case VALUE_NUMBER:
        tar_decimal_byte(&pax->number, c);
        break;
    case VALUE_TIME:
        time_byte(pax, c);
        break;
    case VALUE_VERSION:
        version_byte(pax, c);
        break;
    case VALUE_MAP:
        map_byte(pax, c);
        break;
    case VALUE_PAIR:
        pair_byte(pax, c);
        break;
    case VALUE_ANY:
        break;
    }
    return NULL;
}

/* Puts together what the value was. */
static void keep_value(struct tar_pax *pax)
{
    struct tar_pax_value *value = &pax->values[pax->key];
    bool wrong = pax->value_wrong;
    int64_t number = (int64_t)pax->number.value;
    switch (keys[pax->key].kind) {
    case VALUE_NUMBER:
    case VALUE_TIME:
        wrong = !tar_decimal_end(&pax->number, &number) || wrong;
        break;
    case VALUE_MAP:
        tar_sparse_number_end(&pax->map);
        break;
    case VALUE_PAIR:
        pax->pairs_filled = pax->pairs_filled || pax->value_size > 0 || pax->pairs.count > 0;
        tar_sparse_number_end(&pax->pairs);
        break;
    case VALUE_ANY:
    case VALUE_TEXT:
    case VALUE_NAME:
    case VALUE_VERSION:
    case VALUE_SIZE:
        break;
    }
    if (pax->key == TAR_PAX_XATTR) { /* there may be several, of different names */
        wrong = value->wrong || pax->value_size > TAR_XATTR_VALUE_BYTES_MAX;
    }
    *value = (struct tar_pax_value){ pax->value_size > 0, wrong, number };
}

static const char *record_end(struct tar_pax *pax, unsigned char c)
{
    if (c != '\n') {
        return BAD_RECORD;
    }
    keep_value(pax);
    pax->phase = TAR_PAX_LENGTH;
    pax->record_size = 0;
    pax->digits = 0;
    return NULL;
}

static const char *record_byte(struct tar_pax *pax, unsigned char c)
{
    pax->record_left--;
    return pax->record_left == 0 ? record_end(pax, c) : value_byte(pax, c);
}

const char *tar_pax_feed(struct tar_pax *pax, const unsigned char *data, size_t size)
{
    const char *wrong = NULL;
    for (size_t i = 0; i < size && wrong == NULL; i++) {
        switch (pax->phase) {
        case TAR_PAX_LENGTH:
            wrong = length_byte(pax, data[i]);
            break;
        case TAR_PAX_KEY:
            wrong = key_byte(pax, data[i]);
            break;
        case TAR_PAX_VALUE:
            wrong = record_byte(pax, data[i]);
            break;
        }
    }
    return wrong;
}

const char *tar_pax_end(const struct tar_pax *pax)
{
    return pax->phase == TAR_PAX_LENGTH && pax->digits == 0 ? NULL : BAD_RECORD;
}

bool tar_pax_size(const struct tar_pax *pax, uint64_t *ret_size)
{
    if (!pax->values[TAR_PAX_SIZE].present) { /* an empty value takes an earlier one back */
        return false;
    }
    *ret_size = (uint64_t)pax->values[TAR_PAX_SIZE].number;
    return true;
}

enum tar_odd_reason tar_pax_odd(const struct tar_pax *pax, enum tar_pax_key *ret_key)
{
    *ret_key = pax->odd_key;
    return pax->odd;
}

enum tar_odd_reason tar_pax_odd_entry(const struct tar_pax *pax, enum tar_pax_key *ret_key)
{
    if (pax->odd != TAR_ODD_NONE) {
        return tar_pax_odd(pax, ret_key);
    }
    for (enum tar_pax_key key = TAR_PAX_UID; key <= TAR_PAX_CTIME; key++) {
        if (pax->values[key].present && pax->values[key].wrong) {
            *ret_key = key;
            return TAR_ODD_RECORD;
        }
    }
    *ret_key = TAR_PAX_XATTR;
    return pax->values[TAR_PAX_XATTR].wrong ? TAR_ODD_XATTR : TAR_ODD_NONE;
}

static bool version_is(const struct tar_pax *pax, enum tar_pax_key key, int64_t number)
{
    const struct tar_pax_value *value = &pax->values[key];
    return value->present && !value->wrong && value->number == number;
}

/* The pairs of version 0.0 take the place of the map of version 0.1. */
static bool has_map(const struct tar_pax *pax)
{
    return pax->pairs.count > 0 ? pax->pairs_filled : pax->values[TAR_PAX_SPARSE_MAP].present;
}

enum tar_pax_sparse tar_pax_sparse(const struct tar_pax *pax)
{
    const struct tar_pax_value *major = &pax->values[TAR_PAX_SPARSE_MAJOR];
    const struct tar_pax_value *minor = &pax->values[TAR_PAX_SPARSE_MINOR];
    if (version_is(pax, TAR_PAX_SPARSE_MAJOR, 0) &&
        (version_is(pax, TAR_PAX_SPARSE_MINOR, 0) || version_is(pax, TAR_PAX_SPARSE_MINOR, 1))) {
        return TAR_PAX_SPARSE_IN_RECORDS;
    }
    if (version_is(pax, TAR_PAX_SPARSE_MAJOR, 1) && version_is(pax, TAR_PAX_SPARSE_MINOR, 0)) {
        return TAR_PAX_SPARSE_IN_DATA;
    }
    if (major->present || minor->present) {
        return TAR_PAX_SPARSE_NONE;
    }
    return has_map(pax) ? TAR_PAX_SPARSE_IN_RECORDS : TAR_PAX_SPARSE_NONE;
}

bool tar_pax_sparse_size(const struct tar_pax *pax, uint64_t stored, int64_t *ret_size)
{
    const struct tar_pax_value *value = &pax->values[TAR_PAX_SPARSE_SIZE];
    if (!value->present) {
        value = &pax->values[TAR_PAX_SPARSE_REALSIZE];
    }
    *ret_size = value->present ? value->number : (int64_t)stored;
    return !value->present || !value->wrong;
}

bool tar_pax_sparse_fits(const struct tar_pax *pax, uint64_t stored)
{
    const struct tar_sparse *map = pax->pairs.count > 0 ? &pax->pairs : &pax->map;
    const struct tar_pax_value *regions = &pax->values[TAR_PAX_SPARSE_NUMBLOCKS];
    int64_t size = 0;
    if (!regions->present || regions->wrong || !tar_pax_sparse_size(pax, stored, &size)) {
        return false;
    }
    if (!has_map(pax)) {
        return regions->number == 0 && stored == 0 && size >= 0;
    }
    return tar_sparse_fits(map, regions->number, size, stored);
}
