/* SPDX-License-Identifier: MIT */
/*
 * Buffers of malloc behind small objects, counted as foreign memory and freed by cleanups: as many
 * cycles come as for objects of that size, and the limit holds them, whoever runs the cleanups.
 *
 *   limited    1500 x 1 MB of garbage under 256 MiB, GOGC on or off; the same with a table of live
 *              ones; cleanups by the program itself, or by a thread that waits for them
 *   paced      no limit, GOGC=100: a small multiple of what is live
 *   counted    threads add and take back what others added, in all sizes: to the last byte
 *   off-heap   counts under the limit, but asks for no cycle below it; goals make room for it
 */
#include "stress.h"

#include <gait/foreign.h>
#include <gait/library.h>

#define MIB ((size_t)1 << 20)
#define BUFFER_BYTES MIB
#define BUFFERS (UNDER_TSAN || UNDER_ASAN ? 400 : 1500)
#define LIVE_MOST 64
#define LIMIT_BYTES (256 * MIB)

struct program {
    gait_heap *heap;
    gait_mutator *mutator;
    gait_kind kind;
    gait_word live[LIVE_MOST]; /* a frame's */
    struct gait_frame frame;
    pthread_t cleaner;
    bool has_cleaner;
};

static size_t resident_bytes(void) {
    FILE *file = fopen("/proc/self/statm", "r");
    unsigned long pages = 0;
    if (!file || fscanf(file, "%*u %lu", &pages) != 1)
        pages = 0;
    if (file)
        fclose(file);
    return pages * (size_t)sysconf(_SC_PAGESIZE);
}

static void buffer_free(gait_mutator *mutator, void *buffer) {
    free(buffer);
    gait_foreign_sub(mutator, BUFFER_BYTES);
}

static void *clean(void *argument) {
    struct program *program = argument;
    gait_mutator *mutator = attach(program->heap);
    while (gait_wait_finalizers(mutator, -1))
        gait_run_finalizers(mutator, 16);
    while (gait_run_finalizers(mutator, 16) > 0)
        ;
    gait_detach(mutator);
    return NULL;
}

static void program_begin(struct program *program, const char *gogc, const char *limit,
                          bool has_cleaner) {
    gait_config config;
    gait_config_init(&config);
    config.gogc = gogc;
    config.memory_limit = limit;
    *program = (struct program){.heap = heap_of(&config), .has_cleaner = has_cleaner};
    program->kind = kind_new(program->heap, (gait_kind_info){.name = "owner", .layout = GAIT_LEAF});
    program->mutator = attach(program->heap);
    gait_push_frame(program->mutator, &program->frame, program->live, LIVE_MOST);
    if (has_cleaner)
        program->cleaner = thread_start(clean, program);
}

static void program_end(struct program *program) {
    gait_pop_frame(program->mutator);
    memset(program->live, 0, sizeof program->live);
    gait_collect(program->mutator);
    if (program->has_cleaner) {
        gait_stop_finalizers(program->heap);
        gait_enter_native(program->mutator);
        pthread_join(program->cleaner, NULL);
        gait_leave_native(program->mutator);
    }
    while (gait_run_finalizers(program->mutator, 16) > 0)
        ;
    gait_stats stats = stats_of(program->heap);
    CHECK(stats.foreign_bytes == 0, "%" PRIu64 " bytes are left", stats.foreign_bytes);
    gait_detach(program->mutator);
    gait_heap_destroy(program->heap);
}

static gait_word owner_new(struct program *program) {
    gait_mutator *mutator = program->mutator;
    gait_word owner = (gait_word)allocate(mutator, program->kind, 32);
    struct gait_frame frame;
    gait_push_frame(mutator, &frame, &owner, 1);
    gait_foreign_add(mutator, BUFFER_BYTES);
    char *buffer = malloc(BUFFER_BYTES);
    CHECK(buffer, "malloc");
    memset(buffer, 1, BUFFER_BYTES);
    CHECK(gait_cleanup_add(mutator, (void *)owner, buffer_free, buffer) == 0, "gait_cleanup_add");
    gait_pop_frame(mutator);
    return owner;
}

/* While another thread that is preempted does not answer the collector, or runs no
 * cleanups, nobody waits for it, and the limit is passed (docs/design/control.md): on a busy
 * machine now and then. */
#define BEYOND_MOST (BUFFERS / 5)

/* Allocate buffers, of which live ones are kept. @return how often memory was beyond the limit. */
static size_t work(struct program *program, size_t live, gait_stats *most) {
    size_t resident = 0, beyond = 0, before = resident_bytes();
    most->foreign_bytes = 0;
    for (size_t i = 0; i < BUFFERS; i++) {
        gait_word owner = owner_new(program);
        if (live > 0)
            program->live[i % live] = owner;
        if (!program->has_cleaner)
            gait_run_finalizers(program->mutator, 1000);
        gait_stats stats = stats_of(program->heap);
        if (stats.foreign_bytes > most->foreign_bytes)
            *most = stats;
        size_t now = resident_bytes();
        resident = now > resident ? now : resident;
        bool resides =
            !UNDER_TSAN && !UNDER_ASAN; /* which have memory of their own for each byte */
        /* with what malloc keeps, the library's code and the program's own */
        beyond +=
            stats.total_bytes > LIMIT_BYTES || (resides && now > before + LIMIT_BYTES + 8 * MIB);
    }
    gait_stats stats = stats_of(program->heap);
    printf("  %zu live: foreign %" PRIu64 " MiB at most, in all %" PRIu64 ", resident %zu, %" PRIu64
           " cycles\n",
           live, most->foreign_bytes / MIB, stats.peak_total_bytes / MIB, resident / MIB,
           stats.cycles);
    fflush(stdout);
    return beyond;
}

