/* SPDX-License-Identifier: Apache-2.0 */
#include "oci/json_write.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"

static int result_of(int code)
{
    return code == 0 ? 0 : LPIPE_NO_MEMORY;
}

struct json_t *json_new_object(void)
{
    return json_object();
}

struct json_t *json_new_array(void)
{
    return json_array();
}

struct json_t *json_ref(const struct json_t *value)
{
    return json_incref((json_t *)(uintptr_t)value); /* a new reference does not change the value */
}

void json_unref(struct json_t **value)
{
    json_decref(*value);
    *value = NULL;
}

struct json_t *json_clone(const struct json_t *value)
{
    return json_deep_copy(value);
}

int json_set_text(struct json_t *object, const char *key, const char *text)
{
    return result_of(json_object_set_new(object, key, json_string(text)));
}

int json_set_bytes(struct json_t *object, const char *key, const char *bytes)
{
    size_t size = strlen(bytes);
    AUTO_BUF struct buf text = BUF_INIT(3 * size + 1);
    int status = 0;
    while (size > 0 && status == 0) {
        uint32_t code = 0;
        size_t length = text_utf8(bytes, size, &code);
        status =
            length > 0 ? buf_append(&text, bytes, length) : buf_append_text(&text, "\xef\xbf\xbd");
        bytes += MAX_OF(length, (size_t)1);
        size -= MAX_OF(length, (size_t)1);
    }
    status = status == 0 ? buf_append(&text, "", 1) : status;
    return status == 0 ? json_set_text(object, key, text.data) : LPIPE_NO_MEMORY;
}

int json_set_size(struct json_t *object, const char *key, uint64_t size)
{
    return result_of(json_object_set_new(object, key, json_integer((json_int_t)size)));
}

int json_set_bool(struct json_t *object, const char *key, bool value)
{
    return result_of(json_object_set_new(object, key, json_boolean(value)));
}

int json_set_value(struct json_t *object, const char *key, struct json_t *value)
{
    return result_of(json_object_set_new(object, key, value));
}

int json_set_shared(struct json_t *object, const char *key, const struct json_t *value)
{
    return json_set_value(object, key, json_ref(value));
}

struct json_t *json_member(const struct json_t *object, const char *key)
{
    json_t *value = json_object_get(object, key);
    return json_is_null(value) ? NULL : value;
}

void json_remove(struct json_t *object, const char *key)
{
    (void)json_object_del(object, key);
}

