/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include "py_blocking.h"

/* A signal that another thread has got does not wake the main thread, so it looks now and then. */
#define SIGNAL_CHECK_MS 100

struct blocking {
    blocking_fn *run;
    void *state;
    struct lpipe_error err;
    int status;
    sem_t ended;
};

static void *helper_thread(void *arg)
{
    struct blocking *call = arg;
    call->status = call->run(call->state, &call->err);
    (void)sem_post(&call->ended);
    return NULL;
}

static bool is_main_thread(void)
{
    return gettid() == getpid();
}

/* Starts the helper thread with all signals blocked: the main thread gets them. */
static int helper_start(struct blocking *call, pthread_t *ret_thread)
{
    sigset_t all, before;
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    int status = pthread_create(ret_thread, NULL, helper_thread, call);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return status;
}

/* Waits until the call has ended or a signal has arrived. */
static bool helper_has_ended(struct blocking *call)
{
    struct timespec until;
    (void)clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += SIGNAL_CHECK_MS * 1000000L;
    until.tv_sec += until.tv_nsec / 1000000000L;
    until.tv_nsec %= 1000000000L;
    return sem_timedwait(&call->ended, &until) == 0;
}

/* Returns the exception of a signal handler, or NULL. */
static PyObject *helper_wait(struct blocking *call, struct py_client *client)
{
    PyObject *raised = NULL;
    bool ended = false;
    while (!ended) {
        Py_BEGIN_ALLOW_THREADS;
        ended = helper_has_ended(call);
        Py_END_ALLOW_THREADS;
        if (raised == NULL && PyErr_CheckSignals() != 0) {
            raised = exception_take();
            lpipe_cancel_trigger(client->cancel);
        }
    }
    return raised;
}

/* Runs the call in this thread if it is not the main thread, or if there can be no other one. */
static PyObject *run_call(struct blocking *call, struct py_client *client)
{
    pthread_t thread;
    if (!is_main_thread() || sem_init(&call->ended, 0, 0) != 0) {
        Py_BEGIN_ALLOW_THREADS;
        call->status = call->run(call->state, &call->err);
        Py_END_ALLOW_THREADS;
        return NULL;
    }
    PyObject *raised = NULL;
    int status = helper_start(call, &thread);
    if (status == 0) {
        raised = helper_wait(call, client);
        (void)pthread_join(thread, NULL);
    } else {
        call->status = LPIPE_NO_RESOURCES;
        call->err = (struct lpipe_error){ .status = LPIPE_NO_RESOURCES,
                                          .sys_errno = status,
                                          .offset = UINT64_MAX,
                                          .message = "a thread cannot be started" };
    }
    (void)sem_destroy(&call->ended);
    return raised;
}

/* The exception that is raised: of a signal handler, else of a callback. The other ones are
 * dropped. */
static PyObject *choose_exception(PyObject *raised, PyObject **of_client, PyObject **of_caller)
{
    PyObject **all[] = { of_client, of_caller };
    for (size_t i = 0; i < 2; i++) {
        PyObject *exception = all[i] == NULL ? NULL : *all[i];
        if (exception != NULL) {
            *all[i] = NULL;
            if (raised == NULL) {
                raised = exception;
            } else {
                Py_DECREF(exception);
            }
        }
    }
    return raised;
}

bool blocking_call(struct py_client *client, blocking_fn *run, void *state, PyObject **failure)
{
    struct blocking call = { .run = run, .state = state };
    client_use(client);
    PyObject *raised = choose_exception(run_call(&call, client), &client->failure, failure);
    client_release(client);
    if (raised != NULL) {
        exception_raise(raised);
        return false;
    }
    return status_check(call.status, &call.err);
}
