/* SPDX-License-Identifier: MIT */
/*
 * Starts Whippet, and says what it did. The heap grows with what is live, as its embedders have it;
 * WHIPPET_OPTIONS has options of its own, such as heap-double-threshold=60m, at which a heap is
 * twice as large as what is live, or heap-size-policy=fixed,heap-size=100m.
 */
#include "peer.h"

#include <gc-basic-stats.h>
#include <stdlib.h>

static struct gc_heap *heap;
static struct gc_mutator *first; /* of the thread that started it, until that attaches */
static struct gc_basic_stats stats;

void peer_start(void) {
    struct gc_options *options = gc_allocate_options();
    const char *given = getenv("WHIPPET_OPTIONS");
    gc_options_set_int(options, GC_OPTION_HEAP_SIZE_POLICY, GC_HEAP_SIZE_GROWABLE);
    if (given && !gc_options_parse_and_set_many(options, given))
        bench_die("WHIPPET_OPTIONS are none");
    if (!gc_init(options, gc_empty_stack_addr(), &heap, &first, GC_BASIC_STATS, &stats))
        bench_die("no heap");
}

peer_thread *peer_attach(void) {
    peer_thread *thread = first ? first : gc_init_for_thread(gc_empty_stack_addr(), heap);
    first = NULL;
    return thread;
}

void peer_report(void) {
    gc_basic_stats_finish(&stats);
    bench_figure("cycles", (double)(stats.major_collection_count + stats.minor_collection_count));
    bench_figure("minor_cycles", (double)stats.minor_collection_count);
    bench_figure("pause_max_us", (double)gc_latency_max(&stats.pause_times));
    bench_figure("total_peak_mib", (double)stats.max_heap_size / (1 << 20));
}
