/* SPDX-License-Identifier: MIT */
/* Gait's heap and kinds, and what gait_read_stats says at the end. */
#include "peer.h"

#include <stdio.h>
#include <string.h>

gait_heap *peer_heap;
enum peer_region_way peer_region_way;

/* Which of the words a parameter is; the first is its default. */
static int choice(const char *name, const char *const *words, int count) {
    const char *text = bench_parameter_text(name, words[0]);
    for (int i = 0; i < count; i++)
        if (strcmp(text, words[i]) == 0)
            return i;
    bench_die("a parameter is none of its words");
}

static void ways_choose(void) {
    static const char *const regions[] = {"heap", "arena", "arena-new"};
    static const char *const backends[] = {"default", "libc", "jemalloc"};
    peer_region_way = (enum peer_region_way)choice("region", regions, 3);
    int backend = choice("backend", backends, 3);
    if (backend && gait_offheap_use(peer_heap, backend))
        bench_die("this library has no such backend");
}

double peer_raw_bytes(peer_thread *thread) {
    (void)thread;
    return (double)gait_offheap_bytes(peer_heap, GAIT_OFFHEAP_ALL);
}

static gait_stats stats_read(void) {
    gait_stats stats = {.struct_bytes = sizeof stats};
    if (gait_read_stats(peer_heap, &stats))
        bench_die("cannot read the figures");
    return stats;
}

double peer_heap_bytes(peer_thread *thread) {
    (void)thread;
    return (double)stats_read().heap_live_bytes;
}

/* The parameter kinds: precise, or conservative, by which any word of an object with references may
 * be one. */
static void kinds_register(const gait_kind_info *kinds) {
    static const char *const ways[] = {"precise", "conservative"};
    bool conservative = choice("kinds", ways, 2);
    for (int i = 0; i < PEER_KINDS; i++) {
        gait_kind_info info = kinds[i];
        if (conservative && (info.layout == GAIT_PREFIX || info.layout == GAIT_REFS))
            info.layout = GAIT_CONSERVATIVE;
        if (gait_kind_register(peer_heap, &info) != i)
            bench_die("cannot register a kind");
    }
}

void peer_start(void) {
    static const gait_kind_info kinds[PEER_KINDS] = {
        [PEER_LEAF] = {.name = "leaf", .layout = GAIT_LEAF, .raw = 1},
        [PEER_REFS] = {.name = "refs", .layout = GAIT_REFS},
        [PEER_HEAD1] = {.name = "head1", .layout = GAIT_PREFIX, .head_words = 1},
        [PEER_HEAD2] = {.name = "head2", .layout = GAIT_PREFIX, .head_words = 2},
        [PEER_HEAD3] = {.name = "head3", .layout = GAIT_PREFIX, .head_words = 3},
        [PEER_HEAD4] = {.name = "head4", .layout = GAIT_PREFIX, .head_words = 4},
        [PEER_WEAK] = {.name = "weak", .layout = GAIT_WEAK, .head_words = 2},
    };
    char error[200];
    peer_heap = gait_heap_create(NULL, error, sizeof error);
    if (!peer_heap)
        bench_die(error);
    kinds_register(kinds);
    ways_choose();
}

void peer_report(void) {
    gait_stats stats = stats_read();
#define REPORT(name, text) printf("stats." #name " %llu\n", (unsigned long long)stats.name);
    GAIT_STATS(REPORT)
#undef REPORT
    bench_figure("gc_cpu_fraction", stats.gc_cpu_fraction);
    bench_figure("gc_cpu_s",
                 (double)(stats.cpu_assist_ns + stats.cpu_dedicated_ns + stats.cpu_fractional_ns +
                          stats.cpu_idle_ns + stats.cpu_sweep_ns + stats.cpu_scavenge_ns) /
                     1e9);
    bench_figure("cycles", (double)stats.cycles);
    bench_figure("pause_max_us", (double)stats.pause_max_ns / 1e3);
    bench_figure("total_peak_mib", (double)stats.peak_total_bytes / (1 << 20));
}