static void limited_test(const char *gogc, size_t live, bool has_cleaner) {
    struct program program;
    gait_stats most;
    printf("limited, GOGC=%s, cleanups by %s\n", gogc, has_cleaner ? "a thread" : "the program");
    program_begin(&program, gogc, "256MiB", has_cleaner);
    size_t beyond = work(&program, live, &most);
    CHECK(beyond <= (has_cleaner ? BEYOND_MOST : 0), "beyond the limit %zu times of %d", beyond,
          BUFFERS);
    program_end(&program);
}

static void paced_test(size_t live) {
    struct program program;
    gait_stats most;
    printf("paced\n");
    program_begin(&program, "100", "off", false);
    work(&program, live, &most);
    /* twice what is live, and what is allocated while a busy machine keeps the collector waiting */
    CHECK(most.foreign_bytes <= (3 * live + 16) * MIB, "%" PRIu64 " bytes", most.foreign_bytes);
    gait_stats stats = stats_of(program.heap);
    uint64_t least = BUFFERS / (2 * live + 16);
    CHECK(stats.cycles >= least, "%" PRIu64 " cycles", stats.cycles);
    program_end(&program);
}

/* ---- Counting ---- */

#define THREADS 4
#define PLACES 64

static size_t places[PLACES]; /* bytes that somebody added, and nobody took back; atomic */

static void *count(void *argument) {
    gait_heap *heap = argument;
    uint64_t random = run.seed + (uint64_t)(uintptr_t)&random;
    gait_mutator *mutator = attach(heap);
    while (!time_is_up()) {
        size_t *place = &places[pick(&random, PLACES)];
        size_t bytes = pick(&random, 8) ? pick(&random, 100) + 1 : pick(&random, 200000) + 1;
        bool away = pick(&random, 4) == 0;
        if (away) {
            gait_enter_native(mutator);
            gait_heap_foreign_add(heap, bytes);
        } else {
            gait_foreign_add(mutator, bytes);
        }
        bytes = __atomic_exchange_n(place, bytes, __ATOMIC_ACQ_REL);
        if (away) {
            gait_heap_foreign_sub(heap, bytes);
            gait_leave_native(mutator);
        } else {
            gait_foreign_sub(mutator, bytes);
        }
        if (pick(&random, 1000) == 0) {
            gait_detach(mutator);
            mutator = attach(heap);
        }
    }
    gait_detach(mutator);
    return NULL;
}

static void counted_test(void) {
    printf("counted\n");
    gait_heap *heap = heap_new(0, NULL, "20");
    pthread_t threads[THREADS];
    run_for(run.seconds);
    for (int i = 0; i < THREADS; i++)
        threads[i] = thread_start(count, heap);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    uint64_t sum = 0;
    for (size_t i = 0; i < PLACES; i++)
        sum += places[i];
    gait_stats stats = stats_of(heap);
    printf("  %" PRIu64 " bytes, %" PRIu64 " cycles\n", stats.foreign_bytes, stats.cycles);
    CHECK(stats.foreign_bytes == sum, "%" PRIu64 " bytes of %" PRIu64, stats.foreign_bytes, sum);
    gait_heap_foreign_sub(heap, sum);
    CHECK(stats_of(heap).foreign_bytes == 0, "some are left");
    gait_heap_destroy(heap);
}

/* ---- Off-heap memory ---- */

static void offheap_test(void) {
    printf("off-heap\n");
    struct program program;
    program_begin(&program, "off", "64MiB", false);
    gait_stats before = stats_of(program.heap);
    for (size_t i = 0; i < 40; i++)
        gait_library_count(program.heap, (int64_t)MIB);
    gait_stats stats = stats_of(program.heap);
    CHECK(stats.offheap_bytes == 40 * MIB, "%" PRIu64 " bytes", stats.offheap_bytes);
    CHECK(stats.heap_goal_bytes + 39 * MIB <= before.heap_goal_bytes,
          "goal %" PRIu64 " -> %" PRIu64, before.heap_goal_bytes, stats.heap_goal_bytes);
    CHECK(stats.cycles == before.cycles, "%" PRIu64 " cycles", stats.cycles);
    /* so much garbage that it has to stay within the rest */
    for (size_t i = 0; i < 200 * MIB / 1024; i++)
        allocate(program.mutator, program.kind, 1024);
    stats = stats_of(program.heap);
    printf("  %" PRIu64 " MiB in all at most, %" PRIu64 " cycles\n", stats.peak_total_bytes / MIB,
           stats.cycles);
    CHECK(stats.peak_total_bytes <= 64 * MIB + MIB, "%" PRIu64 " bytes", stats.peak_total_bytes);
    for (size_t i = 0; i < 40 * MIB / 100 + 1; i++)
        gait_library_count(program.heap, i < 40 * MIB / 100 ? -100 : -(int64_t)(40 * MIB % 100));
    stats = stats_of(program.heap);
    CHECK(stats.offheap_bytes == 0, "%" PRIu64 " bytes", stats.offheap_bytes);
    CHECK(stats.heap_goal_bytes + MIB >= before.heap_goal_bytes, "goal %" PRIu64,
          stats.heap_goal_bytes);
    program_end(&program);
}

int main(int argc, char **argv) {
    run_begin(argc, argv, 1);
    limited_test("100", 0, false);
    limited_test("off", 0, false);
    limited_test("off", LIVE_MOST, false);
    limited_test("off", 0, true);
    limited_test("off", LIVE_MOST, true);
    paced_test(8);
    paced_test(LIVE_MOST);
    counted_test();
    offheap_test();
}
