/* SPDX-License-Identifier: MIT */
/*
 * Heap snapshots while threads build graphs, also in arenas, link, store, drop and collect: each is
 * a picture of one moment. Every edge leads to a node, and every node is held by a way from a root
 * (the reader asserts both); what a thread keeps throughout is in each; and when all stand still, a
 * snapshot has as many objects as a collection finds.
 */
#include "stress.h"

#include <gait/arena.h>
#include <gait/heap_snapshot.h>
#include <gait/links.h>
#include <gait/stats.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "../heap_snapshot_reader.h"

#define THREADS 3
#define SLOTS 64
#define KEPT 100

static gait_heap *heap;
static gait_kind node, kept_kind, pair, inside;
static gait_handle *shared[SLOTS];
static unsigned started; /* atomic */
static bool over;        /* atomic */

/* Else all that was ever made stays reachable. */
static void drop_all(gait_mutator *mutator, gait_word *own) {
    memset(own + 1, 0, (SLOTS - 1) * sizeof *own);
    for (size_t i = 0; i < SLOTS; i++)
        gait_handle_set(mutator, shared[i], 0);
}

/* A list that stays. */
static gait_word keep_list(gait_mutator *mutator, gait_word *root) {
    for (size_t i = 0; i < KEPT; i++) {
        gait_word *object = allocate(mutator, kept_kind, 2 * sizeof(gait_word));
        gait_init(object, root[0]);
        root[0] = (gait_word)(uintptr_t)object;
    }
    return root[0];
}

/* One in the thread's arena is of another kind: a collection counts objects of the heap alone. */
static gait_word *allocate_somewhere(gait_mutator *mutator, gait_arena *arena, size_t words,
                                     uint64_t *seed) {
    if (next_random(seed) % 4)
        return allocate(mutator, node, words * sizeof(gait_word));
    gait_word *object = gait_arena_new(mutator, arena, inside, words * sizeof(gait_word));
    CHECK(object, "no memory");
    return object;
}

/* From an object that stays to any other; what lies in an arena is refused. */
static void link_some(gait_mutator *mutator, const gait_word *own, uint64_t *seed) {
    gait_word *slot = (gait_word *)own[0] + 1;
    gait_link_register(mutator, slot, (void *)own[1 + next_random(seed) % (SLOTS - 1)], 0);
}

static void step(gait_mutator *mutator, gait_arena *arena, gait_word *own, uint64_t *seed) {
    size_t words = 1 + next_random(seed) % 30;
    gait_word *object = allocate_somewhere(mutator, arena, words, seed);
    for (size_t i = 0; i < words; i++)
        gait_store(mutator, &object[i], own[1 + next_random(seed) % (SLOTS - 1)]);
    own[1 + next_random(seed) % (SLOTS - 1)] = (gait_word)(uintptr_t)object;
    gait_handle *handle = shared[next_random(seed) % SLOTS];
    switch (next_random(seed) % 4) {
    case 0:
        gait_handle_set(mutator, handle, (gait_word)(uintptr_t)object);
        break;
    case 1:
        own[1 + next_random(seed) % (SLOTS - 1)] = gait_handle_get(handle);
        break;
    case 2:
        own[1 + next_random(seed) % (SLOTS - 1)] = 0;
        break;
    default: {
        gait_word *table = allocate(mutator, pair, 4 * sizeof(gait_word));
        gait_ephemeron_set(mutator, table, own[1 + next_random(seed) % (SLOTS - 1)], own[1]);
        gait_ephemeron_set(mutator, table + 2, own[2], own[3]);
        own[1 + next_random(seed) % (SLOTS - 1)] = (gait_word)(uintptr_t)table;
    }
    }
}

/* Pinned: no frame has the handle. */
static gait_arena *open_arena(gait_mutator *mutator, uint64_t seed) {
    gait_arena_config config;
    gait_arena_config_init(&config);
    config.flags = GAIT_ARENA_TRACED | GAIT_ARENA_PINNED | (seed % 3 ? GAIT_ARENA_DESCRIBED : 0);
    gait_arena *arena = gait_arena_create(mutator, &config);
    CHECK(arena, "no arena");
    return arena;
}

