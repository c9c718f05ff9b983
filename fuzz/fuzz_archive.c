/* SPDX-License-Identifier: Apache-2.0 */
/* Image archives: a copy into null: reads the whole archive, chooses an image, and checks its
 * digests and diff IDs. No crash, and one verdict, whatever pieces the bytes come in. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "layerpipe.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct input {
    const uint8_t *data;
    size_t left;
    size_t piece;
};

static ptrdiff_t input_read(void *ctx, void *buf, size_t size)
{
    struct input *input = ctx;
    size_t part = MIN_OF(MIN_OF(size, input->piece), input->left);
    if (part > 0) {
        memcpy(buf, input->data, part);
    }
    input->data += part;
    input->left -= part;
    return (ptrdiff_t)part;
}

static int verdict(lpipe_client *client, const lpipe_ref *dest, const uint8_t *data, size_t size,
                   size_t piece, struct lpipe_copy_result *ret_result)
{
    struct input input = { data, size, piece };
    const struct lpipe_source source = { .read = input_read, .ctx = &input };
    struct lpipe_copy_options options = LPIPE_COPY_OPTIONS_INIT;
    options.threads = LPIPE_THREADS_INLINE;
    return lpipe_copy_archive(client, &source, dest, &options, ret_result, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct lpipe_copy_result whole = LPIPE_COPY_RESULT_INIT;
    struct lpipe_copy_result pieces = LPIPE_COPY_RESULT_INIT;
    lpipe_client *client = NULL;
    lpipe_ref *dest = NULL;
    if (lpipe_client_new(NULL, &client, NULL) != 0 ||
        lpipe_ref_parse("null:", 0, &dest, NULL) != 0) {
        abort();
    }
    int status = verdict(client, dest, data, size, size, &whole);
    if (verdict(client, dest, data, size, 509, &pieces) != status ||
        strcmp(whole.digest, pieces.digest) != 0) {
        abort();
    }
    lpipe_copy_result_done(&whole);
    lpipe_copy_result_done(&pieces);
    lpipe_ref_free(dest);
    lpipe_client_free(client);
    return 0;
}
