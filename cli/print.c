/* SPDX-License-Identifier: Apache-2.0 */
#include "print.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "stop.h"

#define LINE_MAX_BYTES 1024

static int write_all(int fd, const char *text, size_t size)
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

/* One write for the whole line, so that lines of several processes do not mix. */
__attribute__((format(printf, 1, 0))) static void say_line(const char *format, va_list args)
{
    char line[LINE_MAX_BYTES + 1];
    size_t used = (size_t)snprintf(line, LINE_MAX_BYTES, "layerpipe: ");
    int more = vsnprintf(line + used, LINE_MAX_BYTES - used, format, args);
    size_t size = strlen(line);
    if (more >= 0 && used + (size_t)more >= LINE_MAX_BYTES) {
        (void)snprintf(line + size - 3, 4, "...");
    }
    for (size_t i = 0; i < size; i++) {
        unsigned char c = (unsigned char)line[i];
        line[i] = c < 0x20 || c == 0x7f ? '?' : line[i];
    }
    line[size++] = '\n';
    (void)write_all(STDERR_FILENO, line, size);
}

void say(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    say_line(format, args);
    va_end(args);
}

int usage_error(const char *verb, const char *format, ...)
{
    char text[LINE_MAX_BYTES / 2];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    say("%s (see \"layerpipe help%s%s\")", text, verb == NULL ? "" : " ", verb == NULL ? "" : verb);
    return EXIT_USAGE;
}

/* What to try, by status; not where the message says something better already. */
static const struct {
    int status;
    const char *unless[4]; /* words of such messages */
    const char *hint;
} hints[] = {
    { LPIPE_AUTH_REQUIRED,
      { "--trust-realm", "layerpipe login", "this login", "the proxy" },
      "try layerpipe login, or --username with --password-fd" },
    { LPIPE_NOT_TAR, { "--raw", "decompress it" }, "--raw takes input that is no tar" },
    { LPIPE_TRUNCATED, { "--allow-", "--raw" }, "--allow-truncated takes it as it is" },
};

static bool says(const struct lpipe_error *err, const char *const words[4])
{
    for (size_t i = 0; i < 4 && words[i] != NULL; i++) {
        if (strstr(err->message, words[i]) != NULL) {
            return true;
        }
    }
    return false;
}

static const char *hint_for(const struct lpipe_error *err)
{
    for (size_t i = 0; i < sizeof hints / sizeof hints[0]; i++) {
        if (hints[i].status == err->status && !says(err, hints[i].unless)) {
            return hints[i].hint;
        }
    }
    if ((err->flags & LPIPE_ERROR_REPLAY) != 0 && strstr(err->message, "--spool") == NULL) {
        return "a file as input, --upload chunked or --spool DIR lets it be repeated";
    }
    return NULL;
}

int print_failure(const struct lpipe_error *err)
{
    char where[48] = "";
    const char *hint = hint_for(err);
    if (stop_signal() != 0) {
        say("interrupted by %s", stop_signal_name());
        return EXIT_OTHER;
    }
    if (err->offset != UINT64_MAX && err->offset != 0 && strstr(err->message, " byte ") == NULL) {
        (void)snprintf(where, sizeof where, " (at byte %" PRIu64 " of the stream)", err->offset);
    }
    say("%s%s%s%s", err->message[0] != '\0' ? err->message : lpipe_status_name(err->status), where,
        hint == NULL ? "" : "; ", hint == NULL ? "" : hint);
    return lpipe_status_exit_code(err->status);
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
    bool broken = ferror(out->stream) != 0;
    broken = fclose(out->stream) != 0 || broken;
    out->stream = NULL;
    return broken ? NULL : out->text;
}

int print_text(struct text_out *out, const char *done)
{
    const char *text = text_close(out);
    int code = text == NULL ? ENOMEM : write_all(STDOUT_FILENO, text, out->size);
    if (code == 0 && close(STDOUT_FILENO) != 0) {
        code = errno; /* a network file system tells of a lost write only now */
    }
    free(out->text);
    out->text = NULL;
    if (code == 0) {
        return EXIT_DONE;
    }
    say("%s, but writing the result to stdout failed: %s", done, strerror(code));
    return EXIT_OUTPUT;
}

/* Bytes of the UTF-8 character that text begins with, 0 where it begins with none. */
static size_t character_size(const unsigned char *text)
{
    size_t size = text[0] < 0x80   ? 1
                  : text[0] < 0xc2 ? 0
                  : text[0] < 0xe0 ? 2
                  : text[0] < 0xf0 ? 3
                                   : 4;
    /* The second byte tells overlong forms, surrogates and what lies above U+10FFFF. */
    unsigned char least = text[0] == 0xe0 ? 0xa0 : text[0] == 0xf0 ? 0x90 : 0x80;
    unsigned char most = text[0] == 0xed ? 0x9f : text[0] == 0xf4 ? 0x8f : 0xbf;
    if (text[0] > 0xf4 || (size > 1 && (text[1] < least || text[1] > most))) {
        return 0;
    }
    for (size_t i = 2; i < size; i++) {
        if ((text[i] & 0xc0) != 0x80) {
            return 0;
        }
    }
    return size;
}

void print_json_text(FILE *out, const char *text)
{
    (void)fputc('"', out);
    while (*text != '\0') {
        unsigned char c = (unsigned char)*text;
        size_t size = character_size((const unsigned char *)text);
        if (size == 0) {
            (void)fputs("\xef\xbf\xbd", out); /* no text: the name of a directory, say */
        } else if (size > 1) {
            (void)fwrite(text, 1, size, out);
        } else if (c == '"' || c == '\\') {
            (void)fprintf(out, "\\%c", c);
        } else if (c < 0x20 || c == 0x7f) {
            (void)fprintf(out, "\\u%04x", c);
        } else {
            (void)fputc(c, out);
        }
        text += size > 0 ? size : 1;
    }
    (void)fputc('"', out);
}

void json_layer_members(FILE *out, const struct lpipe_layer_result *layer)
{
    (void)fputs("\"mediaType\":", out);
    print_json_text(out, layer->media_type);
    (void)fputs(",\"digest\":", out);
    print_json_text(out, layer->digest);
    (void)fprintf(out, ",\"size\":%" PRIu64, layer->size);
    if (layer->diff_id[0] != '\0') {
        (void)fputs(",\"diffId\":", out);
        print_json_text(out, layer->diff_id);
    }
    if (layer->uncompressed_size != LPIPE_SIZE_UNKNOWN) {
        (void)fprintf(out, ",\"uncompressedSize\":%" PRIu64, layer->uncompressed_size);
    }
}
