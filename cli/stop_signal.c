/* SPDX-License-Identifier: Apache-2.0 */
#include "stop_signal.h"

#include <poll.h>
#include <signal.h>
#include <stddef.h>

static const int stop_signals[] = { SIGINT, SIGTERM, SIGHUP };
#define STOP_SIGNALS (sizeof stop_signals / sizeof stop_signals[0])

/* The only data that the handler writes. */
static volatile sig_atomic_t received;
static lpipe_cancel *cancel_token;

static void on_signal(int number)
{
    if (received != 0) {
        /* The signal is blocked until the handler returns; then it ends the process. */
        (void)signal(number, SIG_DFL);
        (void)raise(number);
        return;
    }
    received = number;
    lpipe_cancel_trigger(cancel_token);
}

int stop_signal_install(lpipe_cancel **ret_cancel, struct lpipe_error *err)
{
    if (cancel_token == NULL) {
        int code = lpipe_cancel_new(&cancel_token, err);
        if (code != 0) {
            return code;
        }
        struct sigaction action = { .sa_handler = on_signal };
        (void)sigemptyset(&action.sa_mask);
        for (size_t i = 0; i < STOP_SIGNALS; i++) {
            struct sigaction old;
            if (sigaction(stop_signals[i], NULL, &old) == 0 && old.sa_handler != SIG_IGN) {
                (void)sigaction(stop_signals[i], &action, NULL);
            }
        }
    }
    *ret_cancel = cancel_token;
    return 0;
}

int stop_signal_received(void)
{
    return (int)received;
}

const char *stop_signal_name(void)
{
    switch (received) {
    case SIGINT:
        return "SIGINT";
    case SIGTERM:
        return "SIGTERM";
    case SIGHUP:
        return "SIGHUP";
    default:
        return "a signal";
    }
}

enum stop_signal_wait stop_signal_wait_readable(int fd, int timeout_ms)
{
    sigset_t blocked, before;
    (void)sigemptyset(&blocked);
    for (size_t i = 0; i < STOP_SIGNALS; i++) {
        (void)sigaddset(&blocked, stop_signals[i]);
    }
    /* The signals are blocked except in ppoll(): none can arrive unseen between test and wait. */
    (void)sigprocmask(SIG_BLOCK, &blocked, &before);
    struct pollfd wait = { .fd = fd, .events = POLLIN };
    const struct timespec limit = { timeout_ms / 1000, timeout_ms % 1000 * 1000000L };
    int ready = -1;
    while (received == 0 && ready < 0) {
        ready = ppoll(&wait, 1, timeout_ms < 0 ? NULL : &limit, &before);
    }
    (void)sigprocmask(SIG_SETMASK, &before, NULL);
    return received != 0 ? STOP_SIGNAL_RECEIVED
           : ready == 0  ? STOP_SIGNAL_TIMEOUT
                         : STOP_SIGNAL_READABLE;
}

int stop_signal_exit(int status)
{
    if (received != 0 && status != 0) {
        sigset_t one;
        (void)sigemptyset(&one);
        (void)sigaddset(&one, (int)received);
        (void)signal((int)received, SIG_DFL);
        (void)sigprocmask(SIG_UNBLOCK, &one, NULL);
        (void)raise((int)received);
    }
    return status;
}
