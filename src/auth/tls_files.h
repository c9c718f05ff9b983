/* SPDX-License-Identifier: Apache-2.0 */
/* The certificate authorities and client certificates for a registry: from the client's options,
 * then from the directories that docker and podman use, HOST[:PORT]/{*.crt,*.cert,*.key}, in
 * ${XDG_CONFIG_HOME:-~/.config}/containers/certs.d, /etc/containers/certs.d and
 * /etc/docker/certs.d. Authorities of SSL_CERT_FILE and SSL_CERT_DIR count for every registry.
 * Any thread. */
#ifndef AUTH_TLS_FILES_H
#define AUTH_TLS_FILES_H

#include "auth/settings.h"
#include "base/buf.h"

struct tls_files {
    struct buf ca_pem; /* text of all additional authorities; empty = only the system's */
    char *cert;        /* path of the client certificate, or NULL */
    char *key;         /* path of its key, or NULL = in cert */
};
void tls_files_dispose(struct tls_files *files);

/* Reads the files for a registry (host[:port]). INVALID_ARGUMENT for a file that cannot be read
 * or is not PEM, and for a certificate without its key. */
MUST_CHECK int tls_files_read(const struct settings *settings, const char *registry,
                              struct tls_files *ret_files, struct lpipe_error *err);

/* Reads the authorities that count for every registry and for https proxies: the client's option
 * and the environment. ca_pem must be empty; stays empty when there are none. */
MUST_CHECK int tls_files_read_client(const struct settings *settings, struct buf *ca_pem,
                                     struct lpipe_error *err);

/* The same for one directory; adds to *files. A missing directory is not an error. */
MUST_CHECK int tls_files_read_directory(const char *directory, struct tls_files *files,
                                        struct lpipe_error *err);

/* True for a host[:port] that can be one component of a path. */
bool tls_files_is_component(const char *registry);

#endif
