/* SPDX-License-Identifier: MIT */
/*
 * The barrier by objects beside that by words, in a large heap: a thread stores to objects at
 * random, at a rate, and makes new ones, so that cycles run. Gait only, by its public headers.
 *
 * Parameters: mib (1024, of 64 B objects), seconds (10), rate (1000000 stores a second; 0: as many
 * as can be), every (8: so many stores make one new object in place of another), dirty (0:
 * gait_store; 1: gait_dirty), wait_ms (200: between two cycles, which another thread asks for),
 * stopped (0; 1: cycles stop the program), hooks (0: liveness hooks), table (0: words of a table of
 * the program's that each hook looks at).
 */
#include <gait/dirty.h>
#include <gait/liveness.h>
#include <gait/stats.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "bench.h"
#include "main.h"

enum { OBJECT_BYTES = 64, FIELDS = OBJECT_BYTES / sizeof(gait_word), BATCH = 64 };
/* The objects, in arrays of 4 KiB, themselves in one. */
enum { PART = 512 };

static gait_heap *heap;
static gait_mutator *mutator;
static gait_kind refs;
static gait_word root;
static uint64_t objects, parts;
static bool dirty;

enum { CYCLES_MOST = 10000 };
static double pause_us[CYCLES_MOST], cycle_ms[CYCLES_MOST];
static size_t cycles; /* the collecting thread's, then main's */
static int ends;      /* atomic */

static struct {
    gait_word *words;
    uint64_t count, calls, looked, longest_ns, total_ns;
} table;

static gait_word *part_of(uint64_t i) { return (gait_word *)((gait_word *)root)[i / PART]; }

static void put(gait_word *object, size_t i, gait_word value) {
    if (!dirty) {
        gait_store(mutator, &object[i], value);
        return;
    }
    __atomic_store_n(&object[i], value, __ATOMIC_RELEASE);
    gait_dirty(mutator, object);
}

static void *object_new(size_t bytes) {
    void *object = gait_alloc(mutator, refs, bytes);
    if (!object)
        bench_die("out of memory");
    return object;
}

static void build(void) {
    gait_store(mutator, &root, (gait_word)object_new(parts * sizeof(gait_word)));
    for (uint64_t i = 0; i < objects; i++) {
        if (i % PART == 0)
            put((gait_word *)root, i / PART, (gait_word)object_new(PART * sizeof(gait_word)));
        gait_word *object = object_new(OBJECT_BYTES);
        gait_init(object, part_of(i)[(i - 1) % PART]);
        put(part_of(i), i % PART, (gait_word)object);
    }
}

/* A store to an object, or another object in its place. */
static void step(uint64_t random, bool fresh) {
    uint64_t at = (random & 0xffffffff) * objects >> 32, other = (random >> 32) * objects >> 32;
    if (fresh) {
        gait_word *object = object_new(OBJECT_BYTES);
        put(part_of(at), at % PART, (gait_word)object);
    } else {
        put((gait_word *)part_of(at)[at % PART], random % FIELDS, part_of(other)[other % PART]);
    }
}

static void hook(gait_liveness *liveness, gait_liveness_stage stage, void *data) {
    (void)data;
    uint64_t begin_ns = bench_now_ns();
    for (uint64_t i = 0; stage != GAIT_LIVENESS_SWEEP && i < table.count; i++)
        if (!gait_is_marked(liveness, table.words[i]) && stage == GAIT_LIVENESS_CLEAR)
            table.words[i] = 0;
    uint64_t took_ns = bench_now_ns() - begin_ns;
    table.calls++;
    table.total_ns += took_ns;
    table.longest_ns = took_ns > table.longest_ns ? took_ns : table.longest_ns;
}

static gait_stats stats_now(void) {
    gait_stats stats = {.struct_bytes = sizeof stats};
    gait_read_stats(heap, &stats);
    return stats;
}

