/* SPDX-License-Identifier: Apache-2.0 */
#include "auth/credential_find.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "auth/authfile.h"
#include "auth/credential_helper.h"
#include "base/environment.h"
#include "base/mem.h"

/* registry/repository; longer names are cut. */
#define TARGET_BYTES_MAX 1024

/* Best match first; the order of sources among equals stays (insertion sort is stable). */
static void sort_by_score(struct credential_list *list)
{
    for (size_t i = 1; i < list->count; i++) {
        struct credential moved = list->items[i];
        size_t k = i;
        for (; k > 0 && list->items[k - 1].score < moved.score; k--) {
            list->items[k] = list->items[k - 1];
        }
        list->items[k] = moved;
    }
}

static int add_given(const struct settings *settings, struct credential_list *list,
                     struct lpipe_error *err)
{
    struct credential credential CLEANUP(credential_dispose) = { .score = 1 };
    credential.source = mem_strdup("`username`");
    credential.username = mem_strdup(settings->username);
    int status = secret_copy(&credential.password, &settings->password);
    if (status == 0 && !secret_is_set(&credential.password)) {
        status = secret_set(&credential.password, "", 0);
    }
    if (credential.source == NULL || credential.username == NULL || status != 0) {
        return fail_memory(err);
    }
    list->items[list->count++] = credential;
    credential = (struct credential){ .source = NULL };
    return 0;
}

static int add_file(const char *path, const struct auth_name *target, const char *server,
                    struct credential_list *list, struct lpipe_error *err)
{
    AUTO_AUTHFILE struct authfile file = { .doc = JSON_DOC_INIT };
    int status = path == NULL ? 0 : authfile_read(path, &file, err);
    return status == 0 ? authfile_find(&file, target, server, list, err) : status;
}

/* A file at one of the usual places. Its absence is normal, so a home directory of another
 * user is no failure, and neither is the directory that Docker makes where a bind mount has no
 * file. */
static int add_implied_file(const char *path, const struct auth_name *target, const char *server,
                            struct credential_list *list, struct lpipe_error *err)
{
    struct stat info;
    bool found = path != NULL && stat(path, &info) == 0;
    int code = path == NULL                     ? 0
               : found && S_ISDIR(info.st_mode) ? EISDIR
               : !found && errno == EACCES      ? EACCES
                                                : 0;
    if (code == 0) {
        return add_file(path, target, server, list, err);
    }
    if (list->skipped == NULL) { /* the first one says enough */
        list->skipped = mem_printf(
            "%s %s", path, code == EISDIR ? "is a directory" : "cannot be read: Permission denied");
    }
    return list->skipped == NULL ? fail_memory(err) : 0;
}

static int add_variable(const struct auth_name *target, const char *server,
                        struct credential_list *list, struct lpipe_error *err)
{
    AUTO_AUTHFILE struct authfile file = { .doc = JSON_DOC_INIT };
    const char *text = environment_get(ENVIRONMENT_DOCKER_AUTH_CONFIG);
    int status =
        text == NULL ? 0 : authfile_parse(text, strlen(text), "DOCKER_AUTH_CONFIG", &file, err);
    return status == 0 ? authfile_find(&file, target, server, list, err) : status;
}

/* REGISTRY_AUTH_FILE comes before docker's file: the user named it, and login writes to it. */
static int add_usual_files(const struct auth_name *target, const char *server,
                           struct credential_list *list, struct lpipe_error *err)
{
    int failed = 0;
    AUTO_FREE char *docker = environment_docker_file(&failed);
    AUTO_FREE char *runtime = environment_runtime_file("containers/auth.json", &failed);
    AUTO_FREE char *config = environment_config_file("containers/auth.json", &failed);
    const char *named = environment_get(ENVIRONMENT_REGISTRY_AUTH_FILE);
    int status = failed ? fail_memory(err) : add_variable(target, server, list, err);
    status = status == 0 ? add_file(named, target, server, list, err) : status;
    status = status == 0 ? add_implied_file(docker, target, server, list, err) : status;
    status = status == 0 ? add_implied_file(runtime, target, server, list, err) : status;
    return status == 0 ? add_implied_file(config, target, server, list, err) : status;
}

int credential_find(const struct settings *settings, const char *registry, const char *repository,
                    struct credential_list *ret_list, struct lpipe_error *err)
{
    AUTO_CREDENTIAL_LIST struct credential_list list = { .count = 0 };
    struct auth_name target;
    char name[TARGET_BYTES_MAX];
    int status = 0;
    (void)snprintf(name, sizeof name, "%s/%s", registry, repository == NULL ? "" : repository);
    if ((settings->flags & LPIPE_CLIENT_ANONYMOUS) != 0) {
        return 0;
    }
    if (settings->username != NULL) {
        status = add_given(settings, &list, err);
    } else if (!auth_name_parse(name, &target)) {
        status = fail(err, LPIPE_INVALID_ARGUMENT, "%s is not the name of a registry", registry);
    } else if (settings->authfile != NULL) {
        status = add_file(settings->authfile, &target, auth_name_server(registry), &list, err);
    } else {
        status = add_usual_files(&target, auth_name_server(registry), &list, err);
    }
    if (status != 0) {
        return status;
    }
    sort_by_score(&list);
    *ret_list = list;
    list = (struct credential_list){ .count = 0 };
    return 0;
}

int credential_resolve(struct credential_list *list, lpipe_cancel *cancel,
                       struct credential **ret_credential, struct lpipe_error *err)
{
    struct credential *found = NULL;
    for (size_t i = 0; i < list->count && found == NULL; i++) {
        struct credential *candidate = &list->items[i];
        int status = candidate->helper == NULL || !credential_is_empty(candidate)
                         ? 0
                         : helper_get(candidate->helper, candidate->helper_key, list, cancel,
                                      candidate, err);
        if (status < 0) {
            return status;
        }
        found = credential_is_empty(candidate) ? NULL : candidate;
    }
    *ret_credential = found;
    return 0;
}

char *credential_places(const struct settings *settings, char *buf, size_t buf_size)
{
    int failed = 0;
    if ((settings->flags & LPIPE_CLIENT_ANONYMOUS) != 0) {
        (void)snprintf(buf, buf_size, "`LPIPE_CLIENT_ANONYMOUS` was given");
    } else if (settings->authfile != NULL) {
        (void)snprintf(buf, buf_size, "looked in %s", settings->authfile);
    } else {
        AUTO_FREE char *docker = environment_docker_file(&failed);
        const char *named = environment_get(ENVIRONMENT_REGISTRY_AUTH_FILE);
        (void)snprintf(buf, buf_size, "looked in %s%s%s%spodman's auth.json%s",
                       named == NULL ? "" : named, named == NULL ? "" : ", ",
                       docker == NULL ? "" : docker, docker == NULL ? "" : " and ",
                       docker == NULL ? "; HOME and DOCKER_CONFIG are not set" : "");
    }
    return buf;
}
