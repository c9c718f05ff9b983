/* SPDX-License-Identifier: Apache-2.0 */
/* JSON: no crash, and what we write reads back and is written the same again. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "oci/json_read.h"
#include "oci/json_write.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int parse(const char *text, size_t size, struct json_doc *doc)
{
    struct lpipe_error err;
    return json_doc_parse(text, size, 1u << 22, "fuzz", LPIPE_PROTOCOL, doc, &err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct json_doc doc AUTO_JSON_DOC = JSON_DOC_INIT;
    struct json_doc again AUTO_JSON_DOC = JSON_DOC_INIT;
    AUTO_BUF struct buf first = BUF_INIT(1u << 24);
    AUTO_BUF struct buf second = BUF_INIT(1u << 24);
    if (parse((const char *)data, size, &doc) != 0) {
        return 0;
    }
    if (json_write(doc.root, &first) != 0 || parse(first.data, first.size, &again) != 0 ||
        json_write(again.root, &second) != 0 || strcmp(first.data, second.data) != 0) {
        abort();
    }
    return 0;
}
