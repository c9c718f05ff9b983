/* SPDX-License-Identifier: Apache-2.0 */
#include "auth/tls_files.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "base/environment.h"
#include "base/fd.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/sync.h"
#include "base/text.h"
#include "http/http_authorities.h"

void tls_files_init(struct tls_files *files)
{
    *files = (struct tls_files){ .cert = NULL };
    (void)pthread_mutex_init(&files->lock, NULL);
}

void tls_files_dispose(struct tls_files *files)
{
    (void)pthread_mutex_destroy(&files->lock);
    buf_dispose(&files->ca_pem);
    free(files->cert);
    free(files->key);
    files->cert = NULL;
    files->key = NULL;
}

bool tls_files_is_component(const char *registry)
{
    size_t size = strlen(registry);
    return size > 0 && size < 256 && registry[0] != '.' && text_is_clean(registry, size) &&
           strcspn(registry, "/\\") == size;
}

static int add_authorities(const char *path, struct tls_files *files, struct lpipe_error *err)
{
    size_t before = files->ca_pem.size;
    files->ca_pem.size_max = AUTHORITIES_BYTES_MAX;
    int status = fd_read_file(path, &files->ca_pem, LPIPE_INVALID_ARGUMENT, err);
    if (status != 0) {
        return status;
    }
    if (files->ca_pem.data == NULL ||
        strstr(files->ca_pem.data + before, "-----BEGIN CERTIFICATE-----") == NULL) {
        return fail(err, LPIPE_INVALID_ARGUMENT, "%s contains no certificate in PEM format", path);
    }
    return buf_append(&files->ca_pem, "\n", 1) == 0 ? 0 : fail_memory(err);
}

/* Uses the first certificate and key of a directory; further ones are only checked. */
static int add_identity(const char *directory, const char *name, struct tls_files *files,
                        struct lpipe_error *err)
{
    AUTO_FREE char *cert = mem_printf("%s/%s", directory, name);
    AUTO_FREE char *key =
        mem_printf("%s/%.*s.key", directory, (int)(strlen(name) - strlen(".cert")), name);
    if (cert == NULL || key == NULL) {
        return fail_memory(err);
    }
    if (access(key, R_OK) != 0) {
        return fail_errno(err, LPIPE_INVALID_ARGUMENT, errno, "%s has no usable key %s", cert, key);
    }
    if (files->cert == NULL) {
        files->cert = TAKE(cert);
        files->key = TAKE(key);
    }
    return 0;
}

static int add_file(const char *directory, const char *name, struct tls_files *files,
                    struct lpipe_error *err)
{
    if (text_ends(name, ".crt")) {
        AUTO_FREE char *path = mem_printf("%s/%s", directory, name);
        return path == NULL ? fail_memory(err) : add_authorities(path, files, err);
    }
    return text_ends(name, ".cert") ? add_identity(directory, name, files, err) : 0;
}

/* A directory that another user's home directory hides counts as missing. */
static bool is_hidden(const char *directory)
{
    struct stat info;
    return stat(directory, &info) != 0 && errno == EACCES;
}

