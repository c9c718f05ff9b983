/* SPDX-License-Identifier: Apache-2.0 */
/* An image of a directory: root owns its files, they are under /srv in the image, and objects of
 * the compiler are left out. Prints the reference. Usage: push_directory IMAGE DIRECTORY */
#include <layerpipe.h>
#include <stdio.h>

static int add_directory(lpipe_image *image, const char *path, struct lpipe_error *err)
{
    static const char *const excludes[] = { "**/*.o", "**/.git" };
    struct lpipe_directory_options options = LPIPE_DIRECTORY_OPTIONS_INIT;
    lpipe_layer *layer = NULL;
    options.owner = "0:0";
    options.prefix = "srv";
    options.mode = "go-w,u+rwX";
    options.excludes = excludes;
    options.exclude_count = sizeof excludes / sizeof excludes[0];
    int status = lpipe_layer_new_directory_with(path, &options, NULL, &layer, err);
    if (status == 0 && (status = lpipe_image_add_layer(image, layer, "a directory", err)) != 0) {
        lpipe_layer_free(layer); /* the image takes it only on success */
    }
    return status;
}

int main(int argc, char **argv)
{
    struct lpipe_error err;
    struct lpipe_push_result result = LPIPE_PUSH_RESULT_INIT;
    lpipe_ref *dest = NULL;
    lpipe_client *client = NULL;
    lpipe_image *image = NULL;

    if (argc != 3) {
        fprintf(stderr, "usage: push_directory IMAGE DIRECTORY\n");
        return 2;
    }
    int status = lpipe_ref_parse(argv[1], 0, &dest, &err);
    if (status != 0 || (status = lpipe_client_new(NULL, &client, &err)) != 0 ||
        (status = lpipe_image_new(client, NULL, NULL, &image, &err)) != 0 ||
        (status = add_directory(image, argv[2], &err)) != 0 ||
        (status = lpipe_image_push(image, dest, NULL, &result, &err)) != 0) {
        fprintf(stderr, "push_directory: %s\n", err.message);
    } else {
        printf("%s\n", result.reference);
    }
    lpipe_push_result_done(&result);
    lpipe_image_free(image);
    lpipe_client_free(client);
    lpipe_ref_free(dest);
    return lpipe_status_exit_code(status);
}
