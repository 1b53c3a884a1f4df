/* SPDX-License-Identifier: MIT */
/*
 * Pages that go from arenas to objects and back, beside threads that ask whose a page is and hold
 * nothing of it: cycles, which look at dirty cards and at stale words, and a thread that counts
 * what of its own arena leads where, while another one gives those pages back.
 *
 *   program [SEED [SECONDS]]
 */
#include "stress.h"

#include <gait/arena.h>

#define COMERS 2
#define CHUNK_BYTES                                                                                \
    ((size_t)24 << 10) /* and twice as much …: no such chunk is kept in the pool                 \
                        */
#define OBJECTS 40
#define OBJECT_WORDS 2000
#define CELLS_MOST 200

static gait_heap *heap;
static gait_kind refs;
static gait_word shared; /* static root: an object in the arena that comes and goes */
static uint64_t resets, counts, others; /* figures; relaxed */

static void figure(uint64_t *count, uint64_t more) {
    __atomic_fetch_add(count, more, __ATOMIC_RELAXED);
}

static gait_arena *arena_new(gait_mutator *mutator) {
    gait_arena_config config;
    gait_arena_config_init(&config);
    config.flags = GAIT_ARENA_TRACED;
    config.chunk_bytes = CHUNK_BYTES;
    gait_arena *arena = gait_arena_create(mutator, &config);
    CHECK(arena, "no arena");
    return arena;
}

/* Fills an arena, with stores that make cards dirty, and gives all of it back. */
static void *come_and_go(void *argument) {
    gait_mutator *mutator = attach(heap);
    uint64_t random = mix(run.seed + (uintptr_t)argument);
    gait_word roots[1] = {0};
    struct gait_frame frame;
    gait_push_frame(mutator, &frame, roots, 1);
    gait_arena *arena = arena_new(mutator);
    roots[0] = (gait_word)arena;
    while (!time_is_up()) {
        gait_word *last = NULL;
        for (unsigned i = 0; i < OBJECTS; i++) {
            gait_word *object = gait_arena_new(mutator, arena, refs, OBJECT_WORDS * sizeof *object);
            CHECK(object, "no memory");
            for (size_t at = 0; at < OBJECT_WORDS; at += 1 + pick(&random, 60))
                gait_store(mutator, &object[at], last ? (gait_word)last : (gait_word)object);
            last = object;
            gait_store(mutator, &shared, (gait_word)object);
        }
        gait_store(mutator, &shared, 0);
        gait_poll(mutator);
        gait_arena_reset(mutator, arena);
        gait_arena_trim(mutator, arena);
        figure(&resets, 1);
    }
    gait_arena_free(mutator, arena);
    gait_pop_frame(mutator);
    gait_detach(mutator);
    return NULL;
}

/* Takes spans of one page, frees cells of them, and leaves them on their lists. */
static void *come_and_detach(void *argument) {
    uint64_t random = mix(run.seed + 100 + (uintptr_t)argument);
    while (!time_is_up()) {
        gait_mutator *mutator = attach(heap);
        size_t words = 2 + pick(&random, 30), count = pick(&random, CELLS_MOST);
        for (size_t i = 0; i < count; i++) {
            gait_word *object = allocate(mutator, refs, words * sizeof *object);
            if (i % 2)
                gait_free(mutator, object);
        }
        gait_detach(mutator);
    }
    return NULL;
}

/* Has references into the arena that comes and goes, and counts what leads where. */
static void *count_edges(void *argument) {
    gait_mutator *mutator = attach(heap);
    uint64_t random = mix(run.seed + 200 + (uintptr_t)argument);
    gait_word roots[1] = {0};
    struct gait_frame frame;
    gait_push_frame(mutator, &frame, roots, 1);
    gait_arena *arena = arena_new(mutator);
    roots[0] = (gait_word)arena;
    /* references into what may be gone: only code that knows that follows them */
    gait_word *words = gait_arena_new(mutator, arena, refs, OBJECT_WORDS * sizeof *words);
    CHECK(words, "no memory");
    while (!time_is_up()) {
        gait_word other = slot_load(&shared);
        uint64_t own = 0, crossing;
        for (size_t i = 0; i < OBJECT_WORDS; i++) {
            bool mine = one_in(&random, 100);
            own += mine;
            gait_word word = other ? other + 8 * pick(&random, OBJECT_WORDS) : 0;
            gait_store(mutator, &words[i], mine ? (gait_word)&words[i] : word);
        }
        uint64_t all = gait_arena_count_edges(mutator, arena, &crossing);
        CHECK(all == own && crossing == 0, "%" PRIu64 " edges of %" PRIu64 ", %" PRIu64 " cross",
              all, own, crossing);
        figure(&counts, 1);
        figure(&others, other != 0);
        gait_poll(mutator);
    }
    gait_arena_free(mutator, arena);
    gait_pop_frame(mutator);
    gait_detach(mutator);
    return NULL;
}

static void test(uint32_t flags, const char *debug, const char *minor) {
    gait_config config;
    gait_config_init(&config);
    config.flags = flags;
    config.debug = debug;
    config.minor = minor;
    config.gogc = "10";
    config.memory_limit = "12MiB"; /* pages are used again at once */
    heap = heap_of(&config);
    refs = kind_new(heap, (gait_kind_info){.name = "refs", .layout = GAIT_REFS});
    shared = 0;
    resets = counts = others = 0;
    gait_mutator *mutator = attach(heap);
    CHECK(gait_roots_add(mutator, &shared, 1) == 0, "gait_roots_add");
    gait_enter_native(mutator);
    pthread_t threads[COMERS + 2];
    for (uintptr_t i = 0; i < COMERS; i++)
        threads[i] = thread_start(come_and_detach, (void *)i);
    threads[COMERS] = thread_start(come_and_go, NULL);
    threads[COMERS + 1] = thread_start(count_edges, NULL);
    while (!time_is_up()) {
        gait_leave_native(mutator);
        gait_collect(mutator);
        gait_enter_native(mutator);
    }
    for (unsigned i = 0; i < COMERS + 2; i++)
        pthread_join(threads[i], NULL);
    gait_leave_native(mutator);
    printf("  %s, minor %s: %" PRIu64 " cycles, %" PRIu64 " resets, %" PRIu64 " counts, %" PRIu64
           " of them with words that lead elsewhere\n",
           debug ? debug : "plain", minor, stats_of(heap).cycles, resets, counts, others);
    fflush(stdout);
    gait_heap_destroy(heap);
}

int main(int argc, char **argv) {
    run_begin(argc, argv, 4);
    static const struct {
        uint32_t flags;
        const char *debug, *minor;
    } tests[] = {
        {0, "gcminor=1", "on"},
        {0, NULL, "off"},
    };
    const size_t count = sizeof tests / sizeof tests[0];
    for (size_t i = 0; i < count; i++) {
        run_for(run.seconds / (double)count);
        test(tests[i].flags, tests[i].debug, tests[i].minor);
    }
    return 0;
}
