/* SPDX-License-Identifier: Apache-2.0 */
#include "stop.h"

#include <poll.h>
#include <signal.h>
#include <stddef.h>

static const int stop_signals[] = { SIGINT, SIGTERM, SIGHUP };
#define STOP_SIGNALS (sizeof stop_signals / sizeof stop_signals[0])

/* Written by the handler, which may do little else. */
static volatile sig_atomic_t seen;
static lpipe_cancel *token;

static void on_signal(int number)
{
    if (seen != 0) {
        /* Blocked until the handler returns, so the process ends right then. */
        (void)signal(number, SIG_DFL);
        (void)raise(number);
        return;
    }
    seen = number;
    lpipe_cancel_trigger(token);
}

int stop_begin(lpipe_cancel **ret_cancel, struct lpipe_error *err)
{
    if (token == NULL) {
        int code = lpipe_cancel_new(&token, err);
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
    *ret_cancel = token;
    return 0;
}

int stop_signal(void)
{
    return (int)seen;
}

const char *stop_signal_name(void)
{
    switch (seen) {
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

bool stop_wait_readable(int fd)
{
    sigset_t blocked, before;
    (void)sigemptyset(&blocked);
    for (size_t i = 0; i < STOP_SIGNALS; i++) {
        (void)sigaddset(&blocked, stop_signals[i]);
    }
    /* Blocked between the test and the wait: no signal can fall into the gap. */
    (void)sigprocmask(SIG_BLOCK, &blocked, &before);
    struct pollfd wait = { .fd = fd, .events = POLLIN };
    while (seen == 0 && ppoll(&wait, 1, NULL, &before) < 0) {
    }
    (void)sigprocmask(SIG_SETMASK, &before, NULL);
    return seen == 0;
}

int stop_exit(int status)
{
    if (seen != 0 && status != 0) {
        sigset_t one;
        (void)sigemptyset(&one);
        (void)sigaddset(&one, (int)seen);
        (void)signal((int)seen, SIG_DFL);
        (void)sigprocmask(SIG_UNBLOCK, &one, NULL);
        (void)raise((int)seen);
    }
    return status;
}
