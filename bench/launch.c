/* SPDX-License-Identifier: Apache-2.0 */
/* Runs a program and writes its wall seconds, CPU seconds and peak memory in KiB to a file.
 *   launch REPORT PROGRAM [ARGUMENT...]
 * The peak memory of a child includes the memory of its parent at the time of fork(). This
 * program is small, so the peak is that of the measured program. */
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double seconds(const struct timeval *time)
{
    return (double)time->tv_sec + (double)time->tv_usec * 1e-6;
}

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

int main(int argc, char **argv)
{
    struct rusage usage = { 0 };
    int status = 0;
    if (argc < 3) {
        return 2;
    }
    double start = now();
    pid_t child = fork();
    if (child == 0) {
        execvp(argv[2], argv + 2);
        _exit(127);
    }
    if (child < 0 || wait4(child, &status, 0, &usage) != child) {
        return 1;
    }
    double wall = now() - start;
    FILE *report = fopen(argv[1], "w");
    if (report == NULL) {
        return 1;
    }
    fprintf(report, "%.6f %.6f %ld\n", wall, seconds(&usage.ru_utime) + seconds(&usage.ru_stime),
            usage.ru_maxrss);
    fclose(report);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
