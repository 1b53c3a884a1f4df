/* SPDX-License-Identifier: MIT */
/*
 * Notices: that each change is told of once, whoever brings it about. Those of the limiter:
 * tests/unit/notices_test.c.
 *
 *   together    threads pass the threshold at one time, by objects, foreign, off-heap and arena
 *               memory: one notice; another after memory has fallen, and not before
 *   allocates   the callback allocates, collects, changes the threshold, and is left by longjmp
 *   fork        the child has the notice that waited, and others of its own
 *   destroyed   heaps go with a notice queued, and one is set beside threads that pass it
 */
#include "stress.h"

#include <gait/arena.h>
#include <gait/foreign.h>
#include <gait/library.h>
#include <setjmp.h>
#include <sys/wait.h>

#define MIB ((size_t)1 << 20)
#define THREADS 4

struct told {
    unsigned count[4];
    gait_notice last;
};

static void tell(gait_mutator *mutator, gait_notice notice, void *data) {
    struct told *told = data;
    (void)mutator;
    told->count[notice]++;
    told->last = notice;
}

static gait_heap *heap_told(const char *notice_memory, const char *limit, struct told *told) {
    gait_config config;
    gait_config_init(&config);
    config.gogc = "off";
    config.memory_limit = limit;
    config.notice_memory = notice_memory;
    config.notice = tell;
    config.notice_data = told;
    return heap_of(&config);
}

static void run_all(gait_mutator *mutator) {
    while (gait_run_finalizers(mutator, 1) > 0)
        ;
}

/* Until memory is seen to have fallen: the library looks once a second. */
static void await_notice(gait_mutator *mutator) {
    CHECK(gait_wait_finalizers(mutator, 10 * (int64_t)1000000000), "no notice in ten seconds");
}

/* ---- Together ---- */

struct passing {
    gait_heap *heap;
    pthread_barrier_t barrier;
    unsigned sort; /* of memory */
};

/* 8 MiB of one sort of memory; in all 32 MiB. */
static void *pass(void *argument) {
    struct passing *passing = argument;
    gait_mutator *mutator = attach(passing->heap);
    gait_kind kind = kind_new(passing->heap, (gait_kind_info){.name = "leaf", .layout = GAIT_LEAF});
    gait_enter_native(mutator);
    pthread_barrier_wait(&passing->barrier);
    gait_leave_native(mutator);
    for (size_t i = 0; i < 8 * MIB / 65536; i++)
        switch (passing->sort) {
        case 0:
            allocate(mutator, kind, 65536);
            break;
        case 1:
            gait_foreign_add(mutator, 65536);
            break;
        case 2:
            gait_library_count(passing->heap, 65536);
            break;
        default: {
            gait_arena *arena = gait_arena_create(mutator, NULL);
            CHECK(arena && gait_arena_alloc(mutator, arena, 60000, 8), "arena");
            break;
        }
        }
    gait_detach(mutator);
    return NULL;
}

static void fall(struct passing *passing, gait_mutator *mutator) {
    if (passing->sort == 1)
        gait_foreign_sub(mutator, THREADS * 8 * MIB);
    if (passing->sort == 2)
        gait_library_count(passing->heap, -(ptrdiff_t)(THREADS * 8 * MIB));
    gait_free_os_memory(mutator); /* objects, and arenas that nothing leads to */
    gait_free_os_memory(mutator);
}

static void together_test(unsigned sort) {
    struct told told = {0};
    struct passing passing = {.heap = heap_told("16MiB", NULL, &told), .sort = sort};
    gait_mutator *mutator = attach(passing.heap);
    for (unsigned turn = 1; turn <= 2; turn++) {
        pthread_t threads[THREADS];
        pthread_barrier_init(&passing.barrier, NULL, THREADS);
        gait_enter_native(mutator);
        for (unsigned i = 0; i < THREADS; i++)
            threads[i] = thread_start(pass, &passing);
        for (unsigned i = 0; i < THREADS; i++)
            pthread_join(threads[i], NULL);
        gait_leave_native(mutator);
        pthread_barrier_destroy(&passing.barrier);
        gait_stats stats = stats_of(passing.heap);
        CHECK(stats.total_bytes > 16 * MIB, "sort %u: %zu bytes", sort, (size_t)stats.total_bytes);
        CHECK(stats.notices_queued == 1 && stats.notices_high == turn, "sort %u: %d queued", sort,
              (int)stats.notices_queued);
        run_all(mutator);
        CHECK(told.count[GAIT_NOTICE_MEMORY_HIGH] == turn, "sort %u: %u notices", sort,
              told.count[GAIT_NOTICE_MEMORY_HIGH]);
        fall(&passing, mutator);
        await_notice(mutator);
        run_all(mutator);
        CHECK(told.count[GAIT_NOTICE_MEMORY_LOW] == turn && told.last == GAIT_NOTICE_MEMORY_LOW,
              "sort %u: %u times low", sort, told.count[GAIT_NOTICE_MEMORY_LOW]);
    }
    gait_detach(mutator);
    gait_heap_destroy(passing.heap);
}

/* ---- What a callback may do ---- */

struct doing {
    gait_heap *heap;
    gait_kind kind;
    unsigned ran;
    jmp_buf out;
};

