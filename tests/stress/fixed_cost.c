/* SPDX-License-Identifier: MIT */
/*
 * What a heap costs that is little used: no thread before it needs one, and little memory. Told by
 * the process's threads, resident pages and page faults.
 */
#include "stress.h"

#include <dirent.h>
#include <gait/arena.h>
#include <malloc.h>
#include <sys/resource.h>

#define HEAPS 8
#define HEAP_BYTES_MOST ((size_t)1 << 20)
#define FAULTS_MOST 16

static size_t threads_now(void) {
    DIR *tasks = opendir("/proc/self/task");
    CHECK(tasks, "no /proc");
    size_t threads = 0;
    for (struct dirent *task; (task = readdir(tasks));)
        threads += task->d_name[0] != '.';
    closedir(tasks);
    return threads;
}

/* A thread that was joined may be seen for a moment yet. */
static void destroy(gait_heap *heap, size_t threads) {
    gait_heap_destroy(heap);
    for (int i = 0; i < 1000 && threads_now() > threads; i++)
        sleep_us(1000);
    CHECK(threads_now() <= threads, "threads are left");
}

static size_t resident_bytes(void) {
    FILE *file = fopen("/proc/self/statm", "r");
    size_t all, resident;
    CHECK(file && fscanf(file, "%zu %zu", &all, &resident) == 2, "no /proc");
    fclose(file);
    return resident * (size_t)sysconf(_SC_PAGESIZE);
}

static void *nothing(void *argument) { return argument; }

/* ThreadSanitizer begins a thread of its own with the first one of the process. */
static void have_begun_one(void) {
    pthread_join(thread_start(nothing, NULL), NULL);
    sleep_us(10000); /* until it is not seen any more */
}

static void some_objects(gait_heap *heap, gait_mutator *mutator) {
    gait_kind refs = kind_new(heap, (gait_kind_info){.name = "node", .layout = GAIT_REFS});
    for (size_t bytes = 16; bytes <= 4096; bytes *= 2)
        allocate(mutator, refs, bytes);
}

static void ignore(gait_mutator *mutator, gait_notice notice, void *data) {
    (void)mutator, (void)notice, (void)data;
}

/* Many heaps at once: the first one also brings in what the process has once. */
static void cost_test(void) {
    gait_heap *heaps[HEAPS];
    gait_mutator *mutators[HEAPS];
    size_t threads = threads_now(), bytes = 0;
    for (size_t i = 0; i < HEAPS; i++) {
        if (i == 1)
            bytes = resident_bytes();
        heaps[i] = heap_new(0, NULL, NULL);
        mutators[i] = attach(heaps[i]);
        some_objects(heaps[i], mutators[i]);
    }
    size_t each = (resident_bytes() - bytes) / (HEAPS - 1);
    CHECK(UNDER_ASAN || UNDER_TSAN || each <= HEAP_BYTES_MOST, "%zu bytes a heap", each);
    gait_set_memory_limit(heaps[0], (int64_t)64 << 20); /* lowers nothing that is in use */
    gait_set_gogc(heaps[0], 50);
    CHECK(threads_now() <= threads, "%zu threads of %d heaps", threads_now() - threads, HEAPS);
    gait_collect(mutators[0]);
    CHECK(threads_now() > threads, "who collected?");
    for (size_t i = 1; i < HEAPS; i++)
        gait_heap_destroy(heaps[i]);
    destroy(heaps[0], threads);
}

static long page_faults(void) {
    struct rusage used;
    CHECK(getrusage(RUSAGE_SELF, &used) == 0, "getrusage");
    return used.ru_minflt;
}

/* A heap writes to few pages as it is created: each costs a microsecond. 10 faults where its tables
 * of kinds and helpers are left alone, 23 where they are zeroed. */
static void created_test(void) {
    gait_heap *heaps[HEAPS];
#ifdef M_PERTURB
    mallopt(M_PERTURB, 0); /* by MALLOC_PERTURB_ malloc writes to all that it gives */
#endif
    heaps[0] = heap_new(0, NULL, NULL); /* and the pages that the process touches once */
    long faults = page_faults();
    for (size_t i = 1; i < HEAPS; i++)
        heaps[i] = heap_new(0, NULL, NULL);
    long each = (page_faults() - faults) / (HEAPS - 1);
    CHECK(UNDER_ASAN || UNDER_TSAN || each <= FAULTS_MOST, "%ld page faults a heap", each);
    for (size_t i = 0; i < HEAPS; i++)
        gait_heap_destroy(heaps[i]);
}

/* What needs the threads has them before a cycle comes. */
static void need_test(void) {
    size_t threads = threads_now();
    gait_heap *heap = heap_new(0, NULL, NULL);
    gait_set_notice(heap, ignore, NULL);
    CHECK(threads_now() > threads, "a heap with notices");
    destroy(heap, threads);
    heap = heap_new(0, NULL, NULL);
    gait_mutator *mutator = attach(heap);
    CHECK(threads_now() <= threads, "a heap that needs none");
    gait_arena_free(mutator, gait_arena_create(mutator, NULL));
    CHECK(threads_now() > threads, "a heap with arenas");
    destroy(heap, threads);
    gait_config config;
    gait_config_init(&config);
    config.memory_limit = "50%";
    heap = heap_of(&config);
    CHECK(threads_now() > threads, "a heap whose limit follows the machine");
    destroy(heap, threads);
}

int main(int argc, char **argv) {
    run_begin(argc, argv, 1);
    have_begun_one();
    created_test();
    cost_test();
    need_test();
    return 0;
}
