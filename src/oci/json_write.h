/* SPDX-License-Identifier: Apache-2.0 */
/* Makes and changes JSON values, and writes them as the same bytes on every machine.
 *
 * The output has no white space. Members are written in the order in which they were set. '<', '>',
 * '&', U+2028 and U+2029 are written as \u escapes, as Go's encoder does, so that equal documents
 * get equal digests. While a value is changed, only one thread may use it.
 *
 * Functions that return int return 0 or NO_MEMORY, and also accept a NULL target. So the results of
 * several calls can be combined with | and checked once. */
#ifndef OCI_JSON_WRITE_H
#define OCI_JSON_WRITE_H

#include "base/buf.h"

struct json_t;

/* NULL when out of memory. Values are reference-counted; json_unref() drops one reference. */
struct json_t *json_new_object(void);
struct json_t *json_new_array(void);
struct json_t *json_ref(const struct json_t *value);
void json_unref(struct json_t **value); /* sets *value to NULL, which it may be before */
#define AUTO_JSON CLEANUP(json_unref)
/* A deep copy. */
struct json_t *json_clone(const struct json_t *value);

/* Members of an object. A key that exists keeps its position. Check a user's text with
 * json_text_valid() first: text that is not valid UTF-8 returns NO_MEMORY. */
MUST_CHECK int json_set_text(struct json_t *object, const char *key, const char *text);
/* The same for bytes that may not be UTF-8, such as the name of a directory: each byte that is not
 * part of a UTF-8 character becomes U+FFFD. */
MUST_CHECK int json_set_bytes(struct json_t *object, const char *key, const char *bytes);
MUST_CHECK int json_set_size(struct json_t *object, const char *key, uint64_t size);
MUST_CHECK int json_set_bool(struct json_t *object, const char *key, bool value);
/* Takes the reference, also on failure. */
MUST_CHECK int json_set_value(struct json_t *object, const char *key, struct json_t *value);
/* Takes a new reference to the value, which may belong to another document. */
MUST_CHECK int json_set_shared(struct json_t *object, const char *key, const struct json_t *value);
/* Value of a key, NULL when it is absent or null; borrowed. */
struct json_t *json_member(const struct json_t *object, const char *key);
void json_remove(struct json_t *object, const char *key);
/* Gives a member another key, which the object must not have yet; it keeps its position. */
MUST_CHECK int json_rename_key(struct json_t *object, const char *key, const char *new_key);
/* Puts the members of an object in byte order of their keys. */
MUST_CHECK int json_sort_keys(struct json_t *object);
/* A new object with the same members, in this order: the keys of first (may be NULL), the keys in
 * then (ends with NULL), all other keys. The values are shared. NULL when out of memory. */
struct json_t *json_ordered(const struct json_t *object, const struct json_t *first,
                            const char *const *then);

/* Entries of an array. */
MUST_CHECK int json_add_text(struct json_t *array, const char *text);
MUST_CHECK int json_add_value(struct json_t *array,
                              struct json_t *value); /* takes the reference, also on failure */
MUST_CHECK int json_add_shared(struct json_t *array, const struct json_t *value);
MUST_CHECK int json_replace_text(struct json_t *array, size_t index, const char *text);

/* Number of entries; 0 when it is not an array. */
size_t json_array_count(const struct json_t *array);
/* An entry, NULL when there is none; borrowed. */
const struct json_t *json_array_entry(const struct json_t *array, size_t index);
bool json_member_is_true(const struct json_t *object, const char *key);
/* A value's text, NULL when it is not a text or has a NUL character; borrowed. */
const char *json_text_of(const struct json_t *value);
/* True for a number that fits no C type: see oci/json_scan.h. */
bool json_is_large_number(const struct json_t *value);
/* Text of an entry or member, NULL as in json_text_of(); borrowed. */
const char *json_array_text(const struct json_t *array, size_t index);
const char *json_member_text(const struct json_t *object, const char *key);
/* True for valid UTF-8 without NUL. */
bool json_text_valid(const char *text, size_t size);

/* Appends the value to buf. 0, NO_MEMORY or TOO_LARGE (more than the buffer's maximum). */
MUST_CHECK int json_write(const struct json_t *value, struct buf *buf);

#endif
