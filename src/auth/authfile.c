/* SPDX-License-Identifier: Apache-2.0 */
#include "auth/authfile.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "base/base64.h"
#include "base/fd.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"

void authfile_dispose(struct authfile *file)
{
    json_doc_wipe(&file->doc);
    free(file->name);
    file->name = NULL;
}

int authfile_parse(const char *text, size_t size, const char *name, struct authfile *ret_file,
                   struct lpipe_error *err)
{
    AUTO_AUTHFILE struct authfile file = { .doc = JSON_DOC_INIT, .name = mem_strdup(name) };
    bool blank = true;
    for (size_t i = 0; i < size && blank; i++) {
        blank = strchr(" \t\r\n", text[i]) != NULL && text[i] != '\0';
    }
    if (file.name == NULL) {
        return fail_memory(err);
    }
    if (!blank) {
        int status = json_doc_parse_secret(text, size, AUTHFILE_BYTES_MAX, name,
                                           LPIPE_INVALID_ARGUMENT, &file.doc, err);
        if (status != 0) {
            return status;
        }
    }
    *ret_file = file;
    file = (struct authfile){ .doc = JSON_DOC_INIT };
    return 0;
}

int authfile_read(const char *path, struct authfile *ret_file, struct lpipe_error *err)
{
    struct buf text CLEANUP(buf_wipe) = BUF_INIT(AUTHFILE_BYTES_MAX);
    struct stat info;
    bool missing = stat(path, &info) != 0 && (errno == ENOENT || errno == ENOTDIR);
    int status = missing ? 0 : fd_read_file(path, &text, LPIPE_INVALID_ARGUMENT, err);
    if (status != 0) {
        return status;
    }
    return authfile_parse(text.data, text.size, path, ret_file, err);
}

/* An empty entry: docker writes it when a helper stores the secret. */
static bool is_empty_entry(const struct json_node *entry)
{
    static const char *const fields[] = { "auth", "username", "password", "identitytoken",
                                          "registrytoken" };
    if (json_node_is(entry, JSON_KIND_OBJECT, NULL) != 1) {
        return entry->value == NULL;
    }
    for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
        struct json_node field = json_node_member(entry, fields[i]);
        const char *text = json_node_text(&field);
        if (field.value != NULL && (text == NULL || *text != '\0')) {
            return false;
        }
    }
    return true;
}

/* The key of a map that fits best; of equal ones the first. NULL = none. */
static const char *best_key(const struct json_node *map, const struct auth_name *target,
                            bool skip_empty, size_t *ret_score)
{
    const char *best = NULL;
    const char *key = NULL;
    size_t best_score = 0;
    for (key = json_next_key(map, NULL); key != NULL; key = json_next_key(map, key)) {
        struct auth_name name;
        size_t score = auth_name_parse(key, &name) ? auth_name_score(&name, target) : 0;
        struct json_node entry = json_node_member(map, key);
        if (score > best_score && !(skip_empty && is_empty_entry(&entry))) {
            best = key;
            best_score = score;
        }
    }
    *ret_score = best_score;
    return best;
}

/* "user:password" in base64. Some writers add zero bytes at the end; they are dropped. */
static int decode_auth(const struct json_node *entry, const char *auth,
                       struct credential *credential, struct lpipe_error *err)
{
    struct buf pair CLEANUP(buf_wipe) = BUF_INIT(2 * PASSWORD_BYTES_MAX);
    struct json_node node = json_node_member(entry, "auth");
    int status = base64_decode(auth, strlen(auth), &pair);
    if (status == LPIPE_NO_MEMORY) {
        return fail_memory(err);
    }
    char *colon = status == 0 ? memchr(pair.data, ':', pair.size) : NULL;
    if (colon == NULL || colon == pair.data ||
        memchr(pair.data, '\0', (size_t)(colon - pair.data)) != NULL) {
        return json_fail(&node, err, "must be base64 of \"user:password\"");
    }
    const char *password = colon + 1;
    size_t size = pair.size - (size_t)(password - pair.data);
    while (size > 0 && password[size - 1] == '\0') {
        size--;
    }
    if (memchr(password, '\0', size) != NULL) {
        return json_fail(&node, err, "has a zero byte in its password");
    }
    secret_dispose(&credential->password);
    free(credential->username);
    credential->username = mem_strndup(pair.data, (size_t)(colon - pair.data));
    return credential->username == NULL || secret_set(&credential->password, password, size) != 0
               ? fail_memory(err)
               : 0;
}

/* Copies a token that will be a header value. */
static int read_token(const struct json_node *entry, const char *key, struct secret *ret_secret,
                      struct lpipe_error *err)
{
    const char *text = NULL;
    int found = json_get_text(entry, key, &text, err);
    if (found != 1 || *text == '\0') {
        return MIN_OF(found, 0);
    }
    if (!text_is_clean(text, strlen(text))) {
        struct json_node node = json_node_member(entry, key);
        return json_fail(&node, err, "has control characters");
    }
    return secret_set(ret_secret, text, strlen(text)) == 0 ? 0 : fail_memory(err);
}

