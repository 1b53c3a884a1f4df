/* SPDX-License-Identifier: MIT */
/*
 * What the stress programs share: command line, checks, threads; random numbers: random.h.
 *
 *   program [SEED [SECONDS]]      (SEED 0: from the clock)
 *
 * Each prints its seed; a check that fails prints one line and ends the program with status 1.
 */
#ifndef STRESS_H
#define STRESS_H

#ifdef GAIT_CHECKS
#include "platform/perturb.h"
#define GAIT_BEFORE_STORE PERTURB(STORE)
#endif

#include <gait/gait.h>
#include <gait/stats.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "../random.h"

#define CHECK(condition, ...)                                                                      \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s:%d: %s: ", __FILE__, __LINE__, #condition);                        \
            fprintf(stderr, __VA_ARGS__);                                                          \
            fputc('\n', stderr);                                                                   \
            _exit(1);                                                                              \
        }                                                                                          \
    } while (0)

/* A sanitizer makes marking many times as slow, and allocation less: a heap that half of the CPU
 * can hold without one, it can't. Bounds that rest on that hold in builds without. */
#define MARKS_SLOWLY (UNDER_ASAN || UNDER_TSAN)

/* ---- The run ---- */

struct run {
    uint64_t seed;
    double seconds;
    int64_t end_ns;
};

static struct run run;

static inline int64_t now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static inline bool time_is_up(void) { return now_ns() >= run.end_ns; }

/** Give the parts of a program that has several a time each. */
static inline void run_for(double seconds) { run.end_ns = now_ns() + (int64_t)(seconds * 1e9); }

static inline void run_begin(int argc, char **argv, double seconds) {
    run.seed = argc > 1 ? strtoull(argv[1], NULL, 0) : 0;
    if (run.seed == 0)
        run.seed = (uint64_t)now_ns();
    run.seconds = argc > 2 ? atof(argv[2]) : seconds;
    printf("%s: seed %" PRIu64 ", %g s\n", argv[0], run.seed, run.seconds);
    fflush(stdout);
    run_for(run.seconds);
}

static inline void sleep_us(long us) {
    struct timespec time = {us / 1000000, us % 1000000 * 1000};
    nanosleep(&time, NULL);
}

static inline pthread_t thread_start(void *(*body)(void *), void *argument) {
    pthread_t thread;
    int error = pthread_create(&thread, NULL, body, argument);
    CHECK(error == 0, "pthread_create: %s", strerror(error));
    return thread;
}

/* ---- Heaps ---- */

/** The heap of a configuration, or the end of the program. */
static inline gait_heap *heap_of(const gait_config *config) {
    char error[256];
    gait_heap *heap = gait_heap_create(config, error, sizeof error);
    CHECK(heap, "%s", error);
    return heap;
}

/** Whether there are minor cycles: as the environment says, but on where debug words say how many.
 */
static inline const char *minor_of(const char *debug) {
    return debug && strstr(debug, "gcminor=") ? "on" : NULL;
}

/** A heap, or the end of the program. debug, gogc: NULL for the default. */
static inline gait_heap *heap_new(uint32_t flags, const char *debug, const char *gogc) {
    gait_config config;
    gait_config_init(&config);
    config.flags = flags;
    config.debug = debug;
    config.minor = minor_of(debug);
    config.gogc = gogc;
    return heap_of(&config);
}

static inline gait_kind kind_new(gait_heap *heap, gait_kind_info info) {
    int kind = gait_kind_register(heap, &info);
    CHECK(kind >= 0, "kind %s: %d", info.name, kind);
    return (gait_kind)kind;
}

static inline gait_mutator *attach(gait_heap *heap) {
    gait_mutator *mutator = gait_attach(heap);
    CHECK(mutator, "gait_attach");
    return mutator;
}

static inline void *allocate(gait_mutator *mutator, gait_kind kind, size_t bytes) {
    void *object = gait_alloc(mutator, kind, bytes);
    CHECK(object, "no memory for %zu bytes", bytes);
    return object;
}

static inline gait_stats stats_of(gait_heap *heap) {
    gait_stats stats = {.struct_bytes = sizeof stats};
    CHECK(gait_read_stats(heap, &stats) == 0, "gait_read_stats");
    return stats;
}

/** Read a reference slot that other threads may be storing to. */
static inline gait_word slot_load(const gait_word *slot) {
    return __atomic_load_n(slot, __ATOMIC_ACQUIRE); /* pairs with gait_store */
}

#endif
