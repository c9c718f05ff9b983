/* SPDX-License-Identifier: Apache-2.0 */
#include "tar/tar_scan.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"
#include "tar/tar_entry.h"

enum scan_phase {
    SCAN_HEADER = 0, /* collecting a block that must be a header or a zero block */
    SCAN_SPARSE,     /* collecting a continuation of an old GNU sparse map */
    SCAN_PAX,        /* body of an 'x' or 'g' header */
    SCAN_LONG_NAME,  /* body of a GNU 'L' or 'K' header */
    SCAN_SPARSE_MAP, /* map in front of the data of a sparse file */
    SCAN_BODY,       /* body of anything else: skipped */
    SCAN_PADDING,    /* up to the next block edge */
    SCAN_AFTER_END,  /* after the end-of-archive mark: zeros */
    SCAN_LEFTOVER    /* rest of the last record, where anything may stand */
};

struct tar_scan {
    unsigned flags;
    enum scan_phase phase;
    uint64_t offset;       /* bytes seen */
    uint64_t left;         /* bytes of the body or padding still to come */
    uint64_t padding;      /* bytes of padding after the body */
    uint64_t entry_offset; /* of the last header */
    uint64_t sparse_body;  /* body size, kept while the sparse map is read */
    unsigned sparse_blocks;
    unsigned zero_blocks; /* in a row */
    uint64_t end_offset;  /* of what follows the end-of-archive mark */
    bool has_entries;     /* of any kind; a global header is none */
    bool within_entry;    /* headers that belong to the next one have been seen */
    char body_type;       /* of the header whose body is being read */
    size_t block_size;    /* bytes collected in block */
    struct tar_entry entry;
    struct tar_sparse_data map;           /* of a sparse file, being read */
    const struct tar_scan_events *events; /* NULL = nobody watches */
    void *events_ctx;
    uint64_t first_offset; /* of the first header of the entry */
    unsigned char block[TAR_BLOCK_BYTES];
};

int tar_scan_new(unsigned flags, struct tar_scan **ret_scan, struct lpipe_error *err)
{
    struct tar_scan *scan = NEW(struct tar_scan);
    if (scan == NULL) {
        return fail_memory(err);
    }
    scan->flags = flags;
    *ret_scan = scan;
    return 0;
}

struct tar_scan *tar_scan_free(struct tar_scan *scan)
{
    free(scan);
    return NULL;
}

void tar_scan_watch(struct tar_scan *scan, const struct tar_scan_events *events, void *ctx)
{
    scan->events = events;
    scan->events_ctx = ctx;
}

/* The headers of an entry are complete; without contents it has ended too. */
static int tell_entry(struct tar_scan *scan, uint64_t size, struct lpipe_error *err)
{
    if (scan->events == NULL) {
        return 0;
    }
    int status = scan->events->entry(scan->events_ctx, scan->first_offset, size, err);
    return status == 0 && size == 0 ? scan->events->entry_end(scan->events_ctx, err) : status;
}

static int tell_header(struct tar_scan *scan, const unsigned char *data, size_t size,
                       struct lpipe_error *err)
{
    return scan->events == NULL ? 0 : scan->events->header(scan->events_ctx, data, size, err);
}

static int refuse_at(struct lpipe_error *err, int status, uint64_t offset, const char *what,
                     const struct tar_scan *scan)
{
    char name[TAR_NAME_BYTES];
    if (offset == 0) {
        status = fail(err, status, "%s", what);
    } else if (scan->entry.name.size == 0) {
        status = fail(err, status, "%s (at byte %" PRIu64 ")", what, offset);
    } else {
        status =
            fail(err, status, "%s (at byte %" PRIu64 ", entry %s)", what, offset,
                 text_printable(name, sizeof name, scan->entry.name.bytes, scan->entry.name.size));
    }
    if (err != NULL) {
        err->offset = offset;
    }
    return status;
}

static int refuse(const struct tar_scan *scan, struct lpipe_error *err, const char *what)
{
    char text[256];
    (void)snprintf(text, sizeof text, "not a valid tar archive: %s", what);
    return refuse_at(err, LPIPE_NOT_TAR, scan->entry_offset, text, scan);
}

