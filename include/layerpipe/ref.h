/* SPDX-License-Identifier: Apache-2.0 */
/* References: names of repositories, images and local destinations. */
#ifndef LAYERPIPE_REF_H
#define LAYERPIPE_REF_H

#include "error.h"

#ifdef __cplusplus
extern "C" {
#endif

/** A parsed reference. Immutable, so any number of threads may read it. */
typedef struct lpipe_ref lpipe_ref;

enum lpipe_ref_kind {
    LPIPE_REF_REGISTRY = 0, /**< registry/repository[:tag][@digest] */
    LPIPE_REF_LAYOUT = 1,   /**< oci:DIR[:TAG] or oci:DIR@DIGEST, an OCI image layout directory */
    LPIPE_REF_NULL = 2      /**< null:, hash only */
};

enum lpipe_ref_flag {
    /** Registry references only; a tag or digest is an error (a repository is named). */
    LPIPE_REF_REPOSITORY = 1u << 0,
    /** Refuse what depends on defaults: registry and tag must be written out (no tag is needed where
     * there is no default one). */
    LPIPE_REF_STRICT = 1u << 1,
    /** Without tag and digest there is no tag, in place of "latest": what is pushed there has its
     * digest alone. */
    LPIPE_REF_NO_DEFAULT_TAG = 1u << 2
};

/**
 * Parses a reference.
 *
 * Registry names follow the grammar of the distribution project: path components
 * [a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*, tag [A-Za-z0-9_][A-Za-z0-9._-]{0,127}, digest sha256 or
 * sha512 in lower-case hex. Without a registry, docker.io is meant, and "library/" is put before
 * a single component there. Without tag and digest the tag is "latest", unless a flag says
 * otherwise. A tag beside a digest is checked and dropped: the digest says more. A registry without
 * a repository ("localhost:5000") is an error.
 *
 * In oci:DIR[:TAG] the text after the last ':' is the tag, if there is no '/' in it. A directory
 * with ':' in its last component is written with a tag, or with '/' at its end. There is no default
 * tag.
 *
 * @param text    borrowed
 * @param flags   enum lpipe_ref_flag
 * @param ret_ref owned by the caller, lpipe_ref_free()
 * @return 0, INVALID_ARGUMENT (the message names the part and its offset), NO_MEMORY
 */
LPIPE_API LPIPE_CHECK int lpipe_ref_parse(const char *text, uint32_t flags, lpipe_ref **ret_ref,
                                          struct lpipe_error *err);

/** lpipe_ref_parse() with LPIPE_REF_REPOSITORY. */
LPIPE_API LPIPE_CHECK int lpipe_repository_parse(const char *text, lpipe_ref **ret_ref,
                                                 struct lpipe_error *err);

LPIPE_API enum lpipe_ref_kind lpipe_ref_kind(const lpipe_ref *ref);
/** Registry host[:port] ("index.docker.io" for Docker Hub); NULL for a local reference. */
LPIPE_API const char *lpipe_ref_registry(const lpipe_ref *ref);
/** Repository path, or the directory of a layout; NULL for null:. */
LPIPE_API const char *lpipe_ref_repository(const lpipe_ref *ref);
/** Tag as written or defaulted; NULL where none (a digest was given, a repository parsed, a layout
 * named without a tag, LPIPE_REF_NO_DEFAULT_TAG). */
LPIPE_API const char *lpipe_ref_tag(const lpipe_ref *ref);
/** Digest "sha256:..." or NULL. */
LPIPE_API const char *lpipe_ref_digest(const lpipe_ref *ref);
/** "http" for loopback addresses (127.0.0.0/8, [::1]), localhost and names under .localhost, with
 * or without a port, else "https"; NULL for a local reference. */
LPIPE_API const char *lpipe_ref_scheme(const lpipe_ref *ref);
/** The full name ("index.docker.io/library/debian:latest"), borrowed as long as ref. */
LPIPE_API const char *lpipe_ref_name(const lpipe_ref *ref);
LPIPE_API lpipe_ref *lpipe_ref_free(lpipe_ref *ref);

#ifdef __cplusplus
}
#endif

#endif
