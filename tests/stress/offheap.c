/* SPDX-License-Identifier: MIT */
/*
 * Off-heap memory by several threads: blocks with a pattern that are resized, handed over, freed by
 * others, owned by objects; allocators; tags; figures. One heap per backend and setting. In the end
 * all sums are 0.
 */
#include "stress.h"

#include <gait/library.h>
#include <gait/offheap.h>

#define THREADS 4
#define BLOCKS 64
#define SHARED 32
#define TAGS 8

static gait_heap *heap;
static gait_kind leaf;
static int tags[TAGS];
static unsigned char *shared[SHARED]; /* atomic: a block that any thread may take */

/* The first byte says what all others are. */
static void fill(unsigned char *block, size_t bytes, uint64_t *random) {
    memset(block, (int)(1 + pick(random, 255)), bytes);
}

static void check_block(const unsigned char *block, size_t bytes) {
    for (size_t i = 1; i<bytes; i += bytes> 1000 ? 97 : 1)
        CHECK(block[i] == block[0], "byte %zu of %zu: %x, not %x", i, bytes, block[i], block[0]);
}

static void check_zero(const unsigned char *block, size_t from, size_t to) {
    for (size_t i = from; i < to; i++)
        CHECK(block[i] == 0, "byte %zu of [%zu, %zu) is %x", i, from, to, block[i]);
}

static size_t random_bytes(uint64_t *random) {
    return one_in(random, 100) ? pick(random, 1 << 20) : pick(random, 2000);
}

static int random_tag(uint64_t *random) { return tags[pick(random, TAGS)]; }

static void change(unsigned char **place, uint64_t *random) {
    if (!*place) {
        size_t bytes = random_bytes(random);
        *place = gait_offheap_calloc(heap, 1, bytes, random_tag(random));
        CHECK(*place, "no memory");
        check_zero(*place, 0, bytes);
        fill(*place, bytes, random);
        return;
    }
    size_t old = gait_offheap_block_bytes(heap, *place);
    check_block(*place, old);
    if (one_in(random, 2)) {
        gait_offheap_free(heap, *place);
        *place = NULL;
        return;
    }
    size_t bytes = random_bytes(random);
    *place = gait_offheap_realloc(heap, *place, 1, bytes, random_tag(random));
    CHECK(*place, "no memory");
    check_block(*place, old < bytes ? old : bytes);
    check_zero(*place, old < bytes ? old : bytes, bytes);
    fill(*place, bytes, random);
}

static void own_one(gait_mutator *mutator, uint64_t *random) {
    void *object = allocate(mutator, leaf, 32);
    gait_word slot = (gait_word)object;
    struct gait_frame frame;
    gait_push_frame(mutator, &frame, &slot, 1);
    void *block = gait_offheap_calloc(heap, 1, random_bytes(random), random_tag(random));
    CHECK(block, "no memory");
    CHECK(gait_offheap_own(mutator, object, block) == 0, "own");
    if (one_in(random, 4)) {
        CHECK(gait_offheap_disown(mutator, object, block) == 0, "disown");
        gait_offheap_free(heap, block);
    }
    gait_pop_frame(mutator);
}

static void use_allocator(uint64_t *random) {
    gait_offheap_allocator *allocator = gait_offheap_allocator_new(heap, random_tag(random));
    CHECK(allocator, "no memory");
    for (unsigned round = 0; round < 2; round++) {
        for (size_t n = pick(random, 300); n > 0; n--) {
            size_t bytes = 1 + pick(random, 400);
            unsigned char *piece = gait_offheap_allocator_take(allocator, 1, bytes);
            CHECK(piece, "no memory");
            check_zero(piece, 0, bytes);
            memset(piece, 0xff, bytes);
        }
        gait_offheap_allocator_reset(allocator);
    }
    gait_offheap_allocator_free(allocator);
}

static void *work(void *argument) {
    uint64_t random = run.seed + (uintptr_t)argument;
    unsigned char *blocks[BLOCKS] = {NULL};
    gait_mutator *mutator = attach(heap);
    while (!time_is_up()) {
        gait_poll(mutator);
        change(&blocks[pick(&random, BLOCKS)], &random);
        if (one_in(&random, 4)) {
            unsigned char **mine = &blocks[pick(&random, BLOCKS)];
            *mine = __atomic_exchange_n(&shared[pick(&random, SHARED)], *mine, __ATOMIC_ACQ_REL);
        }
        if (one_in(&random, 10))
            own_one(mutator, &random);
        if (one_in(&random, 50))
            use_allocator(&random);
        if (one_in(&random, 50))
            gait_run_finalizers(mutator, 10);
        if (one_in(&random, 1000)) {
            gait_enter_native(mutator);
            change(&blocks[pick(&random, BLOCKS)], &random);
            gait_leave_native(mutator);
            gait_offheap_check(heap);
        }
    }
    for (size_t i = 0; i < BLOCKS; i++)
        gait_offheap_free(heap, blocks[i]);
    gait_detach(mutator);
    return NULL;
}

static void round_of(int backend, const char *debug, const char *limit) {
    gait_config config;
    gait_config_init(&config);
    config.debug = debug;
    config.memory_limit = limit;
    heap = heap_of(&config);
    CHECK(gait_offheap_use(heap, backend) == 0, "backend %d", backend);
    leaf = kind_new(heap, (gait_kind_info){.name = "leaf", .layout = GAIT_LEAF});
    for (int i = 0; i < TAGS; i++) {
        char name[] = "tag 0";
        name[4] = (char)('0' + i);
        tags[i] = gait_offheap_tag(heap, name);
    }
    pthread_t threads[THREADS];
    for (uintptr_t i = 0; i < THREADS; i++)
        threads[i] = thread_start(work, (void *)i);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    gait_mutator *mutator = attach(heap);
    for (int i = 0; i < SHARED; i++) {
        gait_offheap_free(heap, shared[i]);
        shared[i] = NULL;
    }
    gait_collect(mutator);
    gait_run_finalizers(mutator, SIZE_MAX);
    for (int i = 0; i < TAGS; i++)
        CHECK(gait_offheap_bytes(heap, tags[i]) == 0 && gait_offheap_blocks(heap, tags[i]) == 0,
              "tag %d: %zu bytes", i, gait_offheap_bytes(heap, tags[i]));
    CHECK(gait_library_counted(heap) == 0, "%" PRIu64, gait_library_counted(heap));
    gait_heap_destroy(heap);
}

int main(int argc, char **argv) {
    run_begin(argc, argv, 4);
    gait_heap *probe = heap_new(0, "", NULL);
    int backends = gait_offheap_backend(probe) == GAIT_OFFHEAP_JEMALLOC ? 2 : 1;
    gait_heap_destroy(probe);
    static const char *const settings[] = {"", "offheapcheck=1", "offheapleaks=1"};
    for (int backend = 1; backend <= backends; backend++)
        for (int i = 0; i < 3; i++) {
            run_for(run.seconds / (3 * backends));
            round_of(backend, settings[i], i ? "off" : "64MiB");
        }
    return 0;
}
