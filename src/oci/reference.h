/* SPDX-License-Identifier: Apache-2.0 */
/* Parses references. The grammar is in include/layerpipe/ref.h. No I/O; any thread. A parsed
 * reference does not change. */
#ifndef OCI_REFERENCE_H
#define OCI_REFERENCE_H

#include "base/fail.h"
#include "layerpipe/ref.h"

struct lpipe_ref {
    enum lpipe_ref_kind kind;
    char *registry; /* only for REGISTRY, else NULL */
    char *
        repository; /* repository path, directory of a layout, file of an archive; NULL for null: */
    char *tag;      /* NULL = none */
    char *digest;   /* NULL = none */
    const char *scheme; /* "http" or "https"; only for REGISTRY, else NULL */
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

/* Check one part of a reference that is given alone. INVALID_ARGUMENT. */
MUST_CHECK int reference_check_tag(const char *tag, struct lpipe_error *err);
MUST_CHECK int reference_check_repository(const char *repository, struct lpipe_error *err);
/* host[:port], [ipv6][:port]. */
MUST_CHECK int reference_check_registry(const char *registry, struct lpipe_error *err);
/* The default scheme of a registry: see lpipe_ref_scheme(). */
const char *reference_scheme(const char *registry);

#endif
