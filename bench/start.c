/* SPDX-License-Identifier: MIT */
/*
 * What there is to pay before anything is done: a heap, its first cycle, and cycles with next to
 * nothing to mark.
 *
 * Parameters: cycles (50) that are forced.
 *
 * Figures: start_us, the start of the memory manager with all that its user sets up;
 * start_rss_mib, by how much RSS grew by it; start_threads, how many threads it started, and
 * cycle_threads, how many there are more after the cycles; first_cycle_us; cycle_us, the median of
 * the others; cycle_cpu_us, CPU time of one, all threads.
 */
#include "peer.h"

#include <time.h>

enum { CYCLES_MAX = 1000 };

static double process_cpu_us(void) {
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

static double collect_us(peer_thread *thread) {
    uint64_t start_ns = bench_now_ns();
    peer_collect(thread);
    return (double)(bench_now_ns() - start_ns) / 1e3;
}

void start_main(void) {
    double took_us[CYCLES_MAX];
    uint64_t cycles = bench_parameter("cycles", 50);
    if (cycles == 0 || cycles > CYCLES_MAX)
        bench_die("start: cycles is out of its range");
    bench_figure("start_us", bench_start.took_us);
    bench_figure("start_rss_mib", bench_rss_mib() - bench_start.rss_before_mib);
    bench_figure("start_threads", bench_threads() - 1);
    peer_thread *thread = peer_attach();
    bench_keep(peer_alloc(thread, PEER_REFS, 32));
    bench_figure("first_cycle_us", collect_us(thread));
    double start_us = process_cpu_us();
    for (uint64_t i = 0; i < cycles; i++)
        took_us[i] = collect_us(thread);
    bench_figure("cycle_cpu_us", (process_cpu_us() - start_us) / (double)cycles);
    bench_spread("cycle_us", took_us, cycles);
    bench_figure("cycle_threads", bench_threads() - 1);
    peer_detach(thread);
}
