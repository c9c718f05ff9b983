/* SPDX-License-Identifier: Apache-2.0 */
/* Public functions of references. */
#include "layerpipe/ref.h"
#include "oci/reference.h"

#define FLAGS_KNOWN ((uint32_t)(LPIPE_REF_REPOSITORY | LPIPE_REF_STRICT | LPIPE_REF_NO_DEFAULT_TAG))

int lpipe_ref_parse(const char *text, uint32_t flags, lpipe_ref **ret_ref, struct lpipe_error *err)
{
    if (text == NULL || ret_ref == NULL) {
        return fail(err, LPIPE_INVALID_ARGUMENT, "lpipe_ref_parse: text and ret_ref are required");
    }
    if ((flags & ~FLAGS_KNOWN) != 0) {
        return fail(err, LPIPE_INVALID_ARGUMENT, "lpipe_ref_parse: unknown flags 0x%x",
                    (unsigned)(flags & ~FLAGS_KNOWN));
    }
    return reference_parse(text, flags, ret_ref, err);
}

int lpipe_repository_parse(const char *text, lpipe_ref **ret_ref, struct lpipe_error *err)
{
    return lpipe_ref_parse(text, LPIPE_REF_REPOSITORY, ret_ref, err);
}

enum lpipe_ref_kind lpipe_ref_kind(const lpipe_ref *ref)
{
    return ref->kind;
}

const char *lpipe_ref_registry(const lpipe_ref *ref)
{
    return ref->registry;
}

const char *lpipe_ref_repository(const lpipe_ref *ref)
{
    return ref->repository;
}

const char *lpipe_ref_tag(const lpipe_ref *ref)
{
    return ref->tag;
}

const char *lpipe_ref_digest(const lpipe_ref *ref)
{
    return ref->digest;
}

const char *lpipe_ref_scheme(const lpipe_ref *ref)
{
    return ref->scheme;
}

const char *lpipe_ref_name(const lpipe_ref *ref)
{
    return ref->name;
}

lpipe_ref *lpipe_ref_free(lpipe_ref *ref)
{
    return reference_free(ref);
}
