/* SPDX-License-Identifier: MIT */
/*
 * gcfloat: of a program whose live bytes are known, each cycle finds them, to two per cent, however
 * much else it marks.
 *
 * Each thread holds tables of short lists, each table by another way, and replaces lists all the
 * time: so what is live stays the same, and what dies while marking runs floats.
 */
#include "stress.h"

#include <gait/arena.h>

#define THREADS 2
#define LISTS 256 /* of a table */
#define NODES 64  /* of a list */
#define NODE_BYTES 64
#define CYCLES_LEAST 2
#define TOLERANCE 50             /* live bytes may be off by one part of so many */
#define STOPPED_REST_BYTES 65536 /* marked, but not live, where nothing runs beside marking */

/* How a table is held. */
enum way { FRAME, COROUTINE, EPHEMERON, CONSERVATIVE, ARENA, WAYS };

/* On its thread's stack: what a heap with C stacks scans. */
struct holder {
    gait_mutator *mutator;
    uint64_t random;
    gait_word slots[5];   /* FRAME's table, key and pair, conservative object, arena's object */
    gait_word scratch[2]; /* what is being built */
    gait_word *coroutine_root; /* not on it */
};

static gait_heap *heap;
static gait_kind kind_node, kind_refs, kind_pair, kind_words;
static bool c_stacks;
static unsigned ready; /* atomic: threads whose tables are there */
static unsigned over;  /* atomic: they may go */

static uint64_t expected_bytes(void) {
    return (uint64_t)THREADS * WAYS * LISTS * (NODES * NODE_BYTES + sizeof(gait_word));
}

static gait_word list_new(struct holder *holder) {
    holder->scratch[1] = 0;
    for (size_t i = 0; i < NODES; i++) {
        gait_word *node = allocate(holder->mutator, kind_node, NODE_BYTES);
        gait_init(node, holder->scratch[1]);
        holder->scratch[1] = (gait_word)node;
    }
    return holder->scratch[1];
}

static gait_word table_new(struct holder *holder) {
    holder->scratch[0] = (gait_word)allocate(holder->mutator, kind_refs, LISTS * sizeof(gait_word));
    for (size_t i = 0; i < LISTS; i++) {
        gait_word list = list_new(holder);
        gait_store(holder->mutator, (gait_word *)holder->scratch[0] + i, list);
    }
    return holder->scratch[0];
}

static gait_word *table_of(struct holder *holder, enum way way) {
    switch (way) {
    case FRAME:
        return (gait_word *)holder->slots[0];
    case COROUTINE:
        return (gait_word *)*holder->coroutine_root;
    case EPHEMERON:
        return (gait_word *)gait_ephemeron_get(holder->mutator, (gait_word *)holder->slots[2]);
    case CONSERVATIVE: /* leads inside */
        return (gait_word *)(*(gait_word *)holder->slots[3] - sizeof(gait_word));
    default:
        return (gait_word *)*(gait_word *)holder->slots[4];
    }
}

static void visit_root(gait_visitor *visitor, void *data) {
    /* beside gait_store by the thread that makes the coroutine */
    gait_visit(visitor, __atomic_load_n((gait_word *)data, __ATOMIC_RELAXED));
}

static void tables_make(struct holder *holder, gait_coroutine **coroutine) {
    gait_mutator *mutator = holder->mutator;
    holder->slots[0] = table_new(holder);
    CHECK(*coroutine = gait_coroutine_new(mutator, visit_root, holder->coroutine_root, NULL, NULL),
          "gait_coroutine_new");
    gait_store(mutator, holder->coroutine_root, table_new(holder));
    holder->slots[1] = (gait_word)allocate(mutator, kind_node, NODE_BYTES);
    holder->slots[2] = (gait_word)allocate(mutator, kind_pair, 4 * sizeof(gait_word));
    gait_word table = table_new(holder);
    gait_ephemeron_set(mutator, (gait_word *)holder->slots[2], holder->slots[1], table);
    holder->slots[3] = (gait_word)allocate(mutator, kind_words, 4 * sizeof(gait_word));
    table = table_new(holder);
    gait_store(mutator, (gait_word *)holder->slots[3], table + sizeof(gait_word));
    gait_arena_config config;
    gait_arena_config_init(&config);
    config.flags = GAIT_ARENA_TRACED;
    gait_arena *arena = gait_arena_create(mutator, &config);
    CHECK(arena, "no memory");
    holder->slots[4] = (gait_word)arena;
    gait_word *object = gait_arena_new(mutator, arena, kind_refs, 4 * sizeof(gait_word));
    CHECK(object, "no memory");
    holder->slots[4] = (gait_word)object;
    table = table_new(holder);
    gait_store(mutator, (gait_word *)holder->slots[4], table);
    holder->scratch[0] = holder->scratch[1] = 0;
}

