/* SPDX-License-Identifier: Apache-2.0 */
/* The index.json of a layout that other programs wrote: no crash, and after a tag was set it names
 * that manifest, and setting it again changes nothing. */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "layout/layout_store.h"
#include "oci/manifest.h"

#define TAG "fuzz"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char directory[] = "/tmp/layerpipe-fuzz-XXXXXX";

static void remove_directory(void)
{
    char command[100];
    (void)snprintf(command, sizeof command, "rm -rf %s", directory);
    (void)!system(command); /* NOLINT: the path is ours */
}

static void require(bool holds)
{
    if (!holds) {
        abort();
    }
}

static void write_file(const char *name, const void *data, size_t size)
{
    char path[200];
    (void)snprintf(path, sizeof path, "%s/%s", directory, name);
    AUTO_FD int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    require(fd >= 0 && fd_write_all(fd, data, size) == 0);
}

static void read_index(struct buf *bytes)
{
    char path[200];
    (void)snprintf(path, sizeof path, "%s/index.json", directory);
    require(fd_read_file(path, bytes, LPIPE_SOURCE_IO, NULL) == 0);
}

static void make_document(struct document *document)
{
    AUTO_BUF struct buf bytes = BUF_INIT(100);
    require(buf_append_text(&bytes, "manifest") == 0);
    require(document_make(&bytes, "application/vnd.oci.image.manifest.v1+json", NULL, document,
                          NULL) == 0);
}

/* False if the layout or its index was refused. */
static bool set_tag(const struct document *document)
{
    struct store *store AUTO_STORE = NULL;
    AUTO_DOCUMENT struct document found = DOCUMENT_INIT;
    if (layout_store_open(directory, true, NULL, &store, NULL) != 0) {
        return false;
    }
    require(store->ops->manifest_put(store, document, TAG, NULL) == 0);
    if (store_finish(store, NULL) != 0) {
        return false;
    }
    require(store->ops->manifest_get(store, TAG, &found, NULL) == 0);
    require(strcmp(found.descriptor.digest, document->descriptor.digest) == 0);
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char version[] = "{\"imageLayoutVersion\":\"1.0.0\"}";
    static bool ready;
    AUTO_DOCUMENT struct document document = DOCUMENT_INIT;
    AUTO_BUF struct buf first = BUF_INIT(1u << 24);
    AUTO_BUF struct buf second = BUF_INIT(1u << 24);
    if (!ready) {
        require(mkdtemp(directory) != NULL && atexit(remove_directory) == 0);
        ready = true;
    }
    make_document(&document);
    write_file("oci-layout", version, sizeof version - 1);
    write_file("index.json", data, size);
    if (!set_tag(&document)) {
        return 0;
    }
    read_index(&first);
    require(set_tag(&document));
    read_index(&second);
    require(first.size == second.size && memcmp(first.data, second.data, first.size) == 0);
    return 0;
}
