/* SPDX-License-Identifier: Apache-2.0 */
#include "oci/json_read.h"

#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"
#include "oci/json_scan.h"
#include "oci/json_write.h"

#define SAFE_INTEGER_MAX ((UINT64_C(1) << 53) - 1)

static const char *const KIND_NAMES[] = {
    [JSON_KIND_OBJECT] = "an object",
    [JSON_KIND_ARRAY] = "an array",
    [JSON_KIND_TEXT] = "a string",
};

static int fail_document(const struct json_doc *doc, struct lpipe_error *err, const char *format,
                         ...) PRINTF_LIKE(3, 4);

/* The hints that the command has for a failure to read or write are about files and directories.
 * This document was read, so who made it has to be asked. */
static int fail_document(const struct json_doc *doc, struct lpipe_error *err, const char *format,
                         ...)
{
    char text[500];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return doc->status == LPIPE_SOURCE_IO || doc->status == LPIPE_OUTPUT_IO
               ? fail_with_advice(err, doc->status, "%s: %s; check the program that made it",
                                  doc->what, text)
               : fail(err, doc->status, "%s: %s", doc->what, text);
}

static int fail_parse(const struct json_doc *doc, const json_error_t *why, bool secret,
                      struct lpipe_error *err)
{
    char text[160];
    if (json_error_code(why) == json_error_out_of_memory) {
        return fail_memory(err);
    }
    if (secret) {
        return fail_document(doc, err, "not valid JSON (line %d, byte %d)", why->line,
                             why->position);
    }
    return fail_document(doc, err, "not valid JSON: %s (line %d, byte %d)",
                         text_printable(text, sizeof text, why->text, strlen(why->text)), why->line,
                         why->position);
}

/* Runs the parser; *ret_root is NULL when the text is not valid. A rewritten copy of the text is
 * wiped, because it may have secrets. */
static int load(const char *text, size_t size, size_t added, json_t **ret_root,
                json_error_t *ret_why, struct lpipe_error *err)
{
    size_t flags = JSON_REJECT_DUPLICATES | JSON_DECODE_ANY | JSON_ALLOW_NUL;
    if (added == 0) {
        *ret_root = json_loadb(text, size, flags, ret_why);
        return 0;
    }
    AUTO_FREE char *copy = mem_new(size + added);
    if (copy == NULL) {
        return fail_memory(err);
    }
    json_scan_rewrite(text, size, copy);
    *ret_root = json_loadb(copy, size + added, flags, ret_why);
    explicit_bzero(copy, size + added);
    return 0;
}

static int parse(const char *text, size_t size, size_t size_max, const char *what, int status,
                 bool secret, struct json_doc *ret_doc, struct lpipe_error *err)
{
    struct json_doc doc = { .status = status };
    struct json_scan scan;
    json_error_t why = { 0 };
    (void)snprintf(doc.what, sizeof doc.what, "%s", what);
    if (size > size_max) {
        return fail(err, LPIPE_TOO_LARGE, "%s: %zu bytes are more than the %zu allowed", what, size,
                    size_max);
    }
    if (size == 0) {
        return fail_document(&doc, err, "empty");
    }
    json_scan(text, size, &scan);
    if (scan.depth > JSON_DEPTH_MAX) {
        return fail_document(&doc, err, "nested deeper than %d levels", JSON_DEPTH_MAX);
    }
    if (scan.values > JSON_VALUES_MAX) {
        return fail(err, LPIPE_TOO_LARGE, "%s: has more than the %d values allowed", what,
                    JSON_VALUES_MAX);
    }
    if (load(text, size, scan.added, &doc.root, &why, err) != 0) {
        return LPIPE_NO_MEMORY;
    }
    if (doc.root == NULL) {
        return fail_parse(&doc, &why, secret, err);
    }
    *ret_doc = doc;
    return 0;
}

static int parse_kind(const char *text, size_t size, size_t size_max, const char *what, int status,
                      json_type kind, bool secret, struct json_doc *ret_doc,
                      struct lpipe_error *err)
{
    struct json_doc doc AUTO_JSON_DOC = JSON_DOC_INIT;
    int result = parse(text, size, size_max, what, status, secret, &doc, err);
    if (result == 0 && json_typeof(doc.root) != kind) {
        result =
            fail_document(&doc, err, "must be a JSON %s", kind == JSON_OBJECT ? "object" : "array");
    }
    if (result == 0) {
        *ret_doc = doc;
        doc.root = NULL;
    }
    return result;
}

