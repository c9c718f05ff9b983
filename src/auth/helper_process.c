/* SPDX-License-Identifier: Apache-2.0 */
#include "auth/helper_process.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "base/cancel.h"
#include "base/clock.h"
#include "base/fd.h"

/* How often the child is checked when the kernel has no pidfd. */
#define LOOK_MS 20

/* A running helper. It is not reaped before helper_end(), so its process ID stays valid. */
struct helper {
    const char *path;
    pid_t pid;
    int pid_fd; /* readable when it has ended; -1 = not known to this kernel */
    int out_fd;
};

/* A pipe whose descriptors are greater than 2, because the child replaces 0 to 2. */
static int make_pipe(int *ret_read, int *ret_write, struct lpipe_error *err)
{
    int fds[2] = { -1, -1 };
    if (pipe2(fds, O_CLOEXEC) == 0) {
        for (int i = 0; i < 2; i++) {
            int moved = fcntl(fds[i], F_DUPFD_CLOEXEC, 3);
            int saved = errno;
            close(fds[i]);
            errno = saved;
            fds[i] = moved;
        }
    }
    if (fds[0] < 0 || fds[1] < 0) {
        int saved = errno;
        fd_close(&fds[0]);
        fd_close(&fds[1]);
        return fail_errno(err, LPIPE_NO_RESOURCES, saved, "cannot make a pipe for a helper");
    }
    *ret_read = fds[0];
    *ret_write = fds[1];
    return 0;
}

/* A pipe that already contains the whole input. Nothing is written while the child runs, so
 * there is no SIGPIPE, and a child that does not read cannot block us. */
static int make_input(const struct buf *input, int *ret_fd, struct lpipe_error *err)
{
    AUTO_FD int read_fd = -1;
    AUTO_FD int write_fd = -1;
    int status = make_pipe(&read_fd, &write_fd, err);
    if (status != 0) {
        return status;
    }
    if (input->size > 4096) {
        (void)fcntl(write_fd, F_SETPIPE_SZ, (int)input->size);
    }
    (void)fcntl(write_fd, F_SETFL, O_NONBLOCK);
    if (write(write_fd, input->data, input->size) != (ssize_t)input->size) {
        return fail(err, LPIPE_NO_RESOURCES, "cannot give a helper %zu bytes at once", input->size);
    }
    *ret_fd = TAKE_FD(read_fd);
    return 0;
}

#ifdef HAVE_SPAWN_CLOSEFROM
static int close_others(posix_spawn_file_actions_t *actions)
{
    return posix_spawn_file_actions_addclosefrom_np(actions, 3);
}
#else
/* musl has no such action, so the helper closes each descriptor that is open now. What another
 * thread opens from now on must be closed on exec, as it is everywhere in this library. */
static int close_others(posix_spawn_file_actions_t *actions)
{
    DIR *open_now = opendir("/proc/self/fd");
    int code = open_now == NULL ? errno : 0;
    const struct dirent *entry = NULL;
    while (code == 0 && (entry = readdir(open_now)) != NULL) {
        int fd = atoi(entry->d_name);
        code = fd >= 3 ? posix_spawn_file_actions_addclose(actions, fd) : 0;
    }
    if (open_now != NULL) {
        (void)closedir(open_now);
    }
    return code;
}
#endif

static int set_actions(posix_spawn_file_actions_t *actions, int in_fd, int out_fd)
{
    int code = posix_spawn_file_actions_adddup2(actions, in_fd, STDIN_FILENO);
    code = code == 0 ? posix_spawn_file_actions_adddup2(actions, out_fd, STDOUT_FILENO) : code;
    code = code == 0
               ? posix_spawn_file_actions_addopen(actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0)
               : code;
    return code == 0 ? close_others(actions) : code;
}

/* Its own process group, default signal handlers, no blocked signals. */
static int set_attributes(posix_spawnattr_t *attributes)
{
    sigset_t all;
    sigset_t none;
    sigfillset(&all);
    sigemptyset(&none);
    int code = posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF |
                                                        POSIX_SPAWN_SETSIGMASK);
    code = code == 0 ? posix_spawnattr_setpgroup(attributes, 0) : code;
    code = code == 0 ? posix_spawnattr_setsigdefault(attributes, &all) : code;
    return code == 0 ? posix_spawnattr_setsigmask(attributes, &none) : code;
}

static int spawn(struct helper *helper, const char *action, int in_fd, int out_fd)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    /* posix_spawn() does not change the arguments, but its prototype has no const. */
    char path[4096];
    char argument[16];
    int code = strlen(helper->path) < sizeof path ? 0 : ENAMETOOLONG;
    if (code != 0 || (code = posix_spawn_file_actions_init(&actions)) != 0) {
        return code;
    }
    if ((code = posix_spawnattr_init(&attributes)) != 0) {
        posix_spawn_file_actions_destroy(&actions);
        return code;
    }
    strcpy(path, helper->path);
    strncpy(argument, action, sizeof argument - 1);
    argument[sizeof argument - 1] = '\0';
    char *const arguments[] = { path, argument, NULL };
    code = set_actions(&actions, in_fd, out_fd);
    code = code == 0 ? set_attributes(&attributes) : code;
    code = code == 0 ? posix_spawn(&helper->pid, path, &actions, &attributes, arguments, environ)
                     : code;
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    return code;
}

