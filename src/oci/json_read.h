/* SPDX-License-Identifier: Apache-2.0 */
/* Reading JSON that somebody else wrote.
 *
 * A document is refused before any field is looked at when it is larger than its maximum, nested
 * deeper than JSON_DEPTH_MAX, not valid UTF-8, or has duplicate keys, NUL characters or anything
 * after its end. Getters are typed, copy into the caller's memory, and name the JSON path of what
 * they refuse. Numbers are whole numbers or they are no numbers. Any room may use this file; the
 * values may be read by several threads at once. */
#ifndef OCI_JSON_READ_H
#define OCI_JSON_READ_H

#include "base/buf.h"

struct json_t; /* a JSON value; objects keep the order of their keys */

/* A parsed document, and how its failures are reported. */
struct json_doc {
    struct json_t *root;
    char what[320]; /* "manifest", a file's path: begins every message */
    int status;     /* enum lpipe_status of everything that is wrong inside */
};
#define JSON_DOC_INIT                                                                              \
    {                                                                                              \
        NULL, "", 0                                                                                \
    }

/* Parses size bytes whose top value must be an object. Copies what. 0, NO_MEMORY, TOO_LARGE (over
 * size_max), else status. */
MUST_CHECK int json_doc_parse(const char *text, size_t size, size_t size_max, const char *what,
                              int status, struct json_doc *ret_doc, struct lpipe_error *err);
/* The same for a document whose top value is an array. */
MUST_CHECK int json_list_parse(const char *text, size_t size, size_t size_max, const char *what,
                               int status, struct json_doc *ret_doc, struct lpipe_error *err);
void json_doc_dispose(struct json_doc *doc);
#define AUTO_JSON_DOC CLEANUP(json_doc_dispose)

/* The same for a document that holds secrets: messages tell the place of a mistake and never the
 * text, and every string is overwritten before its memory is given back. */
MUST_CHECK int json_doc_parse_secret(const char *text, size_t size, size_t size_max,
                                     const char *what, int status, struct json_doc *ret_doc,
                                     struct lpipe_error *err);
void json_doc_wipe(struct json_doc *doc);

/* A value and the way to it, by value: parents must outlive their children's use. */
struct json_node {
    const struct json_t *value; /* NULL = absent */
    const struct json_doc *doc;
    const struct json_node *parent;
    const char *key;
    size_t index;
};

enum json_kind { JSON_KIND_OBJECT = 0, JSON_KIND_ARRAY = 1, JSON_KIND_TEXT = 2 };

struct json_node json_node_root(const struct json_doc *doc);
/* Member of an object, whatever its kind; value is NULL when absent or null. */
struct json_node json_node_member(const struct json_node *object, const char *key);
/* Entry of an array. */
struct json_node json_node_entry(const struct json_node *array, size_t index);
/* 1 when present, 0 when absent or null, else the failure: present with another kind. */
MUST_CHECK int json_node_is(const struct json_node *node, enum json_kind kind,
                            struct lpipe_error *err);
/* The same, and absence is a failure too: 0 or the failure. */
MUST_CHECK int json_node_require(const struct json_node *node, enum json_kind kind,
                                 struct lpipe_error *err);
/* Entries of an array or members of an object; 0 for anything else. */
size_t json_node_count(const struct json_node *node);
/* Text of a text node, NULL for anything else; borrowed from the document. */
const char *json_node_text(const struct json_node *node);

/* Members of an object by type. All return 1 when present, 0 when absent or null (output
 * untouched), else the failure. */
MUST_CHECK int json_get_text(const struct json_node *object, const char *key, const char **ret_text,
                             struct lpipe_error *err);
/* A whole number from 0 to 2^53 - 1, beyond which readers in other languages round. */
MUST_CHECK int json_get_size(const struct json_node *object, const char *key, uint64_t *ret_size,
                             struct lpipe_error *err);
MUST_CHECK int json_get_bool(const struct json_node *object, const char *key, bool *ret_value,
                             struct lpipe_error *err);

/* Refuses keys of the object that differ from a known one in letter case only: readers in Go take
 * both for the same field. known ends with NULL. */
MUST_CHECK int json_check_case(const struct json_node *object, const char *const *known,
                               struct lpipe_error *err);

/* Walks the members of an object in document order: start with NULL; NULL at the end. */
const char *json_next_key(const struct json_node *object, const char *previous);

/* "config.Labels.x" or "layers[3].size" of a node. Returns buf. */
char *json_node_path(const struct json_node *node, char *buf, size_t buf_size);
/* Fails with the document's status: "manifest: layers[3].size: <text>". */
int json_fail(const struct json_node *node, struct lpipe_error *err, const char *format, ...)
    PRINTF_LIKE(3, 4);

#endif