int json_list_parse(const char *text, size_t size, size_t size_max, const char *what, int status,
                    struct json_doc *ret_doc, struct lpipe_error *err)
{
    return parse_kind(text, size, size_max, what, status, JSON_ARRAY, false, ret_doc, err);
}

int json_doc_parse(const char *text, size_t size, size_t size_max, const char *what, int status,
                   struct json_doc *ret_doc, struct lpipe_error *err)
{
    return parse_kind(text, size, size_max, what, status, JSON_OBJECT, false, ret_doc, err);
}

int json_doc_parse_secret(const char *text, size_t size, size_t size_max, const char *what,
                          int status, struct json_doc *ret_doc, struct lpipe_error *err)
{
    return parse_kind(text, size, size_max, what, status, JSON_OBJECT, true, ret_doc, err);
}

void json_doc_dispose(struct json_doc *doc)
{
    json_decref(doc->root);
    doc->root = NULL;
}

/* The recursion is limited: the document is not nested deeper than JSON_DEPTH_MAX. */
static void wipe_texts(json_t *value)
{
    const char *key = NULL;
    json_t *member = NULL;
    size_t index = 0;
    if (json_is_string(value)) {
        explicit_bzero((char *)(uintptr_t)json_string_value(value), json_string_length(value));
    }
    json_object_foreach(value, key, member)
    {
        wipe_texts(member);
    }
    json_array_foreach(value, index, member)
    {
        wipe_texts(member);
    }
}

void json_doc_wipe(struct json_doc *doc)
{
    wipe_texts(doc->root);
    json_doc_dispose(doc);
}

struct json_node json_node_root(const struct json_doc *doc)
{
    return (struct json_node){ .value = doc->root, .doc = doc };
}

struct json_node json_node_member(const struct json_node *object, const char *key)
{
    const json_t *value = json_object_get(object->value, key);
    return (struct json_node){ .value = json_is_null(value) ? NULL : value,
                               .doc = object->doc,
                               .parent = object,
                               .key = key,
                               .is_null = json_is_null(value) };
}

struct json_node json_node_entry(const struct json_node *array, size_t index)
{
    return (struct json_node){ .value = json_array_get(array->value, index),
                               .doc = array->doc,
                               .parent = array,
                               .index = index };
}

static int check_kind(const struct json_node *node, enum json_kind kind, struct lpipe_error *err)
{
    static const json_type types[] = { [JSON_KIND_OBJECT] = JSON_OBJECT,
                                       [JSON_KIND_ARRAY] = JSON_ARRAY,
                                       [JSON_KIND_TEXT] = JSON_STRING };
    if (node->value == NULL) {
        return 0;
    }
    if (json_typeof(node->value) != types[kind] || json_is_large_number(node->value)) {
        return json_fail(node, err, "must be %s", KIND_NAMES[kind]);
    }
    return 1;
}

int json_node_is_string(const struct json_node *node, struct lpipe_error *err)
{
    return check_kind(node, JSON_KIND_TEXT, err);
}

int json_node_is(const struct json_node *node, enum json_kind kind, struct lpipe_error *err)
{
    int found = check_kind(node, kind, err);
    if (found == 1 && kind == JSON_KIND_TEXT && json_node_text(node) == NULL) {
        return json_fail(node, err, "has a NUL character");
    }
    return found;
}

int json_node_require(const struct json_node *node, enum json_kind kind, struct lpipe_error *err)
{
    int found = json_node_is(node, kind, err);
    if (found == 0 && node->is_null && kind == JSON_KIND_ARRAY) {
        return 0;
    }
    if (found == 0) {
        return json_fail(node, err, "%s, must be %s", node->is_null ? "null" : "missing",
                         KIND_NAMES[kind]);
    }
    return found < 0 ? found : 0;
}

size_t json_node_count(const struct json_node *node)
{
    return json_is_array(node->value) ? json_array_size(node->value)
                                      : json_object_size(node->value);
}

const char *json_node_text(const struct json_node *node)
{
    return json_text_of(node->value);
}

int json_get_text(const struct json_node *object, const char *key, const char **ret_text,
                  struct lpipe_error *err)
{
    struct json_node node = json_node_member(object, key);
    int found = json_node_is(&node, JSON_KIND_TEXT, err);
    if (found == 1) {
        *ret_text = json_string_value(node.value);
    }
    return found;
}