/* Replace a list; now and then put a pair whose key is dead beside the other. */
static void step(struct holder *holder) {
    gait_word list = list_new(holder);
    gait_store(
        holder->mutator,
        &table_of(holder, (enum way)pick(&holder->random, WAYS))[pick(&holder->random, LISTS)],
        list);
    holder->scratch[1] = 0;
    if (one_in(&holder->random, 100)) {
        holder->scratch[1] = list_new(holder);
        holder->scratch[0] = (gait_word)allocate(holder->mutator, kind_node, NODE_BYTES);
        gait_ephemeron_set(holder->mutator, (gait_word *)holder->slots[2] + 2, holder->scratch[0],
                           holder->scratch[1]);
        holder->scratch[0] = holder->scratch[1] = 0;
    }
}

static void *work(void *argument) {
    struct holder holder = {.mutator = attach(heap), .random = mix(run.seed + (uintptr_t)argument)};
    CHECK(holder.coroutine_root = calloc(1, sizeof(gait_word)), "calloc");
    struct gait_frame slots, scratch;
    if (!c_stacks) {
        gait_push_frame(holder.mutator, &slots, holder.slots, 5);
        gait_push_frame(holder.mutator, &scratch, holder.scratch, 2);
    }
    gait_coroutine *coroutine;
    tables_make(&holder, &coroutine);
    __atomic_add_fetch(&ready, 1, __ATOMIC_RELEASE);
    while (!__atomic_load_n(&over, __ATOMIC_ACQUIRE))
        step(&holder);
    if (!c_stacks) {
        gait_pop_frame(holder.mutator);
        gait_pop_frame(holder.mutator);
    }
    gait_coroutine_free(holder.mutator, coroutine);
    gait_detach(holder.mutator);
    free(holder.coroutine_root);
    return NULL;
}

/* Look at each cycle that ends marking while all tables are there. @return the most that floated.
 */
static double watch(bool stopped, uint64_t *looked) {
    double most = 0;
    uint64_t first = 0, seen = 0;
    while (!time_is_up() || *looked < CYCLES_LEAST) {
        sleep_us(500);
        bool all = __atomic_load_n(&ready, __ATOMIC_ACQUIRE) == THREADS;
        gait_stats stats = stats_of(heap);
        /* the one after that may have marked, and not be told of yet */
        if (all && !first)
            first = stats.cycles + 2;
        if (!all || stats.cycles < first || stats.cycles == seen)
            continue;
        seen = stats.cycles;
        uint64_t live = stats.heap_reachable_bytes, expected = expected_bytes();
        CHECK(live >= expected - expected / TOLERANCE && live <= expected + expected / TOLERANCE,
              "cycle %" PRIu64 ": %" PRIu64 " bytes are live, and %" PRIu64 " were found", seen,
              expected, live);
        CHECK(stats.heap_marked_bytes >= live, "%" PRIu64 " marked, %" PRIu64 " live",
              stats.heap_marked_bytes, live);
        if (stopped)
            CHECK(stats.heap_marked_bytes - live <= STOPPED_REST_BYTES,
                  "%" PRIu64 " marked, %" PRIu64 " live, and nothing ran beside",
                  stats.heap_marked_bytes, live);
        double floats = (double)stats.heap_marked_bytes / (double)live;
        most = floats > most ? floats : most;
        ++*looked;
    }
    return most;
}

static void float_test(uint32_t flags, const char *debug, bool stopped, double seconds) {
    heap = heap_new(flags, debug, "100");
    c_stacks = flags & GAIT_CONSERVATIVE_STACKS;
    ready = over = 0;
    kind_node =
        kind_new(heap, (gait_kind_info){.name = "node", .layout = GAIT_PREFIX, .head_words = 1});
    kind_refs = kind_new(heap, (gait_kind_info){.name = "refs", .layout = GAIT_REFS});
    kind_pair = kind_new(heap, (gait_kind_info){.name = "pair", .layout = GAIT_EPHEMERON});
    kind_words = kind_new(heap, (gait_kind_info){.name = "words", .layout = GAIT_CONSERVATIVE});
    run_for(seconds);
    pthread_t threads[THREADS];
    for (size_t i = 0; i < THREADS; i++)
        threads[i] = thread_start(work, (void *)i);
    uint64_t looked = 0;
    double most = watch(stopped, &looked);
    __atomic_store_n(&over, 1, __ATOMIC_RELEASE);
    for (size_t i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    printf("%s, %-28s %4" PRIu64 " cycles looked at, float up to %.2f\n",
           c_stacks ? "C stacks" : "frames  ", debug, looked, most);
    gait_heap_destroy(heap);
}

int main(int argc, char **argv) {
    run_begin(argc, argv, 4);
    double part = run.seconds / 4;
    float_test(0, "gcfloat=1", false, part);
    float_test(GAIT_CONSERVATIVE_STACKS, "gcfloat=1", false, part);
    float_test(0, "gcfloat=1,gcstoptheworld=1", true, part);
    float_test(0, "gcfloat=1,gccheckmark=1", false, part);
    return 0;
}
