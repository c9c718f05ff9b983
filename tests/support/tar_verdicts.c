/* SPDX-License-Identifier: Apache-2.0 */
/* What the scan says of tar archives. Each archive on stdin follows its size, four bytes in
 * little-endian order. A line for each goes to stdout: "ok"; "odd", the reasons as bits (1 << enum
 * tar_odd_reason) and text; or "refused" and the error. */
#include <endian.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/macros.h"
#include "tar/tar_scan.h"

static void print_verdict(const struct tar_scan *scan, int status, const struct lpipe_error *err)
{
    struct tar_odd odd;
    tar_scan_odd(scan, &odd);
    if (status != 0) {
        printf("refused %s\n", err->message);
    } else if (odd.count > 0) {
        printf("odd %u %" PRIu64 " at %" PRIu64 " \"%s\": %s; %s\n", odd.reasons, odd.count,
               odd.offset, odd.name, odd.what, odd.cure);
    } else {
        puts("ok");
    }
}

static int judge(const unsigned char *data, size_t size)
{
    struct lpipe_error err = { 0 };
    struct tar_scan *scan = NULL;
    int status = tar_scan_new(0, &scan, &err);
    if (status != 0) {
        return status;
    }
    status = tar_scan_bytes(scan, data, size, &err);
    if (status == 0) {
        status = tar_scan_end(scan, &err);
    }
    print_verdict(scan, status, &err);
    tar_scan_free(scan);
    return 0;
}

int main(void)
{
    uint32_t size = 0;
    while (fread(&size, sizeof size, 1, stdin) == 1) {
        AUTO_FREE unsigned char *data = malloc((size_t)le32toh(size) + 1);
        if (data == NULL || fread(data, 1, le32toh(size), stdin) != le32toh(size) ||
            judge(data, le32toh(size)) != 0) {
            return EXIT_FAILURE;
        }
    }
    return ferror(stdin) || fflush(stdout) != 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
