/* SPDX-License-Identifier: Apache-2.0 */
/* Strict reading of JSON (RFC 8259) from untrusted sources.
 *
 * A document is refused as a whole when it is larger than its maximum, nested deeper than
 * JSON_DEPTH_MAX, has more values than JSON_VALUES_MAX, is not valid UTF-8, or has duplicate keys,
 * NUL in a key or bytes after its end. The getters check types; their messages name the JSON path.
 * They accept only whole numbers, and texts without NUL. Members that nobody gets may have numbers
 * of any size and texts with NUL: json_write() writes them as they were. Several threads may read
 * the values of a document at the same time. */
#ifndef OCI_JSON_READ_H
#define OCI_JSON_READ_H

#include "base/buf.h"

struct json_t; /* a JSON value; objects keep the order of their keys */

/* A parsed document, and how its failures are reported. */
struct json_doc {
    struct json_t *root;
    char what[320]; /* "manifest", or a file's path: every message starts with it */
    int status;     /* enum lpipe_status of every failure about the content */
};
#define JSON_DOC_INIT                                                                              \
    {                                                                                              \
        NULL, "", 0                                                                                \
    }

/* Parses a document, which must be an object. Copies what. 0, NO_MEMORY, TOO_LARGE (more than
 * size_max bytes), or status. */
MUST_CHECK int json_doc_parse(const char *text, size_t size, size_t size_max, const char *what,
                              int status, struct json_doc *ret_doc, struct lpipe_error *err);
/* The same for a document that must be an array. */
MUST_CHECK int json_list_parse(const char *text, size_t size, size_t size_max, const char *what,
                               int status, struct json_doc *ret_doc, struct lpipe_error *err);
void json_doc_dispose(struct json_doc *doc);
#define AUTO_JSON_DOC CLEANUP(json_doc_dispose)

/* The same for a document with secrets: messages give the position of a mistake, never the text. In
 * a document with an integer that does not fit in 64 bits no number is whole. Free it with
 * json_doc_wipe(), which overwrites every string first. One copy cannot be overwritten: jansson's
 * parser has a buffer with the text of the last value and frees it as it is. Its allocation
 * functions can be replaced for the whole process only, which a library must not do. */
MUST_CHECK int json_doc_parse_secret(const char *text, size_t size, size_t size_max,
                                     const char *what, int status, struct json_doc *ret_doc,
                                     struct lpipe_error *err);
void json_doc_wipe(struct json_doc *doc);

/* A value and its path. A node points to its parent node, which must live as long as it is used. */
struct json_node {
    const struct json_t *value; /* NULL = absent or null */
    const struct json_doc *doc;
    const struct json_node *parent;
    const char *key;
    size_t index;
    bool is_null; /* a member that is there, with the value null */
};

enum json_kind { JSON_KIND_OBJECT = 0, JSON_KIND_ARRAY = 1, JSON_KIND_TEXT = 2 };

struct json_node json_node_root(const struct json_doc *doc);
/* Member of an object, of any type; value is NULL when the member is absent or null. */
struct json_node json_node_member(const struct json_node *object, const char *key);
/* Entry of an array. */
struct json_node json_node_entry(const struct json_node *array, size_t index);
/* 1 when the node is a string, which may have NUL characters: one that nobody reads. 0 when it is
 * absent or null, else the failure. */
MUST_CHECK int json_node_is_string(const struct json_node *node, struct lpipe_error *err);
/* 1 when the node has this kind, 0 when it is absent or null, else the failure: another kind. */
MUST_CHECK int json_node_is(const struct json_node *node, enum json_kind kind,
                            struct lpipe_error *err);
/* 0 when the node has this kind, else the failure: absent, null, or another kind. A null in
 * place of an array is an array without entries: Go programs write an empty list so. */
MUST_CHECK int json_node_require(const struct json_node *node, enum json_kind kind,
                                 struct lpipe_error *err);
/* Number of entries of an array or members of an object; 0 for any other value. */
size_t json_node_count(const struct json_node *node);
/* The text of a node, NULL when it is not a text or has a NUL character; borrowed from the
 * document. */
const char *json_node_text(const struct json_node *node);

/* Typed members of an object. They return 1 when the member is present, 0 when it is absent or null
 * (the output is untouched), else the failure. */
MUST_CHECK int json_get_text(const struct json_node *object, const char *key, const char **ret_text,
                             struct lpipe_error *err);
/* A whole number from 0 to 2^53 - 1; programs in other languages round larger numbers. */
MUST_CHECK int json_get_size(const struct json_node *object, const char *key, uint64_t *ret_size,
                             struct lpipe_error *err);
MUST_CHECK int json_get_bool(const struct json_node *object, const char *key, bool *ret_value,
                             struct lpipe_error *err);

/* Refuses an object with a key that differs from a known key only in letter case: Go programs read
 * both as the same field. known ends with NULL. */
MUST_CHECK int json_check_case(const struct json_node *object, const char *const *known,
                               struct lpipe_error *err);

/* For an object in which one spelling of a key is no harm: a member whose key differs from a
 * known key only in letter case gets the known key, as Go programs read it. Fails like
 * json_check_case() when two keys of the object differ only in letter case. */
MUST_CHECK int json_unify_case(const struct json_node *object, const char *const *known,
                               struct lpipe_error *err);

/* The key after previous in document order; the first key for NULL. NULL at the end. */
const char *json_next_key(const struct json_node *object, const char *previous);

/* "config.Labels.x" or "layers[3].size" of a node. Returns buf. */
char *json_node_path(const struct json_node *node, char *buf, size_t buf_size);
/* Fails with the document's status: "manifest: layers[3].size: <text>". */
int json_fail(const struct json_node *node, struct lpipe_error *err, const char *format, ...)
    PRINTF_LIKE(3, 4);

#endif
