/* SPDX-License-Identifier: Apache-2.0 */
/* References: the grammar of include/layerpipe/ref.h. Pure; a parsed reference is immutable. */
#ifndef OCI_REFERENCE_H
#define OCI_REFERENCE_H

#include "base/fail.h"
#include "layerpipe/ref.h"

struct lpipe_ref {
    enum lpipe_ref_kind kind;
    char *registry;     /* NULL unless REGISTRY */
    char *repository;   /* path, or the directory of a layout; NULL for null: */
    char *tag;          /* NULL = none */
    char *digest;       /* NULL = none */
    const char *scheme; /* "http" or "https"; NULL unless REGISTRY */
    char *name;         /* full name */
};

MUST_CHECK int reference_parse(const char *text, uint32_t flags, struct lpipe_ref **ret_ref,
                               struct lpipe_error *err);
struct lpipe_ref *reference_free(struct lpipe_ref *ref);
static inline void cleanup_reference(struct lpipe_ref **ref)
{
    reference_free(*ref);
}
#define AUTO_REFERENCE CLEANUP(cleanup_reference)

/* Parts alone, for values given without a reference around them. INVALID_ARGUMENT. */
MUST_CHECK int reference_check_tag(const char *tag, struct lpipe_error *err);
MUST_CHECK int reference_check_repository(const char *repository, struct lpipe_error *err);
/* host[:port], [ipv6][:port]. */
MUST_CHECK int reference_check_registry(const char *registry, struct lpipe_error *err);
/* "http" for 127.0.0.0/8, ::1, localhost and names under .localhost, with or without a port; else
 * "https". */
const char *reference_scheme(const char *registry);

#endif
