/* SPDX-License-Identifier: Apache-2.0 */
/* The heads of an answer, line by line. Each header that a slow model finds is found by its name,
 * with the same value, and no other. */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "http/http_head.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds) {
        abort();
    }
}

/* The model: names in lower case, values as they were folded. */
struct header {
    char *name;
    struct buf value;
};
static struct {
    struct header headers[HEADER_COUNT_MAX];
    size_t count;
} model;

static void model_clear(void)
{
    for (size_t i = 0; i < model.count; i++) {
        free(model.headers[i].name);
        buf_dispose(&model.headers[i].value);
    }
    model.count = 0;
}

static void model_line(const char *line)
{
    size_t name_size = strcspn(line, ":");
    if ((line[0] == ' ' || line[0] == '\t') && model.count > 0) {
        require(buf_printf(&model.headers[model.count - 1].value, " %s", line) == 0);
    } else if (line[name_size] == ':') {
        struct header *header = &model.headers[model.count++];
        *header = (struct header){ mem_strndup(line, name_size), BUF_INIT(MIB) };
        for (char *c = header->name; *c != '\0'; c++) {
            *c = (char)(*c >= 'A' && *c <= 'Z' ? *c + 32 : *c);
        }
        require(buf_append_text(&header->value, line + name_size + 1) == 0);
    }
}

/* The value without the blanks around it. */
static char *trimmed(const char *value)
{
    value += strspn(value, " \t");
    size_t size = strlen(value);
    while (size > 0 && (value[size - 1] == ' ' || value[size - 1] == '\t')) {
        size--;
    }
    return mem_strndup(value, size);
}

static size_t count_before(size_t index)
{
    size_t count = 0;
    for (size_t i = 0; i < index; i++) {
        count += strcmp(model.headers[i].name, model.headers[index].name) == 0;
    }
    return count;
}

static void check(const struct http_response *response)
{
    char value[4096];
    require(response->header_count == model.count);
    for (size_t i = 0; i < model.count; i++) {
        AUTO_FREE char *wanted = trimmed(model.headers[i].value.data);
        int found = http_response_header(response, model.headers[i].name, count_before(i), value,
                                         sizeof value);
        bool fits = strlen(wanted) < sizeof value;
        require(fits ? found == (int)strlen(wanted) && strcmp(value, wanted) == 0
                     : found == HTTP_HEADER_TOO_LONG);
    }
    require(http_response_header(response, "x-none", model.count, value, sizeof value) ==
            HTTP_HEADER_ABSENT);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO_FREE char *text = mem_strndup((const char *)data, size);
    struct http_response response CLEANUP(http_response_dispose) = HTTP_RESPONSE_INIT;
    char *rest = text;
    int status = 0;
    response.headers.size_max = MIB;
    for (char *line = strsep(&rest, "\n"); line != NULL && status == 0;
         line = strsep(&rest, "\n")) {
        size_t line_size = strlen(line);
        if (head_is_status_line(line, line_size)) {
            head_status_line(&response, line, line_size);
            require(response.status >= 0 && response.status <= 999);
            model_clear();
        } else if (model.count < HEADER_COUNT_MAX) {
            status = head_header_line(&response, line, line_size);
            require(status == 0 || line_size > HEADER_LINE_BYTES_MAX);
            model_line(status == 0 ? line : "");
        }
    }
    check(&response);
    model_clear();
    return 0;
}