int json_get_size(const struct json_node *object, const char *key, uint64_t *ret_size,
                  struct lpipe_error *err)
{
    struct json_node node = json_node_member(object, key);
    if (node.value == NULL) {
        return 0;
    }
    json_int_t value = json_integer_value(node.value);
    if (!json_is_integer(node.value) || value < 0 || (uint64_t)value > SAFE_INTEGER_MAX) {
        return json_fail(&node, err, "must be a whole number from 0 to 2^53 - 1");
    }
    *ret_size = (uint64_t)value;
    return 1;
}

int json_get_bool(const struct json_node *object, const char *key, bool *ret_value,
                  struct lpipe_error *err)
{
    struct json_node node = json_node_member(object, key);
    if (node.value == NULL) {
        return 0;
    }
    if (!json_is_boolean(node.value)) {
        return json_fail(&node, err, "must be true or false");
    }
    *ret_value = json_is_true(node.value);
    return 1;
}

/* False for two equal keys. */
static bool only_case_differs(const char *a, const char *b)
{
    return text_same(a, b) && strcmp(a, b) != 0;
}

static int fail_case(const struct json_node *object, const char *key, const char *known,
                     struct lpipe_error *err)
{
    char shown[80];
    struct json_node node = json_node_member(object, known);
    return json_fail(&node, err, "written \"%s\", in other letter case, which is ambiguous",
                     text_printable(shown, sizeof shown, key, strlen(key)));
}

/* The first key that differs from a known key only in letter case; *ret_known is that known key.
 * NULL when there is none. */
static const char *other_case(const struct json_node *object, const char *const *known,
                              const char **ret_known)
{
    for (const char *key = json_next_key(object, NULL); key != NULL;
         key = json_next_key(object, key)) {
        for (size_t i = 0; known[i] != NULL; i++) {
            if (only_case_differs(key, known[i])) {
                *ret_known = known[i];
                return key;
            }
        }
    }
    return NULL;
}

int json_check_case(const struct json_node *object, const char *const *known,
                    struct lpipe_error *err)
{
    const char *name = NULL;
    const char *key = other_case(object, known, &name);
    return key == NULL ? 0 : fail_case(object, key, name, err);
}

int json_unify_case(const struct json_node *object, const char *const *known,
                    struct lpipe_error *err)
{
    const char *name = NULL;
    for (const char *key = other_case(object, known, &name); key != NULL;
         key = other_case(object, known, &name)) {
        if (json_object_get(object->value, name) != NULL) {
            return fail_case(object, key, name, err);
        }
        /* The node was made from the document, which the caller owns and may change. */
        if (json_rename_key((json_t *)(uintptr_t)object->value, key, name) != 0) {
            return fail_memory(err);
        }
    }
    return 0;
}

const char *json_next_key(const struct json_node *object, const char *previous)
{
    /* The iterators do not change the object, but their parameter is not const. */
    json_t *value = (json_t *)(uintptr_t)object->value;
    void *at = previous == NULL
                   ? json_object_iter(value)
                   : json_object_iter_next(value, json_object_iter_at(value, previous));
    return json_object_iter_key(at);
}

char *json_node_path(const struct json_node *node, char *buf, size_t buf_size)
{
    char name[80];
    char part[96];
    size_t end = buf_size - 1;
    buf[end] = '\0';
    for (; node != NULL && node->parent != NULL; node = node->parent) {
        if (node->key != NULL) {
            (void)text_printable(name, sizeof name, node->key, strlen(node->key));
            (void)snprintf(part, sizeof part, "%s%s", node->parent->parent == NULL ? "" : ".",
                           name);
        } else {
            (void)snprintf(part, sizeof part, "[%zu]", node->index);
        }
        size_t size = strlen(part);
        if (size > end) {
            break;
        }
        end -= size;
        memcpy(buf + end, part, size);
    }
    memmove(buf, buf + end, buf_size - end);
    return buf;
}

int json_fail(const struct json_node *node, struct lpipe_error *err, const char *format, ...)
{
    char path[200];
    char text[300];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    json_node_path(node, path, sizeof path);
    return path[0] == '\0' ? fail_document(node->doc, err, "%s", text)
                           : fail_document(node->doc, err, "%s: %s", path, text);
}
