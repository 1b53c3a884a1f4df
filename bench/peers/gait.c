/* SPDX-License-Identifier: MIT */
/* Gait's heap and kinds, and what gait_read_stats says at the end. */
#include "peer.h"

#include <stdio.h>

gait_heap *peer_heap;
gait_kind peer_kinds[PEER_KINDS];

void peer_start(void) {
    static const gait_kind_info kinds[PEER_KINDS] = {
        [PEER_LEAF] = {.name = "leaf", .layout = GAIT_LEAF},
        [PEER_REFS] = {.name = "refs", .layout = GAIT_REFS},
        [PEER_HEAD1] = {.name = "head1", .layout = GAIT_PREFIX, .head_words = 1},
        [PEER_HEAD2] = {.name = "head2", .layout = GAIT_PREFIX, .head_words = 2},
        [PEER_HEAD4] = {.name = "head4", .layout = GAIT_PREFIX, .head_words = 4},
    };
    char error[200];
    peer_heap = gait_heap_create(NULL, error, sizeof error);
    if (!peer_heap)
        bench_die(error);
    for (int i = 0; i < PEER_KINDS; i++) {
        int kind = gait_kind_register(peer_heap, &kinds[i]);
        if (kind < 0)
            bench_die("cannot register a kind");
        peer_kinds[i] = (gait_kind)kind;
    }
}

void peer_report(void) {
    gait_stats stats = {.struct_bytes = sizeof stats};
    if (gait_read_stats(peer_heap, &stats))
        bench_die("cannot read the figures");
#define REPORT(name, text) printf("stats." #name " %llu\n", (unsigned long long)stats.name);
    GAIT_STATS(REPORT)
#undef REPORT
    bench_figure("gc_cpu_fraction", stats.gc_cpu_fraction);
    bench_figure("cycles", (double)stats.cycles);
    bench_figure("pause_max_us", (double)stats.pause_max_ns / 1e3);
    bench_figure("total_peak_mib", (double)stats.peak_total_bytes / (1 << 20));
}
