/* SPDX-License-Identifier: Apache-2.0 */
/* Image configurations: the first byte is the number of layers and which edit follows; whatever
 * could be parsed can be edited, written, and parsed again. */
#include <stdint.h>
#include <stdlib.h>

#include "oci/image_edit.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO_DOCUMENT struct document document = { { "", "", 0 }, BUF_INIT(1u << 21) };
    AUTO_DOCUMENT struct document written = DOCUMENT_INIT;
    struct image_config *config AUTO_IMAGE_CONFIG = NULL;
    struct image_config *again AUTO_IMAGE_CONFIG = NULL;
    struct image_history history = { .created_by = "fuzz" };
    struct lpipe_error err;
    size_t layers = size > 0 ? data[0] % 4u : 0;
    enum lpipe_edit edit = (enum lpipe_edit)(size > 0 ? data[0] / 4 % 12 : 1);
    if (size == 0 || buf_append(&document.bytes, data + 1, size - 1) != 0 ||
        image_config_parse(&document, layers, &config, &err) != 0) {
        return 0;
    }
    (void)!image_edit_apply(config, edit, "80", &err);
    if (image_config_add_layer(config, EMPTY_JSON_DIGEST, &history, &err) != 0 ||
        image_config_write(config, MEDIA_FAMILY_OCI, &written, &err) != 0 ||
        image_config_parse(&written, layers + 1, &again, &err) != 0) {
        abort();
    }
    return 0;
}
