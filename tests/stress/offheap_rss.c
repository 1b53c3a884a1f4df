/* SPDX-License-Identifier: MIT */
/*
 * What the process has in memory follows what is live off-heap: threads fill to 512 MiB with blocks
 * of 64 bytes to 8 MiB, free at random to 48 MiB, and again. After each round RSS is within a tenth
 * and 64 MiB of the live bytes, and the sums are those of the threads. Only with jemalloc: the C
 * library keeps what it likes.
 */
#include "stress.h"

#include <gait/offheap.h>

#define THREADS 2
#define FULL ((size_t)256 << 20) /* of a thread */
#define LOW ((size_t)24 << 20)
#define ROUNDS 4
#define BLOCKS 65536

static gait_heap *heap;
static pthread_barrier_t barrier;
static size_t live_bytes[THREADS]; /* its thread's until the barrier */
static size_t base_bytes;

struct block {
    char *memory;
    size_t bytes;
};

static size_t resident_bytes(void) {
    unsigned long total = 0, resident = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    CHECK(file && fscanf(file, "%lu %lu", &total, &resident) == 2, "statm");
    fclose(file);
    return resident * (size_t)sysconf(_SC_PAGESIZE);
}

static void look(unsigned round) {
    size_t live = 0, resident = resident_bytes() - base_bytes;
    for (unsigned i = 0; i < THREADS; i++)
        live += live_bytes[i];
    printf("round %u: %zu MiB live, %zu MiB resident\n", round, live >> 20, resident >> 20);
    CHECK(gait_offheap_bytes(heap, 0) == live, "%zu counted", gait_offheap_bytes(heap, 0));
    CHECK(resident <= live + live / 10 + ((size_t)64 << 20), "%zu of %zu", resident, live);
}

/* Of any doubling as likely as of another. */
static size_t random_bytes(uint64_t *random) {
    size_t base = (size_t)64 << pick(random, 17);
    return base + pick(random, base);
}

static void *work(void *argument) {
    size_t index = (size_t)argument, count = 0, live = 0;
    uint64_t random = run.seed + index;
    struct block *blocks = calloc(BLOCKS, sizeof *blocks);
    for (unsigned round = 0; round < ROUNDS; round++) {
        while (live < FULL && count < BLOCKS) {
            struct block block = {.bytes = random_bytes(&random)};
            block.memory = gait_offheap_calloc(heap, 1, block.bytes, 0);
            CHECK(block.memory, "no memory");
            memset(block.memory, 1, block.bytes);
            live += block.bytes;
            blocks[count++] = block;
        }
        pthread_barrier_wait(&barrier);
        while (live > LOW) {
            struct block *block = &blocks[pick(&random, count)];
            live -= block->bytes;
            gait_offheap_free(heap, block->memory);
            *block = blocks[--count];
        }
        live_bytes[index] = live;
        pthread_barrier_wait(&barrier);
        if (index == 0)
            look(round);
        pthread_barrier_wait(&barrier);
    }
    while (count > 0)
        gait_offheap_free(heap, blocks[--count].memory);
    free(blocks);
    return NULL;
}

int main(int argc, char **argv) {
    run_begin(argc, argv, 0);
    heap = heap_new(0, "", NULL);
    if (gait_offheap_backend(heap) != GAIT_OFFHEAP_JEMALLOC) {
        puts("no jemalloc");
        return 77;
    }
    base_bytes = resident_bytes();
    pthread_barrier_init(&barrier, NULL, THREADS);
    pthread_t threads[THREADS];
    for (size_t i = 0; i < THREADS; i++)
        threads[i] = thread_start(work, (void *)i);
    for (unsigned i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    CHECK(gait_offheap_bytes(heap, GAIT_OFFHEAP_ALL) == 0, "live");
    gait_heap_destroy(heap);
    return 0;
}
