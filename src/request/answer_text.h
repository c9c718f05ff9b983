/* SPDX-License-Identifier: Apache-2.0 */
/* The text of an answer's body, for a message: what a registry or a token server said when it
 * refused. Secrets are left out: those of the credential, the users and queries of URLs, and what
 * follows "Bearer" or "Basic". Control characters are left out too. Pure; any thread. */
#ifndef REQUEST_ANSWER_TEXT_H
#define REQUEST_ANSWER_TEXT_H

#include "auth/credential.h"
#include "base/limits.h"
#include "http/http.h"

struct answer_text {
    char code[48]; /* error code of the first entry ("DENIED"), "" = none */
    /* Of a JSON body: code, message and detail of each entry of "errors", or of the object itself.
     * Of another body: its first words, without markup. "" = it says nothing. */
    char text[ANSWER_TEXT_BYTES_MAX];
};

/* credential: what the request was sent with; NULL = nothing that the body could repeat. */
void answer_text_read(const struct http_response *response, const struct credential *credential,
                      struct answer_text *ret_text);

/* For the end of a message: ": CODE: text", or "" when the body says nothing. Returns buf. */
char *answer_text_end(const struct http_response *response, const struct credential *credential,
                      char buf[ANSWER_TEXT_BYTES_MAX + 2]);

/* True for HTML, also after a byte order mark: a page for people in place of JSON. */
bool answer_text_is_html(const char *text, size_t size);
/* Size of the byte order mark at the start of a text, else 0. */
size_t answer_text_mark(const char *text, size_t size);

#endif
