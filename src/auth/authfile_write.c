/* SPDX-License-Identifier: Apache-2.0 */
#include "auth/authfile_write.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "auth/authfile.h"
#include "base/cancel.h"
#include "base/fd.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/path.h"
#include "oci/json_write.h"

/* Makes the directories above a file, with mode 0700. */
static int make_parents(const char *path, struct lpipe_error *err)
{
    AUTO_FREE char *copy = mem_strdup(path);
    if (copy == NULL) {
        return fail_memory(err);
    }
    for (char *at = strchr(copy + 1, '/'); at != NULL; at = strchr(at + 1, '/')) {
        *at = '\0';
        if (mkdir(copy, 0700) != 0 && errno != EEXIST && errno != EISDIR) {
            return fail_errno(err, LPIPE_OUTPUT_IO, errno, "cannot make %s", copy);
        }
        *at = '/';
    }
    return 0;
}

static int write_temporary(int fd, const char *path, const struct buf *text,
                           struct lpipe_error *err)
{
    int code = fd_write_all(fd, text->data, text->size);
    if (code == 0 && fsync(fd) != 0) {
        code = errno;
    }
    return code == 0 ? 0 : fail_errno(err, LPIPE_OUTPUT_IO, code, "cannot write %s", path);
}

/* mkostemp() creates the file with mode 0600 and O_EXCL. */
static int replace_file(const char *path, const struct buf *text, struct lpipe_error *err)
{
    AUTO_FREE char *directory = path_directory(path);
    AUTO_FREE char *temporary =
        directory == NULL ? NULL : mem_printf("%s/.layerpipe-XXXXXX", directory);
    if (temporary == NULL) {
        return fail_memory(err);
    }
    AUTO_FD int fd = mkostemp(temporary, O_CLOEXEC);
    if (fd < 0) {
        return fail_errno(err, LPIPE_OUTPUT_IO, errno, "cannot make a file in %s", directory);
    }
    int status = write_temporary(fd, path, text, err);
    if (status == 0 && rename(temporary, path) != 0) {
        status = fail_errno(err, LPIPE_OUTPUT_IO, errno, "cannot replace %s", path);
    }
    if (status != 0) {
        (void)unlink(temporary);
        return status;
    }
    AUTO_FD int directory_fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (directory_fd >= 0) {
        (void)fsync(directory_fd); /* a failure does not matter: the file is complete */
    }
    return 0;
}

/* An edit of a file: others that want to edit it wait. */
struct edit {
    char *real; /* the file, where symbolic links have been followed */
    int lock;   /* its directory, locked. The file itself is replaced; -1 = no lock */
};
#define AUTO_EDIT CLEANUP(edit_dispose)

static void edit_dispose(struct edit *edit)
{
    free(edit->real);
    fd_close(&edit->lock);
}

/* Where directories cannot be locked (NFS, or one that cannot be read), the later writer wins. */
static int edit_begin(const char *path, lpipe_cancel *cancel, struct edit *edit,
                      struct lpipe_error *err)
{
    int code = path_of_file(path, &edit->real);
    if (code != 0) {
        return fail_errno(err, LPIPE_OUTPUT_IO, code, "cannot write %s", path);
    }
    AUTO_FREE char *directory = path_directory(edit->real);
    if (directory == NULL) {
        return fail_memory(err);
    }
    edit->lock = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    code = edit->lock < 0 ? 0 : fd_lock(edit->lock, AUTHFILE_LOCK_WAIT_MS, cancel);
    if (code == ECANCELED) {
        return fail_cancelled(err);
    }
    return code != EWOULDBLOCK
               ? 0
               : fail_with_advice(err, LPIPE_OUTPUT_IO,
                                  "another process has held the lock of %s for %d seconds; try "
                                  "again when it has ended",
                                  directory, AUTHFILE_LOCK_WAIT_MS / 1000);
}

/* Reads the document, or starts an empty one. */
static int open_document(const char *path, struct authfile *file, struct json_t **ret_root,
                         struct lpipe_error *err)
{
    int status = authfile_read(path, file, err);
    struct json_t *root = file->doc.root == NULL ? json_new_object() : json_ref(file->doc.root);
    if (status == 0 && root == NULL) {
        status = fail_memory(err);
    }
    if (status != 0) {
        json_unref(&root);
        return status;
    }
    *ret_root = root;
    return 0;
}

static int save_document(const struct edit *edit, const struct json_t *root,
                         struct lpipe_error *err)
{
    struct buf text CLEANUP(buf_wipe) = BUF_INIT(2 * AUTHFILE_BYTES_MAX);
    int status = json_write(root, &text);
    status = status == 0 ? buf_append(&text, "\n", 1) : status;
    if (status != 0) {
        return status == LPIPE_NO_MEMORY
                   ? fail_memory(err)
                   : fail(err, LPIPE_OUTPUT_IO, "%s would become too large", edit->real);
    }
    return replace_file(edit->real, &text, err);
}

