/* SPDX-License-Identifier: Apache-2.0 */
#include "oci/image_edit.h"

#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"
#include "oci/image_config_tree.h"
#include "oci/json_read.h"
#include "oci/json_write.h"
#include "oci/shell_split.h"

static int fail_value(struct lpipe_error *err, const char *what, const char *value, const char *why)
{
    char shown[80];
    return fail(err, LPIPE_INVALID_ARGUMENT, "%s '%s': %s", what,
                text_printable(shown, sizeof shown, value, strlen(value)), why);
}

/* Sets a text; an empty text removes the key. */
static int set_or_remove(struct json_t *object, const char *key, const char *value,
                         struct lpipe_error *err)
{
    if (value[0] == '\0') {
        json_remove(object, key);
        return 0;
    }
    return json_set_text(object, key, value) == 0 ? 0 : fail_memory(err);
}

/* An array or object in settings, which is made if it is missing. */
static struct json_t *collection(struct json_t *settings, const char *key, bool array)
{
    if (json_member(settings, key) == NULL &&
        json_set_value(settings, key, array ? json_new_array() : json_new_object()) != 0) {
        return NULL;
    }
    return json_member(settings, key);
}

/* Replaces the last entry with the same name, which is the one that takes effect, or appends. */
static int edit_env(struct json_t *settings, const char *value, struct lpipe_error *err)
{
    const char *equals = strchr(value, '=');
    if (equals == NULL || equals == value) {
        return fail_value(err, "environment", value, "write it as KEY=VALUE");
    }
    size_t name_size = (size_t)(equals - value) + 1;
    struct json_t *env = collection(settings, "Env", true);
    for (size_t i = json_array_count(env); i > 0; i--) {
        const char *entry = json_array_text(env, i - 1);
        if (entry != NULL && strncmp(entry, value, name_size) == 0) {
            return json_replace_text(env, i - 1, value) == 0 ? 0 : fail_memory(err);
        }
    }
    return json_add_text(env, value) == 0 ? 0 : fail_memory(err);
}

static int edit_label(struct json_t *settings, const char *value, struct lpipe_error *err)
{
    const char *equals = strchr(value, '=');
    if (equals == NULL || equals == value) {
        return fail_value(err, "label", value, "write it as KEY=VALUE");
    }
    AUTO_FREE char *key = mem_strndup(value, (size_t)(equals - value));
    struct json_t *labels = collection(settings, "Labels", false);
    if (key == NULL || json_set_text(labels, key, equals + 1) != 0 || json_sort_keys(labels) != 0) {
        return fail_memory(err);
    }
    return 0;
}

/* Adds a key to a set, which the specification writes as an object of empty objects. */
static int add_to_set(struct json_t *settings, const char *name, const char *key,
                      struct lpipe_error *err)
{
    struct json_t *set = collection(settings, name, false);
    if (json_set_value(set, key, json_new_object()) != 0 || json_sort_keys(set) != 0) {
        return fail_memory(err);
    }
    return 0;
}

static int edit_port(struct json_t *settings, const char *value, struct lpipe_error *err)
{
    char key[32];
    uint64_t port = 0;
    size_t digits = strcspn(value, "/");
    const char *protocol = value[digits] == '/' ? value + digits + 1 : "tcp";
    bool known = strcmp(protocol, "tcp") == 0 || strcmp(protocol, "udp") == 0 ||
                 strcmp(protocol, "sctp") == 0;
    if (!text_to_u64(value, digits, 65535, &port) || port == 0 || !known) {
        return fail_value(err, "port", value, "write it as 80, 80/tcp, 53/udp or 132/sctp");
    }
    (void)snprintf(key, sizeof key, "%u/%s", (unsigned)port, protocol);
    return add_to_set(settings, "ExposedPorts", key, err);
}

/* An absolute path of Unix or Windows. */
static bool is_absolute(const char *path)
{
    bool letter = (path[0] >= 'a' && path[0] <= 'z') || (path[0] >= 'A' && path[0] <= 'Z');
    return path[0] == '/' || (letter && path[1] == ':' && (path[2] == '\\' || path[2] == '/'));
}

static int edit_volume(struct json_t *settings, const char *value, struct lpipe_error *err)
{
    if (!is_absolute(value)) {
        return fail_value(err, "volume", value, "must be an absolute path");
    }
    return add_to_set(settings, "Volumes", value, err);
}

