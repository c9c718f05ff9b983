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

/* Where the credentials of a registry belong. */
struct place {
    char *registry; /* as references name it */
    char *server;   /* as helpers know it */
    char *path;     /* of the file */
    char *helper;   /* NULL = the file itself */
};

static void place_done(struct place *place)
{
    free(place->registry);
    free(place->server);
    free(place->path);
    free(place->helper);
}

/* "https://host:port/v1/" -> "host:port"; Docker Hub under the name that references have. */
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
                    "credentials are stored for a whole registry: \"%s\" has a path", text);
    }
    bool hub = strcmp(name.host, "index.docker.io") == 0 && name.port == 0;
    *ret_registry = hub ? mem_strdup(name.host) : TAKE(host);
    return *ret_registry == NULL ? fail_memory(err) : 0;
}

static int choose_path(const struct settings *settings, char **ret_path, struct lpipe_error *err)
{
    int failed = 0;
    const char *named = settings->authfile != NULL
                            ? settings->authfile
                            : environment_get(ENVIRONMENT_REGISTRY_AUTH_FILE);
    *ret_path = named != NULL ? mem_strdup(named) : environment_docker_file(&failed);
    if (*ret_path == NULL && named == NULL && !failed) {
        return fail(err, LPIPE_OUTPUT_IO,
                    "there is no place to store credentials in: HOME is not "
                    "set (give --authfile)");
    }
    return *ret_path == NULL ? fail_memory(err) : 0;
}

static int choose_place(const struct settings *settings, const char *registry, struct place *place,
                        struct lpipe_error *err)
{
    AUTO_AUTHFILE struct authfile file = { .doc = JSON_DOC_INIT };
    struct auth_name target;
    const char *helper = NULL;
    size_t score = 0;
    int status = read_registry(registry, &place->registry, err);
    status = status == 0 ? choose_path(settings, &place->path, err) : status;
    status = status == 0 ? authfile_read(place->path, &file, err) : status;
    if (status != 0) {
        return status;
    }
    if (!auth_name_parse(place->registry, &target)) {
        return fail(err, LPIPE_INVALID_ARGUMENT, "\"%s\" is no name of a registry", registry);
    }
    status = authfile_helper(&file, &target, &helper, &score, err);
    if (status != 0) {
        return status;
    }
    place->server = mem_strdup(auth_name_server(place->registry));
    place->helper = mem_strdup(helper);
    return place->server == NULL || (helper != NULL && place->helper == NULL) ? fail_memory(err)
                                                                              : 0;
}

/* Tries the credentials in a session of their own. */
static int test_credentials(lpipe_client *client, const struct place *place, const char *username,
                            const struct secret *password, struct lpipe_error *err)
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
    bool https = !plain && strcmp(reference_scheme(place->registry), "https") == 0;
    status = registry_host_new(&client->context, place->registry, https, &list, &host, err);
    status = status == 0 ? host_find_scheme(host, err) : status;
    status = status == 0 ? host_test_credentials(host, err) : status;
    if (status == 1) {
        context_notice(&client->context, "%s asks for no credentials, so these could not be tested",
                       place->registry);
    }
    return MIN_OF(status, 0);
}

/* Puts them away, and says where they are now. */
static int store(lpipe_client *client, const struct place *place, const char *username,
                 const struct secret *password, struct lpipe_error *err)
{
    if (place->helper != NULL) {
        int status = helper_store(place->helper, place->server, username, password,
                                  client->context.cancel, err);
        if (status == 0) {
            context_notice(&client->context, "stored with docker-credential-%s", place->helper);
        }
        return status;
    }
    int status = authfile_store(place->path, place->registry, username, password, err);
    if (status == 0) {
        context_notice(&client->context,
                       "stored in %s, not encrypted; a credential helper would keep it encrypted "
                       "(credsStore in that file)",
                       place->path);
    }
    return status;
}

int login(lpipe_client *client, const char *registry, const char *username, const char *password,
          struct lpipe_error *err)
{
    struct place place CLEANUP(place_done) = { .registry = NULL };
    AUTO_SECRET struct secret secret = SECRET_INIT;
    int status = choose_place(&client->context.settings, registry, &place, err);
    if (status != 0) {
        return status;
    }
    if (secret_set(&secret, password, strlen(password)) != 0) {
        return fail_memory(err);
    }
    status = test_credentials(client, &place, username, &secret, err);
    if (status != 0) {
        return status;
    }
    return store(client, &place, username, &secret, err);
}

int logout(lpipe_client *client, const char *registry, struct lpipe_error *err)
{
    struct place place CLEANUP(place_done) = { .registry = NULL };
    int status = choose_place(&client->context.settings, registry, &place, err);
    if (status != 0) {
        return status;
    }
    int helped = place.helper == NULL
                     ? 0
                     : helper_erase(place.helper, place.server, client->context.cancel, err);
    if (helped < 0) {
        return helped;
    }
    int erased = authfile_erase(place.path, place.registry, err);
    if (erased < 0) {
        return erased;
    }
    return helped + erased > 0 ? 0
                               : fail(err, LPIPE_NOT_FOUND, "no credentials of %s in %s",
                                      place.registry, place.path);
}
