/* SPDX-License-Identifier: Apache-2.0 */
/* Makes one index of the images for several platforms: make_index IMAGE REFERENCE... The platforms
 * are in the configs of the images. */
#include <layerpipe.h>
#include <stdio.h>
#include <stdlib.h>

static int push_index(const lpipe_ref *image, const struct lpipe_index_entry *entries, size_t count,
                      struct lpipe_error *err)
{
    struct lpipe_copy_result result = LPIPE_COPY_RESULT_INIT;
    lpipe_client *client = NULL;
    int status = lpipe_client_new(NULL, &client, err);
    if (status == 0) {
        status = lpipe_index_push(client, image, entries, count, NULL, &result, err);
    }
    if (status == 0) {
        printf("%s\n", result.reference);
    }
    lpipe_copy_result_done(&result);
    lpipe_client_free(client);
    return status;
}

int main(int argc, char **argv)
{
    struct lpipe_error err;
    int status = 0, parsed = 1;
    if (argc < 3) {
        fprintf(stderr, "usage: make_index IMAGE REFERENCE...\n");
        return 2;
    }
    lpipe_ref **refs = calloc((size_t)argc, sizeof(lpipe_ref *));
    struct lpipe_index_entry *entries = calloc((size_t)argc, sizeof *entries);
    if (refs == NULL || entries == NULL) {
        return 10;
    }
    for (; parsed < argc && status == 0; parsed++) {
        status = lpipe_ref_parse(argv[parsed], 0, &refs[parsed], &err);
        entries[parsed].ref = refs[parsed];
    }
    status = status == 0 ? push_index(refs[1], entries + 2, (size_t)argc - 2, &err) : status;
    if (status != 0) {
        fprintf(stderr, "%s\n", err.message);
    }
    for (int i = 1; i < parsed; i++) {
        lpipe_ref_free(refs[i]);
    }
    free(entries);
    free(refs);
    return lpipe_status_exit_code(status);
}
