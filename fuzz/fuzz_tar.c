/* SPDX-License-Identifier: Apache-2.0 */
/* The tar check: no crash, and one verdict, whatever pieces the bytes come in. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "tar/tar_scan.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int verdict(const uint8_t *data, size_t size, size_t piece, struct lpipe_error *err)
{
    struct tar_scan *scan = NULL;
    if (tar_scan_new(0, &scan, err) != 0) {
        abort();
    }
    int status = 0;
    while (size > 0 && status == 0) {
        size_t part = MIN_OF(size, piece);
        status = tar_scan_bytes(scan, data, part, err);
        data += part;
        size -= part;
    }
    status = status == 0 ? tar_scan_end(scan, err) : status;
    tar_scan_free(scan);
    return status;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const size_t pieces[] = { 1, 511, 513 };
    struct lpipe_error whole = { 0 };
    int status = verdict(data, size, size, &whole);
    for (size_t i = 0; i < ARRAY_LEN(pieces); i++) {
        struct lpipe_error err = { 0 };
        if (verdict(data, size, pieces[i], &err) != status ||
            (status != 0 &&
             (err.offset != whole.offset || strcmp(err.message, whole.message) != 0))) {
            abort();
        }
    }
    if (status != 0 && (whole.offset > size || whole.status != status)) {
        abort();
    }
    return 0;
}