static int compare_keys(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

int json_sort_keys(struct json_t *object)
{
    AUTO_FREE const char **keys = mem_new_array(json_object_size(object) + 1, sizeof *keys);
    json_t *sorted AUTO_JSON = json_object();
    int status = keys == NULL ? LPIPE_NO_MEMORY : 0;
    size_t count = 0;
    for (void *at = json_object_iter(object); status == 0 && at != NULL;
         at = json_object_iter_next(object, at)) {
        keys[count++] = json_object_iter_key(at);
    }
    if (status == 0) {
        qsort(keys, count, sizeof *keys, compare_keys);
    }
    for (size_t i = 0; i < count; i++) {
        status |= json_set_shared(sorted, keys[i], json_object_get(object, keys[i]));
    }
    if (status == 0) {
        (void)json_object_clear(object);
        status = result_of(json_object_update(object, sorted));
    }
    return status;
}

int json_rename_key(struct json_t *object, const char *key, const char *new_key)
{
    json_t *renamed AUTO_JSON = json_object();
    int status = renamed == NULL ? LPIPE_NO_MEMORY : 0;
    for (void *at = json_object_iter(object); status == 0 && at != NULL;
         at = json_object_iter_next(object, at)) {
        const char *name = json_object_iter_key(at);
        status = json_set_shared(renamed, strcmp(name, key) == 0 ? new_key : name,
                                 json_object_iter_value(at));
    }
    if (status == 0) {
        (void)json_object_clear(object);
        status = result_of(json_object_update(object, renamed));
    }
    return status;
}

/* Adds a member of object to target, unless target has the key already. */
static int share_member(json_t *target, const json_t *object, const char *key)
{
    json_t *value = json_object_get(object, key);
    return value == NULL || json_object_get(target, key) != NULL
               ? 0
               : json_set_shared(target, key, value);
}

/* Adds the members of object whose keys order_of has, in the order of order_of. */
static int share_members_in_order(json_t *target, const json_t *object, const json_t *order_of)
{
    json_t *keys = (json_t *)(uintptr_t)order_of; /* iterating does not change the object */
    int status = 0;
    for (void *at = json_object_iter(keys); at != NULL; at = json_object_iter_next(keys, at)) {
        status |= share_member(target, object, json_object_iter_key(at));
    }
    return status;
}

struct json_t *json_ordered(const struct json_t *object, const struct json_t *first,
                            const char *const *then)
{
    json_t *ordered = json_object();
    int status = ordered == NULL ? LPIPE_NO_MEMORY : share_members_in_order(ordered, object, first);
    for (size_t i = 0; status == 0 && then[i] != NULL; i++) {
        status = share_member(ordered, object, then[i]);
    }
    if (status != 0 || share_members_in_order(ordered, object, object) != 0) {
        json_unref(&ordered);
    }
    return ordered;
}

int json_add_text(struct json_t *array, const char *text)
{
    return result_of(json_array_append_new(array, json_string(text)));
}

int json_add_value(struct json_t *array, struct json_t *value)
{
    return result_of(json_array_append_new(array, value));
}

int json_add_shared(struct json_t *array, const struct json_t *value)
{
    return json_add_value(array, json_ref(value));
}

int json_replace_text(struct json_t *array, size_t index, const char *text)
{
    return result_of(json_array_set_new(array, index, json_string(text)));
}

size_t json_array_count(const struct json_t *array)
{
    return json_array_size(array);
}

const struct json_t *json_array_entry(const struct json_t *array, size_t index)
{
    return json_array_get(array, index);
}

bool json_member_is_true(const struct json_t *object, const char *key)
{
    return json_is_true(json_object_get(object, key));
}

const char *json_text_of(const struct json_t *value)
{
    const char *text = json_string_value(value);
    return text != NULL && strlen(text) == json_string_length(value) ? text : NULL;
}

bool json_is_large_number(const struct json_t *value)
{
    const char *text = json_string_value(value);
    return text != NULL && json_string_length(value) > 1 && text[0] == '\0' && text[1] == '#';
}

const char *json_array_text(const struct json_t *array, size_t index)
{
    return json_text_of(json_array_get(array, index));
}

const char *json_member_text(const struct json_t *object, const char *key)
{
    return json_text_of(json_object_get(object, key));
}

/* Writes a byte that must be escaped (RFC 8259, section 7; '<', '>' and '&' as Go does). */
static int write_escaped(struct buf *buf, unsigned char c)
{
    switch (c) {
    case '"':
        return buf_append_text(buf, "\\\"");
    case '\\':
        return buf_append_text(buf, "\\\\");
    case '\n':
        return buf_append_text(buf, "\\n");
    case '\r':
        return buf_append_text(buf, "\\r");
    case '\t':
        return buf_append_text(buf, "\\t");
    default:
        return buf_printf(buf, "\\u%04x", c);
    }
}

static bool is_plain(unsigned char c)
{
    return c >= 0x20 && c != '"' && c != '\\' && c != '<' && c != '>' && c != '&';
}

/* U+2028 and U+2029 are E2 80 A8 and E2 80 A9. */
static bool is_line_separator(const char *text, size_t size)
{
    return size >= 3 && memcmp(text, "\xe2\x80", 2) == 0 &&
           (text[2] == '\xa8' || text[2] == '\xa9');
}

static int write_string(const char *text, size_t size, struct buf *buf)
{
    int status = buf_append(buf, "\"", 1);
    for (size_t i = 0; i < size && status == 0;) {
        size_t run = 0;
        while (i + run < size && is_plain((unsigned char)text[i + run]) &&
               !is_line_separator(text + i + run, size - i - run)) {
            run++;
        }
        status = buf_append(buf, text + i, run);
        i += run;
        if (status == 0 && i < size && is_line_separator(text + i, size - i)) {
            status = buf_append_text(buf, text[i + 2] == '\xa8' ? "\\u2028" : "\\u2029");
            i += 3;
        } else if (status == 0 && i < size) {
            status = write_escaped(buf, (unsigned char)text[i]);
            i++;
        }
    }
    return status == 0 ? buf_append(buf, "\"", 1) : status;
}

/* Uses the lowest precision that gives the same number when it is read again. */
static int write_real(const json_t *value, struct buf *buf)
{
    char text[64];
    for (size_t precision = 15; precision <= 17; precision++) {
        size_t flags = JSON_ENCODE_ANY | JSON_REAL_PRECISION(precision);
        size_t size = json_dumpb(value, text, sizeof text, flags);
        if (size == 0 || size > sizeof text) {
            return LPIPE_NO_MEMORY;
        }
        json_t *again = json_loadb(text, size, JSON_DECODE_ANY, NULL);
        bool same = again != NULL && json_equal(again, value);
        json_decref(again);
        if (same || precision == 17) {
            return buf_append(buf, text, size);
        }
    }
    return 0;
}

/* Undoes json_scan_rewrite(). */
static int write_text(const json_t *value, struct buf *buf)
{
    const char *text = json_string_value(value);
    size_t size = json_string_length(value);
    if (json_is_large_number(value)) {
        return buf_append(buf, text + 2, size - 2);
    }
    size_t extra = size > 0 && text[0] == '\0' ? 1 : 0;
    return write_string(text + extra, size - extra, buf);
}

static int write_scalar(const json_t *value, struct buf *buf)
{
    switch (json_typeof(value)) {
    case JSON_STRING:
        return write_text(value, buf);
    case JSON_INTEGER:
        return buf_printf(buf, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
    case JSON_REAL:
        return write_real(value, buf);
    case JSON_TRUE:
        return buf_append_text(buf, "true");
    case JSON_FALSE:
        return buf_append_text(buf, "false");
    case JSON_NULL:
    case JSON_OBJECT:
    case JSON_ARRAY:
    default:
        return buf_append_text(buf, "null");
    }
}

static int write_array(const json_t *value, struct buf *buf)
{
    int status = buf_append(buf, "[", 1);
    for (size_t i = 0; i < json_array_size(value) && status == 0; i++) {
        status = i > 0 ? buf_append(buf, ",", 1) : 0;
        status = status == 0 ? json_write(json_array_get(value, i), buf) : status;
    }
    return status == 0 ? buf_append(buf, "]", 1) : status;
}

static int write_object(const json_t *value, struct buf *buf)
{
    json_t *object = (json_t *)(uintptr_t)value; /* iterating does not change the object */
    int status = buf_append(buf, "{", 1);
    bool first = true;
    for (void *at = json_object_iter(object); at != NULL && status == 0;
         at = json_object_iter_next(object, at)) {
        const char *key = json_object_iter_key(at);
        status = first ? 0 : buf_append(buf, ",", 1);
        status = status == 0 ? write_string(key, strlen(key), buf) : status;
        status = status == 0 ? buf_append(buf, ":", 1) : status;
        status = status == 0 ? json_write(json_object_iter_value(at), buf) : status;
        first = false;
    }
    return status == 0 ? buf_append(buf, "}", 1) : status;
}

/* The recursion is limited: a parsed document has at most JSON_DEPTH_MAX levels. */
int json_write(const struct json_t *value, struct buf *buf)
{
    if (json_is_object(value)) {
        return write_object(value, buf);
    }
    if (json_is_array(value)) {
        return write_array(value, buf);
    }
    return write_scalar(value, buf);
}

bool json_text_valid(const char *text, size_t size)
{
    json_t *value = memchr(text, '\0', size) == NULL ? json_stringn(text, size) : NULL;
    bool valid = value != NULL;
    json_decref(value);
    return valid;
}
