/* SPDX-License-Identifier: Apache-2.0 */
/* The only file of the library that reads the environment (libcurl reads the proxy variables by
 * itself). Nothing is read when the process runs with more rights than its user. A program that
 * changes its environment while a client is in use has to keep the two apart itself. */
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
    ENVIRONMENT_SOURCE_DATE_EPOCH
};

/* Borrowed; NULL when unset or empty. Directories that must be absolute and are not count as unset:
 * the working directory is no place for secrets. */
const char *environment_get(enum environment_variable variable);

/* $HOME/<name>, $XDG_RUNTIME_DIR/<name>, ${XDG_CONFIG_HOME:-~/.config}/<name>: owned, NULL where the
 * variables are not set. *ret_failed is set when out of memory. */
char *environment_home_file(const char *name, int *ret_failed);
char *environment_runtime_file(const char *name, int *ret_failed);
char *environment_config_file(const char *name, int *ret_failed);
/* config.json in $DOCKER_CONFIG, else in ~/.docker. */
char *environment_docker_file(int *ret_failed);

#endif
