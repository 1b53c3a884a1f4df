/* SPDX-License-Identifier: MIT */
/*
 * What links, hooks, finalizers that resurrect and the barrier by objects cost: the calls, and what
 * each adds to a cycle. A cycle's share is the difference to a cycle without, over so many of them.
 */
#include <gait/dirty.h>
#include <gait/links.h>
#include <gait/liveness.h>
#include <stdlib.h>

#include "costs.h"

enum { COUNT = 100000, CALLS = 20000 };

struct calls {
    gait_heap *heap;
    gait_mutator *at;
    gait_kind node;
    gait_word roots[2];
    struct gait_frame frame;
};

static void begin(struct calls *calls, uint32_t flags) {
    calls->heap = costs_heap_of("off", "", flags);
    calls->at = gait_attach(calls->heap);
    calls->node = costs_kind(calls->heap, "node", GAIT_REFS);
    if (!calls->at)
        bench_die("out of memory");
    calls->roots[0] = calls->roots[1] = 0;
    gait_push_frame(calls->at, &calls->frame, calls->roots, 2);
}

static void end(struct calls *calls) {
    gait_pop_frame(calls->at);
    gait_heap_destroy(calls->heap);
}

/* Objects in a list, which roots[0] holds: COUNT, from the last one on. */
static void list_make(struct calls *calls) {
    for (size_t i = 0; i < COUNT; i++) {
        gait_word *object = costs_object(calls->at, calls->node, 32);
        gait_init(object, calls->roots[0]);
        calls->roots[0] = (gait_word)object;
    }
}

static double cycle_ns(struct calls *calls) {
    uint64_t start_ns = bench_now_ns();
    gait_collect(calls->at);
    return (double)(bench_now_ns() - start_ns);
}

/* Of a cycle after `with` over one before it, for each of count. */
static void measure_share(const char *name, struct calls *calls, double count,
                          void (*with)(struct calls *calls)) {
    double took_ns[COSTS_TRIALS_MOST], alone_ns = 0;
    cycle_ns(calls);
    for (uint64_t i = 0; i < costs_trials; i++)
        alone_ns += cycle_ns(calls) / (double)costs_trials;
    with(calls);
    cycle_ns(calls);
    for (uint64_t i = 0; i < costs_trials; i++) {
        double share_ns = (cycle_ns(calls) - alone_ns) / count;
        took_ns[i] = share_ns > 0 ? share_ns : 0;
    }
    costs_print(name, took_ns, costs_trials);
}

static void measure_calls(const char *name, struct calls *calls,
                          void (*run)(struct calls *calls, size_t i)) {
    double took_ns[COSTS_TRIALS_MOST];
    for (uint64_t trial = 0; trial < costs_trials; trial++) {
        uint64_t start_ns = bench_now_ns();
        for (size_t i = 0; i < CALLS; i++)
            run(calls, i);
        took_ns[trial] = (double)(bench_now_ns() - start_ns) / CALLS;
    }
    costs_print(name, took_ns, costs_trials);
}

/* ---- Links ---- */

static gait_word *slots;

static void link_set(struct calls *calls, size_t i) {
    gait_link_register(calls->at, &slots[i], (void *)calls->roots[0], 0);
    gait_link_unregister(calls->at, &slots[i], 0);
}

static void link_get(struct calls *calls, size_t i) {
    bench_keep(gait_link_get(calls->at, &slots[i], 0));
}

static void links_register(struct calls *calls) {
    gait_word object = calls->roots[0];
    for (size_t i = 0; i < COUNT; i++, object = *(gait_word *)object)
        if (gait_link_register(calls->at, &slots[i], (void *)object, 0) < 0)
            bench_die("out of memory");
}

static void measure_links(void) {
    struct calls calls;
    if (!(slots = calloc(COUNT, sizeof *slots)))
        bench_die("out of memory");
    begin(&calls, 0);
    list_make(&calls);
    measure_calls("link_set", &calls, link_set);
    measure_share("link_cycle", &calls, COUNT, links_register);
    measure_calls("link_get", &calls, link_get);
    end(&calls);
    free(slots);
}

/* ---- Hooks ---- */

static gait_kind walked;
static gait_word *looked_at;

static void see(gait_liveness *liveness, void *object, size_t bytes, void *data) {
    (void)liveness, (void)bytes, (void)data;
    bench_keep(object);
}

static void hook_walks(gait_liveness *liveness, gait_liveness_stage stage, void *data) {
    (void)data;
    if (stage == GAIT_LIVENESS_SWEEP)
        gait_walk_marked(liveness, walked, see, NULL);
}

static void hook_looks(gait_liveness *liveness, gait_liveness_stage stage, void *data) {
    (void)data;
    for (size_t i = 0; stage == GAIT_LIVENESS_CLEAR && i < COUNT; i++)
        bench_keep((void *)(uintptr_t)gait_is_marked(liveness, looked_at[i]));
}

static void add_walks(struct calls *calls) {
    walked = calls->node;
    gait_liveness_add(calls->heap, hook_walks, NULL);
}

static void add_looks(struct calls *calls) {
    gait_word object = calls->roots[0];
    for (size_t i = 0; i < COUNT; i++, object = *(gait_word *)object)
        looked_at[i] = object;
    gait_liveness_add(calls->heap, hook_looks, NULL);
}

static void measure_hooks(void) {
    struct calls calls;
    if (!(looked_at = calloc(COUNT, sizeof *looked_at)))
        bench_die("out of memory");
    begin(&calls, 0);
    list_make(&calls);
    measure_share("hook_look", &calls, COUNT, add_looks);
    end(&calls);
    begin(&calls, 0);
    list_make(&calls);
    measure_share("hook_walk", &calls, COUNT, add_walks);
    end(&calls);
    free(looked_at);
}

/* ---- The barrier by objects ---- */

static void measure_dirty(void) {
    double took_ns[COSTS_TRIALS_MOST];
    struct calls calls;
    begin(&calls, GAIT_OBJECT_BARRIER);
    gait_word *object = costs_object(calls.at, calls.node, 32);
    calls.roots[0] = (gait_word)object;
    for (uint64_t trial = 0; trial < costs_trials; trial++) {
        uint64_t start_ns = bench_now_ns();
        for (size_t i = 0; i < 10 * CALLS; i++) {
            __atomic_store_n(&object[i % 4], calls.roots[0], __ATOMIC_RELEASE);
            gait_dirty(calls.at, object);
        }
        took_ns[trial] = (double)(bench_now_ns() - start_ns) / (10 * CALLS);
    }
    costs_print("dirty_off", took_ns, costs_trials);
    end(&calls);
}

void costs_calls(void) {
    measure_links();
    measure_hooks();
    measure_dirty();
}
