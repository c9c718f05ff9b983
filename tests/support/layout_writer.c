/* SPDX-License-Identifier: Apache-2.0 */
/* layout_writer DIR TAG: puts one blob, twice, and one tagged manifest into a layout, through the
 * store. Its tests let each of its system calls fail, or kill it there. Prints the message of a
 * failure. */
#include <stdio.h>
#include <string.h>

#include "layout/layout_store.h"

static int put_blob(struct store *store, const char *text, struct lpipe_error *err)
{
    struct blob_writer *writer AUTO_BLOB_WRITER = NULL;
    char digest[DIGEST_TEXT_SIZE];
    int status = digest_of(DIGEST_SHA256, text, strlen(text), digest, err);
    if (status == 0) {
        status = store->ops->blob_begin(store, NULL, &writer, err);
    }
    if (status == 0) {
        status = writer->ops->write(writer, text, strlen(text), err);
    }
    return status == 0 ? writer->ops->finish(writer, digest, strlen(text), err) : status;
}

static int put_manifest(struct store *store, const char *tag, struct lpipe_error *err)
{
    AUTO_DOCUMENT struct document document = DOCUMENT_INIT;
    AUTO_BUF struct buf bytes = BUF_INIT(1000);
    int status = buf_printf(&bytes, "manifest of %s", tag);
    if (status == 0) {
        status = document_make(&bytes, "application/vnd.oci.image.manifest.v1+json", NULL,
                               &document, err);
    }
    if (status == 0) {
        status = store->ops->manifest_put(store, &document, NULL, err);
    }
    status = status == 0 ? store->ops->manifest_put(store, &document, tag, err) : status;
    return status == 0 ? store_finish(store, err) : status;
}

int main(int argc, char **argv)
{
    struct store *store AUTO_STORE = NULL;
    struct lpipe_error err = { 0 };
    char text[200];
    if (argc != 3) {
        return 2;
    }
    (void)snprintf(text, sizeof text, "layer of %s", argv[2]);
    int status = layout_store_open(argv[1], true, NULL, &store, &err);
    if (status == 0) {
        status = put_blob(store, text, &err);
    }
    if (status == 0) {
        status = put_blob(store, text, &err); /* it is there: the temporary file is removed */
    }
    if (status == 0) {
        status = put_manifest(store, argv[2], &err);
    }
    if (status != 0) {
        (void)fprintf(stderr, "%s: %s\n", lpipe_status_name(status), err.message);
    }
    return status == 0 ? 0 : lpipe_status_exit_code(status);
}
