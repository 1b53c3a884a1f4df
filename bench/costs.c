/* SPDX-License-Identifier: MIT */
/*
 * What each operation costs: ns for one, where nothing disturbs it. Gait only, by its public
 * headers; bench/costs runs it some times and makes the tables of docs/costs.md.
 *
 * An operation is repeated for some milliseconds, several times; the median is printed, one `name
 * ns` a line. What needs another thread is in costs_beside.c, calls that change what cycles do in
 * costs_calls.c.
 *
 * Parameters: trials (15), live_objects (1000000, of 64 bytes, for stores while marking), threads
 * (1000, in native code, for what one more of them costs a cycle).
 */
#include <gait/arena.h>
#include <gait/foreign.h>
#include <gait/gait.h>
#include <gait/stats.h>

#include "costs.h"
#include "main.h"

enum { WORDS = 1024 };

/* ---- The heap that is measured: constant after start ---- */

static gait_heap *heap;
static gait_mutator *mutator; /* the main thread's */
static gait_kind refs, leaf, weak, ephemeron;
/* A root each: an array that is stored to, an object, weak words, pairs. */
enum { ARRAY, OBJECT, WEAK, PAIRS, ROOTS };
static gait_word roots[ROOTS];
static gait_handle *handle;
static gait_coroutine *coroutine;
static gait_arena *arena;

gait_heap *costs_heap(const char *minor, const char *debug) {
    return costs_heap_of(minor, debug, 0);
}

gait_heap *costs_heap_of(const char *minor, const char *debug, uint32_t flags) {
    char why[200];
    gait_config config;
    gait_config_init(&config);
    config.minor = minor;
    config.debug = debug;
    config.flags = flags;
    gait_heap *created = gait_heap_create(&config, why, sizeof why);
    if (!created)
        bench_die(why);
    return created;
}

gait_kind costs_kind(gait_heap *of, const char *name, gait_layout layout) {
    gait_kind_info info = {.name = name, .layout = layout};
    int kind = gait_kind_register(of, &info);
    if (kind < 0)
        bench_die("no kind");
    return (gait_kind)kind;
}

/* ---- Operations: each is done count times ---- */

