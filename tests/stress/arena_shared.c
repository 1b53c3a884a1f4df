/* SPDX-License-Identifier: MIT */
/*
 * Arenas that several threads allocate from at once, in rounds: all fill one list each, all verify
 * all lists, then one of them resets the arena, or frees it and makes another, while cycles run.
 */
#include "stress.h"

#include <gait/arena.h>

#define THREADS 4
#define NODES 2000

struct node {
    gait_word next;
    gait_word object; /* of the heap, in a traced arena */
    uint64_t check;
};

static gait_heap *heap;
static gait_kind kind_node, kind_object;
static gait_word arena_root;     /* static root */
static gait_word lists[THREADS]; /* likewise; of the round */
static bool traced;              /* the main thread's; read between two barriers */
static pthread_barrier_t barrier;
static uint64_t rounds;

/* Where all threads meet: a mutator that waits is in native code. */
static void meet(gait_mutator *mutator) {
    gait_enter_native(mutator);
    pthread_barrier_wait(&barrier);
    gait_leave_native(mutator);
}

static gait_arena *arena_now(void) { return (gait_arena *)slot_load(&arena_root); }

static void create(gait_mutator *mutator, uint64_t *random) {
    gait_arena_config config;
    gait_arena_config_init(&config);
    config.name = "shared";
    traced = pick(random, 2);
    config.flags = GAIT_ARENA_CONCURRENT | (traced ? GAIT_ARENA_TRACED : 0);
    gait_arena *arena = gait_arena_create(mutator, &config);
    CHECK(arena, "no memory");
    gait_store(mutator, &arena_root, (gait_word)arena);
}

static void fill(gait_mutator *mutator, unsigned number, uint64_t *random) {
    gait_word words[1] = {0};
    struct gait_frame frame;
    gait_push_frame(mutator, &frame, words, 1);
    gait_arena *arena = arena_now();
    for (unsigned i = 0; i < NODES; i++) {
        if (traced) {
            uint64_t *object = allocate(mutator, kind_object, 64);
            object[1] = (uint64_t)i * THREADS + number;
            words[0] = (gait_word)object;
        }
        struct node *node = gait_arena_new(mutator, arena, kind_node, sizeof *node);
        CHECK(node && !node->next && !node->object && !node->check, "not zeroed, or no memory");
        node->check = (uint64_t)i * THREADS + number;
        gait_init(&node->object, words[0]);
        gait_store(mutator, &node->next, slot_load(&lists[number]));
        gait_store(mutator, &lists[number], (gait_word)node);
        if (one_in(random, 8)) {
            size_t bytes = 1 + pick(random, one_in(random, 40) ? 200000 : 500);
            char *plain = gait_arena_alloc(mutator, arena, bytes, (size_t)1 << pick(random, 8));
            CHECK(plain && !plain[0] && !plain[bytes - 1], "not zeroed, or no memory");
            memset(plain, 0x5a, bytes < 1000 ? bytes : 1000);
        }
    }
    gait_pop_frame(mutator);
}

static void verify(void) {
    for (unsigned number = 0; number < THREADS; number++) {
        unsigned i = NODES;
        for (gait_word at = slot_load(&lists[number]); at;) {
            const struct node *node = (struct node *)at;
            i--;
            CHECK(node->check == (uint64_t)i * THREADS + number, "a node has changed");
            if (node->object)
                CHECK(((uint64_t *)node->object)[1] == node->check, "an object has changed");
            at = slot_load(&node->next);
        }
        CHECK(i == 0, "%u nodes are missing", i);
    }
}

static void *work(void *argument) {
    unsigned number = (unsigned)(uintptr_t)argument;
    uint64_t random = mix(run.seed + number);
    gait_mutator *mutator = attach(heap);
    if (number == 0)
        create(mutator, &random);
    for (;;) {
        meet(mutator);
        fill(mutator, number, &random);
        if (one_in(&random, 4))
            gait_collect(mutator);
        meet(mutator);
        verify();
        meet(mutator);
        gait_store(mutator, &lists[number], 0);
        meet(mutator);
        bool last = false;
        if (number == 0) {
            rounds++;
            unsigned choice = (unsigned)pick(&random, 4);
            if (choice == 0)
                gait_arena_trim(mutator, arena_now());
            if (choice > 1) {
                gait_arena_reset(mutator, arena_now());
            } else {
                if (choice == 0 || pick(&random, 2))
                    gait_arena_free(mutator, arena_now());
                create(mutator, &random); /* the other one is forgotten */
            }
            if (time_is_up())
                gait_store(mutator, &arena_root, 0);
        }
        meet(mutator);
        last = !slot_load(&arena_root);
        if (last)
            break;
    }
    gait_detach(mutator);
    return NULL;
}

int main(int argc, char **argv) {
    run_begin(argc, argv, 3);
    heap = heap_new(0, argc > 3 ? argv[3] : NULL, NULL);
    kind_node =
        kind_new(heap, (gait_kind_info){.name = "node", .layout = GAIT_PREFIX, .head_words = 2});
    kind_object = kind_new(heap, (gait_kind_info){.name = "object", .layout = GAIT_LEAF});
    gait_mutator *mutator = attach(heap);
    CHECK(gait_roots_add(mutator, &arena_root, 1) == 0, "gait_roots_add");
    CHECK(gait_roots_add(mutator, lists, THREADS) == 0, "gait_roots_add");
    pthread_barrier_init(&barrier, NULL, THREADS);
    pthread_t threads[THREADS];
    for (uintptr_t i = 0; i < THREADS; i++)
        threads[i] = thread_start(work, (void *)i);
    gait_enter_native(mutator);
    for (unsigned i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    gait_leave_native(mutator);
    for (unsigned i = 0; i < 3; i++)
        gait_collect(mutator);
    gait_stats stats = stats_of(heap);
    printf("%" PRIu64 " rounds, %" PRIu64 " cycles; %" PRIu64 " KiB of arenas are left\n", rounds,
           (uint64_t)stats.cycles, (uint64_t)stats.arena_bytes >> 10);
    CHECK(stats.arena_bytes <= (uint64_t)64 << 20, "arenas that nothing leads to were not freed");
    gait_heap_destroy(heap);
    return 0;
}