static int read_pair(const struct json_node *entry, struct credential *credential,
                     struct lpipe_error *err)
{
    const char *username = NULL;
    const char *password = "";
    int found = json_get_text(entry, "username", &username, err);
    found = found < 0 ? found : json_get_text(entry, "password", &password, err);
    if (found < 0 || username == NULL || *username == '\0') {
        return MIN_OF(found, 0);
    }
    credential->username = mem_strdup(username);
    return credential->username == NULL ||
                   secret_set(&credential->password, password, strlen(password)) != 0
               ? fail_memory(err)
               : 0;
}

static int read_entry(const struct json_node *entry, struct credential *credential,
                      struct lpipe_error *err)
{
    const char *auth = NULL;
    int status = json_node_require(entry, JSON_KIND_OBJECT, err);
    status = status == 0 ? read_pair(entry, credential, err) : status;
    status = status == 0 ? read_token(entry, "identitytoken", &credential->identity, err) : status;
    status = status == 0 ? read_token(entry, "registrytoken", &credential->bearer, err) : status;
    int found = status == 0 ? json_get_text(entry, "auth", &auth, err) : status;
    if (found == 1 && *auth != '\0') {
        return decode_auth(entry, auth, credential, err);
    }
    return MIN_OF(found, 0);
}

/* Appends; takes the credential's contents. */
static int list_add(struct credential_list *list, struct credential *credential,
                    struct lpipe_error *err)
{
    if (list->count == CREDENTIALS_MAX) {
        return fail(err, LPIPE_INVALID_ARGUMENT, "too many sources of credentials");
    }
    list->items[list->count++] = *credential;
    *credential = (struct credential){ .source = NULL };
    return 0;
}

static int find_entry(const struct authfile *file, const struct auth_name *target,
                      struct credential_list *list, struct lpipe_error *err)
{
    struct credential credential CLEANUP(credential_dispose) = { .source = NULL };
    struct json_node root = json_node_root(&file->doc);
    struct json_node auths = json_node_member(&root, "auths");
    int found = json_node_is(&auths, JSON_KIND_OBJECT, err);
    const char *key = found == 1 ? best_key(&auths, target, true, &credential.score) : NULL;
    if (key == NULL) {
        return MIN_OF(found, 0);
    }
    struct json_node entry = json_node_member(&auths, key);
    int status = read_entry(&entry, &credential, err);
    if (status != 0) {
        return status;
    }
    credential.source = mem_printf("%s (%s)", file->name, key);
    return credential.source == NULL ? fail_memory(err) : list_add(list, &credential, err);
}

int authfile_helper(const struct authfile *file, const struct auth_name *target,
                    const char **ret_helper, size_t *ret_score, struct lpipe_error *err)
{
    const char *helper = NULL;
    size_t score = 0;
    struct json_node root = json_node_root(&file->doc);
    struct json_node helpers = json_node_member(&root, "credHelpers");
    int found = file->doc.root == NULL ? 0 : json_node_is(&helpers, JSON_KIND_OBJECT, err);
    const char *key = found == 1 ? best_key(&helpers, target, false, &score) : NULL;
    if (key != NULL) {
        found = json_get_text(&helpers, key, &helper, err);
    } else if (found >= 0 && file->doc.root != NULL) {
        score = AUTH_NAME_REGISTRY_SCORE;
        found = json_get_text(&root, "credsStore", &helper, err);
    }
    if (found < 0) {
        return found;
    }
    /* An empty name means "no helper for this registry". */
    *ret_helper = helper != NULL && *helper != '\0' ? helper : NULL;
    *ret_score = score;
    return 0;
}

static int find_helper(const struct authfile *file, const struct auth_name *target,
                       const char *server, struct credential_list *list, struct lpipe_error *err)
{
    struct credential credential CLEANUP(credential_dispose) = { .source = NULL };
    const char *helper = NULL;
    int status = authfile_helper(file, target, &helper, &credential.score, err);
    if (status != 0 || helper == NULL) {
        return status;
    }
    char shown[80];
    credential.source = mem_printf("docker-credential-%s",
                                   text_printable(shown, sizeof shown, helper, strlen(helper)));
    credential.helper = mem_strdup(helper);
    credential.helper_key = mem_strdup(server);
    if (credential.source == NULL || credential.helper == NULL || credential.helper_key == NULL) {
        return fail_memory(err);
    }
    return list_add(list, &credential, err);
}

int authfile_find(const struct authfile *file, const struct auth_name *target, const char *server,
                  struct credential_list *list, struct lpipe_error *err)
{
    if (file->doc.root == NULL) {
        return 0;
    }
    int status = find_helper(file, target, server, list, err);
    return status == 0 ? find_entry(file, target, list, err) : status;
}
