/* SPDX-License-Identifier: Apache-2.0 */
/* WWW-Authenticate and Location: no crash; what comes out can stand in a header, and a URL that the
 * policy lets pass is read the same way a second time. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "auth/challenge.h"
#include "auth/origin.h"
#include "auth/scope.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_text(const char *text)
{
    if (text != NULL && !text_is_clean(text, strlen(text))) {
        abort();
    }
}

static void check_scope(const char *offer)
{
    AUTO_BUF struct buf set = BUF_INIT(SCOPE_BYTES_MAX);
    AUTO_BUF struct buf again = BUF_INIT(SCOPE_BYTES_MAX);
    if (scope_add_offer(&set, offer, "a/b", "from") != 0 || set.size == 0) {
        return;
    }
    /* The canonical form is its own canonical form, and covers itself. */
    if (scope_add_offer(&again, set.data, "a/b", "from") != 0 ||
        strcmp(set.data, again.data) != 0 || !scope_covers(set.data, again.data)) {
        abort();
    }
}

static void check_url(const char *reference)
{
    static const char base[] = "https://registry.example:5000/v2/a/b/blobs/uploads/?x=1";
    AUTO_FREE char *url = NULL;
    AUTO_FREE char *again = NULL;
    struct origin origin;
    struct origin second;
    if (origin_resolve(base, reference, "Location", &url, NULL) != 0) {
        return;
    }
    check_text(url);
    if (origin_parse(url, "Location", &origin, NULL, NULL) != 0 ||
        origin_resolve(base, url, "Location", &again, NULL) != 0 ||
        origin_parse(again, "Location", &second, NULL, NULL) != 0 ||
        !origin_same(&origin, &second)) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO_BUF struct buf headers = BUF_INIT(MIB);
    AUTO_CHALLENGE struct challenge whole = CHALLENGE_INIT;
    AUTO_CHALLENGE struct challenge line = CHALLENGE_INIT;
    if (buf_append(&headers, data, size) != 0 || challenge_read(&headers, &whole, NULL) != 0 ||
        challenge_read_line(headers.data, headers.size, &line, NULL) != 0) {
        return 0;
    }
    const struct challenge *found[] = { &whole, &line };
    for (size_t i = 0; i < ARRAY_LEN(found); i++) {
        check_text(found[i]->realm);
        check_text(found[i]->service);
        check_text(found[i]->scope);
        check_text(found[i]->error);
        if (found[i]->scheme == CHALLENGE_BEARER && found[i]->realm == NULL) {
            abort();
        }
        if (found[i]->scope != NULL) {
            check_scope(found[i]->scope);
        }
    }
    check_url(headers.data);
    return 0;
}
