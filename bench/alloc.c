/* SPDX-License-Identifier: MIT */
/*
 * Allocation with nothing live: ns per object, collections included.
 *
 * Parameters: shape: refs (32 B with references), leaf (32 B without), mixed (16–512 B with
 * references), kinds (the same sizes, half of them without references); objects (2^25; mixed and
 * kinds: 2^23); batch: freed by hand so many at a time (1: each as soon as it is made).
 */
#include "peer.h"

#include <string.h>

enum { SIZES = 1024, BATCH_MOST = 4096 };

/* What is allocated, again and again, and what waits to be freed. */
struct plan {
    uint16_t sizes[SIZES];
    bool leaves[SIZES];
    uint64_t batch, waiting;
    void *objects[BATCH_MOST];
};

/* Peers with a collector drop it. */
static inline void drop(struct plan *plan, void *object) {
    bench_keep(object);
    if (!PEER_FREES)
        return;
    plan->objects[plan->waiting++] = object;
    if (plan->waiting < plan->batch)
        return;
    for (uint64_t i = 0; i < plan->waiting; i++)
        peer_free(plan->objects[i]);
    plan->waiting = 0;
}

static void allocate_fixed(peer_thread *thread, struct plan *plan, enum peer_kind kind,
                           uint64_t objects) {
    for (uint64_t i = 0; i < objects; i++)
        drop(plan, peer_alloc(thread, kind, 32));
}

static void allocate_mixed(peer_thread *thread, struct plan *plan, uint64_t objects) {
    for (uint64_t i = 0; i < objects; i++) {
        size_t bytes = plan->sizes[i % SIZES];
        drop(plan, plan->leaves[i % SIZES] ? peer_alloc(thread, PEER_LEAF, bytes)
                                           : peer_alloc(thread, PEER_REFS, bytes));
    }
}

void alloc_main(void) {
    static struct plan plan;
    peer_thread *thread = peer_attach();
    const char *shape = bench_parameter_text("shape", "refs");
    bool kinds = strcmp(shape, "kinds") == 0, mixed = kinds || strcmp(shape, "mixed") == 0;
    uint64_t objects = bench_parameter("objects", UINT64_C(1) << (mixed ? 23 : 25));
    plan.batch = bench_parameter("batch", 1);
    if (plan.batch < 1 || plan.batch > BATCH_MOST)
        bench_die("alloc: batch is 1 to 4096");
    uint64_t seed = 88172645463325252u;
    for (int i = 0; i < SIZES; i++) {
        plan.sizes[i] = (uint16_t)(8 * (2 + bench_random(&seed) % 63));
        plan.leaves[i] = kinds && bench_random(&seed) % 2;
    }
    uint64_t start_ns = bench_now_ns();
    if (mixed)
        allocate_mixed(thread, &plan, objects);
    else if (strcmp(shape, "leaf") == 0)
        allocate_fixed(thread, &plan, PEER_LEAF, objects);
    else if (strcmp(shape, "refs") == 0)
        allocate_fixed(thread, &plan, PEER_REFS, objects);
    else
        bench_die("alloc: shape is refs, leaf, mixed or kinds");
    bench_figure("ns_per_object", (double)(bench_now_ns() - start_ns) / (double)objects);
    peer_detach(thread);
}
