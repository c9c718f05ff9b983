/* SPDX-License-Identifier: Apache-2.0 */
/* Copies an image between registries and layouts: copy_reference SOURCE DESTINATION. Of an index it
 * copies everything. Prints how many blobs had to be sent. */
#include <inttypes.h>
#include <layerpipe.h>
#include <stdio.h>

int main(int argc, char **argv)
{
    struct lpipe_copy_options options = LPIPE_COPY_OPTIONS_INIT;
    struct lpipe_copy_result result = LPIPE_COPY_RESULT_INIT;
    struct lpipe_error err;
    lpipe_ref *source = NULL, *dest = NULL;
    lpipe_client *client = NULL;
    if (argc != 3) {
        fprintf(stderr, "usage: copy_reference SOURCE DESTINATION\n");
        return 2;
    }
    options.flags = LPIPE_COPY_ALL;
    int status = lpipe_ref_parse(argv[1], 0, &source, &err);
    status = status == 0 ? lpipe_ref_parse(argv[2], 0, &dest, &err) : status;
    status = status == 0 ? lpipe_client_new(NULL, &client, &err) : status;
    status = status == 0 ? lpipe_copy(client, source, dest, &options, &result, &err) : status;
    if (status == 0) {
        printf("%s\n%" PRIu64 " blobs sent, %" PRIu64 " mounted, %" PRIu64 " there before\n",
               result.reference, result.blobs_copied, result.blobs_mounted, result.blobs_existing);
    } else {
        fprintf(stderr, "%s\n", err.message);
    }
    lpipe_copy_result_done(&result);
    lpipe_client_free(client);
    lpipe_ref_free(dest);
    lpipe_ref_free(source);
    return lpipe_status_exit_code(status);
}
