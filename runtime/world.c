/* SPDX-License-Identifier: MIT */
/*
 * Handshakes and stops. See world.h and docs/design/world.md.
 *
 * Every exchange is a store, a full fence and a load on each side: the collector stores its request
 * and then looks at a mutator's state; a mutator stores its state and then looks for requests. One
 * of the two sees the other.
 */
#include "world.h"

#include <assert.h>
#include <string.h>

#include "platform/perturb.h"
#include "platform/platform.h"

/* How long the collector sleeps between two looks at mutators that have not answered: a bound on
 * a wake that was missed, not a polling rate. */
#define LOOK_AGAIN_NS 1000000
/* A mutator that has not answered for so long does not poll, or the OS has set it aside for several
 * ticks. Guess: three ticks. */
#define HELD_UP_NS 12000000

void world_init(struct world *world) {
    memset(world, 0, sizeof *world);
    lock_init(&world->lock, LOCK_WORLD, "world");
}

void world_destroy(struct world *world) { lock_destroy(&world->lock); }

static void answer_count(struct world *world) {
    PERTURB(ANSWER_SAID);
    AO_int_fetch_and_add1_full(&world->answers);
    platform_wake(&world->answers, 1);
}

/* ---- The mutator's side ---- */

static _Thread_local gait_mutator *mine; /* this thread's, by thread_next: one per heap at most */

static void native_begin(struct world *world, gait_mutator *mutator) {
    counter_sub(&world->running, 1);
    PERTURB(NATIVE_BEGIN);
    AO_int_store_full(&mutator->state, MUTATOR_NATIVE); /* full: then look for requests */
    AO_nop_full();
    PERTURB(NATIVE_BEGUN);
    if (AO_int_load(&mutator->head.poll))
        answer_count(world); /* the collector can act in its place now */
}

/* NATIVE -> RUNNING. @return false: the world is stopped. */
static bool try_to_run(gait_mutator *mutator) {
    struct world *world = mutator->world;
    while (!AO_int_compare_and_swap_full(&mutator->state, MUTATOR_NATIVE, MUTATOR_RUNNING))
        platform_wait(&mutator->state, MUTATOR_HELD, -1);
    AO_nop_full(); /* then look for requests */
    PERTURB(NATIVE_LEAVE);
    if (AO_int_load_acquire(&world->stopping)) {
        AO_int_store_full(&mutator->state, MUTATOR_NATIVE);
        AO_nop_full();
        answer_count(world);
        return false;
    }
    counter_add(&world->running, 1);
    mutator->resting = false;
    return true;
}

gait_mutator *world_mine(void) { return mine; }

void world_rest(void) {
    for (gait_mutator *mutator = mine; mutator; mutator = mutator->thread_next)
        if (AO_int_load(&mutator->state) == MUTATOR_RUNNING) {
            native_begin(mutator->world, mutator);
            mutator->resting = true;
        }
}

void world_resume(void) {
    for (gait_mutator *mutator = mine; mutator;) {
        if (!mutator->resting || try_to_run(mutator)) {
            mutator = mutator->thread_next;
            continue;
        }
        PERTURB(NATIVE_REFUSED);
        world_rest(); /* whoever has this world stopped may wait for this thread in another */
        while (AO_int_load_acquire(&mutator->world->stopping))
            platform_wait(&mutator->world->stopping, 1, -1);
        mutator = mine;
    }
}

void world_enter_native(gait_mutator *mutator) {
    assert(AO_int_load(&mutator->state) == MUTATOR_RUNNING);
    native_begin(mutator->world, mutator);
}

void world_leave_native(gait_mutator *mutator) {
    mutator->resting = true;
    world_resume();
    if (AO_int_load(&mutator->head.poll))
        world_answer(mutator);
}

void world_answer(gait_mutator *mutator) {
    struct world *world = mutator->world;
    AO_int_store_full(&mutator->head.poll, 0);
    AO_nop_full(); /* a request made from here on raises poll again */
    PERTURB(ANSWER_CLEARED);
    unsigned number = AO_int_load_acquire(&world->handshake); /* pairs with world_handshake */
    if (AO_int_load(&mutator->handshake) != number) {
        world->action(mutator);
        PERTURB(ANSWER_ACTED);
        AO_int_store_release(&mutator->handshake, number);
        answer_count(world);
    }
    if (AO_int_load_acquire(&world->stopping)) {
        native_begin(world, mutator);
        answer_count(world);
        mutator->resting = true;
        world_resume();
    }
}

