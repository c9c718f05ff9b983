/* SPDX-License-Identifier: Apache-2.0 */
#include "input.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "input_destination.h"
#include "item_texts.h"
#include "option_file.h"
#include "path_open.h"
#include "print.h"
#include "stop_signal.h"

#define SILENCE_MS 2000
#define TAR_BLOCK_BYTES 512
#define TITLE_BYTES_MAX ((size_t)159) /* of the library */
#define PREFETCH_BYTES_MAX ((size_t)4 << 20)

static bool stdin_is_readable(void)
{
    struct stat info;
    return fstat(STDIN_FILENO, &info) == 0 &&
           (S_ISFIFO(info.st_mode) || S_ISSOCK(info.st_mode) || S_ISREG(info.st_mode));
}

bool input_use_stdin(struct settings *settings)
{
    settings->stdin_implied = settings_stdin_option(settings) == NULL && stdin_is_readable();
    return settings->stdin_implied;
}

int input_check_stdin(const struct settings *settings)
{
    const char *option = settings_stdin_option(settings);
    if (option == NULL) {
        return 0;
    }
    return settings->password_stdin
               ? usage_error(settings->command_name,
                             "stdin cannot be both a layer and the password; use --password-fd")
               : usage_error(settings->command_name,
                             "stdin is read for %s, so it cannot be a layer", option);
}

int input_missing(const struct settings *settings, const char *needed)
{
    if (settings->password_stdin) {
        return usage_error(settings->command_name,
                           "stdin is the password (--password-stdin): name an INPUT, or use "
                           "--password-fd");
    }
    const char *option = settings_stdin_option(settings);
    if (option != NULL) {
        return usage_error(settings->command_name, "stdin is read for %s: name an INPUT", option);
    }
    struct stat info;
    const char *first = settings_argument(settings, 0);
    if (stat(first, &info) == 0 && S_ISREG(info.st_mode)) {
        return usage_error(settings->command_name, "%s is a file: name the destination before it",
                           first);
    }
    return usage_error(settings->command_name, "%s, and stdin is no pipe, socket or file", needed);
}

void input_wait_for_stdin(const struct settings *settings)
{
    if (settings->stdin_implied && !settings->quiet &&
        stop_signal_wait_readable(STDIN_FILENO, SILENCE_MS) == STOP_SIGNAL_TIMEOUT) {
        print_message("waiting for a tar archive on stdin, because no INPUT was named%s",
                      strcmp(settings->command_name, "push") == 0 ? " (</dev/null for none)" : "");
    }
}

/* What to try with an input that is cut or no tar archive; NULL for any other failure, or if the
 * message says it. */
static const char *input_hint(const struct lpipe_error *err)
{
    if ((err->flags & LPIPE_ERROR_ADVICE) != 0) {
        return NULL;
    }
    switch (err->status) {
    case LPIPE_TRUNCATED:
        return "use --allow-truncated to accept an incomplete tar archive";
    case LPIPE_NOT_TAR:
        return "to store bytes that are not a tar archive, use push --raw --artifact-type TYPE";
    default:
        return NULL;
    }
}

int input_print_failure(const struct settings *settings, const struct lpipe_error *err)
{
    bool about_input = err->status == LPIPE_TRUNCATED || err->status == LPIPE_NOT_TAR;
    if (settings->stdin_implied && about_input && err->offset < TAR_BLOCK_BYTES) {
        return print_failure_about(err, "no INPUT was named, so stdin was read: ",
                                   strcmp(settings->command_name, "push") == 0
                                       ? "use </dev/null if no layer is meant"
                                       : NULL);
    }
    const char *hint = input_hint(err);
    return hint == NULL ? print_failure(err) : print_failure_about(err, "", hint);
}

static bool same_as_stdin(const struct stat *info)
{
    struct stat input;
    return fstat(STDIN_FILENO, &input) == 0 && input.st_dev == info->st_dev &&
           input.st_ino == info->st_ino;
}

static int descriptor_of(const char *path)
{
    return strcmp(path, "-") == 0 ? STDIN_FILENO : path_descriptor_number(path);
}

/* What can be read once only; a device may give any number of bytes. */
static bool is_stream(const char *path, struct stat *ret_info)
{
    int number = descriptor_of(path);
    bool found = (number >= 0 ? fstat(number, ret_info) : stat(path, ret_info)) == 0;
    mode_t mode = found ? ret_info->st_mode : S_IFDIR;
    return S_ISFIFO(mode) || S_ISSOCK(mode) || (S_ISREG(mode) && number >= 0);
}

