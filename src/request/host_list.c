/* SPDX-License-Identifier: Apache-2.0 */
#include "request/host_list.h"

#include <string.h>

#include "auth/credential_find.h"
#include "base/mem.h"
#include "base/sync.h"
#include "oci/reference.h"

void host_list_init(struct host_list *list)
{
    pthread_mutex_init(&list->mutex, NULL);
}

void host_list_dispose(struct host_list *list)
{
    while (list->first != NULL) {
        struct registry_host *next = list->first->next;
        registry_host_free(list->first);
        list->first = next;
    }
    pthread_mutex_destroy(&list->mutex);
}

static struct registry_host *list_find(const struct host_list *list, const char *registry,
                                       const char *identity)
{
    for (struct registry_host *host = list->first; host != NULL; host = host->next) {
        if (strcmp(host->registry, registry) == 0 && strcmp(host->identity, identity) == 0) {
            return host;
        }
    }
    return NULL;
}

/* The host that is in the list already, or a new one. */
static int list_find_or_add(struct host_list *list, struct context *context, const char *registry,
                            const char *scheme, const char *identity,
                            struct credential_list *credentials, struct registry_host **ret_host,
                            struct lpipe_error *err)
{
    bool plain = (context->settings.flags & LPIPE_CLIENT_PLAIN_HTTP) != 0;
    bool forced = (context->settings.flags & LPIPE_CLIENT_HTTPS) != 0;
    GUARD(&list->mutex);
    struct registry_host *host = list_find(list, registry, identity);
    if (host == NULL) {
        bool https = (strcmp(scheme, "https") == 0 || forced) && !plain;
        int status = registry_host_new(context, registry, https, credentials, &host, err);
        if (status != 0) {
            return status;
        }
        host->next = list->first;
        list->first = host;
    }
    *ret_host = host;
    return 0;
}

int host_list_get(struct host_list *list, struct context *context, const lpipe_ref *ref,
                  struct registry_host **ret_host, struct lpipe_error *err)
{
    const struct settings *settings = &context->settings;
    AUTO_CREDENTIAL_LIST struct credential_list credentials = { .count = 0 };
    const char *registry = ref->registry;
    const char *scheme = ref->scheme;
    if (registry == NULL) {
        return fail(err, LPIPE_INVALID_ARGUMENT, "%s does not name a registry", ref->name);
    }
    int status = credential_find(settings, registry, ref->repository, &credentials, err);
    if (status != 0) {
        return status;
    }
    AUTO_FREE char *identity = credential_list_identity(&credentials);
    if (identity == NULL) {
        return fail_memory(err);
    }
    struct registry_host *host = NULL;
    status = list_find_or_add(list, context, registry, scheme, identity, &credentials, &host, err);
    if (status == 0) {
        *ret_host = host;
    }
    return status;
}