static void does_much(gait_mutator *mutator, gait_notice notice, void *data) {
    struct doing *doing = data;
    CHECK(notice == GAIT_NOTICE_MEMORY_HIGH, "notice %d", (int)notice);
    doing->ran++;
    for (unsigned i = 0; i < 32; i++) /* which passes the threshold again */
        allocate(mutator, doing->kind, MIB / 4);
    gait_set_notice_memory(doing->heap, (int64_t)(200 * MIB) * doing->ran); /* memory is low now */
    CHECK(gait_run_finalizers(mutator, 0) == 0, "none was asked for");
    gait_collect(mutator);
    longjmp(doing->out, 1);
}

static void allocates_test(void) {
    struct doing doing = {0};
    gait_config config;
    gait_config_init(&config);
    config.gogc = "off";
    doing.heap = heap_of(&config);
    doing.kind = kind_new(doing.heap, (gait_kind_info){.name = "leaf", .layout = GAIT_LEAF});
    gait_mutator *mutator = attach(doing.heap);
    for (unsigned i = 0; i < 64; i++)
        allocate(mutator, doing.kind, MIB / 4);
    gait_set_notice(doing.heap, does_much, &doing);
    CHECK(gait_set_notice_memory(doing.heap, (int64_t)(8 * MIB)) == GAIT_NO_LIMIT, "threshold");
    CHECK(gait_set_notice_memory(doing.heap, -1) == (int64_t)(8 * MIB), "threshold");
    CHECK(stats_of(doing.heap).notices_queued == 1, "memory is high as the threshold is set");
    if (setjmp(doing.out) == 0) {
        gait_run_finalizers(mutator, SIZE_MAX);
        CHECK(false, "the callback returned");
    }
    CHECK(doing.ran == 1, "ran %u times", doing.ran);
    gait_stats stats = stats_of(doing.heap);
    CHECK(stats.notices_queued == 1, "it is low at 200 MiB"); /* queued, and dropped: */
    gait_set_notice(doing.heap, NULL, NULL);
    CHECK(stats_of(doing.heap).notices_queued == 0 && gait_run_finalizers(mutator, 9) == 0,
          "dropped");
    CHECK(gait_set_notice_percent(doing.heap, 80) == 0, "percent");
    CHECK(gait_set_notice_percent(doing.heap, -1) == 80, "percent");
    gait_set_memory_limit(doing.heap, (int64_t)(100 * MIB));
    CHECK(stats_of(doing.heap).notice_bytes == 80 * MIB, "a share of the limit");
    gait_detach(mutator);
    gait_heap_destroy(doing.heap);
}

/* ---- Fork, and the end ---- */

static void fork_test(void) {
    struct told told = {0};
    gait_heap *heap = heap_told("8MiB", NULL, &told);
    gait_mutator *mutator = attach(heap);
    gait_heap_foreign_add(heap, 9 * MIB);
    CHECK(stats_of(heap).notices_queued == 1, "one waits");
    pid_t child = fork();
    CHECK(child >= 0, "fork");
    if (child == 0) {
        alarm(20);
        run_all(mutator);
        CHECK(told.count[GAIT_NOTICE_MEMORY_HIGH] == 1, "the child has the notice that waited");
        gait_heap_foreign_sub(heap, 9 * MIB); /* it is told of as a call looks, without threads */
        CHECK(gait_run_finalizers(mutator, 1) == 1, "and one of its own");
        CHECK(told.last == GAIT_NOTICE_MEMORY_LOW, "low");
        _exit(0);
    }
    int status;
    CHECK(waitpid(child, &status, 0) == child && status == 0, "the child: %d", status);
    run_all(mutator);
    CHECK(told.count[GAIT_NOTICE_MEMORY_HIGH] == 1, "the parent has it too");
    gait_detach(mutator);
    gait_heap_destroy(heap);
}

static bool enough; /* atomic */

static void *swing(void *heap) {
    while (!__atomic_load_n(&enough, __ATOMIC_ACQUIRE)) {
        gait_heap_foreign_add(heap, 4 * MIB);
        gait_heap_foreign_sub(heap, 4 * MIB);
    }
    return NULL;
}

/* The handler and the threshold change beside threads that pass it; then all goes with what waits.
 */
static void destroyed_test(void) {
    struct told told = {0};
    gait_heap *heap = heap_told("8MiB", NULL, &told);
    gait_mutator *mutator = attach(heap);
    pthread_t threads[THREADS];
    __atomic_store_n(&enough, false, __ATOMIC_RELEASE);
    for (unsigned i = 0; i < THREADS; i++)
        threads[i] = thread_start(swing, heap);
    for (unsigned turn = 0; turn < 300; turn++) {
        gait_set_notice(heap, turn % 5 ? tell : NULL, &told);
        gait_set_notice_memory(heap, (int64_t)((4 + turn % 9) * MIB));
        gait_run_finalizers(mutator, turn % 3);
        gait_stats stats = stats_of(heap);
        CHECK(stats.notices_queued <= 4, "%d are queued", (int)stats.notices_queued);
        sleep_us(100);
    }
    __atomic_store_n(&enough, true, __ATOMIC_RELEASE);
    for (unsigned i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    gait_set_notice(heap, tell, &told);
    gait_set_notice_memory(heap, 0);
    CHECK(stats_of(heap).notices_queued >= 1, "one waits");
    gait_detach(mutator);
    gait_heap_destroy(heap);
}

int main(int argc, char **argv) {
    run_begin(argc, argv, 0);
    for (unsigned sort = 0; sort < 4; sort++)
        together_test(sort);
    allocates_test();
    fork_test();
    destroyed_test();
    return 0;
}
