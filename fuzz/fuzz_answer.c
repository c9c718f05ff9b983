/* SPDX-License-Identifier: Apache-2.0 */
/* Answers of registries: the first line is the value of every header with a number, the rest is the
 * body. No crash; numbers stay within their limits, and no message repeats the password or has a
 * character that shows nothing. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"
#include "image/image_descriptor.h"
#include "request/answer_text.h"
#include "request/registry_error.h"
#include "request/retry.h"
#include "upload/upload_chunk_size.h"
#include "upload/upload_offset.h"

#define PASSWORD "Quite-Secret-1"
#define START UINT64_C(1000000)
#define SIZE UINT64_C(65536)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds) {
        abort();
    }
}

static void check_numbers(const char *value)
{
    uint64_t wait_ms = 0;
    struct upload_range range = upload_range_parse(value);
    uint64_t offset = upload_range_offset(&range, START);
    if (range.kind == RANGE_LAST && range.last >= START + SIZE) {
        require(!upload_range_is_short(&range, START, SIZE));
    }
    require(range.kind != RANGE_NONE || offset == UPLOAD_OFFSET_NONE);
    (void)retry_after_parse(value, 1700000000, &wait_ms);
}

static void check_chunk_size(const char *value, const char *body, size_t body_size)
{
    struct chunk_size size = chunk_size_init(0, CHUNK_BYTES_DEFAULT, CHUNK_BYTES_MAX);
    (void)chunk_size_set_announced(&size, value, "");
    (void)chunk_size_set_announced(&size, "", value);
    for (int i = 0; i < 20 && chunk_size_can_shrink(&size); i++) {
        uint64_t before = size.bytes;
        chunk_size_shrink(&size, i == 0 ? chunk_size_limit_in_text(body, body_size) : 0);
        require(size.bytes < before);
    }
    require(size.bytes > 0 && size.bytes <= size.bytes_max && size.bytes_max <= CHUNK_BYTES_MAX);
}

static void check_words(const struct http_response *response)
{
    struct credential credential CLEANUP(credential_dispose) = { .username = mem_strdup("user") };
    struct answer_text words;
    struct lpipe_error err = { 0 };
    if (credential.username == NULL ||
        secret_set(&credential.password, PASSWORD, strlen(PASSWORD)) != 0) {
        return;
    }
    answer_text_read(response, &credential, &words);
    require(text_is_clean(words.text, strlen(words.text)));
    require(text_is_clean(words.code, strlen(words.code)));
    require(strstr(words.text, PASSWORD) == NULL && strstr(words.code, PASSWORD) == NULL);
    require(registry_error(response, &err, "PUT") == err.status && err.status < 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO_FREE char *text = mem_strndup((const char *)data, size);
    struct http_response response CLEANUP(http_response_dispose) = HTTP_RESPONSE_INIT;
    struct lpipe_layer_result layer = LPIPE_LAYER_RESULT_INIT;
    if (text == NULL) {
        return 0;
    }
    size_t head = strcspn(text, "\n");
    const char *body = text[head] == '\n' ? text + head + 1 : text + head;
    text[head] = '\0';
    size_t rest = size - (size_t)(body - text) < size ? size - (size_t)(body - text) : 0;
    rest = rest < strlen(body) ? rest : strlen(body);
    response.status = 400 + (int)(head % 110);
    response.body.size_max = ERROR_BODY_BYTES_MAX;
    if (buf_append(&response.body, body, rest) != 0) {
        return 0;
    }
    check_numbers(text);
    check_chunk_size(text, body, rest);
    check_words(&response);
    (void)image_descriptor_parse(body, rest, &layer, NULL);
    return 0;
}
