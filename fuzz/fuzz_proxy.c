/* SPDX-License-Identifier: Apache-2.0 */
/* NO_PROXY and the proxy's own URL. A list matches exactly if one of its items does, in any letter
 * case; libcurl finds in the URL that it gets the user name, the password and the host of the
 * variable.
 *
 * Lines: the list, the host, the variable. The first two bytes are the port. */
#include <curl/curl.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "base/limits.h"
#include "base/mem.h"
#include "http/http_proxy.h"

#define LETTERS "abcdefghijklmnopqrstuvwxyz"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds) {
        abort();
    }
}

static bool any_item_has(const char *list, const char *host, unsigned port)
{
    AUTO_FREE char *copy = mem_strdup(list);
    bool found = strcmp(list, "*") == 0;
    char *rest = NULL;
    require(copy != NULL);
    for (char *item = strtok_r(copy, ", \t", &rest); item != NULL;
         item = strtok_r(NULL, ", \t", &rest)) {
        /* "*" has its meaning alone only */
        found = found || (strcmp(item, "*") != 0 && proxy_list_has(item, host, port));
    }
    return found;
}

static void check_list(const char *list, const char *host, unsigned port)
{
    AUTO_FREE char *upper = mem_strdup(host);
    bool found = proxy_list_has(list, host, port);
    require(upper != NULL && found == any_item_has(list, host, port));
    for (char *c = upper; *c != '\0'; c++) {
        *c = (char)(*c >= 'a' && *c <= 'z' ? *c - 'a' + 'A' : *c);
    }
    require(proxy_list_has(list, upper, port) == found);
}

/* A part of the URL that libcurl has read; NULL if there is none. */
static char *part_of(CURLU *parsed, CURLUPart part)
{
    char *text = NULL;
    (void)curl_url_get(parsed, part, &text, CURLU_URLDECODE);
    return text;
}

/* The text up to end is what libcurl has found; escapes in it are kept, so such a text is not
 * compared. */
static void require_same(char *found, const char *text, size_t size)
{
    if (found != NULL && memchr(text, '%', size) == NULL) {
        require(strlen(found) == size && memcmp(found, text, size) == 0);
    }
    curl_free(found);
}

static void check_url(const char *proxy)
{
    AUTO_BUF struct buf url = BUF_INIT(MIB);
    CURLU *parsed = curl_url();
    require(parsed != NULL && proxy_url(proxy, &url) == 0);
    const char *scheme = strstr(proxy, "://");
    const char *user = scheme == NULL ? proxy : scheme + 3;
    const char *at = strrchr(user, '@');
    if (at != NULL && scheme != NULL && strspn(proxy, LETTERS) == (size_t)(scheme - proxy) &&
        curl_url_set(parsed, CURLUPART_URL, url.data, CURLU_NON_SUPPORT_SCHEME) == CURLUE_OK) {
        size_t size = (size_t)(at - user);
        const char *colon = memchr(user, ':', size);
        size_t name_size = colon == NULL ? size : (size_t)(colon - user);
        require_same(part_of(parsed, CURLUPART_USER), user, name_size);
        if (colon != NULL) {
            require_same(part_of(parsed, CURLUPART_PASSWORD), colon + 1, size - name_size - 1);
        }
        char *host = part_of(parsed, CURLUPART_HOST);
        /* libcurl makes an IPv4 address of any number, and reads escapes. */
        require(host == NULL || strchr(at, '%') != NULL ||
                strspn(host, "0123456789.") == strlen(host) ||
                strncasecmp(host, at + 1, strlen(host)) == 0);
        curl_free(host);
    }
    curl_url_cleanup(parsed);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2) {
        return 0;
    }
    AUTO_FREE char *text = mem_strndup((const char *)data + 2, size - 2);
    char *lines[3] = { text + strlen(text), text + strlen(text), text + strlen(text) };
    char *rest = text;
    for (size_t i = 0; i < ARRAY_LEN(lines) && rest != NULL; i++) {
        lines[i] = strsep(&rest, "\n");
    }
    if (strchr(lines[1], '*') == NULL) { /* no host has it */
        check_list(lines[0], lines[1], (unsigned)data[0] << 8 | data[1]);
    }
    check_url(lines[2]);
    return 0;
}
