/* SPDX-License-Identifier: MIT */
/*
 * Allocation with nothing live: ns per object, collections included.
 *
 * Parameters: shape: refs (32 B with references), leaf (32 B without), mixed (16–512 B with
 * references); objects (2^25; mixed: 2^23).
 */
#include "peer.h"

#include <string.h>

enum { SIZES = 1024 };

static void allocate_fixed(peer_thread *thread, enum peer_kind kind, uint64_t objects) {
    for (uint64_t i = 0; i < objects; i++) {
        void *object = peer_alloc(thread, kind, 32);
        bench_keep(object);
        peer_free(object);
    }
}

static void allocate_mixed(peer_thread *thread, uint64_t objects) {
    uint16_t sizes[SIZES];
    uint64_t seed = 88172645463325252u;
    for (int i = 0; i < SIZES; i++)
        sizes[i] = (uint16_t)(8 * (2 + bench_random(&seed) % 63));
    for (uint64_t i = 0; i < objects; i++) {
        void *object = peer_alloc(thread, PEER_REFS, sizes[i % SIZES]);
        bench_keep(object);
        peer_free(object);
    }
}

void alloc_main(void) {
    peer_thread *thread = peer_attach();
    const char *shape = bench_parameter_text("shape", "refs");
    bool mixed = strcmp(shape, "mixed") == 0;
    uint64_t objects = bench_parameter("objects", UINT64_C(1) << (mixed ? 23 : 25));
    uint64_t start_ns = bench_now_ns();
    if (mixed)
        allocate_mixed(thread, objects);
    else if (strcmp(shape, "leaf") == 0)
        allocate_fixed(thread, PEER_LEAF, objects);
    else if (strcmp(shape, "refs") == 0)
        allocate_fixed(thread, PEER_REFS, objects);
    else
        bench_die("alloc: shape is refs, leaf or mixed");
    bench_figure("ns_per_object", (double)(bench_now_ns() - start_ns) / (double)objects);
    peer_detach(thread);
}