/* The order shall not depend on the locale. */
static int compare_names(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

int tls_files_read_directory(const char *directory, struct tls_files *files,
                             struct lpipe_error *err)
{
    struct dirent **entries = NULL;
    int count = scandir(directory, &entries, NULL, compare_names);
    if (count < 0) {
        int code = errno;
        return code == ENOENT || code == ENOTDIR || (code == EACCES && is_hidden(directory))
                   ? 0
                   : fail_errno(err, LPIPE_INVALID_ARGUMENT, code, "cannot read %s", directory);
    }
    int status = 0;
    for (int i = 0; i < count; i++) {
        status = status == 0 ? add_file(directory, entries[i]->d_name, files, err) : status;
        free(entries[i]);
    }
    free(entries);
    return status;
}

static int read_directories(const char *registry, struct tls_files *files, struct lpipe_error *err)
{
    int failed = 0;
    AUTO_FREE char *own = environment_config_file("containers/certs.d", &failed);
    const char *places[] = { own, "/etc/containers/certs.d", "/etc/docker/certs.d" };
    int status = failed ? fail_memory(err) : 0;
    for (size_t i = 0; i < ARRAY_LEN(places) && status == 0; i++) {
        AUTO_FREE char *directory =
            places[i] == NULL ? NULL : mem_printf("%s/%s", places[i], registry);
        if (places[i] != NULL) {
            status = directory == NULL ? fail_memory(err)
                                       : tls_files_read_directory(directory, files, err);
        }
    }
    return status;
}

/* Adds a file of a directory in SSL_CERT_DIR; files without certificates are skipped, as other
 * tools do. */
static int add_environment_file(const char *path, struct tls_files *files, struct lpipe_error *err)
{
    struct lpipe_error why = { 0 };
    size_t before = files->ca_pem.size;
    int status = add_authorities(path, files, &why);
    if (status == LPIPE_INVALID_ARGUMENT && files->ca_pem.size <= AUTHORITIES_BYTES_MAX) {
        files->ca_pem.size = before;
        return 0;
    }
    if (status != 0 && err != NULL) {
        *err = why;
    }
    return status;
}

/* A symbolic link to another file of its directory, as `openssl rehash` makes one for each. */
static bool is_link_to_neighbour(const char *path)
{
    char target[256];
    ssize_t size = readlink(path, target, sizeof target);
    return size > 0 && memchr(target, '/', (size_t)size) == NULL;
}

static int add_environment_directory(const char *directory, struct tls_files *files,
                                     struct lpipe_error *err)
{
    struct dirent **entries = NULL;
    int count = scandir(directory, &entries, NULL, compare_names);
    int status = 0;
    for (int i = 0; i < count; i++) {
        AUTO_FREE char *path = mem_printf("%s/%s", directory, entries[i]->d_name);
        if (status == 0 && path == NULL) {
            status = fail_memory(err);
        } else if (status == 0 && !is_link_to_neighbour(path)) {
            status = add_environment_file(path, files, err);
        }
        free(entries[i]);
    }
    free(entries);
    return status;
}

/* SSL_CERT_FILE and SSL_CERT_DIR (several, with ':' between them), as tools written in Go read
 * them: the authorities are added to the system's, and what is missing or unreadable is ignored. */
static int add_environment(struct tls_files *files, struct lpipe_error *err)
{
    const char *file = environment_get(ENVIRONMENT_SSL_CERT_FILE);
    const char *at = environment_get(ENVIRONMENT_SSL_CERT_DIR);
    int status = file == NULL ? 0 : add_environment_file(file, files, err);
    while (at != NULL && *at != '\0' && status == 0) {
        size_t size = strcspn(at, ":");
        AUTO_FREE char *directory = mem_strndup(at, size);
        status = directory == NULL ? fail_memory(err)
                 : size > 0        ? add_environment_directory(directory, files, err)
                                   : 0;
        at += size + (at[size] == ':');
    }
    return status;
}

/* All of the system's, if they are in a file that libcurl does not know. */
static int add_system(struct tls_files *files, struct lpipe_error *err)
{
    struct http_authorities system = { .file = NULL };
    int status = http_authorities_find(&system, err);
    return status != 0 || system.file == NULL ? status
                                              : add_environment_file(system.file, files, err);
}

static int add_client_authorities(const struct settings *settings, struct tls_files *files,
                                  struct lpipe_error *err)
{
    return settings->cacert != NULL ? add_authorities(settings->cacert, files, err) : 0;
}

int tls_files_read_client(const struct settings *settings, struct buf *ca_pem,
                          struct lpipe_error *err)
{
    struct tls_files files CLEANUP(tls_files_dispose);
    tls_files_init(&files);
    int status = add_client_authorities(settings, &files, err);
    status = status == 0 ? add_environment(&files, err) : status;
    status = status == 0 ? add_system(&files, err) : status;
    if (status == 0) {
        *ca_pem = files.ca_pem;
        files.ca_pem = (struct buf)BUF_INIT(0);
    }
    return status;
}

int tls_files_authorities(struct tls_files *files, const char **ret_pem, struct lpipe_error *err)
{
    GUARD(&files->lock);
    int status = files->is_complete ? 0 : add_environment(files, err);
    status = status == 0 && !files->is_complete ? add_system(files, err) : status;
    if (status == 0) {
        files->is_complete = true;
        *ret_pem = files->ca_pem.size > 0 ? files->ca_pem.data : NULL;
    }
    return status;
}

/* --cert and --key; they are used before the certificates in directories. */
static int copy_identity(const struct settings *settings, struct tls_files *files,
                         struct lpipe_error *err)
{
    if (settings->cert == NULL) {
        return 0;
    }
    files->cert = mem_strdup(settings->cert);
    files->key = mem_strdup(settings->key);
    if (files->cert == NULL || (files->key == NULL && settings->key != NULL)) {
        return fail_memory(err);
    }
    const char *missing = access(files->cert, R_OK) != 0                        ? files->cert
                          : files->key != NULL && access(files->key, R_OK) != 0 ? files->key
                                                                                : NULL;
    return missing == NULL
               ? 0
               : fail_errno(err, LPIPE_INVALID_ARGUMENT, errno, "cannot read %s", missing);
}

int tls_files_read(const struct settings *settings, const char *registry, struct tls_files *files,
                   struct lpipe_error *err)
{
    int status = copy_identity(settings, files, err);
    status = status == 0 ? add_client_authorities(settings, files, err) : status;
    return status == 0 && tls_files_is_component(registry) ? read_directories(registry, files, err)
                                                           : status;
}