static int edit_workdir(struct json_t *settings, const char *value, struct lpipe_error *err)
{
    if (value[0] != '\0' && !is_absolute(value)) {
        return fail_value(err, "working directory", value, "must be an absolute path");
    }
    return set_or_remove(settings, "WorkingDir", value, err);
}

/* SIGNAME, SIGRTMIN+N, or a number. */
static int edit_stop_signal(struct json_t *settings, const char *value, struct lpipe_error *err)
{
    uint64_t number = 0;
    bool name = text_starts(value, "SIG") && value[3] >= 'A' && value[3] <= 'Z' &&
                strspn(value, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+-") == strlen(value);
    bool numeric = text_to_u64(value, strlen(value), 127, &number) && number > 0;
    if (value[0] != '\0' && !name && !numeric) {
        return fail_value(err, "stop signal", value, "write it as SIGTERM, SIGRTMIN+3 or a number");
    }
    return set_or_remove(settings, "StopSignal", value, err);
}

/* Parses a command: a JSON array of texts, or words as in a shell. */
static int parse_command(const char *what, const char *value, struct json_t **ret_array,
                         struct lpipe_error *err)
{
    if (value[0] != '[') {
        return shell_split(value, what, ret_array, err);
    }
    struct json_doc doc AUTO_JSON_DOC = JSON_DOC_INIT;
    int status = json_list_parse(value, strlen(value), CONFIG_BYTES_MAX, what,
                                 LPIPE_INVALID_ARGUMENT, &doc, err);
    if (status != 0) {
        return status;
    }
    struct json_node top = json_node_root(&doc);
    for (size_t i = 0; i < json_node_count(&top) && status == 0; i++) {
        struct json_node entry = json_node_entry(&top, i);
        status = json_node_require(&entry, JSON_KIND_TEXT, err);
    }
    if (status == 0) {
        *ret_array = TAKE(doc.root);
    }
    return status;
}

static int edit_command(struct json_t *settings, const char *key, const char *what,
                        const char *value, struct lpipe_error *err)
{
    struct json_t *array AUTO_JSON = NULL;
    int status = parse_command(what, value, &array, err);
    if (status != 0) {
        return status;
    }
    if (json_array_count(array) == 0) {
        json_remove(settings, key);
        return 0;
    }
    return json_set_value(settings, key, TAKE(array)) == 0 ? 0 : fail_memory(err);
}

/* Removes the base's Cmd too: it holds arguments of the base's entrypoint. */
static int edit_entrypoint(struct image_config *config, struct json_t *settings, const char *value,
                           struct lpipe_error *err)
{
    int status = edit_command(settings, "Entrypoint", "entrypoint", value, err);
    if (status == 0 && !config->cmd_set) {
        json_remove(settings, "Cmd");
    }
    return status;
}

static int edit_cmd(struct image_config *config, struct json_t *settings, const char *value,
                    struct lpipe_error *err)
{
    int status = edit_command(settings, "Cmd", "command", value, err);
    config->cmd_set = config->cmd_set || status == 0;
    return status;
}

int image_edit_apply(struct image_config *config, enum lpipe_edit edit, const char *value,
                     struct lpipe_error *err)
{
    struct json_t *settings = image_config_settings(config);
    if (settings == NULL) {
        return fail_memory(err);
    }
    if (!json_text_valid(value, strlen(value))) {
        return fail_value(err, "value", value, "not valid UTF-8");
    }
    switch (edit) {
    case LPIPE_EDIT_ENV:
        return edit_env(settings, value, err);
    case LPIPE_EDIT_ENTRYPOINT:
        return edit_entrypoint(config, settings, value, err);
    case LPIPE_EDIT_CMD:
        return edit_cmd(config, settings, value, err);
    case LPIPE_EDIT_USER:
        return set_or_remove(settings, "User", value, err);
    case LPIPE_EDIT_WORKDIR:
        return edit_workdir(settings, value, err);
    case LPIPE_EDIT_LABEL:
        return edit_label(settings, value, err);
    case LPIPE_EDIT_PORT:
        return edit_port(settings, value, err);
    case LPIPE_EDIT_VOLUME:
        return edit_volume(settings, value, err);
    case LPIPE_EDIT_STOP_SIGNAL:
        return edit_stop_signal(settings, value, err);
    case LPIPE_EDIT_AUTHOR:
        return set_or_remove(config->root, "author", value, err);
    case LPIPE_EDIT_ANNOTATION:
    case LPIPE_EDIT_HISTORY:
    default:
        return fail(err, LPIPE_INVALID_ARGUMENT, "edit %d does not change the image config",
                    (int)edit);
    }
}
