/* SPDX-License-Identifier: Apache-2.0 */
/* layerpipe cat: writes an image, a layer or a blob to stdout. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include "command.h"
#include "password.h"
#include "print.h"
#include "progress.h"
#include "setup.h"
#include "stop_signal.h"

#define BUFFER_BYTES ((size_t)256 * 1024)
#define PIPE_BYTES (1024 * 1024)

/* A reader such as head may end early. The command has not failed then, but the output is not
 * complete. */
static int write_failed(struct setup *setup, int sys_errno)
{
    progress_end(setup->progress, false);
    if (sys_errno == EPIPE) {
        print_message("stdout was closed before the end");
        return EXIT_OUTPUT;
    }
    return print_errno(LPIPE_OUTPUT_IO, sys_errno, "cannot write to stdout");
}

static int interrupted(struct setup *setup)
{
    const struct lpipe_error err = { .status = LPIPE_CANCELLED };
    progress_end(setup->progress, false);
    return print_failure(&err);
}

/* stdout may be a pipe that nobody reads at present, and it may be non-blocking. */
static int write_all(struct setup *setup, const char *bytes, size_t size)
{
    while (size > 0) {
        if (stop_signal_received() != 0) {
            return interrupted(setup);
        }
        ssize_t written = write(STDOUT_FILENO, bytes, size);
        if (written < 0 && errno == EAGAIN) {
            struct pollfd wait = { .fd = STDOUT_FILENO, .events = POLLOUT };
            (void)poll(&wait, 1, -1);
        } else if (written < 0 && errno != EINTR) {
            return write_failed(setup, errno);
        }
        if (written > 0) {
            progress_count(setup->progress, (uint64_t)written);
            bytes += written;
            size -= (size_t)written;
        }
    }
    return 0;
}

static int write_content(struct setup *setup, lpipe_content *content, char *buffer)
{
    for (;;) {
        struct lpipe_error err = { 0 };
        size_t size = 0;
        if (lpipe_content_read(content, buffer, BUFFER_BYTES, &size, &err) != 0) {
            progress_end(setup->progress, false);
            return print_failure(&err);
        }
        progress_writing(setup->progress, true);
        int code = size == 0 ? 0 : write_all(setup, buffer, size);
        progress_writing(setup->progress, false);
        if (size == 0 || code != 0) {
            return code;
        }
    }
}

static int copy_out(struct setup *setup, lpipe_content *content)
{
    char *buffer = malloc(BUFFER_BYTES);
    if (buffer == NULL) {
        print_message("out of memory");
        return EXIT_RESOURCES;
    }
    /* For a pipe. If this fails, the copy is only slower. */
    (void)fcntl(STDOUT_FILENO, F_SETPIPE_SZ, PIPE_BYTES);
    int code = write_content(setup, content, buffer);
    free(buffer);
    return code;
}

static int cat(const struct settings *settings, const lpipe_ref *ref, const char *password)
{
    AUTO_SETUP struct setup setup = { 0 };
    struct lpipe_content_options options = LPIPE_CONTENT_OPTIONS_INIT;
    struct lpipe_error err = { 0 };
    lpipe_content *content = NULL;
    int code = setup_begin(&setup, settings, settings->username, password);
    if (code != 0) {
        return code;
    }
    options.flags = settings->blob ? LPIPE_CONTENT_BLOB : 0;
    options.platform = settings->platform;
    options.layer = settings->layer;
    options.compress = settings->compress;
    options.threads = settings->threads == 0  ? LPIPE_THREADS_INLINE
                      : settings->threads > 0 ? (int32_t)settings->threads
                                              : LPIPE_THREADS_DEFAULT;
    progress_begin(setup.progress, NULL);
    if (lpipe_content_open(setup.client, ref, &options, &content, &err) != 0) {
        progress_end(setup.progress, false);
        return print_failure_reading(&err, ref, settings_argument(settings, 0));
    }
    code = copy_out(&setup, content);
    (void)lpipe_content_close(content);
    if (code == 0) {
        progress_end(setup.progress, true);
    }
    return code;
}

static int check(const struct settings *settings)
{
    if (settings->blob && settings->compress != NULL) {
        return usage_error(settings->command_name,
                           "--blob writes stored bytes: --compress cannot change them");
    }
    if (isatty(STDOUT_FILENO)) {
        return usage_error(settings->command_name,
                           "stdout is a terminal; redirect it to a file or a pipe, such as "
                           "| tar -x -C DIR");
    }
    return 0;
}

static int run(struct settings *settings)
{
    struct lpipe_error err = { 0 };
    lpipe_ref *ref = NULL;
    char *password = NULL;
    int code = check(settings);
    if (code != 0) {
        return code;
    }
    if (lpipe_ref_parse(settings_argument(settings, 0), 0, &ref, &err) != 0) {
        return print_failure(&err);
    }
    code = password_read(settings, &password);
    code = code != 0 ? code : cat(settings, ref, password);
    password_free(password);
    (void)lpipe_ref_free(ref);
    return code;
}

const struct command command_cat = {
    .name = "cat",
    .synopsis = "[options] REFERENCE",
    .summary = "Write an image's file system or a layer as a verified tar to stdout",
    .examples = "  layerpipe cat registry.example/app:1.4 | tar -x -C rootfs\n"
                "  layerpipe cat --layer 1 registry.example/app:1.4 | tar -t\n",
    .details = "REFERENCE is a registry reference, oci:DIR[:TAG], oci-archive:FILE[:TAG] or\n"
               "docker-archive:FILE[:NAME:TAG]. Without --layer the image's layers are\n"
               "flattened to one tar: as a container sees them. A digest of a layer\n"
               "that no image has, as layerpipe layer prints it, gives that layer. The end is\n"
               "held back until all bytes are verified: if the exit status is not 0, the output\n"
               "has no end-of-archive mark and must not be used.\n",
    .groups =
        (const struct option_group *const[]){ &group_cat, &group_access, &group_general, NULL },
    .args_min = 1,
    .args_max = 1,
    .takes_references = true,
    .run = run,
};
