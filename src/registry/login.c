/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/login.h"

#include <stdio.h>
#include <string.h>

#include "auth/authfile.h"
#include "auth/authfile_write.h"
#include "auth/credential_helper.h"
#include "base/environment.h"
#include "base/mem.h"
#include "base/sync.h"
#include "base/text.h"
#include "oci/reference.h"
#include "request/host_authorization.h"
#include "request/host_probe.h"

/* Where the credentials of a registry are stored. */
struct login_storage {
    char *registry; /* as references name it */
    char *server;   /* the name that helpers use */
    char *path;     /* of the file */
    char *helper;   /* NULL = the file itself */
};

static void login_storage_dispose(struct login_storage *storage)
{
    free(storage->registry);
    free(storage->server);
    free(storage->path);
    free(storage->helper);
}

/* "https://host:port/v1/" -> "host:port"; Docker Hub gets the name that references use. */
static int read_registry(const char *text, char **ret_registry, struct lpipe_error *err)
{
    struct auth_name name;
    text += text_same_start(text, "https://", 8) ? 8 : text_same_start(text, "http://", 7) ? 7 : 0;
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

static int choose_file(const struct settings *settings, char **ret_path, struct lpipe_error *err)
{
    int failed = 0;
    const char *named = settings->authfile != NULL
                            ? settings->authfile
                            : environment_get(ENVIRONMENT_REGISTRY_AUTH_FILE);
    *ret_path = named != NULL ? mem_strdup(named) : environment_docker_file(&failed);
    if (*ret_path == NULL && named == NULL && !failed) {
        return fail_with_advice(err, LPIPE_OUTPUT_IO,
                                "cannot store credentials: HOME is not set; use `authfile`");
    }
    return *ret_path == NULL ? fail_memory(err) : 0;
}

static int choose_storage(const struct settings *settings, const char *registry,
                          struct login_storage *storage, struct lpipe_error *err)
{
    AUTO_AUTHFILE struct authfile file = { .doc = JSON_DOC_INIT };
    struct auth_name target;
    const char *helper = NULL;
    size_t score = 0;
    int status = read_registry(registry, &storage->registry, err);
    status = status == 0 ? choose_file(settings, &storage->path, err) : status;
    status = status == 0 ? authfile_read(storage->path, &file, err) : status;
    if (status != 0) {
        return status;
    }
    if (!auth_name_parse(storage->registry, &target)) {
        return fail(err, LPIPE_INVALID_ARGUMENT, "\"%s\" is not the name of a registry", registry);
    }
    status = authfile_helper(&file, &target, &helper, &score, err);
    if (status != 0) {
        return status;
    }
    storage->server = mem_strdup(auth_name_server(storage->registry));
    storage->helper = mem_strdup(helper);
    return storage->server == NULL || (helper != NULL && storage->helper == NULL) ? fail_memory(err)
                                                                                  : 0;
}

/* A registry host that is in no list, with exactly these credentials (moved). */
static int new_host(lpipe_client *client, const char *registry, struct credential_list *list,
                    struct registry_host **ret_host, struct lpipe_error *err)
{
    bool plain = (client->context.settings.flags & LPIPE_CLIENT_PLAIN_HTTP) != 0;
    bool forced = (client->context.settings.flags & LPIPE_CLIENT_HTTPS) != 0;
    bool https = !plain && (forced || strcmp(reference_scheme(registry), "https") == 0);
    return registry_host_new(&client->context, registry, https, list, ret_host, err);
}

/* Copies the realm of the registry's Bearer challenge; NULL without one. */
static int find_realm(struct registry_host *host, char **ret_realm, bool *ret_local,
                      struct lpipe_error *err)
{
    int status = host_probe(host, err);
    if (status != 0 || !host_find_challenge(host)) {
        return status;
    }
    GUARD(&host->mutex);
    *ret_local = host->locked.is_local;
    if (host->locked.challenge.scheme == CHALLENGE_BEARER) {
        *ret_realm = mem_strdup(host->locked.challenge.realm);
        status = *ret_realm == NULL ? fail_memory(err) : 0;
    }
    return status;
}

int login_realm(lpipe_client *client, const char *registry, char ret_entry[LPIPE_REALM_BYTES],
                struct lpipe_error *err)
{
    CONTEXT_CALL(&client->context);
    AUTO_CREDENTIAL_LIST struct credential_list list = { .count = 0 };
    struct registry_host *host CLEANUP(cleanup_registry_host) = NULL;
    AUTO_FREE char *name = NULL;
    AUTO_FREE char *url = NULL;
    struct origin realm;
    struct origin_verdict verdict = { 0 };
    char text[ORIGIN_TEXT_BYTES];
    bool is_local = false;
    int status = read_registry(registry, &name, err);
    status = status == 0 ? new_host(client, name, &list, &host, err) : status;
    status = status == 0 ? find_realm(host, &url, &is_local, err) : status;
    *ret_entry = '\0';
    if (status != 0 || url == NULL) {
        return status;
    }
    status = origin_parse(url, "the URL of the token server", &realm, NULL, err);
    if (status != 0) {
        return status;
    }
    struct exchange exchange = host_exchange(host, ORIGIN_REALM, is_local);
    status = origin_decide(&exchange.rules, ORIGIN_REALM, &realm, &verdict, err);
    if (status == 0 && verdict.trust == ORIGIN_TRUSTED) {
        return 0;
    }
    if (status == 0 || status == LPIPE_AUTH_REQUIRED) { /* what the user may allow */
        origin_format(&realm, text, sizeof text);
        (void)snprintf(ret_entry, LPIPE_REALM_BYTES, "%s=%s", name, strstr(text, "://") + 3);
        return 0;
    }
    return status;
}

/* Tests the credentials with a registry host. */
static int test_credentials(lpipe_client *client, const struct login_storage *storage,
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
    status = new_host(client, storage->registry, &list, &host, err);
    status = status == 0 ? host_test_credentials(host, err) : status;
    if (status == 1) {
        context_notice(&client->context,
                       "%s does not ask for credentials, so these could not be tested",
                       storage->registry);
    }
    return MIN_OF(status, 0);
}

/* Stores them, and tells the user where. */
static int store(lpipe_client *client, const struct login_storage *storage, const char *username,
                 const struct secret *password, struct lpipe_error *err)
{
    if (storage->helper != NULL) {
        int status = helper_store(storage->helper, storage->server, username, password,
                                  client->context.cancel, err);
        if (status == 0) {
            context_notice(&client->context, "stored with docker-credential-%s", storage->helper);
        }
        return status;
    }
    int status = authfile_store(storage->path, storage->registry, username, password,
                                client->context.cancel, err);
    if (status == 0) {
        context_notice(&client->context,
                       "stored in %s without encryption; a credential helper (credsStore in that "
                       "file) would encrypt it",
                       storage->path);
    }
    return status;
}

int login_check_registry(const char *registry, struct lpipe_error *err)
{
    AUTO_FREE char *host = NULL;
    return read_registry(registry, &host, err);
}

int login(lpipe_client *client, const char *registry, const char *username, const char *password,
          struct lpipe_error *err)
{
    CONTEXT_CALL(&client->context);
    struct login_storage storage CLEANUP(login_storage_dispose) = { .registry = NULL };
    AUTO_SECRET struct secret secret = SECRET_INIT;
    int status = choose_storage(&client->context.settings, registry, &storage, err);
    if (status != 0) {
        return status;
    }
    if (secret_set(&secret, password, strlen(password)) != 0) {
        return fail_memory(err);
    }
    status = test_credentials(client, &storage, username, &secret, err);
    if (status != 0) {
        return status;
    }
    return store(client, &storage, username, &secret, err);
}

int logout(lpipe_client *client, const char *registry, struct lpipe_error *err)
{
    struct login_storage storage CLEANUP(login_storage_dispose) = { .registry = NULL };
    int status = choose_storage(&client->context.settings, registry, &storage, err);
    if (status != 0) {
        return status;
    }
    int helped = storage.helper == NULL
                     ? 0
                     : helper_erase(storage.helper, storage.server, client->context.cancel, err);
    if (helped < 0) {
        return helped;
    }
    int erased = authfile_erase(storage.path, storage.registry, client->context.cancel, err);
    if (erased < 0) {
        return erased;
    }
    return helped + erased > 0 ? 0
                               : fail(err, LPIPE_NOT_FOUND, "no credentials of %s in %s",
                                      storage.registry, storage.path);
}
