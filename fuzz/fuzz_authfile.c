/* SPDX-License-Identifier: Apache-2.0 */
/* Files of credentials and answers of token servers: no crash, and nothing comes out that belongs
 * to another repository or does not fit into a header. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "auth/authfile.h"
#include "base/base64.h"
#include "base/mem.h"
#include "base/text.h"
#include "request/token_fetch.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_list(const struct credential_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        const struct credential *found = &list->items[i];
        if (found->source == NULL || found->score == 0 || !secret_is_clean(&found->identity) ||
            !secret_is_clean(&found->bearer) ||
            (found->helper == NULL) != (found->helper_key == NULL)) {
            abort();
        }
    }
}

static void look_up(const struct authfile *file, const char *name)
{
    AUTO_CREDENTIAL_LIST struct credential_list list = { .count = 0 };
    struct auth_name target;
    struct lpipe_error err;
    if (!auth_name_parse(name, &target)) {
        abort();
    }
    if (authfile_find(file, &target, "test.io", &list, &err) == 0) {
        check_list(&list);
    }
}

/* What decodes is what encodes to the same text. */
static void check_base64(const char *text, size_t size)
{
    AUTO_BUF struct buf plain = BUF_INIT(1u << 20);
    AUTO_BUF struct buf again = BUF_INIT(1u << 21);
    if (base64_decode(text, size, &plain) != 0 ||
        base64_encode(plain.data, plain.size, &again) != 0) {
        return;
    }
    if (again.size > size || (again.size > 0 && memcmp(again.data, text, again.size) != 0)) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO_AUTHFILE struct authfile file = { .doc = JSON_DOC_INIT };
    struct token token CLEANUP(token_dispose) = { .value = SECRET_INIT };
    AUTO_FREE char *text = mem_strndup((const char *)data, size);
    struct lpipe_error err;
    if (text == NULL) {
        return 0;
    }
    check_base64(text, strlen(text));
    if (authfile_parse((const char *)data, size, "config.json", &file, &err) == 0) {
        look_up(&file, "test.io/a/b");
        look_up(&file, "test.io");
        look_up(&file, "index.docker.io/library/debian");
    }
    if (token_parse((const char *)data, size, &token, &err) == 0 &&
        (!secret_is_clean(&token.value) || token.life_ms == 0 ||
         token.life_ms > TOKEN_LIFE_MAX_MS)) {
        abort();
    }
    return 0;
}