static bool is_same_stream(const char *first, const struct stat *a, const char *second)
{
    struct stat b;
    return is_stream(second, &b) && a->st_dev == b.st_dev && a->st_ino == b.st_ino &&
           (!S_ISREG(b.st_mode) || descriptor_of(first) == descriptor_of(second));
}

int input_check_twice(const struct settings *settings, const char *first,
                      const struct item_list *args, size_t begin)
{
    struct stat info;
    bool is_once = is_stream(first, &info);
    for (size_t i = begin; is_once && i < args->count; i++) {
        const char *second = args->items[i].text;
        if (args->items[i].tag == ITEM_ARGUMENT && is_same_stream(first, &info, second)) {
            return usage_error(settings->command_name,
                               "%s and %s are the same stream, which can be read once only",
                               strcmp(first, "-") == 0 ? "stdin" : first,
                               strcmp(second, "-") == 0 ? "stdin" : second);
        }
    }
    return 0;
}

/* The data in a descriptor is read once, even if it is a file. */
static bool is_path(const char *path)
{
    return strcmp(path, "-") != 0 && path_descriptor_number(path) < 0;
}

/* True if the file begins like gzip, zstd or a skippable frame of zstd. */
static bool is_compressed(int fd)
{
    unsigned char magic[4] = { 0 };
    if (pread(fd, magic, sizeof magic, 0) != (ssize_t)sizeof magic) {
        return false;
    }
    bool frame = magic[1] == 0x2a && magic[2] == 0x4d && magic[3] == 0x18;
    return memcmp(magic, "\x1f\x8b", 2) == 0 || memcmp(magic, "\x28\xb5\x2f\xfd", 4) == 0 ||
           (frame && (magic[0] & 0xf0) == 0x50);
}

/* Whether the input is hashed before it is sent, so that a blob that the registry has is not sent.
 * Automatically only where nothing is compressed, because hashing then costs little more than
 * reading; and for --mount-from, because a blob can be mounted only when its digest is known. */
static bool look_first(const struct settings *settings, const char *path, int fd)
{
    if (!is_path(path) || settings->look_first == LOOK_FIRST_NEVER) {
        return false;
    }
    bool stored = settings->compress != NULL && strcmp(settings->compress, "none") == 0;
    return settings->look_first == LOOK_FIRST_ALWAYS || settings->mount_from != NULL || stored ||
           (!settings->raw && is_compressed(fd));
}

int32_t input_threads(const struct settings *settings)
{
    return settings->threads < 0    ? LPIPE_THREADS_DEFAULT
           : settings->threads == 0 ? LPIPE_THREADS_INLINE
                                    : (int32_t)settings->threads;
}

/* What progress calls the input: the last part of its path. */
static const char *input_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return strcmp(path, "-") == 0 ? "stdin" : slash != NULL && slash[1] != '\0' ? slash + 1 : path;
}

static bool title_is_possible(const char *text)
{
    size_t size = 0, left = TITLE_BYTES_MAX;
    for (; *text != '\0'; text += size, left -= size) {
        uint32_t code = 0;
        bool visible = false;
        size = lpipe_text_character(text, &code, &visible);
        if (size == 0 || size > left || !visible) {
            return false;
        }
    }
    return true;
}

/* The file name of a blob of an artifact, if the blob has the bytes of a named file. A name that no
 * title can have is left out. */
static const char *input_title(const struct settings *settings, const char *path)
{
    const char *name = input_name(path);
    bool is_kept = settings->raw && settings->artifact_type != NULL && settings->compress != NULL &&
                   strcmp(settings->compress, "none") == 0;
    return is_kept && is_path(path) && title_is_possible(name) ? name : NULL;
}

static struct lpipe_layer_options layer_options(const struct settings *settings, const char *name,
                                                bool look_first, lpipe_cancel *cancel)
{
    struct lpipe_layer_options options = LPIPE_LAYER_OPTIONS_INIT;
    options.compress = settings->compress;
    options.media_type = settings->media_type;
    options.memory_bytes_max = settings->memory_bytes_max;
    options.cancel = cancel;
    options.threads = input_threads(settings);
    options.spool_dir = settings->spool_dir;
    options.input_name = name;
    options.flags = (settings->raw ? LPIPE_LAYER_RAW : 0u) |
                    (settings->allow_truncated ? LPIPE_LAYER_ALLOW_TRUNCATED : 0u) |
                    (settings->allow_empty ? LPIPE_LAYER_ALLOW_EMPTY : 0u) |
                    (settings->allow_odd_entries ? LPIPE_LAYER_ALLOW_ODD_ENTRIES : 0u) |
                    (settings->format == LPIPE_FORMAT_DOCKER ? LPIPE_LAYER_DOCKER : 0u) |
                    (look_first ? LPIPE_LAYER_LOOK_FIRST : 0u);
    return options;
}

