/* SPDX-License-Identifier: Apache-2.0 */
/* The public functions that copy images and make indexes. */
#include <string.h>

#include "base/opts.h"
#include "copy/archive_copy.h"
#include "copy/copy_result.h"
#include "copy/image_convert.h"
#include "copy/image_copy.h"
#include "copy/index_push.h"
#include "flow/source_callback.h"
#include "flow/source_fd.h"
#include "oci/reference.h"
#include "registry/client.h"

/* Size of the result in the first version. All pointers to owned memory are in this part. */
#define RESULT_BYTES_MIN offsetof(struct lpipe_copy_result, reserved)

static int check_texts(const char *const *texts, size_t count, const char *what,
                       struct lpipe_error *err)
{
    for (size_t i = 0; i < count; i++) {
        if (texts == NULL || texts[i] == NULL) {
            return fail(err, LPIPE_INVALID_ARGUMENT, "%s has fewer entries than its count", what);
        }
    }
    return 0;
}

static int check_result(const struct lpipe_copy_result *ret_result, struct lpipe_error *err)
{
    return ret_result != NULL && ret_result->struct_size < RESULT_BYTES_MIN
               ? fail(err, LPIPE_INVALID_ARGUMENT,
                      "lpipe_copy_result: the result is not initialised")
               : 0;
}

static int check_options(const struct lpipe_copy_options *options, struct lpipe_error *err)
{
    int status = opts_check_flags(options->flags, LPIPE_COPY_ALL | LPIPE_COPY_REFERRERS,
                                  "lpipe_copy_options", err);
    if (status == 0 && (options->flags & LPIPE_COPY_ALL) != 0 && options->platform != NULL) {
        return fail(err, LPIPE_INVALID_ARGUMENT,
                    "lpipe_copy_options: LPIPE_COPY_ALL copies all platforms, so there cannot be "
                    "a platform");
    }
    if (status == 0 && (unsigned)options->soci > LPIPE_SOCI_V2) {
        return fail(err, LPIPE_INVALID_ARGUMENT, "lpipe_copy_options: unknown SOCI version %d",
                    (int)options->soci);
    }
    return status == 0
               ? check_texts(options->tags, options->tag_count, "lpipe_copy_options.tags", err)
               : status;
}

/* A docker-archive is a list of images. */
static int check_destination(const lpipe_ref *dest, const struct lpipe_copy_options *options,
                             struct lpipe_error *err)
{
    return dest->kind == LPIPE_REF_DOCKER_ARCHIVE && (options->flags & LPIPE_COPY_REFERRERS) != 0
               ? fail_with_advice(err, LPIPE_INVALID_ARGUMENT,
                                  "docker-archive: takes an image without its referrers; use "
                                  "oci-archive:")
               : 0;
}

/* The caller's struct may be shorter (an older header) or longer (a newer one). */
static void give_result(struct lpipe_copy_result *result, struct lpipe_copy_result *ret_result)
{
    if (ret_result == NULL) {
        copy_result_dispose(result);
        return;
    }
    size_t keep = ret_result->struct_size;
    memcpy(ret_result, result, MIN_OF(keep, sizeof *result));
    ret_result->struct_size = keep;
}

/* Reads the options and checks what both functions check. */
static int begin(lpipe_client *client, const lpipe_ref *dest,
                 const struct lpipe_copy_options *options, const struct lpipe_copy_result *result,
                 struct lpipe_copy_options *ret_known, struct lpipe_error *err)
{
    int status = opts_take(options, ret_known, sizeof *ret_known, "lpipe_copy_options", err);
    status = status == 0 ? check_options(ret_known, err) : status;
    status = status == 0 ? check_destination(dest, ret_known, err) : status;
    status = status == 0 ? check_result(result, err) : status;
    return status == 0 ? client_check(client, err) : status;
}

/* For a SOCI index an archive in a file is read as a store: so its layers are read when the image
 * is known, and those that are compressed can be compressed again. */
static bool read_once(const lpipe_ref *archive, const struct lpipe_copy_options *options)
{
    return options->soci == LPIPE_SOCI_NONE || strcmp(archive->repository, "-") == 0;
}

int lpipe_copy(lpipe_client *client, const lpipe_ref *source, const lpipe_ref *dest,
               const struct lpipe_copy_options *options, struct lpipe_copy_result *ret_result,
               struct lpipe_error *err)
{
    struct lpipe_copy_options known;
    struct lpipe_copy_result result;
    if (client == NULL || source == NULL || dest == NULL) {
        return fail(err, LPIPE_INVALID_ARGUMENT,
                    "lpipe_copy: client, source and dest are required");
    }
    int status = begin(client, dest, options, ret_result, &known, err);
    if (status == 0) {
        status = archive_copy_is_archive(source) && read_once(source, &known)
                     ? archive_copy_ref(client, source, dest, &known, &result, err)
                 : image_convert_is_wanted(&known)
                     ? image_convert(client, source, dest, &known, &result, err)
                     : image_copy(client, source, dest, &known, &result, err);
    }
    if (status == 0) {
        give_result(&result, ret_result);
    }
    return status;
}

