/* SPDX-License-Identifier: Apache-2.0 */
/* References: names of repositories, images and local stores. */
#ifndef LAYERPIPE_REF_H
#define LAYERPIPE_REF_H

#include "error.h"

#ifdef __cplusplus
extern "C" {
#endif

/** A parsed reference. It does not change, so any number of threads may use it at the same time. */
typedef struct lpipe_ref lpipe_ref;

enum lpipe_ref_kind {
    LPIPE_REF_REGISTRY = 0,      /**< registry/repository[:tag][@digest] */
    LPIPE_REF_LAYOUT = 1,        /**< oci:DIR[:TAG] or oci:DIR@DIGEST: an OCI image layout
                                 directory (image-spec, image-layout.md) */
    LPIPE_REF_NULL = 2,          /**< null: stores nothing, computes digests only */
    LPIPE_REF_OCI_ARCHIVE = 3,   /**< oci-archive:FILE[:TAG][@DIGEST]: a layout as a tar */
    LPIPE_REF_DOCKER_ARCHIVE = 4 /**< docker-archive:FILE[:NAME:TAG][@DIGEST]: the tar of docker
                                    save */
};

enum lpipe_ref_flag {
    /** The text must name a repository of a registry, without a tag and a digest. */
    LPIPE_REF_REPOSITORY = 1u << 0,
    /** Without defaults: registry and tag must be given. No tag is needed where there is no default
     * tag. */
    LPIPE_REF_STRICT = 1u << 1,
    /** A reference without tag and digest has no tag; the default tag "latest" is not used. What is
     * pushed there has only its digest. */
    LPIPE_REF_NO_DEFAULT_TAG = 1u << 2
};

/**
 * Parses a reference.
 *
 * The grammar of repository, tag and digest is the one of distribution-spec, "Pulling
 * manifests": path components [a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*, tag
 * [A-Za-z0-9_][A-Za-z0-9._-]{0,127}, digest sha256 or sha512 in lower-case hex. The default
 * registry is docker.io, where "library/" is put before a repository of a single component. The
 * default tag is "latest" when there is no tag and no digest. A tag next to a digest is checked
 * and then ignored. A registry without a repository ("localhost:5000") is an error.
 *
 * Notations of other tools ("oci://", "docker://", "dir:", "docker-daemon:" and others) and a
 * user name or password before the host are refused. No message has a user name or password in
 * it.
 *
 * In oci:DIR[:TAG] the first ':' ends DIR. A DIR with ':' in its path must end with '/':
 * "oci:a:b/:tag". A tag in a layout may be longer and may be a whole reference, as other tools
 * write it: parts of [A-Za-z0-9_][A-Za-z0-9._:@+-]*, joined by '/'. There is no default tag.
 *
 * In oci-archive:FILE[:TAG] and docker-archive:FILE[:NAME:TAG] the first ':' ends FILE. FILE "-"
 * is stdin as a source and stdout as a destination. The tag may be a whole reference, as in a
 * layout; there is no default. A digest after '@' names a manifest in the archive.
 *
 * @param text    not NULL
 * @param flags   enum lpipe_ref_flag
 * @param ret_ref owned by the caller, lpipe_ref_free(); not NULL
 * @return 0, INVALID_ARGUMENT (the message names the part and its position). Any thread.
 */
LPIPE_API LPIPE_CHECK int lpipe_ref_parse(const char *text, uint32_t flags, lpipe_ref **ret_ref,
                                          struct lpipe_error *err);

/**
 * Parses the name of a repository: lpipe_ref_parse() with the flag LPIPE_REF_REPOSITORY.
 * @param text    not NULL
 * @param ret_ref owned by the caller, lpipe_ref_free(); not NULL
 * @return 0, INVALID_ARGUMENT. Any thread.
 */
LPIPE_API LPIPE_CHECK int lpipe_repository_parse(const char *text, lpipe_ref **ret_ref,
                                                 struct lpipe_error *err);

/* Members of a reference. ref is not NULL. Returned strings are borrowed until ref is freed. Any
 * thread. */

/** @return registry, layout, null: or image archive */
LPIPE_API enum lpipe_ref_kind lpipe_ref_kind(const lpipe_ref *ref);
/** @return registry host[:port], "index.docker.io" for Docker Hub; NULL for all others */
LPIPE_API const char *lpipe_ref_registry(const lpipe_ref *ref);
/** @return repository path, the directory of a layout, the file of an image archive ("-": stdin
 *         or stdout);
 * NULL for null: */
LPIPE_API const char *lpipe_ref_repository(const lpipe_ref *ref);
/** @return the tag, given or default. NULL when there is none: a digest was given, only a
 *         repository was
 * parsed, a layout without a tag, LPIPE_REF_NO_DEFAULT_TAG. */
LPIPE_API const char *lpipe_ref_tag(const lpipe_ref *ref);
/** @return "sha256:..." or "sha512:..."; NULL when there is none */
LPIPE_API const char *lpipe_ref_digest(const lpipe_ref *ref);
/** @return "http" for loopback addresses (127.0.0.0/8, [::1]), localhost and names under .localhost
 * (RFC 6761, section 6.3), with or without a port; else "https". NULL for all but registries */
LPIPE_API const char *lpipe_ref_scheme(const lpipe_ref *ref);
/** @return the full name, "index.docker.io/library/debian:latest" */
LPIPE_API const char *lpipe_ref_name(const lpipe_ref *ref);
/**
 * Frees a reference. No other thread may be using it.
 * @param ref may be NULL
 * @return NULL
 */
LPIPE_API lpipe_ref *lpipe_ref_free(lpipe_ref *ref);

#ifdef __cplusplus
}
#endif

#endif
