/* SPDX-License-Identifier: MIT */
/*
 * The off-heap memory of a heap: how it begins and ends, fork, counters. See state.h.
 */
#include "state.h"

#include <gait/library.h>
#include <stdlib.h>
#include <string.h>

static struct offheap_lock states_lock = OFFHEAP_LOCK_START; /* guards states */
static struct state *states;

/* ---- The library, as the core sees it ---- */

static void on_destroy(gait_heap *heap, void *data);

static void on_exit_with(gait_heap *heap, void *state) {
    (void)heap;
    report_leaks(state);
}

/* In this order: the list, each heap's locks, then what the backends have of their own. */
static void hold(void) {
    system_lock(&states_lock);
    for (struct state *state = states; state; state = state->next) {
        system_lock(&state->tags_lock);
        if (state_keeps_records(state))
            blocks_hold(&state->blocks);
        state->backend->hold(state->pool);
    }
    backend_libc.hold_all();
#ifdef GAIT_OFFHEAP_HAS_JEMALLOC
    backend_jemalloc.hold_all();
#endif
}

static void let_go_states(void) {
    for (struct state *state = states; state; state = state->next) {
        state->backend->let_go(state->pool);
        if (state_keeps_records(state))
            blocks_let_go(&state->blocks);
        system_unlock(&state->tags_lock);
    }
    system_unlock(&states_lock);
}

static void let_go(void) {
#ifdef GAIT_OFFHEAP_HAS_JEMALLOC
    backend_jemalloc.let_go_all();
#endif
    backend_libc.let_go_all();
    let_go_states();
}

static void child(void) {
#ifdef GAIT_OFFHEAP_HAS_JEMALLOC
    backend_jemalloc.child_all();
#endif
    backend_libc.child_all();
    let_go_states();
}

static const gait_library library = {
    .struct_bytes = sizeof library,
    .destroy = on_destroy,
    .at_exit = on_exit_with,
    .fork_prepare = hold,
    .fork_parent = let_go,
    .fork_child = child,
    .cleanup_bytes = offheap_cleanup_bytes,
};

/* The library's number, plus 1. All threads get the same; unordered. */
static AO_t library_number;

static int number(void) {
    AO_t known = AO_load(&library_number);
    if (known == 0) {
        int got = gait_library_register(&library);
        if (got < 0)
            return -1;
        known = (AO_t)got + 1;
        AO_store(&library_number, known);
    }
    return (int)known - 1;
}

/* ---- A heap's state ---- */

int state_has_backend(int backend) {
#ifdef GAIT_OFFHEAP_HAS_JEMALLOC
    if (backend == GAIT_OFFHEAP_JEMALLOC)
        return 1;
#endif
    return backend == GAIT_OFFHEAP_DEFAULT || backend == GAIT_OFFHEAP_LIBC;
}

static const struct backend *backend_of(gait_heap *heap, int backend) {
#ifdef GAIT_OFFHEAP_HAS_JEMALLOC
    if (backend == GAIT_OFFHEAP_JEMALLOC ||
        (backend == GAIT_OFFHEAP_DEFAULT && !gait_debug_setting(heap, "offheaplibc")))
        return &backend_jemalloc;
#endif
    (void)heap, (void)backend;
    return &backend_libc;
}

/* On no list yet. NULL: no memory. */
static struct state *state_new(gait_heap *heap, int backend) {
    struct state *state = calloc(1, sizeof *state);
    if (!state)
        return NULL;
    state->heap = heap;
    state->backend = backend_of(heap, backend);
    state->checks = gait_debug_setting(heap, "offheapcheck") != 0;
    state->leaks = gait_debug_setting(heap, "offheapleaks");
    state->names[0] = strdup("untagged");
    int procs = gait_set_max_procs(heap, 0);
    /* a backend begins with its first call: no fork comes between, else the child would find it
     * half begun, and with locks that hold_all did not know of */
    system_lock(&states_lock);
    state->pool = state->names[0] ? state->backend->pool_new(procs) : NULL;
    system_unlock(&states_lock);
    if (!state->pool) {
        free(state->names[0]);
        free(state);
        return NULL;
    }
    system_lock_init(&state->tags_lock);
    AO_store_release(&state->tags, 1);
    blocks_init(&state->blocks);
    return state;
}

static void state_free(struct state *state) {
    blocks_destroy(&state->blocks);
    state->backend->pool_destroy(state->pool);
    system_lock_destroy(&state->tags_lock);
    for (unsigned tag = 0; tag < state_tags(state); tag++)
        free(state->names[tag]);
    free(state);
}

static void state_list(struct state *state) {
    system_lock(&states_lock);
    state->next = states;
    state->previous = NULL;
    if (states)
        states->previous = state;
    states = state;
    system_unlock(&states_lock);
}

static void state_unlist(struct state *state) {
    system_lock(&states_lock);
    if (state->previous)
        state->previous->next = state->next;
    else
        states = state->next;
    if (state->next)
        state->next->previous = state->previous;
    system_unlock(&states_lock);
}

struct state *state_find(gait_heap *heap) {
    int mine = number();
    return mine < 0 ? NULL : gait_library_state(heap, mine);
}

struct state *state_get(gait_heap *heap, int backend) {
    struct state *state = state_find(heap);
    if (__builtin_expect(state != NULL, 1))
        return state;
    int mine = number();
    if (mine < 0 || !(state = state_new(heap, backend)))
        return NULL;
    state_list(state); /* before others find it, and take its locks */
    struct state *set = gait_library_set_state(heap, mine, state);
    if (set != state) { /* another thread was first */
        state_unlist(state);
        state_free(state);
    } else if (state->leaks) {
        gait_library_at_exit(heap, mine);
    }
    return set;
}

static void on_destroy(gait_heap *heap, void *data) {
    struct state *state = data;
    (void)heap;
    if (state->leaks)
        report_leaks(state);
    if (state->checks)
        blocks_check(state);
    state_unlist(state);
    state_free(state);
}

/* ---- Counters ---- */

unsigned state_shard(void) {
    static AO_t threads;
    static _Thread_local unsigned mine; /* plus 1 */
    if (mine == 0)
        mine = (unsigned)(AO_fetch_and_add1(&threads) % STATE_SHARDS) + 1;
    return mine - 1;
}

static void count(struct state *state, unsigned tag, AO_t bytes, AO_t blocks) {
    struct tag_count *counters = &state->shards[state_shard()].tags[tag];
    (void)AO_fetch_and_add(&counters->bytes, bytes);
    (void)AO_fetch_and_add(&counters->blocks, blocks);
}

void state_count(struct state *state, unsigned tag, size_t bytes) { count(state, tag, bytes, 1); }

void state_uncount(struct state *state, unsigned tag, size_t bytes) {
    count(state, tag, (AO_t)0 - bytes, (AO_t)0 - 1);
}

/* A block that was freed on one shard may not have been counted yet on another. */
static size_t positive(AO_t sum) { return (intptr_t)sum > 0 ? sum : 0; }

size_t state_bytes(struct state *state, unsigned tag) {
    AO_t sum = 0;
    for (unsigned i = 0; i < STATE_SHARDS; i++)
        sum += AO_load(&state->shards[i].tags[tag].bytes);
    return positive(sum);
}

size_t state_blocks(struct state *state, unsigned tag) {
    AO_t sum = 0;
    for (unsigned i = 0; i < STATE_SHARDS; i++)
        sum += AO_load(&state->shards[i].tags[tag].blocks);
    return positive(sum);
}
