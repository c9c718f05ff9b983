/* SPDX-License-Identifier: Apache-2.0 */
#include "tar/tar_reader.h"

#include <string.h>

#include "base/buf.h"
#include "base/limits.h"
#include "base/mem.h"
#include "tar/tar_scan.h"

struct tar_reader {
    struct tar_scan *scan;
    struct tar_reader_sink sink;
    struct buf headers; /* of the entry that is being read */
    struct tar_fields fields;
};

static int take_header(void *ctx, const unsigned char *data, size_t size, struct lpipe_error *err)
{
    struct tar_reader *reader = ctx;
    int status = buf_append(&reader->headers, data, size);
    return status == LPIPE_TOO_LARGE
               ? fail(err, LPIPE_NOT_TAR, "the headers of an entry have more than %zu bytes",
                      reader->headers.size_max)
           : status != 0 ? fail_memory(err)
                         : 0;
}

static int take_entry(void *ctx, uint64_t offset, uint64_t size, struct lpipe_error *err)
{
    struct tar_reader *reader = ctx;
    struct tar_reader_entry entry = {
        .headers = (const unsigned char *)reader->headers.data,
        .headers_size = reader->headers.size,
        .offset = offset,
        .size = size,
    };
    if (tar_fields_read(&reader->fields, &entry) != 0) {
        return fail_memory(err);
    }
    int status = reader->sink.entry == NULL ? 0 : reader->sink.entry(reader->sink.ctx, &entry, err);
    buf_clear(&reader->headers);
    return status;
}

static int take_contents(void *ctx, const unsigned char *data, size_t size, struct lpipe_error *err)
{
    const struct tar_reader_sink *sink = &((struct tar_reader *)ctx)->sink;
    return sink->contents == NULL ? 0 : sink->contents(sink->ctx, data, size, err);
}

static int take_entry_end(void *ctx, struct lpipe_error *err)
{
    const struct tar_reader_sink *sink = &((struct tar_reader *)ctx)->sink;
    return sink->entry_end == NULL ? 0 : sink->entry_end(sink->ctx, err);
}

static int take_archive_end(void *ctx, struct lpipe_error *err)
{
    const struct tar_reader_sink *sink = &((struct tar_reader *)ctx)->sink;
    return sink->archive_end == NULL ? 0 : sink->archive_end(sink->ctx, err);
}

static const struct tar_scan_events EVENTS = {
    .header = take_header,
    .entry = take_entry,
    .contents = take_contents,
    .entry_end = take_entry_end,
    .archive_end = take_archive_end,
};

int tar_reader_new(unsigned scan_flags, const struct tar_reader_sink *sink,
                   struct tar_reader **ret_reader, struct lpipe_error *err)
{
    struct tar_reader *reader = NEW(struct tar_reader);
    if (reader == NULL) {
        return fail_memory(err);
    }
    reader->sink = *sink;
    reader->headers = (struct buf)BUF_INIT(TAR_HEADERS_BYTES_MAX);
    int status = tar_scan_new(scan_flags, &reader->scan, err);
    if (status != 0) {
        tar_reader_free(reader);
        return status;
    }
    tar_scan_watch(reader->scan, &EVENTS, reader);
    *ret_reader = reader;
    return 0;
}

struct tar_reader *tar_reader_free(struct tar_reader *reader)
{
    if (reader != NULL) {
        tar_scan_free(reader->scan);
        buf_dispose(&reader->headers);
        tar_fields_dispose(&reader->fields);
        free(reader);
    }
    return NULL;
}

int tar_reader_bytes(struct tar_reader *reader, const void *data, size_t size,
                     struct lpipe_error *err)
{
    return tar_scan_bytes(reader->scan, data, size, err);
}

int tar_reader_end(const struct tar_reader *reader, struct lpipe_error *err)
{
    return tar_scan_end(reader->scan, err);
}