static void alloc_16(uint64_t count) {
    for (uint64_t i = 0; i < count; i++)
        bench_keep(costs_object(mutator, leaf, 16));
}
static void alloc_32(uint64_t count) {
    for (uint64_t i = 0; i < count; i++)
        bench_keep(costs_object(mutator, refs, 32));
}
static void alloc_256(uint64_t count) {
    for (uint64_t i = 0; i < count; i++)
        bench_keep(costs_object(mutator, refs, 256));
}
static void alloc_4k(uint64_t count) {
    for (uint64_t i = 0; i < count; i++)
        bench_keep(costs_object(mutator, leaf, 4096));
}
static void alloc_64k(uint64_t count) {
    for (uint64_t i = 0; i < count; i++)
        bench_keep(costs_object(mutator, leaf, 65536));
}
static void alloc_free(uint64_t count) {
    for (uint64_t i = 0; i < count; i++)
        gait_free(mutator, costs_object(mutator, refs, 64));
}
static void store_off(uint64_t count) {
    gait_word *words = (gait_word *)roots[ARRAY], value = roots[OBJECT];
    for (uint64_t i = 0; i < count; i++)
        gait_store(mutator, &words[i % WORDS], value);
}
static void store_plain(uint64_t count) {
    gait_word *words = (gait_word *)roots[ARRAY], value = roots[OBJECT];
    for (uint64_t i = 0; i < count; i++)
        gait_init(&words[i % WORDS], value);
}
static void move_off(uint64_t count) {
    gait_word *words = (gait_word *)roots[ARRAY];
    for (uint64_t i = 0; i < count; i += WORDS / 2)
        gait_move(mutator, words, words + WORDS / 2, WORDS / 2);
}
static void compare_exchange(uint64_t count) {
    gait_word *words = (gait_word *)roots[ARRAY], value = roots[OBJECT];
    for (uint64_t i = 0; i < count; i++) {
        gait_word expected = value;
        bench_keep((void *)(uintptr_t)gait_compare_exchange(mutator, &words[0], &expected, value));
    }
}
static void poll(uint64_t count) {
    for (uint64_t i = 0; i < count; i++)
        gait_poll(mutator);
}
static void frame(uint64_t count) {
    for (uint64_t i = 0; i < count; i++) {
        gait_word slots[2] = {0};
        struct gait_frame pushed;
        gait_push_frame(mutator, &pushed, slots, 2);
        bench_keep(&pushed);
        gait_pop_frame(mutator);
    }
}
static void handle_new_free(uint64_t count) {
    for (uint64_t i = 0; i < count; i++)
        gait_handle_free(mutator, gait_handle_new(mutator, roots[OBJECT]));
}
static void handle_get(uint64_t count) {
    for (uint64_t i = 0; i < count; i++)
        bench_keep((void *)gait_handle_get(handle));
}
static void handle_set(uint64_t count) {
    for (uint64_t i = 0; i < count; i++)
        gait_handle_set(mutator, handle, roots[OBJECT]);
}
static void weak_get(uint64_t count) {
    gait_word *words = (gait_word *)roots[WEAK];
    for (uint64_t i = 0; i < count; i++)
        bench_keep((void *)gait_weak_get(mutator, &words[i % 64]));
}
static void weak_set(uint64_t count) {
    gait_word *words = (gait_word *)roots[WEAK];
    for (uint64_t i = 0; i < count; i++)
        gait_weak_set(mutator, &words[i % 64], roots[OBJECT]);
}
static void ephemeron_get(uint64_t count) {
    gait_word *words = (gait_word *)roots[PAIRS];
    for (uint64_t i = 0; i < count; i++)
        bench_keep((void *)gait_ephemeron_get(mutator, &words[i % 32 * 2]));
}
static void object_base(uint64_t count) {
    for (uint64_t i = 0; i < count; i++)
        bench_keep(gait_object_base(heap, (char *)roots[ARRAY] + i % (8 * WORDS)));
}
static void native(uint64_t count) {
    for (uint64_t i = 0; i < count; i++) {
        gait_enter_native(mutator);
        gait_leave_native(mutator);
    }
}
static void coroutine_switch(uint64_t count) {
    for (uint64_t i = 0; i < count; i += 2) {
        gait_coroutine_switch(mutator, coroutine);
        gait_coroutine_switch(mutator, NULL);
    }
}
static void finalizer_set(uint64_t count);
static void cleanup_add_cancel(uint64_t count);
static void foreign_add_sub(uint64_t count) {
    for (uint64_t i = 0; i < count; i++) {
        gait_foreign_add(mutator, 100);
        gait_foreign_sub(mutator, 100);
    }
}
static void arena_new(uint64_t count) {
    for (uint64_t i = 0; i < count; i++) {
        if (i % 1024 == 0)
            gait_arena_reset(mutator, arena);
        bench_keep(gait_arena_new(mutator, arena, refs, 32));
    }
}
static void arena_life(uint64_t count) {
    for (uint64_t i = 0; i < count; i++)
        gait_arena_free(mutator, gait_arena_create(mutator, NULL));
}
static void read_stats(uint64_t count) {
    gait_stats stats = {.struct_bytes = sizeof stats};
    for (uint64_t i = 0; i < count; i++)
        bench_keep((void *)(uintptr_t)gait_read_stats(heap, &stats));
}

static void finalize(gait_mutator *at, void *object, void *data) {
    (void)at, (void)object, (void)data;
}
static void clean_up(gait_mutator *at, void *data) { (void)at, (void)data; }

static void finalizer_set(uint64_t count) {
    for (uint64_t i = 0; i < count; i++) {
        gait_finalizer_set(mutator, (void *)roots[OBJECT], finalize, NULL);
        gait_finalizer_set(mutator, (void *)roots[OBJECT], NULL, NULL);
    }
}
static void cleanup_add_cancel(uint64_t count) {
    for (uint64_t i = 0; i < count; i++) {
        gait_cleanup_add(mutator, (void *)roots[OBJECT], clean_up, NULL);
        gait_cleanup_cancel(mutator, (void *)roots[OBJECT], clean_up, NULL);
    }
}