static int check_index_options(const struct lpipe_index_options *options, struct lpipe_error *err)
{
    int status = opts_check_flags(options->flags, LPIPE_INDEX_APPEND | LPIPE_INDEX_SKIP_MISSING,
                                  "lpipe_index_options", err);
    if (status == 0 && (unsigned)options->format > LPIPE_FORMAT_DOCKER) {
        return fail(err, LPIPE_INVALID_ARGUMENT, "lpipe_index_options: unknown format %d",
                    (int)options->format);
    }
    if (status == 0) {
        status = check_texts(options->annotations, options->annotation_count,
                             "lpipe_index_options.annotations", err);
    }
    return status == 0
               ? check_texts(options->tags, options->tag_count, "lpipe_index_options.tags", err)
               : status;
}

static int check_entries(const struct lpipe_index_entry *entries, size_t count,
                         struct lpipe_error *err)
{
    bool complete = entries != NULL && count > 0;
    for (size_t i = 0; complete && i < count; i++) {
        complete = entries[i].ref != NULL;
    }
    return complete ? 0
                    : fail(err, LPIPE_INVALID_ARGUMENT,
                           "lpipe_index_push: at least one entry is required, and each needs a "
                           "reference");
}

int lpipe_index_push(lpipe_client *client, const lpipe_ref *dest,
                     const struct lpipe_index_entry *entries, size_t entry_count,
                     const struct lpipe_index_options *options,
                     struct lpipe_copy_result *ret_result, struct lpipe_error *err)
{
    struct lpipe_index_options known;
    struct lpipe_copy_result result;
    int status = opts_take(options, &known, sizeof known, "lpipe_index_options", err);
    status = status == 0 ? check_index_options(&known, err) : status;
    if (status != 0) {
        return status;
    }
    if (client == NULL || dest == NULL) {
        return fail(err, LPIPE_INVALID_ARGUMENT, "lpipe_index_push: client and dest are required");
    }
    status = check_entries(entries, entry_count, err);
    status = status == 0 ? check_result(ret_result, err) : status;
    status = status == 0 ? client_check(client, err) : status;
    if (status == 0) {
        status = index_push(client, dest, entries, entry_count, &known, &result, err);
    }
    if (status == 0) {
        give_result(&result, ret_result);
    }
    return status;
}

/* source is closed, also on failure. */
static int copy_archive(lpipe_client *client, struct source *source, const lpipe_ref *dest,
                        const struct lpipe_copy_options *options,
                        struct lpipe_copy_result *ret_result, struct lpipe_error *err)
{
    struct lpipe_copy_options known;
    struct lpipe_copy_result result;
    int status = begin(client, dest, options, ret_result, &known, err);
    if (status != 0) {
        (void)source_close(source);
        return status;
    }
    status = archive_copy(client, source, &(struct archive_wish){ .image = known.image }, dest,
                          &known, &result, err);
    if (status == 0) {
        give_result(&result, ret_result);
    }
    return status;
}

int lpipe_copy_archive(lpipe_client *client, const struct lpipe_source *source,
                       const lpipe_ref *dest, const struct lpipe_copy_options *options,
                       struct lpipe_copy_result *ret_result, struct lpipe_error *err)
{
    if (source == NULL || source->read == NULL) {
        return fail(err, LPIPE_INVALID_ARGUMENT,
                    "lpipe_copy_archive: a source with a read callback is required");
    }
    struct source *callbacks = source_callback_new(source);
    int status = 0;
    if (callbacks == NULL || client == NULL || dest == NULL) {
        status = callbacks == NULL ? fail_memory(err)
                                   : fail(err, LPIPE_INVALID_ARGUMENT,
                                          "lpipe_copy_archive: client and dest are required");
        if (source->close != NULL) {
            (void)source->close(source->ctx);
        }
    } else {
        status = copy_archive(client, callbacks, dest, options, ret_result, err);
    }
    source_free(callbacks);
    return status;
}

int lpipe_copy_archive_fd(lpipe_client *client, int fd, const lpipe_ref *dest,
                          const struct lpipe_copy_options *options,
                          struct lpipe_copy_result *ret_result, struct lpipe_error *err)
{
    struct source *source = NULL;
    if (client == NULL || dest == NULL || fd < 0) {
        return fail(err, LPIPE_INVALID_ARGUMENT,
                    "lpipe_copy_archive_fd: client, fd and dest are required");
    }
    int status = source_fd_new(fd, true, &source, err);
    if (status == 0) {
        status = copy_archive(client, source, dest, options, ret_result, err);
        source_free(source);
    }
    return status;
}

void lpipe_copy_result_done(struct lpipe_copy_result *result)
{
    if (result != NULL) {
        copy_result_dispose(result);
    }
}
