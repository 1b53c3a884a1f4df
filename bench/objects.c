/* SPDX-License-Identifier: MIT */
/*
 * Many small objects that end together: 32 B each, all of it written to, linked to a list of one
 * batch, which ends before the next one begins: by a reset of their region, by its freeing, one by
 * one, or by being dropped.
 *
 * Parameters: objects (1000000) of a batch; batches (10); end: reset, or free (a region for each
 * batch).
 *
 * ns_per_object is all the time by all objects, batches' ends and collections included; end_us the
 * time of one batch's end.
 */
#include "peer.h"

#include <string.h>

struct object {
    peer_word next;
    uint64_t value;
    uint64_t rest[2];
};

/* A batch's newest object. `held` is a root of the caller's, for objects that no region holds. */
static struct object *batch_build(peer_thread *thread, peer_region *region, peer_word *held,
                                  uint64_t objects) {
    struct object *newest = NULL;
    bool hold = !peer_region_ends(region);
    for (uint64_t i = 0; i < objects; i++) {
        struct object *object = peer_region_alloc(thread, region, PEER_HEAD1, sizeof *object);
        peer_init(&object->next, (peer_word)newest);
        object->value = i;
        object->rest[0] = object->rest[1] = ~i;
        newest = object;
        if (hold)
            *held = (peer_word)object;
    }
    return newest;
}

static void batch_check(const struct object *newest, uint64_t objects) {
    uint64_t count = 0, sum = 0;
    for (; newest; newest = (const struct object *)newest->next) {
        count++;
        sum += newest->value;
        if (newest->rest[0] != ~newest->value || newest->rest[1] != ~newest->value)
            bench_die("objects: one was written to");
    }
    if (count != objects || sum != objects * (objects - 1) / 2)
        bench_die("objects: a batch lost some");
}

static void batch_free(struct object *newest) {
    while (newest) {
        struct object *next = (struct object *)newest->next;
        peer_free(newest);
        newest = next;
    }
}

void objects_main(void) {
    peer_thread *thread = peer_attach();
    uint64_t objects = bench_parameter("objects", 1000000);
    uint64_t batches = bench_parameter("batches", 10), took_ns = 0, ends_ns = 0;
    bool reset = strcmp(bench_parameter_text("end", "reset"), "reset") == 0;
    if (!objects || !batches)
        bench_die("objects: no objects");
    PEER_ROOTS(thread, held, 2);
    peer_region *region = NULL;
    for (uint64_t i = 0; i < batches; i++) {
        uint64_t start_ns = bench_now_ns();
        if (i == 0 || !reset) {
            region = peer_region_new(thread);
            held[1] = (peer_word)region;
        }
        struct object *newest = batch_build(thread, region, &held[0], objects);
        uint64_t built_ns = bench_now_ns();
        if (i + 1 == batches)
            batch_check(newest, objects);
        uint64_t end_ns = bench_now_ns();
        if (!peer_region_ends(region) && PEER_FREES)
            batch_free(newest);
        held[0] = 0;
        if (reset)
            peer_region_reset(thread, region);
        else
            peer_region_free(thread, region);
        uint64_t now_ns = bench_now_ns();
        took_ns += built_ns - start_ns + now_ns - end_ns;
        ends_ns += now_ns - end_ns;
    }
    if (reset)
        peer_region_free(thread, region);
    PEER_ROOTS_END(thread, held);
    bench_figure("ns_per_object", (double)took_ns / (double)(objects * batches));
    bench_figure("end_us", (double)ends_ns / 1e3 / (double)batches);
    peer_detach(thread);
}
