/* SPDX-License-Identifier: MIT */
/*
 * A heap whose threads the program stops itself: one thread, which needs no stopping as long as it
 * is in the library. Many, and real signals: tests/stress/world_hooks.c.
 */
#include <criterion/criterion.h>
#include <gait/gait.h>
#include <gait/heap_snapshot.h>
#include <gait/links.h>
#include <gait/stats.h>
#include <pthread.h>
#include <semaphore.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../runtime/instance.h"

static pthread_t program;
static unsigned stops, starts, visits;
static bool stopped;
static gait_word held; /* as in a register of a stopped thread */

static gait_heap *asked; /* NULL: nobody asks what a stop is for */
static unsigned cycle_stops;

static void stop(void *data) {
    cycle_stops += asked && gait_is_marking(asked);
    cr_assert_eq(data, &stops);
    cr_assert(!pthread_equal(pthread_self(), program), "the program's thread would stop itself");
    cr_assert_not(stopped);
    stopped = true;
    stops++;
}

static void start(void *data) {
    cr_assert_eq(data, &stops);
    cr_assert(stopped);
    stopped = false;
    starts++;
}

static void visit(gait_visitor *visitor, void *data) {
    cr_assert_eq(data, &stops);
    cr_assert(stopped);
    visits++;
    gait_visit_conservative(visitor, &held, 1);
}

static gait_config hooks_config(void) {
    gait_config config;
    gait_config_init(&config);
    config.stop = stop;
    config.start = start;
    config.stopped_roots = visit;
    config.stop_data = &stops;
    config.gogc = "100";
    return config;
}

static gait_heap *heap_new(gait_config config) {
    char error[200];
    program = pthread_self();
    gait_heap *heap = gait_heap_create(&config, error, sizeof error);
    cr_assert(heap, "%s", error);
    return heap;
}

static gait_kind kind_of(gait_heap *heap, gait_layout layout) {
    return (gait_kind)gait_kind_register(heap, &(gait_kind_info){.name = "kind", .layout = layout});
}

static void refuses(gait_config config, const char *what) {
    char error[200] = "";
    cr_assert_null(gait_heap_create(&config, error, sizeof error), "%s", what);
    cr_assert(strstr(error, "stop and start"), "%s: %s", what, error);
}

Test(world_hooks, stop_and_start_go_together) {
    gait_config config = hooks_config();
    config.start = NULL;
    refuses(config, "no start");
    config = hooks_config();
    config.stop = NULL;
    refuses(config, "no stop");
    config.start = NULL;
    refuses(config, "roots alone");
}

Test(world_hooks, what_is_visited_in_a_stop_lives) {
    gait_heap *heap = heap_new(hooks_config());
    gait_mutator *mutator = gait_attach(heap);
    gait_kind kind = kind_of(heap, GAIT_REFS), weak_kind = kind_of(heap, GAIT_WEAK);
    gait_word weak = (gait_word)gait_alloc(mutator, weak_kind, 2 * sizeof(gait_word));
    cr_assert_eq(gait_roots_add(mutator, &weak, 1), 0);
    gait_word *kept = gait_alloc(mutator, kind, 64), *dropped = gait_alloc(mutator, kind, 64);
    gait_weak_set(mutator, (gait_word *)weak, (gait_word)kept);
    gait_weak_set(mutator, (gait_word *)weak + 1, (gait_word)dropped);
    held = (gait_word)kept + 24; /* inside */
    gait_collect(mutator);
    cr_assert_eq(gait_weak_get(mutator, (gait_word *)weak), (gait_word)kept);
    cr_assert_eq(gait_weak_get(mutator, (gait_word *)weak + 1), 0u);
    cr_assert_eq(stops, starts);
    cr_assert(stops > 0 && visits >= stops);
    gait_heap_destroy(heap);
}

/* Not by the program's thread, which would be the one that stops itself. */
static void *write_snapshot(void *heap) {
    FILE *file = tmpfile();
    cr_assert_eq(gait_write_snapshot(heap, fileno(file), NULL, NULL), 0);
    fclose(file);
    return NULL;
}

Test(world_hooks, a_stop_is_a_cycles_or_a_snapshots) {
    gait_heap *heap = heap_new(hooks_config());
    gait_mutator *mutator = gait_attach(heap);
    asked = heap;
    for (unsigned i = 1; i <= 3; i++) {
        unsigned before = stops;
        gait_collect(mutator);
        cr_assert(cycle_stops == i && stops == before + 1);
        pthread_t thread;
        cr_assert_eq(pthread_create(&thread, NULL, write_snapshot, heap), 0);
        cr_assert_eq(pthread_join(thread, NULL), 0);
        cr_assert(cycle_stops == i && stops == before + 2);
    }
    gait_detach(mutator);
    gait_heap_destroy(heap);
}

