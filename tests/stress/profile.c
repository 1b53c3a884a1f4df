/* SPDX-License-Identifier: MIT */
/*
 * The heap profile while threads allocate, in arenas too, and in one that all of them share, take
 * foreign memory, with names and without, free some objects, cycles run, others read it, and its
 * rate changes: what is live by it comes to what lives, and all of it goes as that dies.
 */
#include "stress.h"

#include <gait/arena.h>
#include <gait/foreign.h>
#include <gait/library.h>
#include <gait/profile.h>
#include <math.h>

#define THREADS 4
#define KEPT 4000
#define NODE_BYTES 64

static gait_heap *heap;
static gait_kind node;
static gait_arena *shared;
static volatile bool over;

static size_t tell(gait_mutator *mutator, gait_profile_frame *frames, size_t most, void *data) {
    (void)mutator, (void)most;
    frames[0] = (gait_profile_frame){"worker", "profile.c", (uint32_t)(uintptr_t)data};
    return 1;
}

/* An arena's life: some windows, one end or two. */
static void use_arena(gait_mutator *mutator, uint64_t *seed) {
    gait_arena_config config;
    gait_arena_config_init(&config);
    config.name = next_random(seed) % 2 ? "one" : "other";
    config.flags = next_random(seed) % 2 ? GAIT_ARENA_TRACED : 0;
    gait_arena *arena = gait_arena_create(mutator, &config);
    CHECK(arena, "no arena");
    gait_word root = (gait_word)(uintptr_t)arena;
    struct gait_frame frame;
    gait_push_frame(mutator, &frame, &root, 1);
    for (int life = 0; life < 3; life++) {
        for (uint64_t left = next_random(seed) % 300; left > 0; left--) {
            CHECK(gait_arena_new(mutator, arena, node, 16 + next_random(seed) % 100), "no memory");
            CHECK(gait_arena_alloc(mutator, arena, next_random(seed) % 300, 8), "no memory");
            CHECK(gait_arena_alloc(mutator, shared, 24, 8), "no memory");
        }
        gait_arena_reset(mutator, arena);
    }
    if (next_random(seed) % 8) /* else it is leaked, and the collector ends it */
        gait_arena_free(mutator, arena);
    gait_pop_frame(mutator);
}

/* Memory beside the heap: an address that nobody else has. */
static void use_beside(uint64_t *seed) {
    char block;
    if (gait_library_sample(heap, &block, next_random(seed) % 5000, "block",
                            __builtin_return_address(0)))
        gait_library_unsample(heap, &block);
}

/* Foreign memory; what stands for it lies where others have had theirs. */
static void use_foreign(gait_mutator *mutator, uint64_t *seed) {
    char memory;
    size_t bytes = next_random(seed) % 5000;
    gait_foreign_add_named(mutator, &memory, bytes, "memory");
    gait_heap_foreign_add(heap, 100);
    gait_heap_foreign_sub_named(heap, &memory, bytes);
    gait_foreign_sub(mutator, 100);
}

static void *work(void *argument) {
    uint64_t seed = (uint64_t)(uintptr_t)argument;
    gait_mutator *mutator = attach(heap);
    gait_word kept[1] = {0};
    struct gait_frame frame;
    gait_push_frame(mutator, &frame, kept, 1);
    for (size_t i = 0; i < KEPT; i++) {
        gait_word *object = allocate(mutator, node, NODE_BYTES);
        gait_init(object, kept[0]);
        kept[0] = (gait_word)(uintptr_t)object;
    }
    while (!__atomic_load_n(&over, __ATOMIC_RELAXED)) {
        allocate(mutator, node, 16 + next_random(&seed) % 2000);
        if (next_random(&seed) % 4096 == 0)
            allocate(mutator, node, 100000);
        if (next_random(&seed) % 512 == 0)
            use_arena(mutator, &seed);
        if (next_random(&seed) % 64 == 0)
            use_beside(&seed);
        if (next_random(&seed) % 64 == 0)
            use_foreign(mutator, &seed);
        if (next_random(&seed) % 64 == 0)
            gait_free(mutator, allocate(mutator, node, 48));
    }
    gait_collect(mutator); /* what was garbage as others looked is none of the next cycle */
    gait_pop_frame(mutator);
    gait_detach(mutator);
    return NULL;
}

struct sums {
    double live_bytes, alloc_bytes;
};

static void sum_up(const gait_profile_site *site, void *data) {
    struct sums *sums = data;
    if (site->depth == 0) { /* of foreign memory without a name: what there is */
        CHECK(site->memory == GAIT_PROFILE_FOREIGN && site->live_bytes > 0, "a wrong site");
        return;
    }
    CHECK(site->live_bytes <= site->alloc_bytes * 1.000001 + 1, "a wrong site");
    sums->live_bytes += site->live_bytes;
    sums->alloc_bytes += site->alloc_bytes;
}

static void look_on(uint64_t seed) {
    static const size_t rates[] = {1, 1024, 65536, 524288, 0};
    while (!time_is_up()) {
        gait_set_profile_rate(heap, rates[next_random(&seed) % 5]);
        gait_set_profile_frames(heap, next_random(&seed) % 2 ? tell : NULL, (void *)7);
        struct sums sums = {0, 0};
        gait_read_profile(heap, sum_up, &sums);
        sleep_us(2000);
    }
}

int main(int argc, char **argv) {
    run_begin(argc, argv, 4);
    heap = heap_new(0, NULL, "25");
    node = kind_new(heap, (gait_kind_info){.name = "node", .layout = GAIT_REFS});
    gait_set_profile_rate(heap, 1);
    over = false;
    gait_arena_config config;
    gait_arena_config_init(&config);
    config.flags = GAIT_ARENA_CONCURRENT | GAIT_ARENA_PINNED;
    gait_mutator *maker = attach(heap);
    shared = gait_arena_create(maker, &config);
    CHECK(shared, "no arena");
    gait_detach(maker);
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        threads[i] = thread_start(work, (void *)(uintptr_t)(run.seed + (uint64_t)i + 1));
    look_on(run.seed);
    __atomic_store_n(&over, true, __ATOMIC_RELAXED);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    gait_mutator *mutator = attach(heap);
    gait_arena_adopt(mutator, shared);
    gait_arena_free(mutator, shared);
    gait_collect(mutator);
    gait_collect(mutator);
    struct sums sums = {0, 0};
    CHECK(gait_read_profile(heap, sum_up, &sums) == 0, "samples were lost");
    CHECK(sums.alloc_bytes > THREADS * KEPT * NODE_BYTES / 2, "only %f bytes", sums.alloc_bytes);
    CHECK(fabs(sums.live_bytes) < 1, "%f bytes live in an empty heap", sums.live_bytes);
    gait_detach(mutator);
    gait_heap_destroy(heap);
    return 0;
}
