/* SPDX-License-Identifier: Apache-2.0 */
#include "auth/auth_name.h"

#include <stdio.h>
#include <string.h>

#include "auth/origin.h"
#include "base/text.h"

static const char HUB[] = "index.docker.io";

static bool is_hub(const char *host)
{
    return strcmp(host, HUB) == 0 || strcmp(host, "docker.io") == 0 ||
           strcmp(host, "registry-1.docker.io") == 0;
}

/* The path between slashes. "v1" and "v2" are API versions, not namespaces. */
static bool read_path(const char *text, char *path, size_t path_size)
{
    text += strspn(text, "/");
    size_t size = strlen(text);
    while (size > 0 && text[size - 1] == '/') {
        size--;
    }
    if (size == 2 && text[0] == 'v' && (text[1] == '1' || text[1] == '2')) {
        size = 0;
    }
    if (size >= path_size) {
        return false;
    }
    memcpy(path, text, size);
    path[size] = '\0';
    return true;
}

bool auth_name_parse(const char *text, struct auth_name *ret_name)
{
    struct auth_name name = { .port = 0 };
    struct origin origin;
    char host[300];
    bool http = text_same_start(text, "http://", 7);
    text += http ? 7 : text_same_start(text, "https://", 8) ? 8 : 0;
    size_t size = strcspn(text, "/");
    if (size >= sizeof host) {
        return false;
    }
    memcpy(host, text, size);
    host[size] = '\0';
    if (origin_parse_host(host, !http, &origin, NULL) != 0 ||
        !read_path(text + size, name.path, sizeof name.path)) {
        return false;
    }
    name.port = origin.port == (http ? 80 : 443) ? 0 : origin.port;
    (void)snprintf(name.host, sizeof name.host, "%s",
                   name.port == 0 && is_hub(origin.host) ? HUB : origin.host);
    *ret_name = name;
    return true;
}

/* Chooses among stored credentials. origin_decide() decides whether one may be sent. */
size_t auth_name_score(const struct auth_name *key, const struct auth_name *target)
{
    size_t size = strlen(key->path);
    if (key->port != target->port || strcmp(key->host, target->host) != 0) {
        return 0;
    }
    if (size == 0) {
        return AUTH_NAME_REGISTRY_SCORE;
    }
    bool fits = strncmp(key->path, target->path, size) == 0 &&
                (target->path[size] == '\0' || target->path[size] == '/');
    return fits ? AUTH_NAME_REGISTRY_SCORE + size : 0;
}

const char *auth_name_server(const char *registry)
{
    struct auth_name name;
    return auth_name_parse(registry, &name) && strcmp(name.host, HUB) == 0 && name.port == 0
               ? "https://index.docker.io/v1/"
               : registry;
}
