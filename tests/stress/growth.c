/* SPDX-License-Identifier: MIT */
/*
 * A heap that grows at one stroke: a large array of references, fresh and zero or filled, then
 * small garbage beside it. The cycle that meets the array has no cycle before it to go by; it must
 * end near its goal all the same, and so must the next ones. The program computes between its
 * allocations: did it nothing else, the goal would be the CPU's floor, which is larger the faster
 * the machine allocates (3 GB/s: up to 4.6 times the array, in some minutes of some machines).
 */
#include "stress.h"

#define MIB ((size_t)1 << 20)
#define ARRAY_BYTES (64 * MIB)
#define GARBAGE_BYTES (1024 * MIB)

/* Some 30 ns. */
static void compute(void) {
    for (volatile int i = 0; i < 16; i++)
        continue;
}

static void growth_test(bool filled) {
    gait_heap *heap = heap_new(0, NULL, "100");
    gait_kind refs = kind_new(heap, (gait_kind_info){.name = "refs", .layout = GAIT_REFS});
    gait_mutator *mutator = attach(heap);
    gait_word array = 0;
    struct gait_frame frame;
    gait_push_frame(mutator, &frame, &array, 1);
    array = (gait_word)allocate(mutator, refs, ARRAY_BYTES);
    size_t step = ARRAY_BYTES / sizeof(gait_word) / 4096;
    for (size_t i = 0; filled && i < 4096; i++)
        gait_store(mutator, (gait_word *)array + i * step, (gait_word)allocate(mutator, refs, 64));
    uint64_t cycles = 0, most = 0;
    for (size_t done = 0; done < GARBAGE_BYTES; done += 64) {
        allocate(mutator, refs, 64);
        compute();
        gait_stats stats;
        if (done % MIB != 0 || (stats = stats_of(heap)).cycles == cycles)
            continue;
        cycles = stats.cycles;
        most = stats.heap_peak_bytes > most ? stats.heap_peak_bytes : most;
    }
    gait_stats stats = stats_of(heap);
    printf("%s array: %" PRIu64 " cycles, the largest ended at %zu %% of it, %zu MiB in all\n",
           filled ? "filled" : "fresh", stats.cycles, (size_t)(100 * most / ARRAY_BYTES),
           (size_t)stats.peak_total_bytes / MIB);
    fflush(stdout);
    /* Twice the array, or, with what the first cycle lets be born marked, four times; some tables.
     */
    CHECK(stats.cycles > 0, "no cycle");
    CHECK(MARKS_SLOWLY || most <= 4 * ARRAY_BYTES, "a cycle ended at %zu MiB", (size_t)most / MIB);
    CHECK(MARKS_SLOWLY || stats.peak_total_bytes <= 5 * ARRAY_BYTES, "%zu MiB in all",
          (size_t)stats.peak_total_bytes / MIB);
    gait_pop_frame(mutator);
    gait_detach(mutator);
    gait_heap_destroy(heap);
}

int main(int argc, char **argv) {
    run_begin(argc, argv, 1);
    growth_test(false);
    growth_test(true);
}
