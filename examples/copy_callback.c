/* SPDX-License-Identifier: Apache-2.0 */
/* An image archive from callbacks, copied into a registry in one pass: here a FILE* stands for the
 * body of a request, a decryption, or any other place that gives bytes. Prints the reference.
 * Usage: docker save IMAGE | copy_callback REFERENCE */
#include <errno.h>
#include <layerpipe.h>
#include <stdio.h>

static ptrdiff_t body_read(void *ctx, void *buf, size_t size)
{
    size_t got = fread(buf, 1, size, ctx);
    return got == 0 && ferror((FILE *)ctx) ? -EIO : (ptrdiff_t)got;
}

static void on_event(void *user, const struct lpipe_event *event)
{
    (void)user;
    if (event->kind == LPIPE_EVENT_NOTICE) {
        fprintf(stderr, "copy_callback: %s\n", event->text);
    }
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        fprintf(stderr, "usage: copy_callback REFERENCE\n");
        return 2;
    }
    struct lpipe_source source = { .read = body_read, .ctx = stdin };
    struct lpipe_client_options client_options = LPIPE_CLIENT_OPTIONS_INIT;
    struct lpipe_copy_options options = LPIPE_COPY_OPTIONS_INIT;
    struct lpipe_copy_result result = LPIPE_COPY_RESULT_INIT;
    struct lpipe_error err;
    lpipe_ref *dest = NULL;
    lpipe_client *client = NULL;
    client_options.observer.event = on_event;
    options.compress = "gzip:6"; /* of layers that are not compressed */

    int status = lpipe_ref_parse(argv[1], 0, &dest, &err);
    if (status != 0 || (status = lpipe_client_new(&client_options, &client, &err)) != 0 ||
        (status = lpipe_copy_archive(client, &source, dest, &options, &result, &err)) != 0) {
        fprintf(stderr, "copy_callback: %s\n", err.message);
    } else {
        printf("%s\n", result.reference);
    }
    lpipe_copy_result_done(&result);
    lpipe_client_free(client);
    lpipe_ref_free(dest);
    return lpipe_status_exit_code(status);
}
