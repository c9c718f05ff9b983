/* SPDX-License-Identifier: Apache-2.0 */
/* Reads a blob in order, and fetches the ranges behind the one that is read at the same time: one
 * connection over a distance is often slower than the reader. The second range is asked for when
 * the first was answered: then it is known whether the server knows ranges, and where the registry
 * redirects to. */
#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "registry/blob_range.h"
#include "registry/registry_blob.h"

struct reader {
    struct blob_reader base;
    const struct repository *repository;
    struct descriptor blob;
    uint64_t position; /* of the byte that the caller gets next */
    size_t range_max;
    size_t range_count;
    struct blob_range *ranges[BLOB_RANGES_MAX]; /* in the order of the blob; without gaps */
};

static void drop_ranges(struct reader *reader, size_t first)
{
    while (reader->range_count > first) {
        blob_range_free(reader->ranges[--reader->range_count]);
    }
}

static void drop_first(struct reader *reader)
{
    blob_range_free(reader->ranges[0]);
    reader->range_count--;
    memmove(&reader->ranges[0], &reader->ranges[1],
            reader->range_count * sizeof(struct blob_range *));
}

/* A blob of unknown size, or of one or two ranges, is fetched in one request. */
static uint64_t range_bytes(const struct reader *reader)
{
    bool is_small = reader->blob.size <= 2 * BLOB_RANGE_BYTES;
    return reader->blob.size == DESCRIPTOR_SIZE_UNKNOWN || is_small || reader->range_max < 2
               ? UINT64_MAX
               : BLOB_RANGE_BYTES;
}

static int add_range(struct reader *reader, uint64_t start, struct lpipe_error *err)
{
    struct blob_range **range = &reader->ranges[reader->range_count];
    int status =
        blob_range_new(reader->repository, &reader->blob, start, range_bytes(reader), range, err);
    reader->range_count += status == 0;
    return status;
}

/* After an answer to the first range. */
static void fetch_ahead(struct reader *reader)
{
    uint64_t end = blob_range_end(reader->ranges[0]);
    if (reader->range_count > 1 && blob_range_position(reader->ranges[1]) != end) {
        drop_ranges(reader, 1); /* the answer has more than was asked for */
    }
    while (reader->range_count < reader->range_max) {
        end = blob_range_end(reader->ranges[reader->range_count - 1]);
        if (end >= reader->blob.size || add_range(reader, end, NULL) != 0) {
            return;
        }
        blob_range_start(reader->ranges[reader->range_count - 1], reader->ranges[0]);
    }
}

static int reader_read(struct blob_reader *base, void *buf, size_t size, size_t *ret_size,
                       struct lpipe_error *err)
{
    struct reader *reader = (struct reader *)base;
    for (;;) {
        int status = reader->range_count == 0 ? add_range(reader, reader->position, err) : 0;
        status =
            status == 0 ? blob_range_read(reader->ranges[0], buf, size, ret_size, err) : status;
        if (status != 0) {
            return status;
        }
        if (*ret_size > 0) {
            reader->position += *ret_size;
            fetch_ahead(reader);
            return 0;
        }
        if (blob_range_end(reader->ranges[0]) >= reader->blob.size) {
            return 0;
        }
        drop_first(reader);
    }
}

static void reader_free(struct blob_reader *base)
{
    struct reader *reader = (struct reader *)base;
    drop_ranges(reader, 0);
    free(reader);
}

/* The first request begins there. */
static int reader_skip(struct blob_reader *base, uint64_t offset, struct lpipe_error *err)
{
    (void)err;
    ((struct reader *)base)->position = offset;
    return 0;
}

int registry_blob_open(const struct repository *repository, const struct descriptor *blob,
                       unsigned ranges, struct blob_reader **ret_reader, struct lpipe_error *err)
{
    static const struct blob_reader_ops ops = { .read = reader_read,
                                                .free = reader_free,
                                                .skip = reader_skip };
    struct reader *reader = NEW(struct reader);
    if (reader == NULL) {
        return fail_memory(err);
    }
    reader->base.ops = &ops;
    reader->repository = repository;
    reader->blob = *blob;
    reader->range_max = MIN_OF(ranges, BLOB_RANGES_MAX);
    *ret_reader = &reader->base;
    return 0;
}
