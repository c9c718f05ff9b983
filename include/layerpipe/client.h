/* SPDX-License-Identifier: Apache-2.0 */
/* The client: connections, credentials, limits. */
#ifndef LAYERPIPE_CLIENT_H
#define LAYERPIPE_CLIENT_H

#include "observe.h"

#ifdef __cplusplus
extern "C" {
#endif

enum lpipe_upload_mode {
    LPIPE_UPLOAD_AUTO = 0,      /**< by the registry, with fall-back */
    LPIPE_UPLOAD_STREAMED = 1,  /**< one PATCH of unknown length */
    LPIPE_UPLOAD_CHUNKED = 2,   /**< PATCHes of chunk_bytes, each held until acknowledged */
    LPIPE_UPLOAD_MONOLITHIC = 3 /**< one PUT; needs the blob in memory or a spool */
};

enum lpipe_client_flag {
    LPIPE_CLIENT_ANONYMOUS = 1u << 0,    /**< use no credentials at all */
    LPIPE_CLIENT_PLAIN_HTTP = 1u << 1,   /**< http for every registry named */
    LPIPE_CLIENT_TLS_NO_VERIFY = 1u << 2 /**< accept any certificate */
};

struct lpipe_client_options {
    size_t struct_size;
    uint32_t flags;       /**< enum lpipe_client_flag */
    const char *authfile; /**< docker config.json or auth.json to use alone; NULL = look up */
    const char *username; /**< with password: for every registry named, in place of files */
    const char *password;
    const char *cacert;              /**< PEM file of additional authorities */
    const char *cert;                /**< PEM file, client certificate */
    const char *key;                 /**< PEM file, its key; NULL = in cert */
    const char *const *trust_realms; /**< hosts of token servers that may get credentials */
    size_t trust_realm_count;
    const char *user_agent; /**< put before our own; NULL = ours */
    enum lpipe_upload_mode upload;
    uint64_t chunk_bytes;    /**< 0 = 16 MiB, adapting; at least 1 MiB */
    const char *spool_dir;   /**< keep compressed bytes in an unlinked file there; NULL = do not */
    int32_t retry_count;     /**< attempts after the first, each step; 0 = 5, -1 = none */
    uint32_t jobs;           /**< blobs at a time; 0 = 4, or all streams and one more */
    uint64_t rate_bytes_max; /**< upload limit, bytes a second; 0 = none */
    struct lpipe_observer observer; /**< all NULL = silent */
    lpipe_cancel *cancel;           /**< a reference is taken; may be NULL */
};
#define LPIPE_CLIENT_OPTIONS_INIT                                                                  \
    {                                                                                              \
        sizeof(struct lpipe_client_options), 0, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 0, NULL, \
            LPIPE_UPLOAD_AUTO, 0, NULL, 0, 0, 0, { NULL, NULL, NULL, NULL }, NULL                  \
    }

/** Owns the network thread, connections and token cache. May be used by several threads at once. */
typedef struct lpipe_client lpipe_client;

/**
 * Makes a client. No connection is made and no file is read yet.
 * @param options borrowed (strings are copied), may be NULL
 * @param ret_client owned by the caller, lpipe_client_free()
 * @return 0, INVALID_ARGUMENT, NO_MEMORY, NO_RESOURCES
 */
LPIPE_API LPIPE_CHECK int lpipe_client_new(const struct lpipe_client_options *options,
                                           lpipe_client **ret_client, struct lpipe_error *err);
/** Ends the network thread and frees the client. No call may be using it. Returns NULL. */
LPIPE_API lpipe_client *lpipe_client_free(lpipe_client *client);

/**
 * Tests credentials against a registry and stores them on success: with the helper that the
 * configuration names, else in the file (mode 0600, replaced atomically).
 * @param registry host[:port], borrowed
 * @return 0, INVALID_ARGUMENT, AUTH_REQUIRED (refused), NETWORK, TLS, OUTPUT_IO ...
 */
LPIPE_API LPIPE_CHECK int lpipe_login(lpipe_client *client, const char *registry,
                                      const char *username, const char *password,
                                      struct lpipe_error *err);
/** Removes stored credentials. NOT_FOUND when there were none. */
LPIPE_API LPIPE_CHECK int lpipe_logout(lpipe_client *client, const char *registry,
                                       struct lpipe_error *err);

#ifdef __cplusplus
}
#endif

#endif
