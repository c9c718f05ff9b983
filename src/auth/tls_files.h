/* SPDX-License-Identifier: Apache-2.0 */
/* The certificate authorities and client certificates for a registry: from the client's options,
 * then from the directories that docker and podman use, HOST[:PORT]/{*.crt,*.cert,*.key}, in
 * ${XDG_CONFIG_HOME:-~/.config}/containers/certs.d, /etc/containers/certs.d and
 * /etc/docker/certs.d. Authorities of SSL_CERT_FILE and SSL_CERT_DIR count for every registry.
 * These are often all those of the system, hundreds of files, so they are read only for a
 * connection with TLS. Any thread. */
#ifndef AUTH_TLS_FILES_H
#define AUTH_TLS_FILES_H

#include <pthread.h>

#include "auth/settings.h"
#include "base/buf.h"

struct tls_files {
    char *cert; /* path of the client certificate, or NULL */
    char *key;  /* path of its key, or NULL = in cert */

    pthread_mutex_t lock; /* guards what follows */
    struct buf ca_pem;    /* text of the additional authorities */
    bool is_complete;     /* those of the environment and of the system's file are among them */
};
void tls_files_init(struct tls_files *files);
void tls_files_dispose(struct tls_files *files);

/* Reads the files for a registry (host[:port]). INVALID_ARGUMENT for a file that cannot be read
 * or is not PEM, and for a certificate without its key. Only before other threads know *files. */
MUST_CHECK int tls_files_read(const struct settings *settings, const char *registry,
                              struct tls_files *files, struct lpipe_error *err);

/* All additional authorities as text, borrowed; NULL = only the system's. Reads those of the
 * environment when it is called first. */
MUST_CHECK int tls_files_authorities(struct tls_files *files, const char **ret_pem,
                                     struct lpipe_error *err);

/* Reads the authorities that count for every registry and for https proxies: the client's option
 * and the environment. ca_pem must be empty; stays empty when there are none. */
MUST_CHECK int tls_files_read_client(const struct settings *settings, struct buf *ca_pem,
                                     struct lpipe_error *err);

/* tls_files_read() for one directory; adds to *files. A missing directory is not an error. */
MUST_CHECK int tls_files_read_directory(const char *directory, struct tls_files *files,
                                        struct lpipe_error *err);

/* True for a host[:port] that can be one component of a path. */
bool tls_files_is_component(const char *registry);

#endif