void world_add(struct world *world, gait_mutator *mutator, void (*prepare)(gait_mutator *mutator)) {
    mutator->world = world;
    world_rest();
    PERTURB(ATTACH_REST);
    lock_acquire(&world->lock);
    prepare(mutator);
    PERTURB(ATTACH_PREPARED);
    AO_int_store(&mutator->handshake, AO_int_load(&world->handshake));
    AO_int_store(&mutator->state, MUTATOR_RUNNING);
    mutator->previous = NULL;
    mutator->next = world->first;
    if (world->first)
        world->first->previous = mutator;
    world->first = mutator;
    counter_add(&world->count, 1);
    counter_add(&world->running, 1);
    PERTURB(ATTACH_LISTED);
    lock_release(&world->lock);
    mutator->thread_next = mine;
    mine = mutator;
    world_resume();
}

void world_drop(struct world *world, gait_mutator *mutator, void (*finish)(gait_mutator *mutator)) {
    finish(mutator);
    if (mutator->previous)
        mutator->previous->next = mutator->next;
    else
        world->first = mutator->next;
    if (mutator->next)
        mutator->next->previous = mutator->previous;
    counter_sub(&world->count, 1);
}

void world_remove(struct world *world, gait_mutator *mutator,
                  void (*finish)(gait_mutator *mutator)) {
    world_rest();
    PERTURB(DETACH_NATIVE);
    lock_acquire(&world->lock);
    world_drop(world, mutator, finish);
    PERTURB(DETACH_DROPPED);
    lock_release(&world->lock);
    gait_mutator **link = &mine;
    while (*link != mutator)
        link = &(*link)->thread_next;
    *link = mutator->thread_next;
    world_resume();
}

/* ---- The collector's side ---- */

/* Act for a mutator in native code. @return false: it is running. */
static bool act_for(gait_mutator *mutator, void (*action)(gait_mutator *mutator), unsigned number) {
    if (!AO_int_compare_and_swap_full(&mutator->state, MUTATOR_NATIVE, MUTATOR_HELD))
        return false;
    PERTURB(ACT_HELD);
    action(mutator);
    AO_int_store(&mutator->handshake, number);
    PERTURB(ACT_ACTED);
    AO_int_store_full(&mutator->state, MUTATOR_NATIVE);
    PERTURB(ACT_RELEASED);
    platform_wake(&mutator->state, 1);
    return true;
}

bool world_is_held_up(const struct world *world) {
    int64_t asked_ns = (int64_t)AO_load(&world->asked_ns);
    return asked_ns != 0 && platform_now_ns() - asked_ns > HELD_UP_NS;
}

void world_handshake(struct world *world, void (*action)(gait_mutator *mutator)) {
    lock_acquire(&world->lock);
    AO_store(&world->asked_ns, (AO_t)platform_now_ns());
    world->action = action;
    unsigned number = AO_int_load(&world->handshake) + 1;
    AO_int_store_release(&world->handshake, number);
    AO_nop_full();
    PERTURB(HANDSHAKE_NUMBERED);
    for (gait_mutator *mutator = world->first; mutator; mutator = mutator->next)
        AO_int_store(&mutator->head.poll, 1);
    AO_nop_full();
    PERTURB(HANDSHAKE_POLLED);
    for (;;) {
        unsigned answers = AO_int_load_acquire(&world->answers);
        size_t open = 0;
        PERTURB(HANDSHAKE_LOOK);
        for (gait_mutator *mutator = world->first; mutator; mutator = mutator->next)
            if (AO_int_load_acquire(&mutator->handshake) != number)
                open += !act_for(mutator, action, number);
        if (open == 0)
            break;
        platform_wait(&world->answers, answers, LOOK_AGAIN_NS);
    }
    AO_store(&world->asked_ns, 0);
    lock_release(&world->lock);
}

void world_stop(struct world *world) {
    lock_acquire(&world->lock);
    world->stop_begin_ns = platform_now_ns();
    AO_store(&world->asked_ns, (AO_t)world->stop_begin_ns);
    AO_int_store_full(&world->stopping, 1);
    PERTURB(STOP_ASKED);
    for (gait_mutator *mutator = world->first; mutator; mutator = mutator->next)
        AO_int_store(&mutator->head.poll, 1);
    AO_nop_full();
    for (;;) {
        unsigned answers = AO_int_load_acquire(&world->answers);
        size_t open = 0;
        PERTURB(STOP_LOOK);
        for (gait_mutator *mutator = world->first; mutator; mutator = mutator->next)
            open += AO_int_load_acquire(&mutator->state) == MUTATOR_RUNNING;
        if (open == 0)
            break;
        platform_wait(&world->answers, answers, LOOK_AGAIN_NS);
    }
    AO_store(&world->asked_ns, 0);
    PERTURB(STOP_STOPPED);
}

void world_start(struct world *world) {
    AO_int_store_full(&world->stopping, 0);
    PERTURB(STOP_STARTED);
    platform_wake(&world->stopping, INT32_MAX);
    lock_release(&world->lock);
}
