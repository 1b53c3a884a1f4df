/* SPDX-License-Identifier: MIT */
/*
 * A cycle comes by itself when GOGC or the limit is lowered below what the heap holds, though all
 * threads are in native code; and only one, if it can't help.
 */
#include "stress.h"

#define GARBAGE_MIB 48
/* Within a second, where the machine lets the collector's thread run. */
#define WAIT_US_MOST 20000000

static gait_heap *heap;

static uint64_t cycles(void) {
    gait_stats stats = {.struct_bytes = sizeof stats};
    gait_read_stats(heap, &stats);
    return stats.cycles;
}

static uint64_t live_bytes(void) {
    gait_stats stats = {.struct_bytes = sizeof stats};
    gait_read_stats(heap, &stats);
    return stats.heap_live_bytes;
}

static gait_mutator *open_heap(const char *gogc) {
    gait_config config;
    gait_config_init(&config);
    config.gogc = gogc;
    config.memory_limit = "off";
    heap = heap_of(&config);
    return attach(heap);
}

static void close_heap(gait_mutator *mutator) {
    gait_leave_native(mutator);
    gait_detach(mutator);
    gait_heap_destroy(heap);
}

static void fill(gait_mutator *mutator) {
    gait_kind leaf = kind_new(heap, (gait_kind_info){.name = "leaf", .layout = GAIT_LEAF});
    for (size_t i = 0; i < (size_t)GARBAGE_MIB << 10; i++)
        allocate(mutator, leaf, 1024);
}

static void await_cycle(uint64_t before, const char *what) {
    unsigned waited_us = 0;
    while (cycles() == before && waited_us < WAIT_US_MOST) {
        sleep_us(1000);
        waited_us += 1000;
    }
    CHECK(cycles() > before, "%s was lowered, and no cycle came", what);
    printf("%s: a cycle came after %u ms, live: %.1f MiB\n", what, waited_us / 1000,
           (double)live_bytes() / 1048576);
}

static void limit_test(void) {
    gait_mutator *mutator = open_heap("off");
    fill(mutator);
    gait_enter_native(mutator);
    uint64_t before = cycles();
    CHECK(before == 0, "GOGC is off");
    gait_set_memory_limit(heap, (int64_t)GARBAGE_MIB << 19);
    await_cycle(before, "the limit");
    CHECK(live_bytes() < (uint64_t)GARBAGE_MIB << 19, "%zu bytes live", (size_t)live_bytes());
    close_heap(mutator);
}

static void gogc_test(void) {
    gait_mutator *mutator = open_heap("100000");
    fill(mutator);
    gait_enter_native(mutator);
    uint64_t before = cycles();
    gait_set_gogc(heap, 50);
    await_cycle(before, "GOGC");
    close_heap(mutator);
}

/* All is live: a cycle frees nothing, and the limit can't be held. */
static void in_vain_test(void) {
    gait_mutator *mutator = open_heap("off");
    gait_kind leaf = kind_new(heap, (gait_kind_info){.name = "leaf", .layout = GAIT_LEAF});
    gait_word object = (gait_word)allocate(mutator, leaf, (size_t)16 << 20);
    struct gait_frame frame;
    gait_push_frame(mutator, &frame, &object, 1);
    gait_enter_native(mutator);
    uint64_t before = cycles();
    gait_set_memory_limit(heap, (int64_t)8 << 20);
    await_cycle(before, "a limit below what is live");
    gait_set_memory_limit(heap, (int64_t)12 << 20); /* raised: nothing to look for */
    sleep_us(2500000);                              /* the thread wakes twice by itself */
    CHECK(cycles() <= before + 2, "%zu cycles in vain", (size_t)(cycles() - before));
    gait_leave_native(mutator);
    gait_pop_frame(mutator);
    gait_enter_native(mutator);
    close_heap(mutator);
}

int main(int argc, char **argv) {
    run_begin(argc, argv, 1);
    limit_test();
    gogc_test();
    in_vain_test();
}
