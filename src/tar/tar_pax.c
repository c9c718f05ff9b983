/* SPDX-License-Identifier: Apache-2.0 */
#include "tar/tar_pax.h"

#include <string.h>

#define RECORD_BYTES_MIN 5 /* "5 k=\n" */
#define LENGTH_DIGITS_MAX 8

static const char BAD_LENGTH[] = "a PAX record has a malformed length";
static const char BAD_RECORD[] = "a PAX record is not of the form key=value";
static const char BAD_SIZE[] = "a PAX size record is not a number";

void tar_pax_begin(struct tar_pax *pax)
{
    memset(pax, 0, sizeof *pax);
}

static bool key_is(const struct tar_pax *pax, const char *key)
{
    return pax->key_size == strlen(key) && memcmp(pax->key, key, pax->key_size) == 0;
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

static const char *key_byte(struct tar_pax *pax, unsigned char c)
{
    pax->record_left--;
    if (c != '=') {
        if (pax->key_size < sizeof pax->key) {
            pax->key[pax->key_size] = (char)c;
        }
        pax->key_size++;
        return pax->record_left == 0 || c == '\0' ? BAD_RECORD : NULL;
    }
    if (pax->key_size == 0 || pax->record_left == 0) {
        return BAD_RECORD;
    }
    pax->phase = TAR_PAX_VALUE;
    pax->digits = 0;
    pax->number = 0;
    if (key_is(pax, "path")) {
        pax->path_size = 0;
    }
    return NULL;
}

static const char *size_byte(struct tar_pax *pax, unsigned char c)
{
    if (c < '0' || c > '9' || pax->number > (INT64_MAX - 9) / 10) {
        return BAD_SIZE;
    }
    pax->number = pax->number * 10 + (c - '0');
    pax->digits++;
    return NULL;
}

static const char *value_end(struct tar_pax *pax, unsigned char c)
{
    if (c != '\n') {
        return BAD_RECORD;
    }
    if (key_is(pax, "size")) {
        pax->has_size = pax->digits > 0; /* an empty value takes an earlier one back */
        pax->size = pax->number;
    }
    pax->phase = TAR_PAX_LENGTH;
    pax->record_size = 0;
    pax->digits = 0;
    return NULL;
}

static const char *value_byte(struct tar_pax *pax, unsigned char c)
{
    pax->record_left--;
    if (pax->record_left == 0) {
        return value_end(pax, c);
    }
    if (key_is(pax, "size")) {
        return size_byte(pax, c);
    }
    if (key_is(pax, "path")) {
        if (pax->path_size < sizeof pax->path - 1) {
            pax->path[pax->path_size++] = (char)c;
        }
        pax->path_last = (char)c;
    }
    return NULL;
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
            wrong = value_byte(pax, data[i]);
            break;
        }
    }
    return wrong;
}

const char *tar_pax_end(const struct tar_pax *pax)
{
    return pax->phase == TAR_PAX_LENGTH && pax->digits == 0 ? NULL : BAD_RECORD;
}
