/* SPDX-License-Identifier: Apache-2.0 */
/* Public functions of the client. Arguments are checked here; the work is done in src/registry. */
#include <string.h>

#include "base/limits.h"
#include "base/opts.h"
#include "base/text.h"
#include "registry/client.h"
#include "registry/login.h"

#define FLAGS_KNOWN                                                                                \
    ((uint32_t)LPIPE_CLIENT_ANONYMOUS | (uint32_t)LPIPE_CLIENT_PLAIN_HTTP |                        \
     (uint32_t)LPIPE_CLIENT_TLS_NO_VERIFY | (uint32_t)LPIPE_CLIENT_HTTPS)

static int check_credentials(const struct lpipe_client_options *options, struct lpipe_error *err)
{
    bool anonymous = (options->flags & (uint32_t)LPIPE_CLIENT_ANONYMOUS) != 0;
    if ((options->username == NULL) != (options->password == NULL)) {
        return fail(err, LPIPE_INVALID_ARGUMENT,
                    "lpipe_client_options: set both username and password, or neither");
    }
    if (options->username != NULL && anonymous) {
        return fail(err, LPIPE_INVALID_ARGUMENT,
                    "lpipe_client_options: username cannot be used with LPIPE_CLIENT_ANONYMOUS");
    }
    if (options->username != NULL &&
        (*options->username == '\0' || strchr(options->username, ':') != NULL ||
         !text_is_clean(options->username, strlen(options->username)))) {
        return fail(err, LPIPE_INVALID_ARGUMENT,
                    "a user name must not be empty and must not contain ':' or control characters");
    }
    if (options->password != NULL && strlen(options->password) > PASSWORD_BYTES_MAX) {
        return fail(err, LPIPE_INVALID_ARGUMENT, "the password is longer than %zu bytes",
                    PASSWORD_BYTES_MAX);
    }
    return 0;
}

static int check_values(const struct lpipe_client_options *options, struct lpipe_error *err)
{
    if (options->key != NULL && options->cert == NULL) {
        return fail(err, LPIPE_INVALID_ARGUMENT, "lpipe_client_options: key needs cert");
    }
    if ((unsigned)options->upload > LPIPE_UPLOAD_MONOLITHIC) {
        return fail(err, LPIPE_INVALID_ARGUMENT, "lpipe_client_options: unknown value %d of upload",
                    (int)options->upload);
    }
    if (options->chunk_bytes != 0 &&
        (options->chunk_bytes < CHUNK_BYTES_MIN || options->chunk_bytes > CHUNK_BYTES_MAX)) {
        return fail(err, LPIPE_INVALID_ARGUMENT, "the chunk size must be from %zu to %zu bytes",
                    CHUNK_BYTES_MIN, CHUNK_BYTES_MAX);
    }
    if (options->retry_count < -1) {
        return fail(err, LPIPE_INVALID_ARGUMENT,
                    "lpipe_client_options: retry_count is less than -1");
    }
    if (options->user_agent != NULL &&
        !text_is_clean(options->user_agent, strlen(options->user_agent))) {
        return fail(err, LPIPE_INVALID_ARGUMENT,
                    "lpipe_client_options: user_agent contains control characters");
    }
    for (size_t i = 0; i < options->trust_realm_count; i++) {
        if (options->trust_realms == NULL || options->trust_realms[i] == NULL) {
            return fail(
                err, LPIPE_INVALID_ARGUMENT,
                "lpipe_client_options: trust_realms has fewer than trust_realm_count hosts");
        }
    }
    return 0;
}

int lpipe_client_new(const struct lpipe_client_options *options, lpipe_client **ret_client,
                     struct lpipe_error *err)
{
    struct lpipe_client_options known;
    int status = opts_take(options, &known, sizeof known, "lpipe_client_options", err);
    if (status != 0) {
        return status; /* the options cannot be read, so the observer is not known */
    }
    if (ret_client == NULL) {
        status = fail(err, LPIPE_INVALID_ARGUMENT, "lpipe_client_new: ret_client is required");
    }
    status = status == 0 ? opts_check_flags(known.flags, FLAGS_KNOWN, "lpipe_client_options", err)
                         : status;
    status = status == 0 ? check_credentials(&known, err) : status;
    status = status == 0 ? check_values(&known, err) : status;
    if (status != 0) {
        if (known.observer.free != NULL) {
            known.observer.free(known.observer.user);
        }
        return status;
    }
    return client_new(&known, ret_client, err);
}

lpipe_client *lpipe_client_free(lpipe_client *client)
{
    return client_free(client);
}

int lpipe_registry_check(const char *registry, struct lpipe_error *err)
{
    return registry == NULL
               ? fail(err, LPIPE_INVALID_ARGUMENT, "lpipe_registry_check: registry is required")
               : login_check_registry(registry, err);
}

int lpipe_login_realm(lpipe_client *client, const char *registry, char ret_entry[LPIPE_REALM_BYTES],
                      struct lpipe_error *err)
{
    if (client == NULL || registry == NULL || ret_entry == NULL) {
        return fail(err, LPIPE_INVALID_ARGUMENT,
                    "lpipe_login_realm: client, registry and ret_entry are required");
    }
    int status = client_check(client, err);
    return status == 0 ? login_realm(client, registry, ret_entry, err) : status;
}

int lpipe_login(lpipe_client *client, const char *registry, const char *username,
                const char *password, struct lpipe_error *err)
{
    if (client == NULL || registry == NULL || username == NULL || password == NULL) {
        return fail(err, LPIPE_INVALID_ARGUMENT,
                    "lpipe_login: client, registry, username and password are required");
    }
    struct lpipe_client_options given = { .username = username, .password = password };
    int status = client_check(client, err);
    status = status == 0 ? check_credentials(&given, err) : status;
    return status == 0 ? login(client, registry, username, password, err) : status;
}

int lpipe_logout(lpipe_client *client, const char *registry, struct lpipe_error *err)
{
    if (client == NULL || registry == NULL) {
        return fail(err, LPIPE_INVALID_ARGUMENT, "lpipe_logout: client and registry are required");
    }
    int status = client_check(client, err);
    return status == 0 ? logout(client, registry, err) : status;
}
