/* SPDX-License-Identifier: MIT */
/* Pairs of arenas, by one thread; with several: tests/stress/arena_pair.c. */
#include <criterion/criterion.h>
#include <gait/arena.h>
#include <gait/stats.h>
#include <setjmp.h>
#include <string.h>

#include "api/arenas.h"
#include "platform/fault.h"

static gait_heap *heap;
static gait_mutator *mutator;
static gait_kind leaf, refs;
static gait_arena_pair *pair;

static void open_heap(void) {
    heap = gait_heap_create(NULL, NULL, 0);
    mutator = gait_attach(heap);
    leaf =
        (gait_kind)gait_kind_register(heap, &(gait_kind_info){.name = "leaf", .layout = GAIT_LEAF});
    refs =
        (gait_kind)gait_kind_register(heap, &(gait_kind_info){.name = "refs", .layout = GAIT_REFS});
}

static void open(uint32_t flags) {
    gait_arena_config config;
    open_heap();
    gait_arena_config_init(&config);
    config.flags = flags;
    config.name = "frame";
    pair = gait_arena_pair_create(mutator, &config);
    cr_assert_not_null(pair);
}

static void close_heap(void) {
    gait_arena_pair_free(mutator, pair);
    gait_heap_destroy(heap);
}

static gait_arena *current(void) { return gait_arena_pair_current(mutator, pair); }

static size_t used_bytes(gait_arena *arena) {
    gait_arena_stats stats = {.struct_bytes = sizeof stats};
    cr_assert_eq(gait_arena_read_stats(mutator, arena, &stats), 0);
    return stats.used_bytes;
}

Test(arena_pair, frames) {
    open(0);
    gait_arena *arenas[2] = {current(), NULL};
    gait_arena_view view = gait_arena_pair_read(pair);
    cr_assert_null(view.root); /* before the first frame: the other one, empty */
    cr_assert_neq(view.arena, arenas[0]);
    arenas[1] = view.arena;
    gait_arena_pair_done(pair, view);
    for (size_t frame = 0; frame < 10; frame++) {
        cr_assert_eq(current(), arenas[frame % 2]);
        cr_assert_eq(used_bytes(current()), 0u);
        size_t *number = gait_arena_new(mutator, current(), leaf, 1000);
        *number = frame;
        cr_assert(gait_arena_pair_swap(mutator, pair, number));
        view = gait_arena_pair_read(pair);
        cr_assert_eq(view.arena, arenas[frame % 2]);
        cr_assert_eq(*(size_t *)view.root, frame);
        gait_arena_pair_done(pair, view);
    }
    cr_assert(gait_arena_pair_swap(mutator, pair, NULL));
    view = gait_arena_pair_read(pair);
    cr_assert_null(view.root);
    gait_arena_pair_done(pair, view);
    close_heap();
}

/* A reader that stays keeps its arena from the writer, not the new one from other readers. */
Test(arena_pair, a_reader_stays) {
    open(0);
    char *first = gait_arena_alloc(mutator, current(), 8, 8);
    strcpy(first, "first");
    cr_assert(gait_arena_pair_swap(mutator, pair, first));
    gait_arena_view view = gait_arena_pair_read(pair), again = gait_arena_pair_read(pair);
    cr_assert_eq(again.root, first);
    char *second = gait_arena_alloc(mutator, current(), 8, 8);
    strcpy(second, "second");
    cr_assert_not(gait_arena_pair_swap(mutator, pair, second)); /* published all the same */
    cr_assert_null(current());
    for (unsigned i = 0; i < 100; i++) { /* those that come now are nobody's hindrance */
        gait_arena_view newer = gait_arena_pair_read(pair);
        cr_assert_eq(newer.root, second);
        if (i % 2)
            gait_arena_pair_done(pair, newer);
        else if (i == 98)
            again = newer;
        else
            gait_arena_pair_done(pair, newer);
        cr_assert_null(current());
    }
    cr_assert_eq(strcmp(first, "first"), 0);
    gait_arena_pair_done(pair, view);
    cr_assert_null(current()); /* the other view of it is still there */
    view.root = NULL;
    view = (gait_arena_view){view.arena, first, view.side};
    gait_arena_pair_done(pair, view);
    cr_assert_eq(current(), view.arena);
    cr_assert_eq(used_bytes(current()), 0u);
    gait_arena_pair_done(pair, again);
    cr_assert(gait_arena_pair_swap(mutator, pair, NULL));
    close_heap();
}

/* What the arenas hold is kept, though nothing but C memory leads to them; what a reset one held is
 * not. */