static int helper_begin(struct helper *helper, const char *action, const struct buf *input,
                        struct lpipe_error *err)
{
    AUTO_FD int in_fd = -1;
    AUTO_FD int out_read = -1;
    AUTO_FD int out_write = -1;
    int status = make_input(input, &in_fd, err);
    status = status == 0 ? make_pipe(&out_read, &out_write, err) : status;
    if (status != 0) {
        return status;
    }
    int code = spawn(helper, action, in_fd, out_write);
    if (code != 0) {
        return fail_errno(err, LPIPE_AUTH_REQUIRED, code, "cannot run %s", helper->path);
    }
    helper->pid_fd = (int)syscall(SYS_pidfd_open, helper->pid, 0);
    helper->out_fd = TAKE_FD(out_read);
    (void)fcntl(helper->out_fd, F_SETFL, O_NONBLOCK);
    return 0;
}

/* True when the child has ended; it is not reaped by this. */
static bool has_ended(const struct helper *helper)
{
    siginfo_t info = { .si_pid = 0 };
    int code = waitid(P_PID, (id_t)helper->pid, &info, WEXITED | WNOHANG | WNOWAIT);
    return code != 0 || info.si_pid == helper->pid;
}

/* Kills the process group and returns the exit status. */
static int helper_end(struct helper *helper)
{
    int status = 0;
    pid_t pid = 0;
    (void)kill(-helper->pid, SIGKILL);
    do {
        pid = waitpid(helper->pid, &status, 0);
    } while (pid < 0 && errno == EINTR);
    fd_close(&helper->out_fd);
    fd_close(&helper->pid_fd);
    if (pid < 0) {
        return -1; /* the calling program reaps all children itself, so the status is lost */
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* Reads available output. 1 = more may come, 0 = the end, or a failure. */
static int read_some(struct helper *helper, struct buf *output, struct lpipe_error *err)
{
    char part[4096];
    ssize_t size = read(helper->out_fd, part, sizeof part);
    if (size < 0) {
        return errno == EAGAIN || errno == EINTR ? 1
                                                 : fail_errno(err, LPIPE_AUTH_REQUIRED, errno,
                                                              "cannot read from %s", helper->path);
    }
    int status = buf_append(output, part, (size_t)size);
    explicit_bzero(part, sizeof part);
    if (status == LPIPE_NO_MEMORY) {
        return fail_memory(err);
    }
    if (status != 0) {
        return fail(err, LPIPE_AUTH_REQUIRED, "%s writes more than %zu bytes", helper->path,
                    output->size_max);
    }
    return size > 0;
}

static int wait_for_more(const struct helper *helper, int out_fd, uint64_t end_ms,
                         lpipe_cancel *cancel, struct lpipe_error *err)
{
    struct pollfd wait[3] = {
        { .fd = out_fd, .events = POLLIN },
        { .fd = helper->pid_fd, .events = POLLIN },
        { .fd = cancel_fd(cancel), .events = POLLIN },
    };
    uint64_t now = clock_ms();
    if (cancel_requested(cancel)) {
        return fail_cancelled(err);
    }
    if (now >= end_ms) {
        return fail(err, LPIPE_AUTH_REQUIRED, "%s did not answer in time", helper->path);
    }
    uint64_t left = MIN_OF(end_ms - now, (uint64_t)60000);
    (void)poll(wait, 3, (int)(helper->pid_fd < 0 ? MIN_OF(left, (uint64_t)LOOK_MS) : left));
    return 0;
}

/* Collects the output until the child has ended. Does not wait for a grandchild that keeps the pipe
 * open. */
static int collect(struct helper *helper, uint64_t end_ms, lpipe_cancel *cancel, struct buf *output,
                   struct lpipe_error *err)
{
    bool open = true;
    for (;;) {
        bool ended = has_ended(helper);
        size_t before = output->size;
        int found = open ? read_some(helper, output, err) : 0;
        if (found < 0) {
            return found;
        }
        open = found == 1;
        if (output->size > before) {
            continue; /* there may be more at once */
        }
        if (ended) {
            return 0;
        }
        int status = wait_for_more(helper, open ? helper->out_fd : -1, end_ms, cancel, err);
        if (status != 0) {
            return status;
        }
    }
}

int helper_process_run(const char *path, const char *action, const struct buf *input,
                       uint64_t deadline_ms, lpipe_cancel *cancel, struct buf *output,
                       int *ret_exit, struct lpipe_error *err)
{
    struct helper helper = { .path = path, .pid = -1, .pid_fd = -1, .out_fd = -1 };
    uint64_t end_ms = clock_ms() + deadline_ms;
    int status = helper_begin(&helper, action, input, err);
    if (status != 0) {
        return status;
    }
    status = collect(&helper, end_ms, cancel, output, err);
    int code = helper_end(&helper);
    if (status == 0 && code < 0) {
        return fail(err, LPIPE_AUTH_REQUIRED,
                    "the exit status of %s was taken by another part of this process", path);
    }
    if (status == 0) {
        *ret_exit = code;
    }
    return status;
}
