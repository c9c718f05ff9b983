/* SPDX-License-Identifier: Apache-2.0 */
/* Making and changing JSON values, and writing them as bytes that are the same on every machine.
 *
 * Output is compact; members come in the order in which they were set; '<', '>', '&', U+2028 and
 * U+2029 are written as \u escapes, as Go's encoder does, so that equal documents of both have
 * equal digests. Any room may use this file; a value belongs to one thread while it changes.
 *
 * Functions that return int give 0 or NO_MEMORY and accept a NULL target, so that a row of calls
 * may be or-ed together and checked once. */
#ifndef OCI_JSON_WRITE_H
#define OCI_JSON_WRITE_H

#include "base/buf.h"

struct json_t;

/* NULL when out of memory. A value is counted; json_unref() gives one reference back. */
struct json_t *json_new_object(void);
struct json_t *json_new_array(void);
struct json_t *json_ref(const struct json_t *value);
void json_unref(struct json_t **value); /* sets NULL; NULL inside is fine */
#define AUTO_JSON CLEANUP(json_unref)
/* A copy that shares nothing. */
struct json_t *json_clone(const struct json_t *value);

/* Members of an object. A key that exists keeps its place. Text must be valid UTF-8 (else it counts
 * as out of memory: check text of users with json_text_valid() first). */
MUST_CHECK int json_set_text(struct json_t *object, const char *key, const char *text);
/* The same for bytes that are foreign, such as the name of a directory: each that is no part of a
 * UTF-8 character becomes U+FFFD. */
MUST_CHECK int json_set_bytes(struct json_t *object, const char *key, const char *bytes);
MUST_CHECK int json_set_size(struct json_t *object, const char *key, uint64_t size);
MUST_CHECK int json_set_bool(struct json_t *object, const char *key, bool value);
/* Takes the reference in every case. */
MUST_CHECK int json_set_value(struct json_t *object, const char *key, struct json_t *value);
/* Shares a value of another document. */
MUST_CHECK int json_set_shared(struct json_t *object, const char *key, const struct json_t *value);
/* Value of a key, NULL when absent or null; borrowed. */
struct json_t *json_member(const struct json_t *object, const char *key);
void json_remove(struct json_t *object, const char *key);
/* Puts the members of an object in byte order of their keys. */
MUST_CHECK int json_sort_keys(struct json_t *object);
/* A new object sharing the members of one: those that first has too, in its order, then those named
 * in then (ends with NULL) in that order, then all others. first may be NULL. NULL when out of
 * memory. */
struct json_t *json_ordered(const struct json_t *object, const struct json_t *first,
                            const char *const *then);

/* Entries of an array. */
MUST_CHECK int json_add_text(struct json_t *array, const char *text);
MUST_CHECK int json_add_value(struct json_t *array, struct json_t *value); /* takes it */
MUST_CHECK int json_add_shared(struct json_t *array, const struct json_t *value);
MUST_CHECK int json_replace_text(struct json_t *array, size_t index, const char *text);

/* Entries; 0 for anything but an array. */
size_t json_array_count(const struct json_t *array);
/* Text of an entry or member, NULL where there is none or it is no text; borrowed. */
const char *json_array_text(const struct json_t *array, size_t index);
const char *json_member_text(const struct json_t *object, const char *key);
/* Valid UTF-8 without NUL. */
bool json_text_valid(const char *text, size_t size);

/* Appends the document to buf. 0, NO_MEMORY or TOO_LARGE (the buffer's maximum). */
MUST_CHECK int json_write(const struct json_t *value, struct buf *buf);

#endif
