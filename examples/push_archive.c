/* SPDX-License-Identifier: Apache-2.0 */
/* A layer that the program writes: libarchive makes a tar of the named files and writes it into a
 * layer. Usage: push_archive REPOSITORY FILE...
 *
 * cc push_archive.c -o push_archive $(pkg-config --cflags --libs layerpipe libarchive) */
#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <layerpipe.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

struct output {
    lpipe_writer *writer;
    struct lpipe_error err;
};

/* The write callback of libarchive. lpipe_writer_write() takes all bytes, and blocks while its
 * buffers are full. */
static la_ssize_t write_block(struct archive *archive, void *ctx, const void *data, size_t size)
{
    struct output *output = ctx;
    if (lpipe_writer_write(output->writer, data, size, &output->err) != 0) {
        archive_set_error(archive, EIO, "%s", output->err.message);
        return -1;
    }
    return (la_ssize_t)size;
}

static int copy_data(struct archive *archive, int fd)
{
    char block[65536];
    for (;;) {
        ssize_t size = read(fd, block, sizeof block);
        if (size <= 0) {
            return size == 0 ? ARCHIVE_OK : ARCHIVE_FATAL;
        }
        if (archive_write_data(archive, block, (size_t)size) != size) {
            return ARCHIVE_FATAL;
        }
    }
}

static int add_file(struct archive *archive, const char *path)
{
    struct stat info;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &info) != 0 || !S_ISREG(info.st_mode)) {
        archive_set_error(archive, EINVAL, "%s cannot be read as a file", path);
        if (fd >= 0) {
            close(fd);
        }
        return ARCHIVE_FATAL;
    }
    struct archive_entry *entry = archive_entry_new();
    archive_entry_copy_stat(entry, &info);
    archive_entry_set_pathname(entry, path + (path[0] == '/'));
    int code = archive_write_header(archive, entry);
    if (code == ARCHIVE_OK) {
        code = copy_data(archive, fd);
    }
    archive_entry_free(entry);
    close(fd);
    return code;
}

/* 0 when the whole tar was written, with its end-of-archive mark. */
static int write_tar(struct output *output, char **paths)
{
    struct archive *archive = archive_write_new();
    archive_write_set_format_pax_restricted(archive);
    archive_write_set_bytes_in_last_block(archive, 1);
    int code = archive_write_open(archive, output, NULL, write_block, NULL);
    for (; code == ARCHIVE_OK && *paths != NULL; paths++) {
        code = add_file(archive, *paths);
    }
    if (code == ARCHIVE_OK) {
        code = archive_write_close(archive);
    }
    if (code != ARCHIVE_OK) {
        fprintf(stderr, "push_archive: %s\n", archive_error_string(archive));
        archive_write_fail(archive); /* after a failure, no end-of-archive mark is written */
    }
    archive_write_free(archive);
    return code == ARCHIVE_OK ? 0 : 1;
}

int main(int argc, char **argv)
{
    struct output output = { 0 };
    struct lpipe_layer_result result = LPIPE_LAYER_RESULT_INIT;
    lpipe_ref *repository = NULL;
    lpipe_client *client = NULL;
    int status;

    if (argc < 3) {
        fprintf(stderr, "usage: push_archive REPOSITORY FILE...\n");
        return 2;
    }
    if ((status = lpipe_ref_parse(argv[1], 0, &repository, &output.err)) != 0 ||
        (status = lpipe_client_new(NULL, &client, &output.err)) != 0 ||
        (status = lpipe_writer_open(client, repository, NULL, &output.writer, &output.err)) != 0) {
        fprintf(stderr, "push_archive: %s\n", output.err.message);
        status = lpipe_status_exit_code(status);
    } else if ((status = write_tar(&output, argv + 2)) == 0) {
        if (lpipe_writer_finish(output.writer, &result, &output.err) == 0) {
            printf("%s\n", result.digest);
        } else {
            fprintf(stderr, "push_archive: %s\n", output.err.message);
            status = lpipe_status_exit_code(output.err.status);
        }
    }
    lpipe_writer_free(output.writer); /* without a successful finish the upload is abandoned */
    lpipe_client_free(client);
    lpipe_ref_free(repository);
    return status;
}
