/* SPDX-License-Identifier: Apache-2.0 */
/* A layer of callbacks: its bytes are made while they are read. Uploads SIZE bytes (default
 * 1000000) that are not a tar, and prints the events and the digest. Usage: custom_source
 * REPOSITORY [SIZE] */
#include <inttypes.h>
#include <layerpipe.h>
#include <stdio.h>
#include <stdlib.h>

struct counter {
    uint64_t next, end;
};

/* Fills the buffer with a repeating pattern. A return value of 0 ends the stream; a negative errno
 * value makes it fail. */
static ptrdiff_t counter_read(void *ctx, void *buf, size_t size)
{
    struct counter *counter = ctx;
    unsigned char *out = buf;
    size_t done = 0;
    while (done < size && counter->next < counter->end) {
        out[done++] = (unsigned char)(counter->next++ % 251);
    }
    return (ptrdiff_t)done;
}

/* Runs exactly once, also after a failure. */
static int counter_close(void *ctx)
{
    struct counter *counter = ctx;
    fprintf(stderr, "source closed after %" PRIu64 " bytes\n", counter->next);
    return 0;
}

static void on_event(void *user, const struct lpipe_event *event)
{
    (void)user;
    if (event->kind == LPIPE_EVENT_BLOB_DONE) {
        fprintf(stderr, "%" PRIu64 " bytes in, %" PRIu64 " bytes out\n", event->bytes_in,
                event->bytes_out);
    }
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        fprintf(stderr, "usage: custom_source REPOSITORY [SIZE]\n");
        return 2;
    }
    struct counter counter = { 0, argc > 2 ? strtoull(argv[2], NULL, 10) : 1000000 };
    struct lpipe_source source = { counter_read, counter_close, NULL, &counter };
    struct lpipe_layer_options layer_options = LPIPE_LAYER_OPTIONS_INIT;
    struct lpipe_client_options client_options = LPIPE_CLIENT_OPTIONS_INIT;
    struct lpipe_layer_result result = LPIPE_LAYER_RESULT_INIT;
    struct lpipe_error err;
    lpipe_ref *dest = NULL;
    lpipe_client *client = NULL;
    lpipe_layer *layer = NULL;
    layer_options.compress = "zstd:3";
    layer_options.flags = LPIPE_LAYER_RAW;
    client_options.observer.event = on_event;

    int status = lpipe_layer_new(&source, &layer_options, &layer, &err);
    if (status != 0 || (status = lpipe_ref_parse(argv[1], 0, &dest, &err)) != 0 ||
        (status = lpipe_client_new(&client_options, &client, &err)) != 0 ||
        (status = lpipe_write_layer(client, dest, layer, &result, &err)) != 0) {
        fprintf(stderr, "custom_source: %s\n", err.message);
    } else {
        printf("%s\n", result.digest);
    }
    lpipe_layer_free(layer);
    lpipe_client_free(client);
    lpipe_ref_free(dest);
    return lpipe_status_exit_code(status);
}