/* All pauses of a cycle count as one. */
static void *collect(void *data) {
    uint64_t wait_ns = *(uint64_t *)data * 1000000;
    gait_mutator *own = gait_attach(heap);
    while (!__atomic_load_n(&ends, __ATOMIC_ACQUIRE) && cycles < CYCLES_MOST) {
        gait_enter_native(own);
        nanosleep(&(struct timespec){(time_t)(wait_ns / 1000000000), (long)(wait_ns % 1000000000)},
                  NULL);
        gait_leave_native(own);
        uint64_t paused_ns = stats_now().pause_total_ns, begin_ns = bench_now_ns();
        gait_collect(own);
        cycle_ms[cycles] = (double)(bench_now_ns() - begin_ns) / 1e6;
        pause_us[cycles++] = (double)(stats_now().pause_total_ns - paused_ns) / 1e3;
    }
    gait_detach(own);
    return NULL;
}

static uint64_t cpu_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static void start(void) {
    char why[200];
    gait_config config;
    gait_config_init(&config);
    config.gogc = "off";
    config.flags = dirty ? (uint32_t)GAIT_OBJECT_BARRIER : 0;
    if (bench_parameter("stopped", 0))
        config.flags |= GAIT_STOP_THE_WORLD;
    if (!(heap = gait_heap_create(&config, why, sizeof why)))
        bench_die(why);
    int kind = gait_kind_register(heap, &(gait_kind_info){.name = "refs", .layout = GAIT_REFS});
    if (kind < 0 || !(mutator = gait_attach(heap)) || gait_roots_add(mutator, &root, 1) < 0)
        bench_die("out of memory");
    refs = (gait_kind)kind;
}

static void hooks_add(uint64_t hooks) {
    table.count = bench_parameter("table", 0);
    if (!(table.words = calloc(table.count + 1, sizeof *table.words)))
        bench_die("out of memory");
    for (uint64_t i = 0; i < table.count; i++) {
        uint64_t at = i * objects / table.count;
        gait_store(mutator, &table.words[i], part_of(at)[at % PART]);
    }
    for (uint64_t i = 0; i < hooks; i++)
        if (gait_liveness_add(heap, hook, NULL) < 0)
            bench_die("no place for a hook");
}

int main(int argc, char **argv) {
    bench_set_parameters(argv + (argc > 0));
    objects = (bench_parameter("mib", 1024) << 20) / OBJECT_BYTES;
    parts = (objects + PART - 1) / PART;
    dirty = bench_parameter("dirty", 0);
    uint64_t rate = bench_parameter("rate", 1000000), every = bench_parameter("every", 8);
    uint64_t seconds = bench_parameter("seconds", 10), seed = 88172645463325252u;
    start();
    build();
    hooks_add(bench_parameter("hooks", 0));
    gait_collect(mutator);
    uint64_t wait_ms = bench_parameter("wait_ms", 200);
    pthread_t thread;
    if (pthread_create(&thread, NULL, collect, &wait_ms))
        bench_die("no thread");
    uint64_t begin_ns = bench_now_ns(), end_ns = begin_ns + seconds * 1000000000, stores = 0, now;
    uint64_t begin_cpu_ns = cpu_ns();
    table.calls = table.total_ns = table.longest_ns = 0;
    while ((now = bench_now_ns()) < end_ns) {
        if (rate && stores > (now - begin_ns) * rate / 1000000000) {
            gait_enter_native(mutator);
            nanosleep(&(struct timespec){0, 100000}, NULL);
            gait_leave_native(mutator);
            continue;
        }
        for (uint64_t i = 0; i < BATCH; i++, stores++)
            step(bench_random(&seed), every && stores % every == 0);
        gait_poll(mutator);
    }
    uint64_t took_cpu_ns = cpu_ns() - begin_cpu_ns;
    __atomic_store_n(&ends, 1, __ATOMIC_RELEASE);
    gait_enter_native(mutator);
    pthread_join(thread, NULL);
    gait_leave_native(mutator);
    if (cycles == 0)
        bench_die("no cycle has ended");
    bench_figure("stores_per_s", (double)stores / (double)seconds);
    bench_figure("cpu_percent", (double)took_cpu_ns / (double)seconds / 1e7);
    bench_figure("cycles", (double)cycles);
    bench_spread("cycle_ms", cycle_ms, cycles);
    bench_spread("pause_us", pause_us, cycles);
    if (table.calls) {
        bench_figure("hook_us", (double)table.total_ns / 1e3 / (double)table.calls);
        bench_figure("hook_max_us", (double)table.longest_ns / 1e3);
        bench_figure("hook_calls_per_cycle", (double)table.calls / (double)cycles);
    }
    gait_heap_destroy(heap);
    free(table.words);
    return 0;
}
