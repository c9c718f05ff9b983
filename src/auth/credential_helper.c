/* SPDX-License-Identifier: Apache-2.0 */
#include "auth/credential_helper.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "auth/helper_process.h"
#include "base/clean_words.h"
#include "base/environment.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"
#include "oci/json_read.h"

/* The sentence of the helper protocol that means "no such entry". */
static const char NOT_FOUND[] = "credentials not found in native keychain";

bool helper_name_is_valid(const char *name)
{
    static const char allowed[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
    size_t size = strlen(name);
    return size >= 1 && size <= 64 && name[0] != '.' && strspn(name, allowed) == size;
}

static bool is_program(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 && S_ISREG(info.st_mode) && access(path, X_OK) == 0;
}

/* Searches the absolute entries of PATH; relative and empty ones are ignored. */
static int find_program(const char *name, char **ret_path, struct lpipe_error *err)
{
    const char *at = environment_get(ENVIRONMENT_PATH);
    if (!helper_name_is_valid(name)) {
        return fail(err, LPIPE_AUTH_REQUIRED,
                    "the configuration names a credential helper with an invalid name (allowed: "
                    "letters, digits, '.', '_', '-')");
    }
    while (at != NULL && *at != '\0') {
        size_t size = strcspn(at, ":");
        if (size > 0 && at[0] == '/') {
            AUTO_FREE char *path = mem_printf("%.*s/docker-credential-%s", (int)size, at, name);
            if (path == NULL) {
                return fail_memory(err);
            }
            if (is_program(path)) {
                *ret_path = TAKE(path);
                return 0;
            }
        }
        at += size + (at[size] == ':');
    }
    return fail(err, LPIPE_AUTH_REQUIRED,
                "the credential helper docker-credential-%s is not in PATH", name);
}

/* Runs a helper on a server's name or on a JSON document. */
static int run(const char *name, const char *action, const struct buf *input, lpipe_cancel *cancel,
               struct buf *output, int *ret_exit, struct lpipe_error *err)
{
    AUTO_FREE char *path = NULL;
    int status = find_program(name, &path, err);
    return status == 0 ? helper_process_run(path, action, input, HELPER_DEADLINE_MS, cancel, output,
                                            ret_exit, err)
                       : status;
}

/* The helper gets the server name as one line, so the name must not contain a line end. */
static int make_input(const char *server, struct buf *input, struct lpipe_error *err)
{
    if (*server == '\0' || !text_is_clean(server, strlen(server))) {
        return fail(err, LPIPE_INVALID_ARGUMENT,
                    "the registry's name cannot be given to a credential helper");
    }
    return buf_printf(input, "%s\n", server) == 0 ? 0 : fail_memory(err);
}

static bool says_not_found(const struct buf *output)
{
    const char *text = output->data;
    size_t size = output->size;
    while (size > 0 && strchr(" \t\r\n", text[size - 1]) != NULL) {
        size--;
    }
    while (size > 0 && strchr(" \t\r\n", *text) != NULL) {
        text++;
        size--;
    }
    return size == sizeof NOT_FOUND - 1 && memcmp(text, NOT_FOUND, size) == 0;
}

/* What a helper that failed has printed, for the end of a message: one line, without the secrets
 * that are known here. An answer with a secret of its own is not shown. */
static void read_reason(const struct buf *output, const struct credential_list *known,
                        char reason[ANSWER_TEXT_BYTES_MAX + 2])
{
    struct buf text CLEANUP(buf_wipe) = BUF_INIT(HELPER_OUTPUT_BYTES_MAX);
    int status = buf_append(&text, output->data, output->size);
    for (size_t i = 0; i < known->count && status == 0; i++) {
        status = credential_mask(&known->items[i], &text);
    }
    reason[0] = '\0';
    if (status != 0 || text.size == 0 || memmem(text.data, text.size, "\"Secret\"", 8) != NULL) {
        return;
    }
    clean_words(text.data, text.size, false, reason + 2, ANSWER_TEXT_BYTES_MAX);
    if (reason[2] != '\0') {
        memcpy(reason, ": ", 2);
    }
}

/* The outcome by exit status: 1 = success, 0 = no such entry, else AUTH_REQUIRED. */
static int helper_outcome(const char *name, const char *action, int exit_status,
                          const struct buf *output, const struct credential_list *known,
                          struct lpipe_error *err)
{
    char reason[ANSWER_TEXT_BYTES_MAX + 2];
    if (exit_status == 0) {
        return 1;
    }
    if (says_not_found(output)) {
        return 0;
    }
    read_reason(output, known, reason);
    if (exit_status > 128) {
        return fail(err, LPIPE_AUTH_REQUIRED, "docker-credential-%s %s was killed by signal %d%s",
                    name, action, exit_status - 128, reason);
    }
    return fail(err, LPIPE_AUTH_REQUIRED, "docker-credential-%s %s failed with exit status %d%s",
                name, action, exit_status, reason);
}

/* Reads user name and secret of the answer. 1, 0 = the answer is empty, or a failure. */
static int read_answer(const char *name, const struct buf *output, struct credential *credential,
                       struct lpipe_error *err)
{
    struct json_doc doc CLEANUP(json_doc_wipe) = JSON_DOC_INIT;
    char what[96];
    const char *username = "";
    const char *secret = "";
    (void)snprintf(what, sizeof what, "answer of docker-credential-%s", name);
    int status = json_doc_parse_secret(output->data, output->size, HELPER_OUTPUT_BYTES_MAX, what,
                                       LPIPE_AUTH_REQUIRED, &doc, err);
    if (status != 0) {
        return status;
    }
    struct json_node root = json_node_root(&doc);
    int found = json_get_text(&root, "Username", &username, err);
    found = found < 0 ? found : json_get_text(&root, "Secret", &secret, err);
    if (found < 0 || *username == '\0') {
        return MIN_OF(found, 0);
    }
    bool is_token = strcmp(username, "<token>") == 0;
    if (is_token && !text_is_clean(secret, strlen(secret))) {
        return fail(err, LPIPE_AUTH_REQUIRED, "%s: its token has control characters", what);
    }
    if (!text_is_clean(username, strlen(username))) {
        return fail(err, LPIPE_AUTH_REQUIRED, "%s: its user has control characters", what);
    }
    credential->username = is_token ? NULL : mem_strdup(username);
    status = secret_set(is_token ? &credential->identity : &credential->password, secret,
                        strlen(secret));
    return status != 0 || (!is_token && credential->username == NULL) ? fail_memory(err) : 1;
}

int helper_get(const char *name, const char *server, const struct credential_list *known,
               lpipe_cancel *cancel, struct credential *credential, struct lpipe_error *err)
{
    AUTO_BUF struct buf input = BUF_INIT(KIB);
    struct buf output CLEANUP(buf_wipe) = BUF_INIT(HELPER_OUTPUT_BYTES_MAX);
    int exit_status = 0;
    int status = make_input(server, &input, err);
    status = status == 0 ? run(name, "get", &input, cancel, &output, &exit_status, err) : status;
    int found =
        status == 0 ? helper_outcome(name, "get", exit_status, &output, known, err) : status;
    return found == 1 ? read_answer(name, &output, credential, err) : found;
}

static int append_plain(struct buf *buf, const char *text)
{
    struct secret plain CLEANUP(secret_dispose) = SECRET_INIT;
    int status = secret_set(&plain, text, strlen(text));
    return status == 0 ? secret_append_json(&plain, buf) : status;
}

int helper_store(const char *name, const char *server, const char *username,
                 const struct secret *password, lpipe_cancel *cancel, struct lpipe_error *err)
{
    struct buf input CLEANUP(buf_wipe) = BUF_INIT(8 * PASSWORD_BYTES_MAX);
    struct buf output CLEANUP(buf_wipe) = BUF_INIT(HELPER_OUTPUT_BYTES_MAX);
    int exit_status = 0;
    int status = buf_append_text(&input, "{\"ServerURL\":\"");
    status = status == 0 ? append_plain(&input, server) : status;
    status = status == 0 ? buf_append_text(&input, "\",\"Username\":\"") : status;
    status = status == 0 ? append_plain(&input, username) : status;
    status = status == 0 ? buf_append_text(&input, "\",\"Secret\":\"") : status;
    status = status == 0 ? secret_append_json(password, &input) : status;
    status = status == 0 ? buf_append_text(&input, "\"}\n") : status;
    if (status != 0) {
        return fail_memory(err);
    }
    struct credential_list known CLEANUP(credential_list_dispose) = { .count = 1 };
    known.items[0].username = mem_strdup(username);
    if (known.items[0].username == NULL || secret_copy(&known.items[0].password, password) != 0) {
        return fail_memory(err);
    }
    status = run(name, "store", &input, cancel, &output, &exit_status, err);
    int good =
        status == 0 ? helper_outcome(name, "store", exit_status, &output, &known, err) : status;
    /* "not found" does not count as success for store. */
    return good == 0 ? fail(err, LPIPE_AUTH_REQUIRED,
                            "docker-credential-%s store failed with exit status %d: %s", name,
                            exit_status, NOT_FOUND)
                     : MIN_OF(good, 0);
}

int helper_erase(const char *name, const char *server, lpipe_cancel *cancel,
                 struct lpipe_error *err)
{
    AUTO_BUF struct buf input = BUF_INIT(KIB);
    struct buf output CLEANUP(buf_wipe) = BUF_INIT(HELPER_OUTPUT_BYTES_MAX);
    struct credential_list known = { .count = 0 };
    int exit_status = 0;
    int status = make_input(server, &input, err);
    status = status == 0 ? run(name, "erase", &input, cancel, &output, &exit_status, err) : status;
    return status == 0 ? helper_outcome(name, "erase", exit_status, &output, &known, err) : status;
}