static bool is_zero(const unsigned char *data, size_t size)
{
    return size == 0 || (data[0] == 0 && memcmp(data, data + 1, size - 1) == 0);
}

/* Goes on after a header: its body, if any, then the padding. */
static void enter_body(struct tar_scan *scan, enum scan_phase phase, uint64_t size)
{
    scan->left = size;
    scan->padding = (TAR_BLOCK_BYTES - size % TAR_BLOCK_BYTES) % TAR_BLOCK_BYTES;
    scan->phase = size > 0 ? phase : SCAN_HEADER;
}

static int enter_extension(struct tar_scan *scan, char type, uint64_t size, struct lpipe_error *err)
{
    if (size > TAR_EXTENSION_BYTES_MAX) {
        return refuse(scan, err, "an extension header is larger than any real one");
    }
    if ((type == 'x' || type == 'X') && tar_entry_has_pax_size(&scan->entry)) {
        /* Readers disagree on whether the second replaces or completes the first. */
        return refuse(scan, err, "an entry has two PAX headers and a size in the first");
    }
    tar_entry_extension_begin(&scan->entry, type);
    enter_body(scan, type == 'L' || type == 'K' ? SCAN_LONG_NAME : SCAN_PAX, size);
    if (size == 0) {
        tar_entry_extension_end(&scan->entry, type, scan->block);
    }
    return 0;
}

static int enter_entry(struct tar_scan *scan, char type, uint64_t size, struct lpipe_error *err)
{
    bool has_map = tar_entry_done(&scan->entry, scan->block, &size);
    scan->has_entries = true;
    if (size > INT64_MAX - TAR_BLOCK_BYTES) {
        return refuse(scan, err, "an entry's size is out of range");
    }
    if (type == 'S' && tar_header_sparse_continues(scan->block)) {
        scan->sparse_body = size;
        scan->sparse_blocks = 0;
        scan->phase = SCAN_SPARSE;
        return 0;
    }
    tar_sparse_data_begin(&scan->map);
    enter_body(scan, has_map ? SCAN_SPARSE_MAP : SCAN_BODY, size);
    return tell_entry(scan, size, err);
}

static int zero_block(struct tar_scan *scan, struct lpipe_error *err)
{
    if (scan->within_entry) {
        return refuse(scan, err, "extension headers are followed by no entry");
    }
    scan->zero_blocks++;
    if (scan->zero_blocks < 2) {
        return 0;
    }
    scan->phase = SCAN_AFTER_END;
    scan->end_offset = scan->offset;
    return scan->events == NULL ? 0 : scan->events->archive_end(scan->events_ctx, err);
}

static bool is_extension(char type)
{
    return type == 'x' || type == 'X' || type == 'L' || type == 'K';
}

static int begin_header(struct tar_scan *scan, char type, uint64_t size, struct lpipe_error *err)
{
    if (type == 'g' && scan->within_entry) {
        /* Some readers forget the extension headers in front of it, others do not. */
        return refuse(scan, err, "a global header stands within the headers of an entry");
    }
    tar_entry_header(&scan->entry, scan->block, scan->entry_offset, !scan->within_entry);
    scan->first_offset = scan->within_entry ? scan->first_offset : scan->entry_offset;
    scan->body_type = type;
    scan->within_entry = is_extension(type);
    int status = tell_header(scan, scan->block, TAR_BLOCK_BYTES, err);
    if (status == 0 && (is_extension(type) || type == 'g')) {
        status = enter_extension(scan, type, size, err);
        return status == 0 && type == 'g' && size == 0 ? tell_entry(scan, 0, err) : status;
    }
    return status != 0 ? status : enter_entry(scan, type, size, err);
}