Test(world_hooks, early_links_are_for_heaps_that_stop_the_world) {
    gait_heap *heap = heap_new(hooks_config()), *other;
    gait_config config;
    gait_config_init(&config);
    cr_assert(other = gait_heap_create(&config, NULL, 0));
    static gait_word slot;
    for (int i = 0; i < 2; i++) {
        gait_heap *one = i ? other : heap;
        gait_mutator *mutator = gait_attach(one);
        void *object = gait_alloc(mutator, kind_of(one, GAIT_REFS), 16);
        cr_assert_eq(gait_link_register(mutator, &slot, object, GAIT_LINK_EARLY),
                     i ? GAIT_E_INVALID : 0);
        cr_assert_eq(gait_link_register(mutator, &slot, object, GAIT_LINK_EARLY | GAIT_LINK_LONG),
                     GAIT_E_INVALID);
        cr_assert_eq(gait_link_get(mutator, &slot, 0), i ? NULL : object);
        cr_assert_eq(gait_link_unregister(mutator, &slot, 0), i ? GAIT_E_MISSING : 0);
        gait_detach(mutator);
    }
    gait_heap_destroy(heap);
    gait_heap_destroy(other);
}

/* Else the thread would be interrupted in the next call of the system's. */
Test(world_hooks, who_makes_a_cycle_due_waits_for_its_stop) {
    gait_heap *heap = heap_new(hooks_config());
    gait_mutator *mutator = gait_attach(heap);
    gait_kind kind = kind_of(heap, GAIT_LEAF);
    for (int i = 0; i < 100000; i++) {
        cr_assert_not_null(gait_alloc(mutator, kind, 512));
        cr_assert_not(stopped, "it goes on while the world is stopped");
    }
    gait_stats stats = {.struct_bytes = sizeof stats};
    cr_assert_eq(gait_read_stats(heap, &stats), 0);
    cr_assert(stats.cycles > 2, "%llu cycles", (unsigned long long)stats.cycles);
    cr_assert(stats.heap_peak_bytes < 16 << 20, "%llu bytes",
              (unsigned long long)stats.heap_peak_bytes);
    gait_heap_destroy(heap);
}

static void finalize(gait_mutator *mutator, void *object, void *data) {
    (void)object;
    ++*(int *)data;
    unsigned before = stops;
    gait_collect(mutator);
    cr_assert(stops > before);
}

Test(world_hooks, programs_functions_run_outside) {
    gait_heap *heap = heap_new(hooks_config());
    gait_mutator *mutator = gait_attach(heap);
    gait_kind kind = kind_of(heap, GAIT_LEAF);
    int finalized = 0;
    cr_assert_eq(gait_finalizer_set(mutator, gait_alloc(mutator, kind, 16), finalize, &finalized),
                 0);
    gait_collect(mutator);
    cr_assert_eq(gait_run_finalizers(mutator, 10), 1u);
    cr_assert_eq(finalized, 1);
    gait_enter_native(mutator);
    gait_leave_native(mutator);
    gait_detach(mutator);
    mutator = gait_attach(heap);
    gait_collect(mutator);
    gait_heap_destroy(heap);
}

static bool no_more(gait_mutator *mutator, size_t bytes, void *data) {
    (void)bytes;
    gait_collect(mutator);
    ++*(int *)data;
    return false;
}

Test(world_hooks, out_of_memory) {
    gait_config config = hooks_config();
    config.reserve_bytes = (size_t)16 << 20;
    gait_heap *heap = heap_new(config);
    gait_mutator *mutator = gait_attach(heap);
    gait_kind kind = kind_of(heap, GAIT_LEAF);
    int asked = 0;
    gait_set_oom_handler(heap, no_more, &asked);
    cr_assert_null(gait_alloc(mutator, kind, (size_t)1 << 30));
    cr_assert_eq(asked, 1);
    cr_assert_not_null(gait_alloc(mutator, kind, 1 << 20));
    gait_heap_destroy(heap);
}

struct other {
    gait_heap *heap;
    sem_t attached, over;
};

static void *run_other(void *argument) {
    struct other *other = argument;
    gait_mutator *mutator = gait_attach(other->heap);
    cr_assert(mutator);
    sem_post(&other->attached);
    while (sem_wait(&other->over) != 0)
        continue;
    gait_detach(mutator);
    return NULL;
}

/* Workers are as many as the CPUs that nobody runs on: by what runs in the child. */
Test(world_hooks, lost_threads_run_no_more) {
    struct other other = {.heap = heap_new(hooks_config())};
    gait_mutator *mutator = gait_attach(other.heap);
    cr_assert(mutator);
    cr_assert_eq(sem_init(&other.attached, 0, 0) | sem_init(&other.over, 0, 0), 0);
    pthread_t thread;
    cr_assert_eq(pthread_create(&thread, NULL, run_other, &other), 0);
    while (sem_wait(&other.attached) != 0)
        continue;
    cr_assert_eq(AO_load(&other.heap->world.running), 2);
    pid_t child = fork();
    if (child == 0)
        _exit((int)AO_load(&other.heap->world.running));
    int status;
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == 1, "%#x", (unsigned)status);
    sem_post(&other.over);
    pthread_join(thread, NULL);
    cr_expect_eq(AO_load(&other.heap->world.running), 1);
    gait_detach(mutator);
    gait_heap_destroy(other.heap);
}
