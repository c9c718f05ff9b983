/* SPDX-License-Identifier: Apache-2.0 */
#include "base/environment.h"

#include <stdbool.h>
#include <stdlib.h>

#include "base/mem.h"

static const struct {
    const char *name;
    bool absolute;
} VARIABLES[] = {
    [ENVIRONMENT_HOME] = { "HOME", true },
    [ENVIRONMENT_PATH] = { "PATH", false },
    [ENVIRONMENT_DOCKER_AUTH_CONFIG] = { "DOCKER_AUTH_CONFIG", false },
    [ENVIRONMENT_DOCKER_CONFIG] = { "DOCKER_CONFIG", false },
    [ENVIRONMENT_REGISTRY_AUTH_FILE] = { "REGISTRY_AUTH_FILE", false },
    [ENVIRONMENT_XDG_CONFIG_HOME] = { "XDG_CONFIG_HOME", true },
    [ENVIRONMENT_XDG_RUNTIME_DIR] = { "XDG_RUNTIME_DIR", true },
    [ENVIRONMENT_SOURCE_DATE_EPOCH] = { "SOURCE_DATE_EPOCH", false },
    [ENVIRONMENT_SSL_CERT_FILE] = { "SSL_CERT_FILE", false },
    [ENVIRONMENT_SSL_CERT_DIR] = { "SSL_CERT_DIR", false },
    [ENVIRONMENT_TMPDIR] = { "TMPDIR", true },
};

const char *environment_get(enum environment_variable variable)
{
    const char *value = secure_getenv(VARIABLES[variable].name);
    if (value == NULL || *value == '\0' || (VARIABLES[variable].absolute && *value != '/')) {
        return NULL;
    }
    return value;
}

static char *join(const char *directory, const char *name, int *ret_failed)
{
    char *path = directory == NULL ? NULL : mem_printf("%s/%s", directory, name);
    *ret_failed |= directory != NULL && path == NULL;
    return path;
}

char *environment_home_file(const char *name, int *ret_failed)
{
    return join(environment_get(ENVIRONMENT_HOME), name, ret_failed);
}

char *environment_runtime_file(const char *name, int *ret_failed)
{
    return join(environment_get(ENVIRONMENT_XDG_RUNTIME_DIR), name, ret_failed);
}

char *environment_config_file(const char *name, int *ret_failed)
{
    const char *directory = environment_get(ENVIRONMENT_XDG_CONFIG_HOME);
    if (directory != NULL) {
        return join(directory, name, ret_failed);
    }
    AUTO_FREE char *config = environment_home_file(".config", ret_failed);
    return join(config, name, ret_failed);
}

char *environment_docker_file(int *ret_failed)
{
    const char *directory = environment_get(ENVIRONMENT_DOCKER_CONFIG);
    return directory != NULL ? join(directory, "config.json", ret_failed)
                             : environment_home_file(".docker/config.json", ret_failed);
}
