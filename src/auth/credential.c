/* SPDX-License-Identifier: Apache-2.0 */
#include "auth/credential.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"

bool credential_is_empty(const struct credential *credential)
{
    return !secret_is_set(&credential->password) && !secret_is_set(&credential->identity) &&
           !secret_is_set(&credential->bearer);
}

char *credential_describe(const struct credential *credential, char *buf, size_t buf_size)
{
    char name[80];
    if (credential->username == NULL) {
        (void)snprintf(buf, buf_size, "the credentials from %s", credential->source);
    } else {
        text_printable(name, sizeof name, credential->username, strlen(credential->username));
        (void)snprintf(buf, buf_size, "the credentials of \"%s\" from %s", name,
                       credential->source);
    }
    return buf;
}

void credential_dispose(struct credential *credential)
{
    free(credential->source);
    free(credential->username);
    free(credential->helper);
    free(credential->helper_key);
    secret_dispose(&credential->password);
    secret_dispose(&credential->identity);
    secret_dispose(&credential->bearer);
    *credential = (struct credential){ .source = NULL };
}

void credential_list_dispose(struct credential_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        credential_dispose(&list->items[i]);
    }
    list->count = 0;
}
