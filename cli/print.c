/* SPDX-License-Identifier: Apache-2.0 */
#include "print.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api_names.h"
#include "failure_hint.h"
#include "stop_signal.h"
#include "terminal_text.h"

#define LINE_MAX_BYTES 1024

int print_bytes(int fd, const char *text, size_t size)
{
    while (size > 0) {
        ssize_t done = write(fd, text, size);
        if (done >= 0) {
            text += done;
            size -= (size_t)done;
        } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
            struct pollfd wait = { .fd = fd, .events = POLLOUT };
            (void)poll(&wait, 1, -1);
        } else if (errno != EINTR) {
            return errno;
        }
    }
    return 0;
}

/* Writes the line with one write(), so that lines of several processes do not mix. */
__attribute__((format(printf, 1, 0))) static void print_message_args(const char *format,
                                                                     va_list args)
{
    char line[LINE_MAX_BYTES + 1];
    size_t used = (size_t)snprintf(line, LINE_MAX_BYTES, "layerpipe: ");
    int more = vsnprintf(line + used, LINE_MAX_BYTES - used, format, args);
    size_t size = strlen(line);
    if (more >= 0 && used + (size_t)more >= LINE_MAX_BYTES) {
        (void)snprintf(line + size - 3, 4, "...");
    }
    terminal_clean(line);
    size = strlen(line);
    line[size++] = '\n';
    (void)print_bytes(STDERR_FILENO, line, size);
}

void print_raw(const char *text)
{
    (void)print_bytes(STDERR_FILENO, text, strlen(text));
}

void print_message(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    print_message_args(format, args);
    va_end(args);
}

int print_errno(int status, int sys_errno, const char *format, ...)
{
    char text[LINE_MAX_BYTES / 2];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    print_message("%s: %s", text, strerror(sys_errno));
    bool resources = sys_errno == EMFILE || sys_errno == ENFILE || sys_errno == ENOMEM;
    return resources ? EXIT_RESOURCES : lpipe_status_exit_code(status);
}

int usage_error(const char *command_name, const char *format, ...)
{
    char text[LINE_MAX_BYTES / 2];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    print_message("%s (see \"layerpipe help%s%s\")", text, command_name == NULL ? "" : " ",
                  command_name == NULL ? "" : command_name);
    return EXIT_USAGE;
}

/* The messages of these statuses name the byte of the stream themselves. */
static bool message_names_offset(int status)
{
    return status == LPIPE_NOT_TAR || status == LPIPE_TRUNCATED || status == LPIPE_SOURCE_IO;
}

static int print_failure_line(const struct lpipe_error *err, const char *before, const char *hint)
{
    char where[48] = "";
    char message[LINE_MAX_BYTES];
    if (stop_signal_received() != 0) {
        const char *note =
            (err->flags & LPIPE_ERROR_MAYBE_PUBLISHED) != 0 ? "; " PUBLISHED_NOTE : "";
        if (isatty(STDERR_FILENO) == 1) {
            (void)print_bytes(STDERR_FILENO, "\r", 1); /* over the "^C" of the terminal */
        }
        print_message("interrupted by %s%s", stop_signal_name(), note);
        return EXIT_OTHER;
    }
    if (err->offset != UINT64_MAX && err->offset != 0 && !message_names_offset(err->status)) {
        (void)snprintf(where, sizeof where, " (at byte %" PRIu64 ")", err->offset);
    }
    const char *what = err->message[0] != '\0' ? err->message : lpipe_status_name(err->status);
    print_message("%s%s%s%s%s", before, api_names_replace(what, message, sizeof message), where,
                  hint == NULL ? "" : "; ", hint == NULL ? "" : hint);
    return lpipe_status_exit_code(err->status);
}

int print_failure(const struct lpipe_error *err)
{
    return print_failure_line(err, "", failure_hint(err));
}

int print_failure_about(const struct lpipe_error *err, const char *before, const char *hint)
{
    return print_failure_line(err, before, hint);
}

