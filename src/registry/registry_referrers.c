/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/registry_referrers.h"

#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"
#include "oci/manifest.h"
#include "registry/registry_read.h"
#include "request/registry_error.h"

#define ACCEPT "Accept: application/vnd.oci.image.index.v1+json"
#define LINK_BYTES 4096

/* Of one page. query: "" or "?...". */
static int fetch_page(const struct repository *repository, const char *path, const char *query,
                      struct http_response *ret_response, struct lpipe_error *err)
{
    AUTO_FREE char *url = mem_printf("%s%s", path, query);
    return url == NULL ? fail_memory(err)
                       : registry_read(repository, "GET", url, ACCEPT, ret_response, err);
}

static int add_page(struct http_response *response, struct descriptor_list *list,
                    struct lpipe_error *err)
{
    AUTO_DOCUMENT struct document document = DOCUMENT_INIT;
    AUTO_MANIFEST struct manifest *index = NULL;
    int status = document_make(&response->body, "", NULL, &document, err);
    status = status == 0 ? manifest_parse(&document, &index, err) : status;
    if (status == 0 && index->kind != MANIFEST_KIND_INDEX) {
        status = fail(err, LPIPE_PROTOCOL, "the answer is not an index");
    }
    for (size_t i = 0; status == 0 && i < index->item_count; i++) {
        status = descriptor_list_add(list, &index->items[i].descriptor, err);
    }
    return status;
}

/* The URL of the next page in <URL>; rel="next", one of several links. NULL: there is none. */
static const char *find_next(const char *header, const char **ret_end)
{
    const char *url = strchr(header, '<');
    while (url != NULL) {
        const char *end = strchr(url, '>');
        const char *following = end == NULL ? NULL : strchr(end, '<');
        const char *next = end == NULL ? NULL : strstr(end, "next");
        if (next != NULL && (following == NULL || next < following)) {
            *ret_end = end;
            return url + 1;
        }
        url = following;
    }
    return NULL;
}

/* Only the query of the URL is used: the next page is at the same path, so no answer leads to
 * another place. 1 with the query, 0 without a next page. */
static int read_next(const struct http_response *response, const char *path,
                     char ret_query[LINK_BYTES], struct lpipe_error *err)
{
    char header[LINK_BYTES] = "";
    const char *end = header;
    const char *url = NULL;
    int length = 0;
    for (size_t nth = 0; url == NULL && length >= 0; nth++) {
        header[0] = '\0';
        length = http_response_header(response, "link", nth, header, sizeof header);
        url = find_next(header, &end);
    }
    if (url == NULL && length == HTTP_HEADER_ABSENT) {
        return 0;
    }
    const char *found = url == NULL ? NULL : memmem(url, (size_t)(end - url), path, strlen(path));
    const char *query = found == NULL ? end : found + strlen(path);
    size_t size = (size_t)(end - query);
    if (size == 0 || query[0] != '?' || memchr(query, ' ', size) != NULL ||
        memchr(query, '#', size) != NULL || !text_is_clean(query, size)) {
        return fail(err, LPIPE_PROTOCOL, "the Link to the next page does not lead to %s", path);
    }
    memcpy(ret_query, query, size);
    ret_query[size] = '\0';
    return 1;
}

static bool has_no_api(int status)
{
    return status == 404 || status == 405 || status == 501;
}

static int list_pages(const struct repository *repository, const char *path,
                      struct descriptor_list *list, struct lpipe_error *err)
{
    char query[LINK_BYTES] = "";
    for (unsigned page = 0; page < REFERRERS_PAGES_MAX; page++) {
        struct http_response response CLEANUP(http_response_dispose) = HTTP_RESPONSE_INIT;
        int status = fetch_page(repository, path, query, &response, err);
        if (status == 0 && page == 0 && has_no_api(response.status)) {
            return 0;
        }
        if (status == 0 && response.status != 200) {
            return registry_error(&response, err, "GET %s", path);
        }
        status = status == 0 ? add_page(&response, list, err) : status;
        int next = status == 0 ? read_next(&response, path, query, err) : status;
        if (next != 1) {
            return next == 0 ? 1 : next;
        }
    }
    return fail(err, LPIPE_PROTOCOL, "more than %d pages", REFERRERS_PAGES_MAX);
}

int registry_referrers_list(const struct repository *repository, const char *digest,
                            struct descriptor_list *list, struct lpipe_error *err)
{
    AUTO_FREE char *path = mem_printf("/v2/%s/referrers/%s", repository->name, digest);
    if (path == NULL) {
        return fail_memory(err);
    }
    int listed = list_pages(repository, path, list, err);
    return listed >= 0 ? listed
                       : fail_context(err, listed, "referrers of %s in %s/%s", digest,
                                      repository->registry, repository->name);
}
