/* SPDX-License-Identifier: Apache-2.0 */
/* The only file of the library that reads the environment, besides http/http_proxy.c. Nothing is
 * read when the process has more rights than its user (setuid). A program must not change its
 * environment while a call of this library runs in another thread. */
#ifndef BASE_ENVIRONMENT_H
#define BASE_ENVIRONMENT_H

enum environment_variable {
    ENVIRONMENT_HOME,
    ENVIRONMENT_PATH,
    ENVIRONMENT_DOCKER_AUTH_CONFIG,
    ENVIRONMENT_DOCKER_CONFIG,
    ENVIRONMENT_REGISTRY_AUTH_FILE,
    ENVIRONMENT_XDG_CONFIG_HOME,
    ENVIRONMENT_XDG_RUNTIME_DIR,
    ENVIRONMENT_SOURCE_DATE_EPOCH,
    ENVIRONMENT_SSL_CERT_FILE,
    ENVIRONMENT_SSL_CERT_DIR,
    ENVIRONMENT_TMPDIR
};

/* Borrowed; NULL when unset or empty. A relative path in HOME or XDG_* counts as unset, because
 * secrets must not be read from the working directory. */
const char *environment_get(enum environment_variable variable);

/* $HOME/<name>, $XDG_RUNTIME_DIR/<name>, ${XDG_CONFIG_HOME:-~/.config}/<name>: owned, NULL where
 * the variables are not set. *ret_failed is set when out of memory. */
char *environment_home_file(const char *name, int *ret_failed);
char *environment_runtime_file(const char *name, int *ret_failed);
char *environment_config_file(const char *name, int *ret_failed);
/* config.json in $DOCKER_CONFIG, else in ~/.docker. */
char *environment_docker_file(int *ret_failed);

#endif
