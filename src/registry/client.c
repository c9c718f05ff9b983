/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/client.h"

#include "base/mem.h"

lpipe_client *client_free(lpipe_client *client)
{
    if (client != NULL && !process_is_other(client->process)) {
        /* The context is disposed first, because this ends its network thread, which may use a
         * host until then. */
        context_dispose(&client->context);
        host_list_dispose(&client->hosts);
        free(client);
    }
    return NULL;
}

int client_check(const lpipe_client *client, struct lpipe_error *err)
{
    return process_check(client->process, "the client", err);
}

int client_new(const struct lpipe_client_options *options, lpipe_client **ret_client,
               struct lpipe_error *err)
{
    lpipe_client *client = NEW(lpipe_client);
    if (client == NULL) {
        if (options->observer.free != NULL) {
            options->observer.free(options->observer.user);
        }
        return fail_memory(err);
    }
    client->process = process_self();
    host_list_init(&client->hosts);
    int status = context_init(&client->context, options, err);
    if (status != 0) {
        client_free(client);
        return status;
    }
    *ret_client = client;
    return 0;
}