Test(arena_pair, what_it_holds_lives) {
    open(GAIT_ARENA_TRACED);
    for (size_t frame = 0; frame < 6; frame++) {
        gait_word *root = gait_arena_new(mutator, current(), refs, 16);
        char *object = gait_alloc(mutator, leaf, 1 << 20);
        memset(object, (int)frame, 1 << 20);
        gait_store(mutator, root, (gait_word)object);
        cr_assert(gait_arena_pair_swap(mutator, pair, root));
        gait_collect(mutator);
        gait_arena_view view = gait_arena_pair_read(pair);
        const char *seen = *(char **)view.root;
        for (size_t i = 0; i < 1 << 20; i += 1000)
            cr_assert_eq(seen[i], (char)frame);
        gait_arena_pair_done(pair, view);
        gait_stats stats = {.struct_bytes = sizeof stats};
        gait_read_stats(heap, &stats);
        cr_assert_lt(stats.heap_live_bytes, (uint64_t)2 << 20);
        cr_assert_geq(stats.heap_live_bytes, (uint64_t)1 << 20);
    }
    close_heap();
}

Test(arena_pair, config_is_checked) {
    open_heap();
    char line[200] = "";
    gait_arena_config config;
    gait_arena_config_init(&config);
    config.chunk_bytes = 1;
    cr_assert_null(gait_arena_pair_create_at(mutator, &config, NULL, line, sizeof line));
    cr_assert_not_null(strstr(line, "chunk_bytes 1"));
    config.struct_bytes = 3;
    cr_assert_null(gait_arena_pair_create_at(mutator, &config, NULL, line, sizeof line));
    cr_assert_not_null(strstr(line, "gait_arena_pair_create: config"));
    cr_assert_null(gait_arena_pair_create(mutator, &config));
    cr_assert_eq(gait_arena_list(heap, NULL, NULL), 0u);
    pair = gait_arena_pair_create(mutator, NULL);
    cr_assert_not_null(pair);
    cr_assert_eq(gait_arena_list(heap, NULL, NULL), 2u);
    close_heap();
}

/* The OS gives no memory at one call after the other: there is a pair, or nothing. */
Test(arena_pair, no_memory, .timeout = 60) {
    unsigned failed = 0;
    for (size_t after = 0;; after++) {
        open_heap();
        fault_arm(FAULT_MASK(FAULT_COMMIT) | FAULT_MASK(FAULT_MAP), after, 1);
        pair = gait_arena_pair_create(mutator, NULL);
        fault_disarm();
        cr_assert_eq(gait_arena_list(heap, NULL, NULL), pair ? 2u : 0u);
        if (pair)
            break;
        failed++;
        gait_heap_destroy(heap);
    }
    cr_assert_gt(failed, 0u);
    close_heap();
}

static jmp_buf out_of_handler;
static bool leave(gait_mutator *of, size_t bytes, void *data) {
    (void)of, (void)bytes, (void)data;
    longjmp(out_of_handler, 1);
}

/* A handler that is left by longjmp while the second one is made leaves no first one. */
Test(arena_pair, handler_is_left, .timeout = 60) {
    gait_config small;
    gait_config_init(&small);
    small.reserve_bytes = (size_t)32 << 20;
    heap = gait_heap_create(&small, NULL, 0);
    mutator = gait_attach(heap);
    gait_arena_config config;
    gait_arena_config_init(&config);
    config.flags = GAIT_ARENA_PINNED;
    config.chunk_bytes = (size_t)512 << 10;
    gait_arena *last = NULL;
    for (gait_arena *next; (next = gait_arena_create(mutator, &config));)
        last = next;
    gait_arena_free(mutator, last); /* room for one */
    gait_collect(mutator);
    unsigned live = (unsigned)gait_arena_list(heap, NULL, NULL);
    gait_set_oom_handler(heap, leave, NULL);
    struct gait_frames frames = gait_frames_save(mutator);
    for (volatile unsigned times = 0; times < 20; times++) {
        if (setjmp(out_of_handler) == 0) {
            gait_arena_pair_create(mutator, &config);
            cr_assert_fail("the handler was not asked");
        }
        gait_frames_restore(mutator, frames);
        cr_assert_eq(gait_arena_list(heap, NULL, NULL), live);
    }
    gait_set_oom_handler(heap, NULL, NULL);
    cr_assert_not_null(gait_arena_create(mutator, &config));
    gait_heap_destroy(heap);
}

Test(arena_pair, adopt) {
    open(0);
    gait_arena_pair_adopt(mutator, pair); /* by the one that has it: nothing changes */
    char *root = gait_arena_alloc(mutator, current(), 8, 8);
    cr_assert(gait_arena_pair_swap(mutator, pair, root));
    cr_assert_not_null(gait_arena_alloc(mutator, current(), 8, 8));
    close_heap();
}