/* What the user may have meant with the name of a file or directory; NULL: there is none. */
static const char *hint_for_path(const char *path)
{
    struct stat info;
    char mark[PATH_MAX];
    if (stat(path, &info) != 0) {
        return NULL;
    }
    if (S_ISREG(info.st_mode)) {
        return "a file here has this name: write docker-archive:FILE or oci-archive:FILE for an "
               "image archive";
    }
    int size = snprintf(mark, sizeof mark, "%s/oci-layout", path);
    return size < (int)sizeof mark && access(mark, F_OK) == 0
               ? "an image layout here has this name: write oci:DIR[:TAG]"
               : NULL;
}

int print_failure_reading(const struct lpipe_error *err, const lpipe_ref *ref, const char *text)
{
    bool is_remote = ref != NULL && lpipe_ref_kind(ref) == LPIPE_REF_REGISTRY;
    const char *hint = is_remote ? hint_for_path(text) : NULL;
    return hint != NULL ? print_failure_line(err, "", hint) : print_failure(err);
}

int print_failure_of_login(const struct lpipe_error *err)
{
    bool refused = err->status == LPIPE_AUTH_REQUIRED && (err->flags & LPIPE_ERROR_ADVICE) == 0;
    return print_failure_line(err, "",
                              refused ? "check user name and password" : failure_hint(err));
}

FILE *text_open(struct text_out *out)
{
    *out = (struct text_out){ 0 };
    out->stream = open_memstream(&out->text, &out->size);
    return out->stream;
}

const char *text_close(struct text_out *out)
{
    if (out->stream == NULL) {
        return NULL;
    }
    bool failed = ferror(out->stream) != 0;
    failed = fclose(out->stream) != 0 || failed;
    out->stream = NULL;
    return failed ? NULL : out->text;
}

static int print_text_to(int fd, struct text_out *out, const char *achieved)
{
    const char *text = text_close(out);
    int code = text == NULL ? ENOMEM : print_bytes(fd, text, out->size);
    if (code == 0 && close(fd) != 0) {
        code = errno; /* a network file system may report a failed write only here */
    }
    free(out->text);
    out->text = NULL;
    if (code == 0) {
        return EXIT_DONE;
    }
    print_message("%s%swriting the result to %s failed: %s", achieved == NULL ? "" : achieved,
                  achieved == NULL ? "" : ", but ", fd == STDOUT_FILENO ? "stdout" : "stderr",
                  strerror(code));
    return EXIT_OUTPUT;
}

int print_text(struct text_out *out, const char *achieved)
{
    return print_text_to(STDOUT_FILENO, out, achieved);
}

bool is_archive(const lpipe_ref *ref)
{
    return lpipe_ref_kind(ref) == LPIPE_REF_OCI_ARCHIVE ||
           lpipe_ref_kind(ref) == LPIPE_REF_DOCKER_ARCHIVE;
}

bool is_archive_stream(const lpipe_ref *ref)
{
    return is_archive(ref) && strcmp(lpipe_ref_repository(ref), "-") == 0;
}

/* A network file system may report the failed write of the archive only at close(). */
int print_result(const lpipe_ref *dest, struct text_out *out, const char *achieved)
{
    if (!is_archive_stream(dest)) {
        return print_text(out, achieved);
    }
    if (close(STDOUT_FILENO) != 0) {
        print_message("writing the image archive to stdout failed: %s", strerror(errno));
        (void)text_close(out);
        free(out->text);
        return EXIT_OUTPUT;
    }
    return print_text_to(STDERR_FILENO, out, achieved);
}

void print_json_text(FILE *out, const char *text)
{
    char shown[8];
    (void)fputc('"', out);
    while (*text != '\0') {
        uint32_t code = 0;
        size_t size = lpipe_text_character(text, &code, NULL);
        if (size == 0) {
            (void)fputs("\xef\xbf\xbd", out); /* not UTF-8; a directory may have such a name */
        } else if (code == '"' || code == '\\') {
            (void)fprintf(out, "\\%c", (char)code);
        } else if (code < 0x20) {
            terminal_print_escape(out, code);
        } else {
            (void)snprintf(shown, sizeof shown, "%.*s", (int)size, text);
            terminal_print_json(out, shown);
        }
        text += size > 0 ? size : 1;
    }
    (void)fputc('"', out);
}
