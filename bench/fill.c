/* SPDX-License-Identifier: MIT */
/*
 * Memory outside of the heap that grows and shrinks: threads fill it with blocks of random sizes up
 * to `full`, free blocks at random down to `low`, and so on, round after round. What matters is the
 * RSS at the low points.
 *
 * Parameters: full_mib (8192) and low_mib (512) of all threads together; rounds (16); threads (2);
 * least_bytes (256), most_bytes (33554432): a block's size is between these, as likely to be in one
 * doubling as in another; seed. touch (1): every page is written to.
 *
 * Figures: rss_low_mib_N at the low point of round N; live_low_mib, what is live at the last one;
 * excess_max_mib, by how much RSS was above 1.1 times the live bytes at most; rss_after_mib, when
 * all is freed.
 */
#include "peer.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { THREADS_MAX = 64 };

struct block {
    unsigned char *memory;
    size_t bytes;
};

struct filler {
    peer_thread *thread;
    struct block *blocks;
    size_t count, room;
    uint64_t live_bytes, seed;
};

static struct {
    uint64_t full_bytes, low_bytes; /* of a thread */
    uint64_t least_bytes, doublings_permille;
    uint64_t rounds, touch;
    pthread_barrier_t phase;
    uint64_t
        live_bytes[THREADS_MAX]; /* at the low point: written by each thread before a barrier */
    unsigned threads;
} fill; /* constant while threads run, except for what says otherwise */

/* Sizes are even on the scale of their logarithm: a doubling, then a place in it. */
static size_t random_bytes(struct filler *filler) {
    uint64_t at = bench_random(&filler->seed) % (fill.doublings_permille + 1);
    uint64_t base = fill.least_bytes << (at / 1000);
    return (size_t)(base + base * (at % 1000) / 1000);
}

static void block_add(struct filler *filler) {
    if (filler->count == filler->room) {
        filler->room = filler->room * 2 + 1024;
        filler->blocks = realloc(filler->blocks, filler->room * sizeof *filler->blocks);
        if (!filler->blocks)
            bench_die("out of memory");
    }
    struct block block = {.bytes = random_bytes(filler)};
    block.memory = peer_raw_calloc(filler->thread, block.bytes);
    if (block.memory[0] | block.memory[block.bytes - 1])
        bench_die("fill: memory is not zero");
    if (fill.touch)
        for (size_t at = 0; at < block.bytes; at += 4096)
            block.memory[at] = (unsigned char)block.bytes;
    block.memory[0] = block.memory[block.bytes - 1] = (unsigned char)block.bytes;
    filler->blocks[filler->count++] = block;
    filler->live_bytes += block.bytes;
}

static void block_drop(struct filler *filler) {
    size_t at = (size_t)(bench_random(&filler->seed) % filler->count);
    struct block block = filler->blocks[at];
    filler->blocks[at] = filler->blocks[--filler->count];
    if (block.memory[0] != (unsigned char)block.bytes ||
        block.memory[block.bytes - 1] != (unsigned char)block.bytes)
        bench_die("fill: a block was written to");
    peer_raw_free(filler->thread, block.memory);
    filler->live_bytes -= block.bytes;
}

/* All threads wait for each other; outside of them no collector waits for one that waits. */
static bool phase_end(peer_thread *thread) {
    peer_block(thread);
    bool one = pthread_barrier_wait(&fill.phase) == PTHREAD_BARRIER_SERIAL_THREAD;
    peer_unblock(thread);
    return one;
}

/* By one thread, while the others wait. */
static void low_point(uint64_t round) {
    static double excess_max_mib;
    double live_mib = 0, rss = bench_rss_mib();
    for (unsigned i = 0; i < fill.threads; i++)
        live_mib += (double)fill.live_bytes[i] / (1 << 20);
    if (round == 1 || rss - 1.1 * live_mib > excess_max_mib)
        excess_max_mib = rss - 1.1 * live_mib;
    printf("rss_low_mib_%llu %.1f\n", (unsigned long long)round, rss);
    if (round == fill.rounds) {
        bench_figure("live_low_mib", live_mib);
        bench_figure("excess_max_mib", excess_max_mib);
    }
}

static void fill_run(peer_thread *thread, unsigned index) {
    struct filler filler = {.thread = thread,
                            .seed = bench_parameter("seed", 88172645463325252u) + index};
    for (uint64_t round = 1; round <= fill.rounds; round++) {
        while (filler.live_bytes < fill.full_bytes) {
            block_add(&filler);
            peer_poll(thread);
        }
        phase_end(thread);
        while (filler.count && filler.live_bytes > fill.low_bytes) {
            block_drop(&filler);
            peer_poll(thread);
        }
        fill.live_bytes[index] = filler.live_bytes;
        if (phase_end(thread))
            low_point(round);
        phase_end(thread);
    }
    while (filler.count)
        block_drop(&filler);
    free(filler.blocks);
}

void fill_main(void) {
    peer_thread *self = peer_attach();
    uint64_t most_bytes = bench_parameter("most_bytes", 32 << 20);
    fill.threads = (unsigned)bench_parameter("threads", 2);
    fill.rounds = bench_parameter("rounds", 16);
    fill.touch = bench_parameter("touch", 1);
    fill.least_bytes = bench_parameter("least_bytes", 256);
    if (!fill.threads || fill.threads > THREADS_MAX || !fill.least_bytes ||
        most_bytes < fill.least_bytes)
        bench_die("fill: a parameter is out of its range");
    for (uint64_t bytes = fill.least_bytes; bytes * 2 <= most_bytes; bytes *= 2)
        fill.doublings_permille += 1000;
    fill.full_bytes = (bench_parameter("full_mib", 8192) << 20) / fill.threads;
    fill.low_bytes = (bench_parameter("low_mib", 512) << 20) / fill.threads;
    if (pthread_barrier_init(&fill.phase, NULL, fill.threads))
        bench_die("fill: no barrier");
    uint64_t start_ns = bench_now_ns();
    peer_run_threads(self, fill.threads, fill_run);
    bench_figure("seconds", (double)(bench_now_ns() - start_ns) / 1e9);
    bench_figure("rss_after_mib", bench_rss_mib());
    bench_figure("raw_after_mib", peer_raw_bytes(self) / (1 << 20));
    pthread_barrier_destroy(&fill.phase);
    peer_detach(self);
}
