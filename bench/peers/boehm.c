/* SPDX-License-Identifier: MIT */
/* Starts the Boehm collector and its markers, and says what it did. */
#include "peer.h"

void peer_start(void) {
#ifdef PEER_BOEHM_INLINE
    GC_set_all_interior_pointers(0);
#endif
    GC_INIT();
    GC_set_warn_proc(GC_ignore_warn_proc);
    GC_start_mark_threads();
}

void peer_report(void) {
    bench_figure("cycles", (double)GC_get_gc_no());
    bench_figure("markers", GC_get_parallel() + 1);
    bench_figure("total_peak_mib", (double)GC_get_heap_size() / (1 << 20));
}
