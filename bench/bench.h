/* SPDX-License-Identifier: MIT */
/*
 * What the workloads share: parameters, figures, clock, random numbers, threads.
 *
 * A program runs one workload, `bench-PEER WORKLOAD name=value …`, and prints its figures on
 * stdout, one `name value` a line. Wall time, CPU time and peak RSS are taken from outside.
 */
#ifndef BENCH_BENCH_H
#define BENCH_BENCH_H

#include <stddef.h>
#include <stdint.h>

/* The workloads: each in the file of its name. */
void trees_main(void);
void mark_main(void);
void alloc_main(void);
void churn_main(void);
void gcbench_main(void);
void objects_main(void);
void parser_main(void);
void list_main(void);
void fill_main(void);
void persistent_main(void);
void queue_main(void);
void cache_main(void);
void documents_main(void);
void texts_main(void);
void mutate_main(void);
void weak_main(void);
void sizes_main(void);
void words_main(void);
void store_main(void);
void start_main(void);

/** End the program with one line. */
_Noreturn void bench_die(const char *what);

/** The parameter of this name from the command line, or its default. */
uint64_t bench_parameter(const char *name, uint64_t otherwise);
const char *bench_parameter_text(const char *name, const char *otherwise);

/** Print a figure. */
void bench_figure(const char *name, double value);

/** Print median, minimum and maximum as NAME, NAME_min, NAME_max. Sorts values. */
void bench_spread(const char *name, double *values, size_t count);

/** CLOCK_MONOTONIC. */
uint64_t bench_now_ns(void);

/** RSS of the process. */
double bench_rss_mib(void);

/** How many threads the process has. */
double bench_threads(void);

/** What the start of the memory manager took; set by main.c before a workload runs. */
extern struct bench_start { double took_us, rss_before_mib; } bench_start;

/** The next number of an xorshift generator; *state is never 0. */
static inline uint64_t bench_random(uint64_t *state) {
    uint64_t x = *state;
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    return *state = x;
}

/** Compute for `steps` steps without touching memory. */
static inline void bench_work(uint64_t steps) {
    uint64_t state = steps | 1;
    for (uint64_t i = 0; i < steps; i++) {
        bench_random(&state);
        __asm__ volatile("" : "+r"(state));
    }
}

/** How many steps of bench_work take this long. */
uint64_t bench_work_steps(uint64_t duration_ns);

/** Keep the compiler from dropping what leads to this object. */
static inline void bench_keep(const void *object) {
    __asm__ volatile("" : : "r"(object) : "memory");
}

/** Start a thread that only spins, and that no collector knows of, until the process ends. */
void bench_spin_start(void);

#endif
