/* SPDX-License-Identifier: Apache-2.0 */
#include "archive/archive_read.h"

#include <string.h>

#include "archive/archive_entry.h"
#include "archive/source_watch.h"
#include "base/cancel.h"
#include "base/limits.h"
#include "base/mem.h"
#include "codec/decompress.h"
#include "flow/input_format.h"

/* One pass over an archive. */
struct pass {
    struct source *source;
    lpipe_cancel *cancel;
    struct decompressor *decompressor; /* NULL: the archive is not compressed */
    struct tar_reader *tar;
    struct archive_entries entries;
    unsigned char *block;
    size_t block_size; /* bytes in the block */
    bool ended;        /* the source has no more bytes */
};

static void pass_dispose(struct pass *pass)
{
    (void)tar_reader_free(pass->tar);
    (void)decompress_free(pass->decompressor);
    (void)archive_members_free(pass->entries.members);
    free(pass->block);
}

/* Fills the block, so that it has the bytes by which a format is recognised. */
static int fill_block(struct pass *pass, struct lpipe_error *err)
{
    pass->block_size = 0;
    while (pass->block_size < COPY_BLOCK_BYTES && !pass->ended) {
        if (cancel_requested(pass->cancel)) {
            return fail_cancelled(err);
        }
        ptrdiff_t got = pass->source->ops->read(pass->source, pass->block + pass->block_size,
                                                COPY_BLOCK_BYTES - pass->block_size, err);
        if (got < 0) {
            return cancel_requested(pass->cancel) ? fail_cancelled(err) : (int)got;
        }
        pass->ended = got == 0;
        pass->block_size += (size_t)got;
    }
    return 0;
}

static int begin_decompress(struct pass *pass, enum codec_kind kind, struct lpipe_error *err)
{
    return decompress_new(kind, (uint64_t)1 << ZSTD_INPUT_WINDOW_LOG_MAX, &pass->decompressor, err);
}

/* An input that is no tar at all gets a message that names what was expected. */
static int check_start(const struct pass *pass, struct lpipe_error *err)
{
    if (pass->block_size == 0) {
        return fail_with_advice(err, LPIPE_TRUNCATED,
                                "the input is empty; an image archive is expected, such as docker "
                                "save writes it");
    }
    if (pass->block_size < TAR_BLOCK_BYTES) {
        return fail_with_advice(err, LPIPE_TRUNCATED,
                                "the input is too short to be an image archive");
    }
    return tar_header_checksum_good(pass->block)
               ? 0
               : fail_with_advice(err, LPIPE_NOT_TAR,
                                  "the input is not an image archive: it does not begin with a tar "
                                  "header");
}

/* Looks at the first bytes: the archive may be compressed as a whole. */
static int recognise_input(struct pass *pass, struct lpipe_error *err)
{
    const struct input_format format = input_recognise(pass->block, pass->block_size);
    switch (format.kind) {
    case INPUT_CODEC:
        return begin_decompress(pass, format.codec, err);
    case INPUT_COMPRESSED:
        return format.tool == NULL
                   ? fail(err, LPIPE_NOT_TAR, "the input is %s, not an image archive", format.name)
                   : fail_with_advice(err, LPIPE_NOT_TAR,
                                      "the image archive is compressed with %s; decompress it "
                                      "first: %s -dc",
                                      format.name, format.tool);
    case INPUT_OTHER:
        return fail(err, LPIPE_NOT_TAR, "the input is %s, not an image archive", format.name);
    case INPUT_PLAIN:
        break;
    }
    return check_start(pass, err);
}

static int take_plain(void *ctx, const void *data, size_t size, struct lpipe_error *err)
{
    return tar_reader_bytes(((struct pass *)ctx)->tar, data, size, err);
}

static int take_block(struct pass *pass, struct lpipe_error *err)
{
    return pass->decompressor == NULL ? take_plain(pass, pass->block, pass->block_size, err)
                                      : decompress_bytes(pass->decompressor, pass->block,
                                                         pass->block_size, take_plain, pass, err);
}

static int read_blocks(struct pass *pass, struct lpipe_error *err)
{
    int status = fill_block(pass, err);
    status = status == 0 ? recognise_input(pass, err) : status;
    while (status == 0 && pass->block_size > 0) {
        status = take_block(pass, err);
        status = status == 0 ? fill_block(pass, err) : status;
    }
    if (status == 0 && pass->decompressor != NULL) {
        status = decompress_end(pass->decompressor, err);
    }
    return status == 0 ? tar_reader_end(pass->tar, err) : status;
}

/* One of these files says which images there are. */
static int check_kind(const struct archive_members *members, struct lpipe_error *err)
{
    if (archive_members_find(members, "manifest.json") != NULL ||
        archive_members_find(members, "index.json") != NULL) {
        return 0;
    }
    if (archive_members_find(members, "repositories") != NULL) {
        return fail_with_advice(
            err, LPIPE_UNSUPPORTED,
            "the image archive has no manifest.json: it was made by Docker before 1.10; load it "
            "into a newer Docker and save it again");
    }
    return fail_with_advice(err, LPIPE_NOT_TAR,
                            "the input is not an image archive (docker save or an OCI layout): it "
                            "has neither manifest.json nor index.json; `lpipe_image_push` makes "
                            "a layer of a file system");
}

int archive_read(struct source *source, lpipe_cancel *cancel, const struct archive_sink *sink,
                 struct archive_members **ret_members, struct lpipe_error *err)
{
    struct pass pass CLEANUP(pass_dispose) = { .source = source, .cancel = cancel };
    struct tar_reader_sink tar_sink;
    struct source_watch watch = { .stop = NULL };
    struct lpipe_error local = { 0 };
    err = err != NULL ? err : &local;
    archive_entries_sink(&pass.entries, &tar_sink);
    pass.entries.sink = sink;
    pass.block = mem_new(COPY_BLOCK_BYTES);
    int status = pass.block == NULL ? fail_memory(err) : 0;
    status = status == 0 ? archive_members_new(&pass.entries.members, err) : status;
    status = status == 0 ? tar_reader_new(0, &tar_sink, &pass.tar, err) : status;
    status = status == 0 ? source_watch_start(&watch, source, cancel, err) : status;
    status = status == 0 ? read_blocks(&pass, err) : status;
    source_watch_stop(&watch);
    status = status == 0 ? check_kind(pass.entries.members, err) : status;
    if (status == 0) {
        archive_members_settle(pass.entries.members);
        *ret_members = TAKE(pass.entries.members);
    }
    return status;
}