static int header_done(struct tar_scan *scan, struct lpipe_error *err)
{
    uint64_t size = 0;
    scan->entry_offset = scan->offset - TAR_BLOCK_BYTES;
    if (is_zero(scan->block, TAR_BLOCK_BYTES)) {
        return zero_block(scan, err);
    }
    if (!tar_header_checksum_good(scan->block)) {
        return refuse(scan, err,
                      scan->entry_offset == 0 ? "it does not begin with a tar header"
                                              : "a header's checksum is wrong");
    }
    if (scan->zero_blocks > 0) {
        return refuse(scan, err, "a single zero block is followed by more entries");
    }
    if (!tar_header_size(scan->block, &size)) {
        return refuse(scan, err, "an entry's size is malformed");
    }
    return begin_header(scan, tar_header_type(scan->block), size, err);
}

static int sparse_done(struct tar_scan *scan, struct lpipe_error *err)
{
    int status = tell_header(scan, scan->block, TAR_BLOCK_BYTES, err);
    scan->sparse_blocks++;
    if (status != 0) {
        return status;
    }
    if (!tar_sparse_block_continues(scan->block)) {
        enter_body(scan, SCAN_BODY, scan->sparse_body);
        return tell_entry(scan, scan->sparse_body, err);
    }
    if (scan->sparse_blocks >= TAR_EXTENSION_BYTES_MAX / TAR_BLOCK_BYTES) {
        return refuse(scan, err, "a sparse map is larger than any real one");
    }
    return 0;
}

static int pax_done(struct tar_scan *scan, struct lpipe_error *err)
{
    uint64_t size = 0;
    const char *wrong = tar_pax_end(&scan->entry.pax);
    if (wrong != NULL) {
        return refuse(scan, err, wrong);
    }
    if (scan->body_type == 'g' && tar_pax_size(&scan->entry.pax, &size)) {
        /* Readers disagree on what a size for all entries means. */
        return refuse(scan, err, "a global header sets a size");
    }
    tar_entry_extension_end(&scan->entry, scan->body_type, scan->block);
    return 0;
}

/* Collects a block; returns the bytes used. */
static size_t collect_block(struct tar_scan *scan, const unsigned char *data, size_t size)
{
    size_t used = MIN_OF(size, TAR_BLOCK_BYTES - scan->block_size);
    memcpy(scan->block + scan->block_size, data, used);
    scan->block_size += used;
    return used;
}

/* Up to the end of a block at most. */
static size_t sparse_map_bytes(struct tar_scan *scan, const unsigned char *data, size_t size)
{
    size_t block_left = (size_t)(TAR_BLOCK_BYTES - scan->offset % TAR_BLOCK_BYTES);
    size_t used = MIN_OF(size, block_left);
    enum tar_sparse_state state = tar_sparse_data_feed(&scan->map, data, used, used == block_left);
    uint64_t stored = scan->left - used;
    if (state == TAR_SPARSE_WRONG || (state == TAR_SPARSE_MORE && stored == 0) ||
        (state == TAR_SPARSE_DONE &&
         !tar_sparse_fits(&scan->map.map, scan->map.regions, scan->entry.sparse_size, stored))) {
        tar_entry_sparse_wrong(&scan->entry);
        state = TAR_SPARSE_WRONG;
    }
    scan->phase = state == TAR_SPARSE_MORE ? SCAN_SPARSE_MAP : SCAN_BODY;
    return used;
}

static int step_block(struct tar_scan *scan, const unsigned char *data, size_t size,
                      size_t *ret_used, struct lpipe_error *err)
{
    *ret_used = collect_block(scan, data, size);
    scan->offset += *ret_used;
    if (scan->block_size < TAR_BLOCK_BYTES) {
        return 0;
    }
    scan->block_size = 0;
    return scan->phase == SCAN_HEADER ? header_done(scan, err) : sparse_done(scan, err);
}

/* Bytes of a body in that phase; scan->left is what is left of it. */
static int tell_body(struct tar_scan *scan, enum scan_phase phase, const unsigned char *data,
                     size_t size, struct lpipe_error *err)
{
    bool is_contents = phase == SCAN_BODY || phase == SCAN_SPARSE_MAP;
    if (scan->events == NULL) {
        return 0;
    }
    if (!is_contents) {
        bool is_header = scan->within_entry || scan->body_type == 'g';
        return is_header ? tell_header(scan, data, size, err) : 0;
    }
    int status = scan->events->contents(scan->events_ctx, data, size, err);
    return status == 0 && scan->left == 0 ? scan->events->entry_end(scan->events_ctx, err) : status;
}

