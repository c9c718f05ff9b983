/* SPDX-License-Identifier: Apache-2.0 */
/* Manifests and indexes: no crash, and only valid digests and sizes come out. */
#include <stdint.h>
#include <stdlib.h>

#include "oci/manifest.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_item(const struct manifest_item *item)
{
    if (!digest_valid(item->descriptor.digest) || item->descriptor.size >> 53 != 0 ||
        item->descriptor.media_type[0] == '\0') {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO_DOCUMENT struct document document = { { "", "", 0 }, BUF_INIT(1u << 22) };
    struct manifest *manifest AUTO_MANIFEST = NULL;
    const struct manifest_item *chosen = NULL;
    struct platform platform = { "linux", "amd64", "", "" };
    struct lpipe_error err;
    if (buf_append(&document.bytes, data, size) != 0 ||
        manifest_parse(&document, &manifest, &err) != 0) {
        return 0;
    }
    for (size_t i = 0; i < manifest->item_count; i++) {
        check_item(&manifest->items[i]);
    }
    if (manifest->kind == MANIFEST_KIND_IMAGE) {
        check_item(&manifest->config);
    } else if (manifest_choose(manifest, &platform, &chosen, &err) == 0) {
        check_item(chosen);
    }
    return 0;
}
