/* SPDX-License-Identifier: MIT */
/*
 * The calling thread and its mutators. See program_thread.h.
 */
#include "program_thread.h"

#include "../platform/platform.h"
#include "mutator.h"

static _Thread_local struct program_thread here;
static platform_key key; /* constant after the library was loaded */
static bool have_key;    /* likewise */

struct program_thread *program_thread_here(void) {
    return &here;
}

/* ---- The thread's end ---- */

/* Once a round, as long as it sets the value again. */
static void end_hook(void *value) {
    here.rounds++;
    bool again = here.rounds < PLATFORM_KEY_ROUNDS && platform_key_set(&key, value) == 0;
    here.ends(here.rounds > 1 || !again);
}

/* Before the program, and whatever it links, makes keys of its own: hooks run in their order. */
__attribute__((constructor(101))) static void load(void) {
    have_key = platform_key_create(&key, end_hook) == 0;
}

__attribute__((destructor(101))) static void unload(void) {
    if (have_key)
        platform_key_delete(&key);
    have_key = false;
}

int program_thread_follow(void (*ends)(bool last)) {
    if (!have_key || here.rounds >= PLATFORM_KEY_ROUNDS)
        return -1;
    here.ends = ends;
    return platform_key_set(&key, &here);
}

/* ---- Its mutators ---- */

gait_mutator *program_thread_find(const gait_heap *heap) {
    gait_mutator *mutator = here.first;
    while (mutator && mutator->heap != heap)
        mutator = mutator->thread_next;
    return mutator;
}

static void ask_all(struct program_thread *thread) {
    for (gait_mutator *mutator = thread->first; mutator; mutator = mutator->thread_next)
        AO_int_store(&mutator->head.poll, 1);
}

void program_thread_add(gait_mutator *mutator) {
    if (!here.first)
        lock_init(&here.lock, LOCK_THREAD, "thread");
    lock_acquire(&here.lock);
    mutator->thread_next = here.first;
    here.first = mutator;
    AO_int_store(&here.count, here.count + 1);
    lock_release(&here.lock);
    /* A collector that has asked one of the others may not have seen this one: look for it. Pairs
     * with program_thread_ask. */
    AO_nop_full();
    if (mutator->thread_next)
        ask_all(&here);
}

void program_thread_remove(gait_mutator *mutator) {
    lock_acquire(&here.lock);
    gait_mutator **link = &here.first;
    while (*link != mutator)
        link = &(*link)->thread_next;
    *link = mutator->thread_next;
    AO_int_store(&here.count, here.count - 1);
    lock_release(&here.lock);
    if (!here.first)
        lock_destroy(&here.lock);
}

void program_thread_ask(gait_mutator *mutator) {
    AO_int_store(&mutator->head.poll, 1);
    AO_nop_full(); /* pairs with program_thread_add: one of both sees the other */
    struct program_thread *thread = mutator->thread;
    if (AO_int_load(&thread->count) > 1) {
        lock_acquire(&thread->lock);
        ask_all(thread);
        lock_release(&thread->lock);
    }
}
