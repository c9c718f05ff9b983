/* SPDX-License-Identifier: Apache-2.0 */
#include "password.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "print.h"
#include "stop_signal.h"

#define SECRET_BYTES_MAX ((size_t)65536) /* with its line end */

void password_free(char *secret)
{
    if (secret != NULL) {
        explicit_bzero(secret, strlen(secret));
        free(secret);
    }
}

/* Removes one line end. The rest must be one line of text. */
static int check_secret(char *secret, size_t size, const char *from)
{
    if (size > 0 && secret[size - 1] == '\n') {
        secret[--size] = '\0';
    }
    if (size > 0 && secret[size - 1] == '\r') {
        secret[--size] = '\0';
    }
    if (size == 0) {
        print_message("the password from %s is empty", from);
        return EXIT_USAGE;
    }
    if (size >= SECRET_BYTES_MAX) {
        print_message("the password from %s is longer than %zu bytes", from, SECRET_BYTES_MAX - 1);
        return EXIT_USAGE;
    }
    if (strlen(secret) != size || strpbrk(secret, "\r\n") != NULL) {
        print_message("the password from %s is not one line of text", from);
        return EXIT_USAGE;
    }
    return 0;
}

/* Reads to the end of the file; with one_line, to the end of the line. */
static int read_secret(int fd, bool one_line, const char *from, char **ret_secret)
{
    char *secret = calloc(1, SECRET_BYTES_MAX + 1);
    size_t size = 0;
    ssize_t done = 0;
    if (secret == NULL) {
        print_message("out of memory");
        return EXIT_RESOURCES;
    }
    do {
        if (stop_signal_wait_readable(fd, -1) == STOP_SIGNAL_RECEIVED) {
            password_free(secret);
            print_message("interrupted by %s", stop_signal_name());
            return EXIT_OTHER;
        }
        done = read(fd, secret + size, SECRET_BYTES_MAX - size);
        size += done > 0 ? (size_t)done : 0;
        if (one_line && size > 0 && secret[size - 1] == '\n') {
            break;
        }
    } while ((done > 0 && size < SECRET_BYTES_MAX) || (done < 0 && errno == EINTR));
    int code = 0;
    if (done < 0) {
        print_message("cannot read the password from %s: %s", from, strerror(errno));
        code = EXIT_USAGE;
    } else {
        code = check_secret(secret, size, from);
    }
    if (code != 0) {
        explicit_bzero(secret, SECRET_BYTES_MAX);
        free(secret);
        return code;
    }
    *ret_secret = secret;
    return 0;
}

int password_read(const struct settings *settings, char **ret_password)
{
    bool by_fd = settings->password_fd >= 0;
    lpipe_cancel *cancel;
    struct lpipe_error err = { 0 };
    if (by_fd && settings->password_stdin) {
        return usage_error(settings->command_name,
                           "--password-stdin and --password-fd cannot be used together");
    }
    if (settings->anonymous && (settings->username != NULL || by_fd || settings->password_stdin)) {
        return usage_error(settings->command_name,
                           "--anonymous cannot be used together with a user name or password");
    }
    if (!by_fd && !settings->password_stdin) {
        return settings->username == NULL
                   ? 0
                   : usage_error(settings->command_name,
                                 "--username needs --password-stdin or --password-fd");
    }
    if (settings->username == NULL) {
        return usage_error(settings->command_name,
                           "--password-stdin and --password-fd need --username");
    }
    if (stop_signal_install(&cancel, &err) != 0) {
        return print_failure(&err);
    }
    int fd = by_fd ? (int)settings->password_fd : STDIN_FILENO;
    return read_secret(fd, false, by_fd ? "--password-fd" : "stdin", ret_password);
}

bool prompt_is_possible(void)
{
    return isatty(STDIN_FILENO) == 1 && isatty(STDERR_FILENO) == 1;
}

int prompt_read(const char *question, bool echo, char **ret_answer)
{
    struct termios before, silent;
    lpipe_cancel *cancel;
    struct lpipe_error err = { 0 };
    if (stop_signal_install(&cancel, &err) != 0) {
        return print_failure(&err);
    }
    if (tcgetattr(STDIN_FILENO, &before) != 0) {
        print_message("cannot read the terminal's settings: %s", strerror(errno));
        return EXIT_OTHER;
    }
    /* Before the question: this drops what was typed already, and the answer must not be
     * dropped. */
    if (!echo) {
        silent = before;
        silent.c_lflag &= ~(tcflag_t)ECHO;
        (void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent);
    }
    (void)fprintf(stderr, "%s: ", question);
    int code = read_secret(STDIN_FILENO, true, "the terminal", ret_answer);
    if (!echo) {
        (void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
        (void)fputc('\n', stderr);
    }
    return code;
}
