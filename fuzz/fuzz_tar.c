/* SPDX-License-Identifier: Apache-2.0 */
/* The tar check: no crash, and one verdict and the same odd entries, whatever pieces the bytes come
 * in. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "tar/tar_scan.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int verdict(const uint8_t *data, size_t size, size_t piece, struct tar_odd *ret_odd,
                   struct lpipe_error *err)
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
    tar_scan_odd(scan, ret_odd);
    tar_scan_free(scan);
    return status;
}

static bool same_odd(const struct tar_odd *a, const struct tar_odd *b)
{
    return a->reason == b->reason && a->count == b->count && a->reasons == b->reasons &&
           a->offset == b->offset && a->cure == b->cure && strcmp(a->name, b->name) == 0 &&
           strcmp(a->what, b->what) == 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const size_t pieces[] = { 1, 511, 513 };
    struct lpipe_error whole = { 0 };
    struct tar_odd odd;
    int status = verdict(data, size, size, &odd, &whole);
    for (size_t i = 0; i < ARRAY_LEN(pieces); i++) {
        struct lpipe_error err = { 0 };
        struct tar_odd other;
        if (verdict(data, size, pieces[i], &other, &err) != status || !same_odd(&odd, &other) ||
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
