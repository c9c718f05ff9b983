/* SPDX-License-Identifier: Apache-2.0 */
/* What all stores share: freeing. */
#include "oci/store.h"

struct store *store_free(struct store *store)
{
    if (store != NULL) {
        free(TAKE(store->origin));
        free(TAKE(store->name));
        store->ops->free(store);
    }
    return NULL;
}

struct blob_writer *blob_writer_free(struct blob_writer *writer)
{
    if (writer != NULL) {
        writer->ops->free(writer);
    }
    return NULL;
}

struct blob_reader *blob_reader_free(struct blob_reader *reader)
{
    if (reader != NULL) {
        reader->ops->free(reader);
    }
    return NULL;
}