/* True for a key that names this registry without a repository. */
static bool names_registry(const char *key, const struct auth_name *registry)
{
    struct auth_name name;
    return auth_name_parse(key, &name) && name.path[0] == '\0' &&
           auth_name_score(&name, registry) == AUTH_NAME_REGISTRY_SCORE;
}

/* The first key that names this registry. */
static const char *find_key(const struct json_node *auths, const struct auth_name *registry)
{
    const char *key = NULL;
    for (key = json_next_key(auths, NULL); key != NULL; key = json_next_key(auths, key)) {
        if (names_registry(key, registry)) {
            return key;
        }
    }
    return NULL;
}

static int parse_registry(const char *registry, struct auth_name *ret_name, struct lpipe_error *err)
{
    return auth_name_parse(registry, ret_name)
               ? 0
               : fail(err, LPIPE_INVALID_ARGUMENT, "\"%s\" is not the name of a registry",
                      registry);
}

/* The "auths" object of a document, added when missing; borrowed. */
static int open_auths(const struct authfile *file, struct json_t *root, struct json_t **ret_auths,
                      struct lpipe_error *err)
{
    struct json_node top = { .value = root, .doc = &file->doc };
    struct json_node auths = json_node_member(&top, "auths");
    int found = json_node_is(&auths, JSON_KIND_OBJECT, err);
    if (found == 0 && json_set_value(root, "auths", json_new_object()) != 0) {
        return fail_memory(err);
    }
    *ret_auths = found < 0 ? NULL : json_member(root, "auths");
    return MIN_OF(found, 0);
}

/* Keeps one entry per registry, under its first spelling; removes the others. */
static int set_entry(struct json_t *auths, const struct auth_name *name, const char *registry,
                     const char *auth)
{
    struct json_node node = { .value = auths };
    const char *found = find_key(&node, name);
    AUTO_FREE char *key = mem_strdup(found == NULL ? auth_name_server(registry) : found);
    AUTO_JSON struct json_t *entry = json_new_object();
    if (key == NULL || entry == NULL || json_set_text(entry, "auth", auth) != 0) {
        return LPIPE_NO_MEMORY;
    }
    int status = json_set_value(auths, key, TAKE(entry));
    const char *other = json_next_key(&node, NULL);
    while (other != NULL && status == 0) {
        if (strcmp(other, key) != 0 && names_registry(other, name)) {
            json_remove(auths, other);
            other = json_next_key(&node, NULL);
        } else {
            other = json_next_key(&node, other);
        }
    }
    return status;
}

int authfile_store(const char *path, const char *registry, const char *username,
                   const struct secret *password, lpipe_cancel *cancel, struct lpipe_error *err)
{
    AUTO_EDIT struct edit edit = { .lock = -1 };
    AUTO_AUTHFILE struct authfile file = { .doc = JSON_DOC_INIT };
    AUTO_JSON struct json_t *root = NULL;
    struct buf auth CLEANUP(buf_wipe) = BUF_INIT(4 * PASSWORD_BYTES_MAX);
    struct json_t *auths = NULL;
    struct auth_name name;
    int status = parse_registry(registry, &name, err);
    status = status == 0 ? make_parents(path, err) : status;
    status = status == 0 ? edit_begin(path, cancel, &edit, err) : status;
    status = status == 0 ? open_document(path, &file, &root, err) : status;
    status = status == 0 ? open_auths(&file, root, &auths, err) : status;
    if (status != 0) {
        return status;
    }
    if (secret_append_entry(username, password, &auth) != 0 ||
        set_entry(auths, &name, registry, auth.data) != 0) {
        return fail_memory(err);
    }
    return save_document(&edit, root, err);
}

int authfile_erase(const char *path, const char *registry, lpipe_cancel *cancel,
                   struct lpipe_error *err)
{
    AUTO_EDIT struct edit edit = { .lock = -1 };
    AUTO_AUTHFILE struct authfile file = { .doc = JSON_DOC_INIT };
    AUTO_JSON struct json_t *root = NULL;
    struct json_t *auths = NULL;
    struct auth_name name;
    int erased = 0;
    int status = parse_registry(registry, &name, err);
    status = status == 0 ? edit_begin(path, cancel, &edit, err) : status;
    status = status == 0 ? open_document(path, &file, &root, err) : status;
    status = status == 0 ? open_auths(&file, root, &auths, err) : status;
    if (status != 0) {
        return status;
    }
    struct json_node node = { .value = auths };
    for (const char *key = find_key(&node, &name); key != NULL; key = find_key(&node, &name)) {
        json_remove(auths, key);
        erased = 1;
    }
    status = erased ? save_document(&edit, root, err) : 0;
    return status == 0 ? erased : status;
}