const char *input_directory_option(const struct settings *settings)
{
    return settings->owner != NULL        ? "--owner"
           : settings->prefix != NULL     ? "--prefix"
           : settings->chmod != NULL      ? "--chmod"
           : settings->excludes.count > 0 ? "--exclude"
                                          : NULL;
}

/* Returns an exit status. */
static int open_directory(const struct settings *settings, const char *path,
                          const struct lpipe_layer_options *options, lpipe_layer **ret_layer)
{
    struct lpipe_error err = { 0 };
    struct lpipe_directory_options wanted = LPIPE_DIRECTORY_OPTIONS_INIT;
    char *destination = NULL;
    const char **patterns = item_texts(&settings->excludes);
    if (patterns == NULL || !input_destination_pattern(settings, path, &destination)) {
        free(patterns);
        return print_errno(LPIPE_NO_MEMORY, errno, "cannot open input %s", path);
    }
    wanted.owner = settings->owner;
    wanted.prefix = settings->prefix;
    wanted.mode = settings->chmod;
    wanted.excludes = patterns;
    wanted.exclude_count = settings->excludes.count;
    if (destination != NULL) {
        patterns[wanted.exclude_count++] = destination;
        if (!settings->quiet) {
            print_message("%s: %s is left out, because this command writes there", path,
                          settings_argument(settings, 0));
        }
    }
    int status = lpipe_layer_new_directory_with(path, &wanted, options, ret_layer, &err);
    free(patterns);
    free(destination);
    return status == 0 ? 0 : print_failure(&err);
}

/* Reads the list of --prefetch; *ret_text is the caller's, NULL without that option. Returns an
 * exit status. */
static int read_prefetch(const struct settings *settings, char **ret_text)
{
    size_t size = 0;
    *ret_text = NULL;
    if (settings->prefetch == NULL) {
        return 0;
    }
    char *text = malloc(PREFETCH_BYTES_MAX + 1);
    if (text == NULL) {
        return print_errno(LPIPE_NO_MEMORY, errno, "cannot read --prefetch %s", settings->prefetch);
    }
    int code = option_file_read("--prefetch", settings->prefetch, text, PREFETCH_BYTES_MAX, &size);
    if (code == 0 && memchr(text, '\0', size) != NULL) {
        code =
            usage_error(settings->command_name, "--prefetch %s has a NUL byte", settings->prefetch);
    }
    if (code != 0) {
        free(text);
        return code;
    }
    text[size] = '\0';
    *ret_text = text;
    return 0;
}

/* The layer of an open file or directory; takes fd. Returns an exit status. */
static int open_layer(const struct settings *settings, const char *path, int fd, bool is_directory,
                      const struct lpipe_layer_options *options, lpipe_layer **ret_layer)
{
    struct lpipe_error err = { 0 };
    if (is_directory) {
        (void)close(fd);
        const char *directory = strcmp(path, "-") == 0 ? "/dev/stdin" : path;
        return open_directory(settings, directory, options, ret_layer);
    }
    /* takes fd in every case */
    return lpipe_layer_new_fd(fd, options, ret_layer, &err) == 0 ? 0 : print_failure(&err);
}

int input_open(const struct settings *settings, const char *path, lpipe_cancel *cancel,
               lpipe_layer **ret_layer)
{
    struct stat info;
    int fd = path_open(path);
    if (fd < 0 || fstat(fd, &info) != 0) {
        return print_errno(LPIPE_SOURCE_IO, errno, "cannot open input %s", path);
    }
    if (same_as_stdin(&info)) {
        int code = input_check_stdin(settings);
        if (code != 0) {
            (void)close(fd);
            return code;
        }
    }
    const char *directory_only = S_ISDIR(info.st_mode) ? NULL : input_directory_option(settings);
    if (directory_only != NULL) {
        (void)close(fd);
        return usage_error(settings->command_name, "%s is for directories, and %s is none",
                           directory_only, strcmp(path, "-") == 0 ? "stdin" : path);
    }
    struct lpipe_layer_options options =
        layer_options(settings, input_name(path), look_first(settings, path, fd), cancel);
    char *prefetch = NULL;
    int code = read_prefetch(settings, &prefetch);
    if (code != 0) {
        (void)close(fd);
        return code;
    }
    options.prefetch = prefetch;
    options.title = input_title(settings, path);
    code = open_layer(settings, path, fd, S_ISDIR(info.st_mode), &options, ret_layer);
    free(prefetch);
    return code;
}