static void *work(void *argument) {
    uint64_t seed = (uint64_t)(uintptr_t)argument;
    gait_mutator *mutator = attach(heap);
    gait_arena *arena = open_arena(mutator, seed);
    gait_word own[SLOTS] = {0};
    struct gait_frame frame;
    gait_push_frame(mutator, &frame, own, SLOTS);
    keep_list(mutator, own);
    __atomic_fetch_add(&started, 1, __ATOMIC_RELEASE);
    while (!__atomic_load_n(&over, __ATOMIC_ACQUIRE)) {
        step(mutator, arena, own, &seed);
        if (next_random(&seed) % 50 == 0)
            link_some(mutator, own, &seed);
        if (next_random(&seed) % 5000 == 0)
            gait_arena_reset(mutator, arena);
        if (next_random(&seed) % 2000 == 0)
            drop_all(mutator, own);
        if (next_random(&seed) % 20000 == 0)
            gait_collect(mutator);
        if (next_random(&seed) % 5000 == 0) {
            gait_enter_native(mutator);
            sleep_us(200);
            gait_leave_native(mutator);
        }
    }
    gait_pop_frame(mutator);
    gait_arena_free(mutator, arena);
    gait_detach(mutator);
    return NULL;
}

static void read_snapshot(uint32_t flags, struct seen *seen) {
    char error[200] = "";
    gait_snapshot_options options;
    gait_snapshot_options_init(&options);
    options.format = GAIT_SNAPSHOT_COMPACT;
    options.flags = flags;
    options.error = error;
    options.error_bytes = sizeof error;
    int file = memfd_create("snapshot", MFD_CLOEXEC);
    int status = gait_write_snapshot(heap, file, &options, NULL);
    CHECK(status == 0, "%d: %s", status, error);
    struct stat about;
    CHECK(fstat(file, &about) == 0, "fstat");
    char *bytes = malloc((size_t)about.st_size);
    CHECK(pread(file, bytes, (size_t)about.st_size, 0) == about.st_size, "pread");
    close(file);
    seen_read(seen, bytes, (size_t)about.st_size);
    CHECK(!seen->complaint, "%s", seen->complaint);
    free(bytes);
}

static size_t count_of(const struct seen *seen, gait_kind kind) {
    size_t count = 0;
    for (size_t i = 0; i < seen->node_count; i++)
        count += seen->nodes[i].kind == kind;
    return count;
}

/* Nobody runs: what a snapshot has, a collection finds. */
static void compare_with_cycle(gait_mutator *mutator) {
    struct seen seen;
    read_snapshot(0, &seen);
    gait_collect(mutator);
    gait_kind_stats kinds[8];
    size_t count = gait_read_kinds(heap, kinds, 8);
    for (size_t i = 0; i < count; i++)
        CHECK(count_of(&seen, kinds[i].kind) == kinds[i].objects,
              "%s: %zu in the snapshot, %" PRIu64 " live", kinds[i].name,
              count_of(&seen, kinds[i].kind), kinds[i].objects);
    seen_free(&seen);
}

/* @return how many. */
static size_t take_snapshots(void) {
    size_t taken = 0;
    for (; !time_is_up(); taken++) {
        struct seen seen;
        read_snapshot(taken % 2 ? GAIT_SNAPSHOT_FORK : 0, &seen);
        CHECK(count_of(&seen, kept_kind) == THREADS * KEPT, "%zu objects are kept",
              count_of(&seen, kept_kind));
        seen_free(&seen);
    }
    return taken;
}

/* Beside another one, and attached to nothing. */
static void *take_others(void *taken) {
    *(size_t *)taken = take_snapshots();
    return NULL;
}

int main(int argc, char **argv) {
    run_begin(argc, argv, 4);
    heap = gait_heap_create(NULL, NULL, 0);
    gait_mutator *mutator = attach(heap);
    const gait_kind_info infos[] = {
        {.name = "node", .layout = GAIT_REFS},
        {.name = "kept", .layout = GAIT_PREFIX, .head_words = 1},
        {.name = "pair", .layout = GAIT_EPHEMERON},
        {.name = "inside", .layout = GAIT_REFS},
    };
    node = (gait_kind)gait_kind_register(heap, &infos[0]);
    kept_kind = (gait_kind)gait_kind_register(heap, &infos[1]);
    pair = (gait_kind)gait_kind_register(heap, &infos[2]);
    inside = (gait_kind)gait_kind_register(heap, &infos[3]);
    for (size_t i = 0; i < SLOTS; i++)
        shared[i] = gait_handle_new(mutator, 0);
    pthread_t threads[THREADS];
    for (size_t i = 0; i < THREADS; i++)
        threads[i] = thread_start(work, (void *)(uintptr_t)(run.seed + i + 1));
    gait_enter_native(mutator);
    while (__atomic_load_n(&started, __ATOMIC_ACQUIRE) < THREADS)
        sleep_us(1000);
    size_t others = 0;
    pthread_t other = thread_start(take_others, &others);
    size_t taken = take_snapshots();
    pthread_join(other, NULL);
    __atomic_store_n(&over, true, __ATOMIC_RELEASE);
    for (size_t i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    gait_leave_native(mutator);
    compare_with_cycle(mutator);
    printf("%zu snapshots\n", taken + others);
    gait_detach(mutator);
    gait_heap_destroy(heap);
    return 0;
}