static int step_body(struct tar_scan *scan, const unsigned char *data, size_t size,
                     size_t *ret_used, struct lpipe_error *err)
{
    size_t used = (size_t)MIN_OF((uint64_t)size, scan->left);
    enum scan_phase phase = scan->phase;
    int status = 0;
    if (scan->phase == SCAN_PAX) {
        const char *wrong = tar_pax_feed(&scan->entry.pax, data, used);
        status = wrong == NULL ? 0 : refuse(scan, err, wrong);
    } else if (scan->phase == SCAN_LONG_NAME) {
        tar_entry_long_bytes(&scan->entry, scan->body_type, data, used);
    } else if (scan->phase == SCAN_SPARSE_MAP) {
        used = sparse_map_bytes(scan, data, used);
    }
    scan->offset += used;
    scan->left -= used;
    *ret_used = used;
    status = status == 0 ? tell_body(scan, phase, data, used, err) : status;
    if (status != 0 || scan->left > 0) {
        return status;
    }
    if (scan->phase == SCAN_PAX) {
        status = pax_done(scan, err);
    }
    scan->left = scan->phase == SCAN_PADDING ? 0 : scan->padding;
    scan->phase = scan->left > 0 ? SCAN_PADDING : SCAN_HEADER;
    return status == 0 && scan->phase == SCAN_HEADER && scan->body_type == 'g'
               ? tell_entry(scan, 0, err)
               : status;
}

/* The end of the tape record that the end-of-archive mark ends in. Old writers do not clear what is
 * left of it, and no reader looks at it. */
static uint64_t record_end(const struct tar_scan *scan)
{
    uint64_t records = (scan->end_offset + TAR_RECORD_BYTES - 1) / TAR_RECORD_BYTES;
    return records * TAR_RECORD_BYTES;
}

/* A refusal that says what to do. */
static int refuse_with_advice(const struct tar_scan *scan, uint64_t offset, const char *what,
                              struct lpipe_error *err)
{
    int status = refuse_at(err, LPIPE_NOT_TAR, offset, what, scan);
    if (err != NULL) {
        err->flags |= LPIPE_ERROR_ADVICE;
    }
    return status;
}

static int refuse_rest(const struct tar_scan *scan, uint64_t offset, struct lpipe_error *err)
{
    char text[160];
    (void)snprintf(text, sizeof text,
                   "not a valid tar archive: data follows its end-of-archive mark; head -c %" PRIu64
                   " leaves it out",
                   scan->end_offset);
    return refuse_with_advice(scan, offset, text, err);
}

static size_t first_byte(const unsigned char *data, size_t size)
{
    size_t first = 0;
    while (first < size && data[first] == 0) {
        first++;
    }
    return first;
}

/* A block that is not zero, after the end mark. */
static int rest_done(struct tar_scan *scan, struct lpipe_error *err)
{
    uint64_t begin = scan->offset - TAR_BLOCK_BYTES;
    if (tar_header_checksum_good(scan->block)) {
        return refuse_with_advice(
            scan, begin,
            "not a valid tar archive: another archive follows its end-of-archive mark, "
            "which no reader would see; tar -A joins archives",
            err);
    }
    if (begin >= record_end(scan)) {
        return refuse_rest(scan, begin + first_byte(scan->block, TAR_BLOCK_BYTES), err);
    }
    scan->phase = scan->offset < record_end(scan) ? SCAN_LEFTOVER : SCAN_AFTER_END;
    return 0;
}

static int step_after_end(struct tar_scan *scan, const unsigned char *data, size_t size,
                          size_t *ret_used, struct lpipe_error *err)
{
    if (scan->block_size == 0) {
        size_t first = is_zero(data, size) ? size : first_byte(data, size);
        uint64_t block = (scan->offset + first) / TAR_BLOCK_BYTES * TAR_BLOCK_BYTES;
        if (first == size || block > scan->offset) {
            *ret_used = first == size ? size : (size_t)(block - scan->offset);
            scan->offset += *ret_used;
            return 0;
        }
        scan->block_size = (size_t)(scan->offset - block);
        memset(scan->block, 0, scan->block_size);
    }
    *ret_used = collect_block(scan, data, size);
    scan->offset += *ret_used;
    if (scan->block_size < TAR_BLOCK_BYTES) {
        return 0;
    }
    scan->block_size = 0;
    return rest_done(scan, err);
}