static const struct operation {
    const char *name;
    void (*run)(uint64_t count);
    uint64_t count; /* of a trial: some ms */
} operations[] = {
    {"alloc_16", alloc_16, 500000},
    {"alloc_32", alloc_32, 500000},
    {"alloc_256", alloc_256, 100000},
    {"alloc_4k", alloc_4k, 10000},
    {"alloc_64k", alloc_64k, 1000},
    {"alloc_free", alloc_free, 100000},
    {"store_plain", store_plain, 2000000},
    {"store_off", store_off, 2000000},
    {"move_off", move_off, 2000000},
    {"compare_exchange", compare_exchange, 500000},
    {"poll", poll, 2000000},
    {"frame", frame, 1000000},
    {"handle_new_free", handle_new_free, 50000},
    {"handle_get", handle_get, 2000000},
    {"handle_set", handle_set, 500000},
    {"weak_get", weak_get, 500000},
    {"weak_set", weak_set, 500000},
    {"ephemeron_get", ephemeron_get, 200000},
    {"object_base", object_base, 500000},
    {"native", native, 50000},
    {"coroutine_switch", coroutine_switch, 50000},
    {"finalizer_set", finalizer_set, 20000},
    {"cleanup_add_cancel", cleanup_add_cancel, 20000},
    {"foreign_add_sub", foreign_add_sub, 200000},
    {"arena_new", arena_new, 500000},
    {"arena_life", arena_life, 1000},
    {"read_stats", read_stats, 2000},
};

uint64_t costs_trials;

void costs_print(const char *name, double *values, size_t count) {
    if (count == 0)
        bench_die("nothing was seen of what is measured");
    bench_spread(name, values, count);
}

static void measure(const struct operation *operation) {
    double took_ns[COSTS_TRIALS_MOST];
    operation->run(operation->count); /* caches, pages, branches */
    for (uint64_t i = 0; i < costs_trials; i++) {
        uint64_t start_ns = bench_now_ns();
        operation->run(operation->count);
        took_ns[i] = (double)(bench_now_ns() - start_ns) / (double)operation->count;
    }
    costs_print(operation->name, took_ns, costs_trials);
}

static void start(void) {
    heap = costs_heap("off", "");
    refs = costs_kind(heap, "refs", GAIT_REFS);
    leaf = costs_kind(heap, "leaf", GAIT_LEAF);
    weak = costs_kind(heap, "weak", GAIT_WEAK);
    ephemeron = costs_kind(heap, "pairs", GAIT_EPHEMERON);
    mutator = gait_attach(heap);
    if (!mutator || gait_roots_add(mutator, roots, ROOTS) < 0)
        bench_die("out of memory");
    gait_store(mutator, &roots[ARRAY], (gait_word)costs_object(mutator, refs, 8 * WORDS));
    gait_store(mutator, &roots[OBJECT], (gait_word)costs_object(mutator, refs, 32));
    gait_store(mutator, &roots[WEAK], (gait_word)costs_object(mutator, weak, 8 * 64));
    gait_store(mutator, &roots[PAIRS], (gait_word)costs_object(mutator, ephemeron, 8 * 64));
    for (unsigned i = 0; i < 64; i++)
        gait_weak_set(mutator, (gait_word *)roots[WEAK] + i, roots[OBJECT]);
    for (unsigned i = 0; i < 32; i++)
        gait_ephemeron_set(mutator, (gait_word *)roots[PAIRS] + 2 * i, roots[OBJECT], roots[ARRAY]);
    handle = gait_handle_new(mutator, roots[OBJECT]);
    coroutine = gait_coroutine_new(mutator, NULL, NULL, NULL, NULL);
    gait_arena_config config;
    gait_arena_config_init(&config);
    config.flags = GAIT_ARENA_PINNED | GAIT_ARENA_TRACED;
    arena = gait_arena_create(mutator, &config);
    if (!handle || !coroutine || !arena)
        bench_die("out of memory");
}

int main(int argc, char **argv) {
    bench_set_parameters(argv + (argc > 0));
    costs_trials = bench_parameter("trials", 15);
    if (costs_trials == 0 || costs_trials > COSTS_TRIALS_MOST)
        bench_die("costs: trials is 1 to 100");
    start();
    for (size_t i = 0; i < sizeof operations / sizeof operations[0]; i++)
        measure(&operations[i]);
    gait_detach(mutator);
    gait_heap_destroy(heap);
    costs_beside();
    costs_calls();
    return 0;
}
