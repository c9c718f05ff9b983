/* SPDX-License-Identifier: Apache-2.0 */
/* Uploads the contents of stdin as a layer to a local registry. Usage: push_stdin [REPOSITORY] */
#include <layerpipe.h>
#include <stdio.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    struct lpipe_error err;
    struct lpipe_layer_result result = LPIPE_LAYER_RESULT_INIT;
    lpipe_ref *repository = NULL;
    lpipe_client *client = NULL;
    lpipe_layer *layer = NULL;

    int status =
        lpipe_repository_parse(argc > 1 ? argv[1] : "localhost:5000/stream", &repository, &err);
    if (status != 0 || (status = lpipe_client_new(NULL, &client, &err)) != 0 ||
        (status = lpipe_layer_new_fd(STDIN_FILENO, NULL, &layer, &err)) != 0 ||
        (status = lpipe_write_layer(client, repository, layer, &result, &err)) != 0) {
        fprintf(stderr, "push_stdin: %s\n", err.message);
    } else {
        printf("%s\n", result.digest);
    }
    lpipe_layer_free(layer);
    lpipe_client_free(client);
    lpipe_ref_free(repository);
    return lpipe_status_exit_code(status);
}