static size_t step_leftover(struct tar_scan *scan, size_t size)
{
    size_t used = (size_t)MIN_OF((uint64_t)size, record_end(scan) - scan->offset);
    scan->offset += used;
    scan->phase = scan->offset < record_end(scan) ? SCAN_LEFTOVER : SCAN_AFTER_END;
    return used;
}

int tar_scan_bytes(struct tar_scan *scan, const void *data, size_t size, struct lpipe_error *err)
{
    const unsigned char *next = data;
    int status = 0;
    while (size > 0 && status == 0) {
        size_t used = 0;
        switch (scan->phase) {
        case SCAN_HEADER:
        case SCAN_SPARSE:
            status = step_block(scan, next, size, &used, err);
            break;
        case SCAN_PAX:
        case SCAN_LONG_NAME:
        case SCAN_SPARSE_MAP:
        case SCAN_BODY:
        case SCAN_PADDING:
            status = step_body(scan, next, size, &used, err);
            break;
        case SCAN_AFTER_END:
            status = step_after_end(scan, next, size, &used, err);
            break;
        case SCAN_LEFTOVER:
            used = step_leftover(scan, size);
            break;
        }
        next += used;
        size -= used;
    }
    return status;
}

void tar_scan_odd(const struct tar_scan *scan, struct tar_odd *ret_odd)
{
    *ret_odd = scan->entry.odd;
}

const struct tar_tops *tar_scan_tops(const struct tar_scan *scan)
{
    return &scan->entry.tops;
}

bool tar_scan_is_image_archive(const struct tar_scan *scan)
{
    return tar_entry_is_image_archive(&scan->entry);
}

bool tar_scan_has_entries(const struct tar_scan *scan)
{
    return scan->has_entries;
}

/* A part of a block that is not zero, after the end mark. */
static int rest_end(const struct tar_scan *scan, struct lpipe_error *err)
{
    uint64_t begin = scan->offset - scan->block_size;
    if (scan->block_size == 0 || begin < record_end(scan)) {
        return 0;
    }
    return refuse_rest(scan, begin + first_byte(scan->block, scan->block_size), err);
}

int tar_scan_end(const struct tar_scan *scan, struct lpipe_error *err)
{
    const char *what = NULL;
    bool cut_off = true; /* not empty, and long enough to be a tar archive */
    if (scan->phase == SCAN_AFTER_END || scan->phase == SCAN_LEFTOVER) {
        return rest_end(scan, err);
    }
    if (scan->offset == 0) {
        cut_off = false;
        what = (scan->flags & TAR_SCAN_ALLOW_EMPTY) != 0
                   ? NULL
                   : "the input is empty; check the program that should write it "
                     "(`LPIPE_LAYER_ALLOW_EMPTY` accepts this)";
    } else if (scan->offset < TAR_BLOCK_BYTES) {
        cut_off = false;
        what = "the input is too short to be a tar archive (push with `LPIPE_LAYER_RAW` and "
               "`artifact_type` stores any bytes)";
    } else if (scan->phase == SCAN_HEADER && scan->block_size == 0) {
        what = scan->zero_blocks > 0 ? "the tar archive ends within its end-of-archive mark"
                                     : "the tar archive ends without its end-of-archive mark";
    } else {
        what = "the tar archive is cut off within an entry";
    }
    if (what == NULL || (cut_off && (scan->flags & TAR_SCAN_ALLOW_TRUNCATED) != 0)) {
        return 0;
    }
    int status = refuse_at(err, LPIPE_TRUNCATED, scan->offset, what, scan);
    if (err != NULL && !cut_off) {
        err->flags |= LPIPE_ERROR_ADVICE;
    }
    return status;
}
