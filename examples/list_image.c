/* SPDX-License-Identifier: Apache-2.0 */
/* Lists the files of an image: the flattened tar goes from layerpipe into libarchive, nothing is
 * stored.
 *
 *   cc list_image.c -o list_image $(pkg-config --cflags --libs layerpipe libarchive)
 *   ./list_image localhost:5000/debian:12 */
#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <layerpipe.h>
#include <stdio.h>

struct input {
    lpipe_content *content;
    struct lpipe_error error;
    char buffer[65536];
};

/* Gives libarchive the next bytes; 0 at the end, when everything was verified. */
static la_ssize_t read_content(struct archive *archive, void *ctx, const void **ret_bytes)
{
    struct input *input = ctx;
    size_t size = 0;
    *ret_bytes = input->buffer;
    if (lpipe_content_read(input->content, input->buffer, sizeof input->buffer, &size,
                           &input->error) != 0) {
        archive_set_error(archive, EIO, "%s", input->error.message);
        return -1;
    }
    return (la_ssize_t)size;
}

static int list(struct input *input)
{
    struct archive *archive = archive_read_new();
    struct archive_entry *entry = NULL;
    archive_read_support_format_tar(archive);
    int status = archive_read_open(archive, input, NULL, read_content, NULL);
    while (status == ARCHIVE_OK || status == ARCHIVE_WARN) {
        status = archive_read_next_header(archive, &entry);
        if (status == ARCHIVE_OK || status == ARCHIVE_WARN) {
            printf("%12lld %s\n", (long long)archive_entry_size(entry),
                   archive_entry_pathname(entry));
        }
    }
    if (status != ARCHIVE_EOF) {
        fprintf(stderr, "list_image: %s\n", archive_error_string(archive));
    }
    archive_read_free(archive);
    return status == ARCHIVE_EOF ? 0 : 1;
}

/* libarchive stops at the end-of-archive mark; the rest must be read, too, as the content is
 * verified at its end. */
static int read_rest(struct input *input)
{
    size_t size = 1;
    while (size > 0) {
        if (lpipe_content_read(input->content, input->buffer, sizeof input->buffer, &size,
                               &input->error) != 0) {
            fprintf(stderr, "list_image: %s\n", input->error.message);
            return 1;
        }
    }
    return 0;
}

int main(int argc, char **argv)
{
    static struct input input;
    lpipe_client *client = NULL;
    lpipe_ref *ref = NULL;
    int code = 1;
    if (argc != 2) {
        fprintf(stderr, "usage: list_image IMAGE\n");
        return 2;
    }
    if (lpipe_client_new(NULL, &client, &input.error) != 0 ||
        lpipe_ref_parse(argv[1], 0, &ref, &input.error) != 0 ||
        lpipe_content_open(client, ref, NULL, &input.content, &input.error) != 0) {
        fprintf(stderr, "list_image: %s\n", input.error.message);
    } else {
        code = list(&input);
        code = code == 0 ? read_rest(&input) : code;
    }
    lpipe_content_close(input.content);
    lpipe_ref_free(ref);
    lpipe_client_free(client);
    return code;
}
