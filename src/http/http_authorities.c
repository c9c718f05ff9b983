/* SPDX-License-Identifier: Apache-2.0 */
#include "http/http_authorities.h"

#include <curl/curl.h>
#include <dirent.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/macros.h"
#include "http/http_curl_load.h"

/* Debian, Ubuntu, Alpine, Arch and SUSE have hashes in the first one, newer Fedoras in the
 * second one. */
static const char *const directories[] = {
    "/etc/ssl/certs",
    "/etc/pki/ca-trust/extracted/pem/directory-hash",
};

static const char *const files[] = {
    "/etc/ssl/certs/ca-certificates.crt",                /* Debian and those that follow it */
    "/etc/pki/tls/certs/ca-bundle.crt",                  /* Fedora, RHEL */
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem", /* CentOS, RHEL */
    "/etc/ssl/ca-bundle.pem",                            /* SUSE */
    "/etc/ssl/cert.pem",                                 /* Alpine, the BSDs */
};

/* HHHHHHHH.0, as `openssl rehash` names the link to a certificate. */
static bool is_hash_name(const char *name)
{
    return strlen(name) == 10 && strspn(name, "0123456789abcdef") == 8 &&
           strcmp(name + 8, ".0") == 0;
}

/* Debian's names are links into /usr/share. In a container that was given only /etc/ssl/certs they
 * lead nowhere, and the bundle beside them is what can be read. */
static bool has_hashes(const char *path)
{
    DIR *directory = opendir(path);
    const struct dirent *entry = NULL;
    bool found = false;
    while (directory != NULL && !found && (entry = readdir(directory)) != NULL) {
        found =
            is_hash_name(entry->d_name) && faccessat(dirfd(directory), entry->d_name, R_OK, 0) == 0;
    }
    if (directory != NULL) {
        (void)closedir(directory);
    }
    return found;
}

struct http_authorities http_authorities_search(const char *root)
{
    char path[PATH_MAX];
    for (size_t i = 0; i < ARRAY_LEN(directories); i++) {
        (void)snprintf(path, sizeof path, "%s%s", root, directories[i]);
        if (has_hashes(path)) {
            return (struct http_authorities){ .directory = directories[i] };
        }
    }
    for (size_t i = 0; i < ARRAY_LEN(files); i++) {
        (void)snprintf(path, sizeof path, "%s%s", root, files[i]);
        if (access(path, R_OK) == 0) {
            return (struct http_authorities){ .file = files[i] };
        }
    }
    return (struct http_authorities){ .file = NULL };
}

static bool is_there(const char *path)
{
    return path != NULL && access(path, R_OK) == 0;
}

bool http_authorities_are_missing(void)
{
    struct http_authorities system = http_authorities_search("");
    return system.directory == NULL && system.file == NULL &&
           !is_there(curl_version_info(CURLVERSION_NOW)->cainfo);
}

int http_authorities_find(struct http_authorities *ret_found, struct lpipe_error *err)
{
    int status = curl_load(err);
    if (status == 0) {
        const curl_version_info_data *info = curl_version_info(CURLVERSION_NOW);
        *ret_found = is_there(info->cainfo) || is_there(info->capath)
                         ? (struct http_authorities){ .file = NULL }
                         : http_authorities_search("");
    }
    return status;
}
