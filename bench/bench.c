/* SPDX-License-Identifier: MIT */
/*
 * Parameters, figures, clock, and the thread that spins. Knows no peer: a spinning thread that is
 * started here is a stranger to every collector.
 */
#include "bench.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "main.h"

struct bench_start bench_start; /* constant after main.c has set it */
static char **parameters; /* name=value, NULL-terminated; constant after bench_set_parameters */

void bench_set_parameters(char **arguments) { parameters = arguments; }

_Noreturn void bench_die(const char *what) {
    fprintf(stderr, "bench: %s\n", what);
    exit(2);
}

const char *bench_parameter_text(const char *name, const char *otherwise) {
    size_t length = strlen(name);
    for (char **argument = parameters; *argument; argument++)
        if (strncmp(*argument, name, length) == 0 && (*argument)[length] == '=')
            return *argument + length + 1;
    return otherwise;
}

uint64_t bench_parameter(const char *name, uint64_t otherwise) {
    const char *text = bench_parameter_text(name, NULL);
    if (!text)
        return otherwise;
    char *end;
    uint64_t value = strtoull(text, &end, 10);
    if (end == text || *end)
        bench_die("a parameter is not a number");
    return value;
}

void bench_figure(const char *name, double value) { printf("%s %.9g\n", name, value); }

static int compare_doubles(const void *left, const void *right) {
    double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

void bench_spread(const char *name, double *values, size_t count) {
    qsort(values, count, sizeof *values, compare_doubles);
    double median = (values[(count - 1) / 2] + values[count / 2]) / 2;
    bench_figure(name, median);
    printf("%s_min %.9g\n%s_max %.9g\n", name, values[0], name, values[count - 1]);
}

uint64_t bench_now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* A field of /proc/self/statm or /proc/self/stat, counted from 0. */
static double proc_field(const char *path, unsigned field) {
    char text[1024] = "", *at = text;
    FILE *file = fopen(path, "r");
    if (!file || !fgets(text, sizeof text, file))
        bench_die("a file of /proc can't be read");
    fclose(file);
    for (; field && at; field--) {
        at = strchr(at, ' ');
        at = at ? at + 1 : NULL;
    }
    if (!at)
        bench_die("a file of /proc has too few fields");
    return strtod(at, NULL);
}

double bench_rss_mib(void) {
    return proc_field("/proc/self/statm", 1) * (double)sysconf(_SC_PAGESIZE) / (1 << 20);
}

double bench_threads(void) { return proc_field("/proc/self/stat", 19); }

/* The fastest of many short trials: what disturbs a trial only makes it slower. */
uint64_t bench_work_steps(uint64_t duration_ns) {
    enum { TRIAL_STEPS = 20000, TRIALS = 200 };
    uint64_t best_ns = UINT64_MAX;
    for (int i = 0; i < TRIALS; i++) {
        uint64_t start_ns = bench_now_ns();
        bench_work(TRIAL_STEPS);
        uint64_t took_ns = bench_now_ns() - start_ns;
        if (took_ns < best_ns)
            best_ns = took_ns;
    }
    return duration_ns * TRIAL_STEPS / best_ns;
}

static void *spin(void *unused) {
    for (;;)
        bench_work(1000);
    return unused;
}

void bench_spin_start(void) {
    pthread_t thread;
    if (pthread_create(&thread, NULL, spin, NULL))
        bench_die("no thread");
    pthread_detach(thread);
}
