/* SPDX-License-Identifier: MIT */
/*
 * Copies, pairs and figures of arenas: what is wrong stops the process with one line.
 */
#include "misuse.h"

#include <gait/arena.h>

static gait_heap *heap;
static gait_arena *arena, *described;
static gait_arena_pair *pair, *other;
static gait_arena_view view;
static void *plain; /* bytes in the pair's current arena */

static void prepare(void) {
    gait_arena_config config;
    heap = gait_mutator_heap(mutator);
    gait_arena_config_init(&config);
    config.flags = GAIT_ARENA_PINNED;
    arena = gait_arena_create(mutator, &config);
    config.flags |= GAIT_ARENA_DESCRIBED;
    described = gait_arena_create(mutator, &config);
    pair = gait_arena_pair_create(mutator, NULL);
    other = gait_arena_pair_create(mutator, NULL);
    if (!arena || !described || !pair || !other)
        _exit(2);
    plain = gait_arena_alloc(mutator, gait_arena_pair_current(mutator, pair), 8, 8);
    view = gait_arena_pair_read(pair);
}

static void running(void) { prepare(); }
static void detached(void) {
    prepare();
    state_detached();
}
static void native(void) {
    prepare();
    state_native();
}
static void of_another(void) {
    prepare();
    state_of_another();
}

static void call_arena_clone(void) { gait_arena_clone(mutator, object, kind, 16); }
static void call_arena_clone_deep(void) { gait_arena_clone_deep(mutator, described, object); }
static void call_arena_pair_create(void) { gait_arena_pair_create(mutator, NULL); }
static void call_arena_pair_current(void) { gait_arena_pair_current(mutator, pair); }
static void call_arena_pair_swap(void) { gait_arena_pair_swap(mutator, pair, NULL); }
static void call_arena_pair_adopt(void) { gait_arena_pair_adopt(mutator, pair); }
static void call_arena_pair_free(void) { gait_arena_pair_free(mutator, pair); }
static void call_arena_read_stats(void) {
    gait_arena_stats stats = {.struct_bytes = sizeof stats};
    gait_arena_read_stats(mutator, arena, &stats);
}

static void clone_unknown(void) { gait_arena_clone(mutator, object, (gait_kind)(kind + 1), 16); }
static void clone_weak(void) {
    gait_kind_info info = {.name = "weak", .layout = GAIT_WEAK};
    gait_arena_clone(mutator, object, (gait_kind)gait_kind_register(heap, &info), 16);
}
static void clone_of_plain_arena(void) {
    gait_arena_clone_deep(mutator, arena, gait_arena_new(mutator, arena, kind, 16));
}
static void clone_of_no_object(void) {
    gait_arena_clone_deep(mutator, described, gait_arena_alloc(mutator, described, 16, 8));
}
static void swap_with_a_reader(void) {
    gait_arena_pair_swap(mutator, pair, NULL); /* view is in the other side */
    gait_arena_pair_swap(mutator, pair, NULL);
}
static void swap_to_elsewhere(void) { gait_arena_pair_swap(mutator, pair, object); }
static void swap_to_the_other(void) { gait_arena_pair_swap(mutator, other, plain); }
static void done_with_another(void) { gait_arena_pair_done(other, view); }
static void free_with_a_reader(void) { gait_arena_pair_free(mutator, pair); }
static void free_with_an_older_reader(void) {
    gait_arena_pair_swap(mutator, pair, plain);
    gait_arena_pair_free(mutator, pair);
}
static void stats_of_freed(void) {
    gait_arena_free(mutator, arena);
    call_arena_read_stats();
}

#define CALL(name)                                                                                 \
    { "gait_" #name, call_##name }
static const struct misuse calls[] = {
    CALL(arena_clone),        CALL(arena_clone_deep), CALL(arena_pair_create),
    CALL(arena_pair_current), CALL(arena_pair_swap),  CALL(arena_pair_adopt),
    CALL(arena_pair_free),    CALL(arena_read_stats),
};
static const struct misuse wrong[] = {
    {"gait_arena_clone", clone_unknown},
    {"gait_arena_clone", clone_weak},
    {"gait_arena_clone_deep", call_arena_clone_deep}, /* an object of the heap */
    {"gait_arena_clone_deep", clone_of_plain_arena},
    {"gait_arena_clone_deep", clone_of_no_object},
    {"gait_arena_pair_swap", swap_with_a_reader},
    {"gait_arena_pair_swap", swap_to_elsewhere},
    {"gait_arena_pair_swap", swap_to_the_other},
    {"gait_arena_pair_done", done_with_another},
    {"gait_arena_pair_free", free_with_a_reader},
    {"gait_arena_pair_free", free_with_an_older_reader},
    {"gait_arena_read_stats", stats_of_freed},
};

unsigned arena_use_run(void) {
    return misuse_run(calls, COUNT(calls), "arenas, detached", detached) +
           misuse_run(calls, COUNT(calls), "arenas, native", native) +
           misuse_run(calls, COUNT(calls), "arenas, another's", of_another) +
           misuse_run(wrong, COUNT(wrong), "arenas", running);
}
