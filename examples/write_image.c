/* SPDX-License-Identifier: Apache-2.0 */
/* An image whose layer the program writes: stdin stands for the tar that it makes. The layer is
 * uploaded while it is written; then an image is made of it. Prints the reference.
 * Usage: write_image IMAGE */
#include <layerpipe.h>
#include <stdio.h>

/* Writes the layer; its values are in ret_layer afterwards. */
static int write_layer(lpipe_client *client, const lpipe_ref *dest,
                       struct lpipe_layer_result *ret_layer, struct lpipe_error *err)
{
    char block[65536];
    size_t size = 0;
    lpipe_writer *writer = NULL;
    int status = lpipe_writer_open(client, dest, NULL, &writer, err);
    while (status == 0 && (size = fread(block, 1, sizeof block, stdin)) > 0) {
        status = lpipe_writer_write(writer, block, size, err); /* waits while buffers are full */
    }
    if (status == 0) {
        status = lpipe_writer_finish(writer, ret_layer, err);
    }
    lpipe_writer_free(writer); /* without a successful finish the upload is abandoned */
    return status;
}

int main(int argc, char **argv)
{
    struct lpipe_error err;
    struct lpipe_layer_result layer = LPIPE_LAYER_RESULT_INIT;
    struct lpipe_push_result result = LPIPE_PUSH_RESULT_INIT;
    lpipe_ref *dest = NULL;
    lpipe_client *client = NULL;
    lpipe_image *image = NULL;

    if (argc != 2) {
        fprintf(stderr, "usage: write_image IMAGE\n");
        return 2;
    }
    int status = lpipe_ref_parse(argv[1], 0, &dest, &err);
    if (status != 0 || (status = lpipe_client_new(NULL, &client, &err)) != 0 ||
        (status = lpipe_image_new(client, NULL, NULL, &image, &err)) != 0 ||
        (status = write_layer(client, dest, &layer, &err)) != 0 ||
        (status = lpipe_image_add_descriptor(image, &layer, "written", &err)) != 0 ||
        (status = lpipe_image_push(image, dest, NULL, &result, &err)) != 0) {
        fprintf(stderr, "write_image: %s\n", err.message);
    } else {
        printf("%s\n", result.reference);
    }
    lpipe_push_result_done(&result);
    lpipe_image_free(image);
    lpipe_client_free(client);
    lpipe_ref_free(dest);
    return lpipe_status_exit_code(status);
}
