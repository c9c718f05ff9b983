/* SPDX-License-Identifier: Apache-2.0 */
#include "request/answer_text.h"

#include <stdio.h>
#include <string.h>

#include "base/clean_words.h"
#include "base/text.h"
#include "oci/json_read.h"
#include "oci/json_write.h"

#define COLLECTED_BYTES_MAX (4 * TOKEN_BODY_BYTES_MAX) /* before it is cut */

/* An error code has capital letters and '_'; other texts are not kept. */
static void keep_code(const char *code, char *buf, size_t buf_size)
{
    size_t size = strspn(code, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-.");
    buf[0] = '\0';
    if (size > 0 && code[size] == '\0' && size < buf_size) {
        memcpy(buf, code, size + 1);
    }
}

/* The first of several members that is a text and not empty; NULL = none. */
static const char *first_text(const struct json_node *object, const char *const *keys)
{
    for (; *keys != NULL; keys++) {
        struct json_node node = json_node_member(object, *keys);
        const char *text = json_node_text(&node);
        if (text != NULL && *text != '\0') {
            return text;
        }
    }
    return NULL;
}

/* Appends a text, or another value as JSON. An empty value is nothing to show. */
static int append_detail(const struct json_node *detail, const char *message, struct buf *out)
{
    AUTO_BUF struct buf value = BUF_INIT(COLLECTED_BYTES_MAX);
    const char *text = json_node_text(detail);
    int status = 0;
    if (text == NULL && json_node_count(detail) > 0) {
        status = json_write(detail->value, &value);
        text = status == 0 ? value.data : NULL;
    }
    if (text == NULL || *text == '\0' || (message != NULL && strcmp(text, message) == 0)) {
        return status;
    }
    status = message == NULL ? buf_append_text(out, text) : buf_printf(out, " (%s)", text);
    return status;
}

/* Appends "CODE: message (detail)" of one entry. The members have other names in the answers of
 * OAuth2 servers (error, error_description) and of Docker Hub (details). */
static int append_entry(const struct json_node *entry, struct answer_text *answer, struct buf *out)
{
    static const char *const code_keys[] = { "code", "error", NULL };
    static const char *const message_keys[] = { "message", "error_description", NULL };
    char code[sizeof answer->code] = "";
    AUTO_BUF struct buf text = BUF_INIT(COLLECTED_BYTES_MAX);
    const char *code_text = first_text(entry, code_keys);
    const char *message = json_node_text(entry); /* an entry that is only a text */
    message = message != NULL ? message : first_text(entry, message_keys);
    struct json_node detail = json_node_member(entry, "detail");
    struct json_node details = json_node_member(entry, "details");
    keep_code(code_text == NULL ? "" : code_text, code, sizeof code);
    if (message == NULL && code[0] == '\0') {
        message = code_text; /* a sentence in place of a code */
    }
    int status = message == NULL ? 0 : buf_append_text(&text, message);
    status = status == 0 ? append_detail(detail.value != NULL ? &detail : &details, message, &text)
                         : status;
    if (status != 0 || (code[0] == '\0' && text.size == 0)) {
        return status;
    }
    bool is_first = out->size == 0;
    if (is_first) {
        memcpy(answer->code, code, sizeof code);
    }
    return buf_printf(out, "%s%s%s%s", is_first ? "" : "; ", code,
                      code[0] != '\0' && text.size > 0 ? ": " : "", text.size > 0 ? text.data : "");
}

/* A body that has a token is not shown, whatever its status is. */
static bool has_token(const struct json_node *root)
{
    static const char *const keys[] = { "token", "access_token", "refresh_token", "id_token",
                                        NULL };
    return first_text(root, keys) != NULL;
}

/* True when the body is a JSON object. Its errors, or its own members, are appended. */
static bool collect_json(const char *text, size_t size, struct answer_text *answer, struct buf *out)
{
    struct json_doc doc CLEANUP(json_doc_wipe) = JSON_DOC_INIT;
    if (json_doc_parse(text, size, TOKEN_BODY_BYTES_MAX, "answer", LPIPE_PROTOCOL, &doc, NULL) !=
        0) {
        return false;
    }
    struct json_node root = json_node_root(&doc);
    struct json_node errors = json_node_member(&root, "errors");
    struct json_node error = json_node_member(&root, "error");
    int status = 0;
    if (has_token(&root)) {
        return true;
    }
    for (size_t i = 0; i < json_node_count(&errors) && status == 0; i++) {
        struct json_node entry = json_node_entry(&errors, i);
        status = append_entry(&entry, answer, out);
    }
    if (out->size == 0 && status == 0) {
        bool nested = json_node_is(&error, JSON_KIND_OBJECT, NULL) == 1;
        status = append_entry(nested ? &error : &root, answer, out);
    }
    return out->size > 0;
}

size_t answer_text_mark(const char *text, size_t size)
{
    return size >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
}

bool answer_text_is_html(const char *text, size_t size)
{
    for (size_t i = answer_text_mark(text, size); i < size; i++) {
        if (!text_is_space(text[i])) {
            return text[i] == '<';
        }
    }
    return false;
}

/* A code that repeats a secret is no code. */
static void drop_secret_code(const struct credential *credential, struct answer_text *answer)
{
    struct buf masked CLEANUP(buf_wipe) = BUF_INIT(COLLECTED_BYTES_MAX);
    if (buf_append_text(&masked, answer->code) != 0 || credential_mask(credential, &masked) != 0 ||
        strcmp(masked.data, answer->code) != 0) {
        answer->code[0] = '\0';
    }
}

void answer_text_read(const struct http_response *response, const struct credential *credential,
                      struct answer_text *ret_text)
{
    struct buf collected CLEANUP(buf_wipe) = BUF_INIT(COLLECTED_BYTES_MAX);
    const char *text = response->body.data;
    size_t size = MIN_OF(response->body.size, TOKEN_BODY_BYTES_MAX);
    *ret_text = (struct answer_text){ .code = "" };
    if (size == 0) {
        return;
    }
    size_t mark = answer_text_mark(text, size);
    text += mark;
    size -= mark;
    bool is_json = collect_json(text, size, ret_text, &collected);
    drop_secret_code(credential, ret_text);
    if (!is_json && buf_append(&collected, text, size) != 0) {
        return;
    }
    if (collected.size == 0 || credential_mask(credential, &collected) != 0) {
        return;
    }
    bool markup = !is_json && memmem(text, MIN_OF(size, (size_t)1024), "<", 1) != NULL;
    clean_words(collected.data, collected.size, markup, ret_text->text, sizeof ret_text->text);
}

char *answer_text_end(const struct http_response *response, const struct credential *credential,
                      char buf[ANSWER_TEXT_BYTES_MAX + 2])
{
    struct answer_text answer;
    answer_text_read(response, credential, &answer);
    (void)snprintf(buf, ANSWER_TEXT_BYTES_MAX + 2, "%s%s", answer.text[0] == '\0' ? "" : ": ",
                   answer.text);
    return buf;
}
