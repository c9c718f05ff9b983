/* SPDX-License-Identifier: Apache-2.0 */
#include "auth/credential.h"

#include <stdio.h>
#include <string.h>

#include "base/limits.h"
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

static void mask_bytes(const struct buf *bytes, struct buf *text, int *status)
{
    AUTO_SECRET struct secret form = SECRET_INIT;
    if (*status == 0 && bytes->size > 0) {
        *status = secret_set(&form, bytes->data, bytes->size);
        secret_mask(&form, text->data, &text->size);
    }
}

static int mask_secret(const struct secret *secret, const char *username, struct buf *text)
{
    struct buf json CLEANUP(buf_wipe) = BUF_INIT(8 * PASSWORD_BYTES_MAX);
    struct buf form CLEANUP(buf_wipe) = BUF_INIT(8 * PASSWORD_BYTES_MAX);
    struct buf entry CLEANUP(buf_wipe) = BUF_INIT(8 * PASSWORD_BYTES_MAX);
    if (secret_size(secret) == 0) {
        return 0;
    }
    int status = secret_append_json(secret, &json);
    status = status == 0 ? secret_append_form(secret, &form) : status;
    if (username != NULL && status == 0) {
        status = secret_append_entry(username, secret, &entry);
    }
    secret_mask(secret, text->data, &text->size);
    mask_bytes(&json, text, &status);
    mask_bytes(&form, text, &status);
    mask_bytes(&entry, text, &status);
    return status;
}

int credential_mask(const struct credential *credential, struct buf *text)
{
    if (credential == NULL || text->size == 0) {
        return 0;
    }
    int status = mask_secret(&credential->password, credential->username, text);
    status = status == 0 ? mask_secret(&credential->identity, NULL, text) : status;
    status = status == 0 ? mask_secret(&credential->bearer, NULL, text) : status;
    text->data[text->size] = '\0';
    return status == 0 ? 0 : LPIPE_NO_MEMORY;
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
    free(list->skipped);
    list->skipped = NULL;
}
