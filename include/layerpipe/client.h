/* SPDX-License-Identifier: Apache-2.0 */
/* The client: connections to registries, credentials, limits. */
#ifndef LAYERPIPE_CLIENT_H
#define LAYERPIPE_CLIENT_H

#include "observe.h"

#ifdef __cplusplus
extern "C" {
#endif

/** How a blob is uploaded to a registry (distribution-spec, "Pushing Blobs"). */
enum lpipe_upload_mode {
    LPIPE_UPLOAD_AUTO = 0,      /**< chosen for the registry; changes when it is refused */
    LPIPE_UPLOAD_STREAMED = 1,  /**< one PATCH of unknown length */
    LPIPE_UPLOAD_CHUNKED = 2,   /**< one PATCH for each chunk_bytes; a chunk is kept until
                                      it is acknowledged */
    LPIPE_UPLOAD_MONOLITHIC = 3 /**< one PUT; needs the blob in memory or a spool */
};

enum lpipe_client_flag {
    LPIPE_CLIENT_ANONYMOUS = 1u << 0,     /**< send no credentials */
    LPIPE_CLIENT_PLAIN_HTTP = 1u << 1,    /**< use http for every registry that a reference names */
    LPIPE_CLIENT_TLS_NO_VERIFY = 1u << 2, /**< accept any certificate */
    LPIPE_CLIENT_HTTPS = 1u << 3          /**< use https for registries on this machine too */
};

struct lpipe_client_options {
    size_t struct_size;
    uint32_t flags;       /**< enum lpipe_client_flag */
    const char *authfile; /**< docker config.json or auth.json: read credentials from this file
                             only; NULL = from the default files. Files must be regular ones: they
                             are read more than once */
    const char *username; /**< with password: sent to every registry that a reference names;
                             no file is read */
    const char *password; /**< needs username */
    const char *cacert;   /**< PEM file with additional certificate authorities */
    const char *cert;     /**< PEM file with the client certificate */
    const char *key;      /**< PEM file with its key; NULL = the key is in cert */
    const char *const
        *trust_realms; /**< token servers that may get the credentials: "host[:port]", or
                                        "registry[:port]=host[:port]" for one registry only */
    size_t trust_realm_count;
    const char *user_agent; /**< put before the library's User-Agent; NULL = nothing */
    enum lpipe_upload_mode upload;
    uint64_t chunk_bytes;    /**< size of a chunk, from 1 MiB to 95 MiB; 0 = 16 MiB, adapted */
    const char *spool_dir;   /**< directory for an unlinked file with the compressed bytes, from
                                which a lost upload is sent again; NULL = none */
    int32_t retry_count;     /**< how often each request is repeated; 0 = 5, -1 = never */
    uint32_t jobs;           /**< blobs at a time, at most 64; 0 = 4, or one more than the streams
                                that cannot be read again; with 1, all requests follow one
                                another. For lpipe_content_open(): ranges of a
                                layer that are fetched at a time, at most 16 */
    uint64_t rate_bytes_max; /**< upload limit in bytes per second; 0 = none */
    struct lpipe_observer observer; /**< all NULL = no events */
    lpipe_cancel *cancel;           /**< the client takes a reference; may be NULL */
};
#define LPIPE_CLIENT_OPTIONS_INIT                                                                  \
    {                                                                                              \
        sizeof(struct lpipe_client_options), 0, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 0, NULL, \
            LPIPE_UPLOAD_AUTO, 0, NULL, 0, 0, 0, { NULL, NULL, NULL, NULL }, NULL                  \
    }

/** Owns the network thread, the connections and the tokens. Several threads may use it at the same
 * time. After fork() the child has none of the threads: there each function that uses the parent's
 * client, or a writer or an open layer of the parent, returns INVALID_STATE, and freeing them does
 * nothing. The child makes a client of its own; the parent goes on with its one. */
typedef struct lpipe_client lpipe_client;

/**
 * Makes a client. It does not connect and does not read files yet.
 * @param options    strings are copied; the observer is taken (see there); may be NULL
 * @param ret_client owned by the caller, lpipe_client_free(); not NULL
 * @return 0, INVALID_ARGUMENT, NO_RESOURCES. Any thread.
 */
LPIPE_API LPIPE_CHECK int lpipe_client_new(const struct lpipe_client_options *options,
                                           lpipe_client **ret_client, struct lpipe_error *err);
/**
 * Ends the network thread and frees the client. No call may be running with it, and the images and
 * writers made with it must be freed before.
 * @param client may be NULL
 * @return NULL
 */
LPIPE_API lpipe_client *lpipe_client_free(lpipe_client *client);

/**
 * Checks the name of a registry as lpipe_login() does, for example before a password is asked for.
 * @param registry host[:port]; not NULL
 * @return 0, INVALID_ARGUMENT. Any thread.
 */
LPIPE_API LPIPE_CHECK int lpipe_registry_check(const char *registry, struct lpipe_error *err);
/** Size of a text of lpipe_login_realm(). */
#define LPIPE_REALM_BYTES 640
/**
 * Asks a registry, without credentials, for its token server. If that is another host which may
 * not get the credentials of this registry, gives the entry for trust_realms that allows it, for
 * example to ask the user whether the host belongs to the registry.
 * @param client    may be in use by other threads
 * @param registry  host[:port]
 * @param ret_entry gets "registry[:port]=host[:port]", or "" if nothing has to be allowed; see
 *         SECURITY.md
 * @return 0, INVALID_ARGUMENT, NETWORK, TIMEOUT, TLS, SERVER, PROTOCOL, REFUSED (the token
 *         server cannot be
 *         allowed), CANCELLED. Any thread.
 */
LPIPE_API LPIPE_CHECK int lpipe_login_realm(lpipe_client *client, const char *registry,
                                            char ret_entry[LPIPE_REALM_BYTES],
                                            struct lpipe_error *err);
/**
 * Checks credentials with a registry and stores them if the registry accepts them: with the
 * credential helper that the configuration names, else in the credential file (mode 0600, replaced
 * atomically).
 * @param client   may be in use by other threads
 * @param registry host[:port]
 * @param username not empty, without ':' (RFC 7617, section 2)
 * @param password at most 64 KiB
 * @return 0, INVALID_ARGUMENT, AUTH_REQUIRED (the registry refused them), NETWORK, TIMEOUT, TLS,
 *         SERVER, OUTPUT_IO, CANCELLED. Any thread.
 */
LPIPE_API LPIPE_CHECK int lpipe_login(lpipe_client *client, const char *registry,
                                      const char *username, const char *password,
                                      struct lpipe_error *err);
/**
 * Removes the stored credentials of a registry. The registry is not contacted.
 * @param client   may be in use by other threads
 * @param registry host[:port]
 * @return 0, INVALID_ARGUMENT, NOT_FOUND (nothing was stored), OUTPUT_IO. Any thread.
 */
LPIPE_API LPIPE_CHECK int lpipe_logout(lpipe_client *client, const char *registry,
                                       struct lpipe_error *err);

#ifdef __cplusplus
}
#endif

#endif
