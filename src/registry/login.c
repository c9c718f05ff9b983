/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/login.h"

#include <string.h>
#include <strings.h>

#include "auth/authfile.h"
#include "auth/authfile_write.h"
#include "auth/credential_helper.h"
#include "base/environment.h"
#include "base/mem.h"
#include "base/text.h"
#include "oci/reference.h"
#include "request/host_authorization.h"
#include "request/host_probe.h"

/* A registry, and where its credentials are stored. */
struct login_target {
    char *registry; /* as in references */
    char *server;   /* as in credential helpers */
    char *path;     /* of the credential file */
    char *helper;   /* name of the credential helper; NULL = the file */
};

static void login_target_dispose(struct login_target *target)
{
    free(target->registry);
    free(target->server);
    free(target->path);
    free(target->helper);
}

/* "https://host:port/v1/" gives "host:port"; Docker Hub gets the name that references use. */
static int read_registry(const char *text, char **ret_registry, struct lpipe_error *err)
{
    struct auth_name name;
    text += strncasecmp(text, "https://", 8) == 0  ? 8
            : strncasecmp(text, "http://", 7) == 0 ? 7
                                                   : 0;
    AUTO_FREE char *host = mem_strndup(text, strcspn(text, "/"));
    if (host == NULL) {
        return fail_memory(err);
    }
    int status = reference_check_registry(host, err);
    if (status != 0) {
        return status;
    }
    if (!auth_name_parse(text, &name) || name.path[0] != '\0') {
        return fail(err, LPIPE_INVALID_ARGUMENT,
                    "\"%s\" has a path, but credentials are stored for a whole registry: give the "
                    "host[:port] only",
                    text);
    }
    bool hub = strcmp(name.host, "index.docker.io") == 0 && name.port == 0;
    *ret_registry = hub ? mem_strdup(name.host) : TAKE(host);
    return *ret_registry == NULL ? fail_memory(err) : 0;
}

static int find_authfile(const struct settings *settings, char **ret_path, struct lpipe_error *err)
{
    int failed = 0;
    const char *named = settings->authfile != NULL
                            ? settings->authfile
                            : environment_get(ENVIRONMENT_REGISTRY_AUTH_FILE);
    *ret_path = named != NULL ? mem_strdup(named) : environment_docker_file(&failed);
    if (*ret_path == NULL && named == NULL && !failed) {
        return fail(err, LPIPE_OUTPUT_IO,
                    "cannot store credentials: HOME is not set; set it or use --authfile");
    }
    return *ret_path == NULL ? fail_memory(err) : 0;
}

static int find_target(const struct settings *settings, const char *registry,
                       struct login_target *target, struct lpipe_error *err)
{
    AUTO_AUTHFILE struct authfile file = { .doc = JSON_DOC_INIT };
    struct auth_name name;
    const char *helper = NULL;
    size_t score = 0;
    int status = read_registry(registry, &target->registry, err);
    status = status == 0 ? find_authfile(settings, &target->path, err) : status;
    status = status == 0 ? authfile_read(target->path, &file, err) : status;
    if (status != 0) {
        return status;
    }
    if (!auth_name_parse(target->registry, &name)) {
        return fail(err, LPIPE_INVALID_ARGUMENT, "\"%s\" is not a registry: give host[:port]",
                    registry);
    }
    status = authfile_helper(&file, &name, &helper, &score, err);
    if (status != 0) {
        return status;
    }
    target->server = mem_strdup(auth_name_server(target->registry));
    target->helper = mem_strdup(helper);
    return target->server == NULL || (helper != NULL && target->helper == NULL) ? fail_memory(err)
                                                                                : 0;
}

/* Tests the credentials with a registry host of their own, so that the client's tokens and stored
 * credentials are not used. */
static int test_credentials(lpipe_client *client, const struct login_target *target,
                            const char *username, const struct secret *password,
                            struct lpipe_error *err)
{
    AUTO_CREDENTIAL_LIST struct credential_list list = { .count = 1 };
    struct registry_host *host CLEANUP(cleanup_registry_host) = NULL;
    list.items[0].source = mem_strdup("this login");
    list.items[0].username = mem_strdup(username);
    int status = secret_copy(&list.items[0].password, password);
    if (list.items[0].source == NULL || list.items[0].username == NULL || status != 0) {
        return fail_memory(err);
    }
    bool plain = (client->context.settings.flags & LPIPE_CLIENT_PLAIN_HTTP) != 0;
    bool https = !plain && strcmp(reference_scheme(target->registry), "https") == 0;
    status = registry_host_new(&client->context, target->registry, https, &list, &host, err);
    status = status == 0 ? host_find_scheme(host, err) : status;
    status = status == 0 ? host_test_credentials(host, err) : status;
    if (status == 1) {
        context_notice(&client->context,
                       "%s does not ask for credentials, so these could not be tested",
                       target->registry);
    }
    return MIN_OF(status, 0);
}

/* Stores the credentials and says where they are. */
static int save_credentials(lpipe_client *client, const struct login_target *target,
                            const char *username, const struct secret *password,
                            struct lpipe_error *err)
{
    if (target->helper != NULL) {
        int status = helper_store(target->helper, target->server, username, password,
                                  client->context.cancel, err);
        if (status == 0) {
            context_notice(&client->context, "stored with docker-credential-%s", target->helper);
        }
        return status;
    }
    int status = authfile_store(target->path, target->registry, username, password, err);
    if (status == 0) {
        context_notice(
            &client->context,
            "stored in %s, not encrypted; to store them encrypted, set a credential helper "
            "(credsStore) in that file",
            target->path);
    }
    return status;
}

int login(lpipe_client *client, const char *registry, const char *username, const char *password,
          struct lpipe_error *err)
{
    struct login_target target CLEANUP(login_target_dispose) = { .registry = NULL };
    AUTO_SECRET struct secret secret = SECRET_INIT;
    int status = find_target(&client->context.settings, registry, &target, err);
    if (status != 0) {
        return status;
    }
    if (secret_set(&secret, password, strlen(password)) != 0) {
        return fail_memory(err);
    }
    status = test_credentials(client, &target, username, &secret, err);
    if (status != 0) {
        return status;
    }
    return save_credentials(client, &target, username, &secret, err);
}

int logout(lpipe_client *client, const char *registry, struct lpipe_error *err)
{
    struct login_target target CLEANUP(login_target_dispose) = { .registry = NULL };
    int status = find_target(&client->context.settings, registry, &target, err);
    if (status != 0) {
        return status;
    }
    int helped = target.helper == NULL
                     ? 0
                     : helper_erase(target.helper, target.server, client->context.cancel, err);
    if (helped < 0) {
        return helped;
    }
    int erased = authfile_erase(target.path, target.registry, err);
    if (erased < 0) {
        return erased;
    }
    return helped + erased > 0 ? 0
                               : fail(err, LPIPE_NOT_FOUND, "no credentials for %s in %s",
                                      target.registry, target.path);
}
