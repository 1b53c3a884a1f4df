/* SPDX-License-Identifier: MIT */
/*
 * Wrong calls that work with arenas. This file has the checks of the inline functions.
 */
#define GAIT_CHECKED
#include "misuse.h"

#include <gait/arena.h>
#include <pthread.h>

static gait_arena *arena;

static void make_arena(void) {
    gait_arena_config config;
    gait_arena_config_init(&config);
    config.flags = GAIT_ARENA_PINNED;
    config.name = "wrong";
    arena = gait_arena_create(mutator, &config);
}

static void detached(void) { make_arena(), state_detached(); }
static void native(void) { make_arena(), state_native(); }
static void of_another(void) { make_arena(), state_of_another(); }

static void call_create(void) { gait_arena_create(mutator, NULL); }
static void call_alloc(void) { gait_arena_alloc(mutator, arena, 8, 8); }
static void call_new(void) { gait_arena_new(mutator, arena, kind, 8); }
static void call_alloc_slow(void) { gait_arena_alloc_slow(mutator, arena, 8, 8); }
static void call_new_slow(void) { gait_arena_new_slow(mutator, arena, kind, 8); }
static void call_reset(void) { gait_arena_reset(mutator, arena); }
static void call_trim(void) { gait_arena_trim(mutator, arena); }
static void call_free(void) { gait_arena_free(mutator, arena); }
static void call_adopt(void) { gait_arena_adopt(mutator, arena); }

#define CALL_OF(name)                                                                              \
    { "gait_arena_" #name, call_##name }

static const struct misuse all[] = {CALL_OF(create), CALL_OF(alloc), CALL_OF(new),  CALL_OF(reset),
                                    CALL_OF(trim),   CALL_OF(free),  CALL_OF(adopt)};
static const struct misuse slow[] = {{"gait_arena_alloc", call_alloc_slow},
                                     {"gait_arena_new", call_new_slow}};
/* The arena is another thread's: all but adopt. */
static const struct misuse owned[] = {CALL_OF(alloc),
                                      CALL_OF(new),
                                      CALL_OF(reset),
                                      CALL_OF(trim),
                                      CALL_OF(free),
                                      {"gait_arena_alloc", call_alloc_slow},
                                      {"gait_arena_new", call_new_slow}};

static void *adopt_it(void *heap) {
    gait_mutator *other = gait_attach(heap);
    gait_arena_adopt(other, arena);
    gait_detach(other);
    return NULL;
}

/* This thread goes on with an arena that it gave away. */
static void given_away(void) {
    make_arena();
    pthread_t thread;
    pthread_create(&thread, NULL, adopt_it, gait_mutator_heap(mutator));
    gait_enter_native(mutator);
    pthread_join(thread, NULL);
    gait_leave_native(mutator);
}

static void freed(void) { make_arena(), gait_arena_free(mutator, arena); }

static void no_arena(void) { arena = (gait_arena *)(void *)object; }

static void alignment_of_24(void) { gait_arena_alloc_slow(mutator, arena, 8, 24); }
static void alignment_too_large(void) { gait_arena_alloc(mutator, arena, 8, 131072); }
static void kind_unknown(void) { gait_arena_new(mutator, arena, 255, 8); }

static gait_kind kind_with(gait_layout layout) {
    gait_kind_info info = {.name = "no", .layout = layout};
    return (gait_kind)gait_kind_register(gait_mutator_heap(mutator), &info);
}

static void kind_weak(void) { gait_arena_new(mutator, arena, kind_with(GAIT_WEAK), 8); }
static void kind_ephemeron(void) { gait_arena_new(mutator, arena, kind_with(GAIT_EPHEMERON), 8); }

static const struct misuse arguments[] = {
    {"gait_arena_alloc", alignment_of_24}, {"gait_arena_alloc", alignment_too_large},
    {"gait_arena_new", kind_unknown},      {"gait_arena_new", kind_weak},
    {"gait_arena_new", kind_ephemeron},
};

unsigned arenas_run(void) {
    return misuse_run(all, COUNT(all), "arenas, detached", detached) +
           misuse_run(all, COUNT(all), "arenas, native", native) +
           misuse_run(all, COUNT(all), "arenas, another's", of_another) +
           misuse_run(slow, COUNT(slow), "arenas, detached", detached) +
           misuse_run(owned, COUNT(owned), "another thread's arena", given_away) +
           misuse_run(owned, COUNT(owned), "a freed arena", freed) +
           misuse_run(owned, COUNT(owned), "no arena", no_arena) +
           misuse_run(arguments, COUNT(arguments), "arguments", make_arena);
}
