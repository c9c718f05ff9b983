/* SPDX-License-Identifier: Apache-2.0 */
#include "oci/shell_split.h"

#include <string.h>

#include "base/buf.h"
#include "base/limits.h"
#include "oci/json_write.h"

#define BLANKS " \t\r\n"

/* Appends a quoted text to word. *text must point to the opening quote; it is moved after the
 * closing quote. */
static int take_quoted(const char **text, struct buf *word)
{
    char quote = **text;
    int status = 0;
    (*text)++;
    while (status == 0 && **text != quote) {
        bool escaped = quote == '"' && **text == '\\' && ((*text)[1] == '"' || (*text)[1] == '\\');
        *text += escaped ? 1 : 0;
        if (**text == '\0') {
            return LPIPE_INVALID_ARGUMENT;
        }
        status = buf_append(word, *text, 1);
        (*text)++;
    }
    (*text)++;
    return status;
}

/* Appends one word. *text must point to its first character; it is moved after its last one. */
static int take_word(const char **text, struct buf *word)
{
    int status = 0;
    while (status == 0 && **text != '\0' && strchr(BLANKS, **text) == NULL) {
        if (**text == '\'' || **text == '"') {
            status = take_quoted(text, word);
            continue;
        }
        if (**text == '\\') {
            (*text)++;
            if (**text == '\0') {
                return LPIPE_INVALID_ARGUMENT;
            }
        }
        status = buf_append(word, *text, 1);
        (*text)++;
    }
    return status;
}

int shell_split(const char *text, const char *what, struct json_t **ret_array,
                struct lpipe_error *err)
{
    struct json_t *array AUTO_JSON = json_new_array();
    int status = array == NULL ? LPIPE_NO_MEMORY : 0;
    text += strspn(text, BLANKS);
    while (status == 0 && *text != '\0') {
        AUTO_BUF struct buf word = BUF_INIT(CONFIG_BYTES_MAX);
        status = buf_append(&word, "", 0);
        status = status == 0 ? take_word(&text, &word) : status;
        status = status == 0 ? json_add_text(array, word.data) : status;
        text += status == 0 ? strspn(text, BLANKS) : 0;
    }
    if (status == LPIPE_INVALID_ARGUMENT) {
        return fail(err, status, "%s: a quote is not closed, or nothing follows a backslash", what);
    }
    if (status == LPIPE_TOO_LARGE) {
        return fail(err, LPIPE_INVALID_ARGUMENT, "%s: too long", what);
    }
    if (status != 0) {
        return fail_memory(err);
    }
    *ret_array = TAKE(array);
    return 0;
}
