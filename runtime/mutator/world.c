/* SPDX-License-Identifier: MIT */
/*
 * Handshakes and stops. See world.h and docs/design/world.md.
 *
 * Every exchange is a store, a full fence and a load on each side: the collector stores its request
 * and then looks at a mutator's state; a mutator stores its state and then looks for requests. One
 * of the two sees the other.
 */
#include "world.h"

#include <string.h>

#include "../platform/perturb.h"
#include "../platform/platform.h"
#include "../platform/timeline.h"

void world_init(struct world *world, const struct world_looks *looks) {
    memset(world, 0, sizeof *world);
    world->looks = *looks;
    lock_init(&world->lock, LOCK_WORLD, "world");
}

void world_destroy(struct world *world) { lock_destroy(&world->lock); }

/* ---- The mutator's side ---- */

static gait_mutator *mine(void) { return program_thread_here()->first; }

static bool is_running(const gait_mutator *mutator) {
    return AO_int_load(&mutator->state) == MUTATOR_RUNNING;
}

/* Those of the thread's mutators that run, one after another; a safepoint is one of all. */
static gait_mutator *running_from(gait_mutator *mutator) {
    while (mutator && !is_running(mutator))
        mutator = mutator->thread_next;
    return mutator;
}

static gait_mutator *running_first(void) { return running_from(mine()); }

static gait_mutator *running_next(const gait_mutator *mutator) {
    return running_from(mutator->thread_next);
}

/* Has it a request that it has not answered? Pairs with world_handshake and world_stop. */
static bool is_asked(const gait_mutator *mutator) {
    const struct world *world = mutator->world;
    return AO_int_load_acquire(&world->handshake) != AO_int_load(&mutator->handshake) ||
           AO_int_load_acquire(&world->stopping);
}

/* It has answered, or gone native, and stored so: wake the collector if it waits for this one. */
static void tell(gait_mutator *mutator) {
    struct world *world = mutator->world;
    AO_nop_full(); /* pairs with ask_and_await */
    PERTURB(ANSWER_LOOK);
    if (AO_load(&world->awaited) != (AO_t)mutator)
        return;
    PERTURB(ANSWER_SAID);
    AO_store(&world->silence, 0); /* not by the collector, which may be long in coming */
    AO_int_fetch_and_add1_full(&world->answers);
    platform_wake(&world->answers, 1);
}

static void native_begin(gait_mutator *mutator) {
    tally_count(&mutator->cache.space->tally, &mutator->tally); /* tally.h, .inv.lag */
    if (!mutator->outside) { /* else the program runs, and its inline functions with it */
        counter_sub(&mutator->world->running, 1);
        mutator->head.barrier |= MUTATOR_AWAY;
    }
    PERTURB(NATIVE_BEGIN);
    AO_int_store_full(&mutator->state, MUTATOR_NATIVE); /* full: then look for requests */
    AO_nop_full();
    PERTURB(NATIVE_BEGUN);
    if (AO_int_load(&mutator->head.poll))
        tell(mutator); /* the collector can act in its place now */
    PERTURB(NATIVE_TOLD);
    if (!mutator->outside)
        AO_int_store(&mutator->head.poll, 1); /* of a caller that polls now, the state is checked */
}

/* NATIVE -> RUNNING. @return false: the world is stopped. */
static bool try_to_run(gait_mutator *mutator) {
    struct world *world = mutator->world;
    AO_int_store(&mutator->head.poll, 0); /* a request made from here on raises poll again */
    PERTURB(NATIVE_CLEARED);
    for (;;) {
        unsigned state =
            AO_int_fetch_compare_and_swap_full(&mutator->state, MUTATOR_NATIVE, MUTATOR_RUNNING);
        if (state == MUTATOR_NATIVE)
            break;
        if (state == MUTATOR_AWAITED ||
            AO_int_compare_and_swap_full(&mutator->state, MUTATOR_HELD, MUTATOR_AWAITED))
            platform_wait(&mutator->state, MUTATOR_AWAITED, -1);
    }
    AO_nop_full(); /* then look for requests */
    PERTURB(NATIVE_LEAVE);
    if (AO_int_load_acquire(&world->stopping)) {
        AO_int_store_full(&mutator->state, MUTATOR_NATIVE);
        tell(mutator);
        AO_int_store(&mutator->head.poll, 1);
        return false;
    }
    PERTURB(NATIVE_LEFT);
    if (!mutator->outside) {
        counter_add(&world->running, 1);
        mutator->head.barrier &= ~(uint32_t)MUTATOR_AWAY;
    }
    mutator->resting = mutator->outside = false;
    return true;
}

void world_rest(void) {
    for (gait_mutator *mutator = running_first(); mutator; mutator = running_next(mutator)) {
        native_begin(mutator);
        mutator->resting = true;
    }
}

/* try_to_run, or an answer, has cleared `poll`; it goes on to say what only a poll of the program's
 * takes back. Not ordered: it is read by its own thread, and a collector's request is 1 as well. */
static void tell_program(gait_mutator *mutator) {
    if (mutator->has_news)
        AO_int_store(&mutator->head.poll, 1);
}

/* All run that are to. */
static void resumed(void) {
    bool asked = false;
    for (gait_mutator *mutator = running_first(); mutator; mutator = running_next(mutator)) {
        mutator->copied = false; /* not before: it might have had to go native again */
        tell_program(mutator);
        asked |= is_asked(mutator);
    }
    /* try_to_run cleared `poll`, by which the thread's other mutators may be asked, too */
    for (gait_mutator *mutator = mine(); asked && mutator; mutator = mutator->thread_next)
        AO_int_store(&mutator->head.poll, 1);
}

/* One that became RUNNING for a moment, or answered, has cleared `poll`, by which native_begin
 * knows that somebody waits. */
static void tell_resting(void) {
    for (gait_mutator *mutator = mine(); mutator; mutator = mutator->thread_next)
        if (mutator->resting)
            tell(mutator);
}

void world_resume(void) {
    for (gait_mutator *mutator = mine(); mutator;) {
        if (!mutator->resting || try_to_run(mutator)) {
            mutator = mutator->thread_next;
            continue;
        }
        PERTURB(NATIVE_REFUSED);
        world_rest(); /* whoever has this world stopped may wait for this thread in another */
        tell_resting();
        while (AO_int_load_acquire(&mutator->world->stopping))
            platform_wait(&mutator->world->stopping, 1, -1);
        mutator = mine();
    }
    resumed();
}

/* polled: whose program polls; NULL: none does. */
static void answer(gait_mutator *polled) {
    bool stopped = false;
    if (polled)
        polled->has_news = false; /* not after: it looks when this returns, and may stop here */
    for (gait_mutator *mutator = running_first(); mutator; mutator = running_next(mutator))
        AO_int_store(&mutator->head.poll, 0);
    AO_nop_full(); /* a request made from here on raises poll again */
    PERTURB(ANSWER_CLEARED);
    for (gait_mutator *mutator = running_first(); mutator; mutator = running_next(mutator)) {
        struct world *world = mutator->world;
        unsigned number = AO_int_load_acquire(&world->handshake); /* pairs with world_handshake */
        if (AO_int_load(&mutator->handshake) != number) {
            world->action(mutator);
            PERTURB(ANSWER_ACTED);
            AO_int_store_release(&mutator->handshake, number);
            tell(mutator);
        }
        tell_program(mutator);
        stopped |= AO_int_load_acquire(&world->stopping) != 0;
    }
    if (stopped) {
        world_rest();
        world_resume();
    }
}

void world_answer_polled(gait_mutator *mutator) { answer(mutator); }

/* Is one of those that run on the thread asked? If not, `poll` has news, or a request whose number
 * is not seen yet: then it stays set. */
static bool is_one_asked(void) {
    gait_mutator *mutator = running_first();
    while (mutator && !is_asked(mutator))
        mutator = running_next(mutator);
    return mutator != NULL;
}

void world_poll_slow(gait_mutator *mutator) {
    mutator_check_as(mutator, "gait_poll");
    if (!is_one_asked())
        return;
    mutator_save_stack();
    answer(NULL);
}

/* ---- In and out of the library, in a heap with world hooks: .inv.inside ---- */

void world_go_out(gait_mutator *mutator) {
    mutator->outside = true; /* before the state says that it may be stopped anywhere */
    native_begin(mutator);
    lock_forbid(mutator->heap, mutator->world->hooks.heap_bytes);
}

void world_go_in(gait_mutator *mutator) {
    lock_forbid(NULL, 0);
    if (try_to_run(mutator)) {
        resumed();
        return;
    }
    mutator_save_stack(); /* of the thread's mutators in other heaps */
    mutator->resting = true;
    world_resume();
}

/* ---- Native regions: .inv.region ---- */

void world_enter_native(gait_mutator *mutator) {
    mutator->native = true;
    if (!is_running(mutator)) /* within the region of another heap's */
        return;
    if (AO_int_load(&mutator->head.poll) && is_one_asked())
        answer(NULL); /* else the collector would be woken, to do it */
    for (gait_mutator *other = running_first(); other; other = running_next(other)) {
        other->native_by = mutator;
        mutator_copy_frames(other);
        native_begin(other);
    }
}

/* A mutator's region has ended: those that it took with it are to run, except for such as have
 * regions of their own. */
static void end_region(gait_mutator *mutator) {
    mutator->native = false;
    for (gait_mutator *other = mine(); other; other = other->thread_next)
        if (other->native_by == mutator) {
            other->native_by = other->native ? other : NULL;
            other->resting = !other->native;
        }
}

void world_leave_native(gait_mutator *mutator) {
    end_region(mutator);
    world_resume();
    if (is_running(mutator) && AO_int_load(&mutator->head.poll) && is_one_asked())
        answer(NULL);
}

void world_end_regions(void) {
    for (gait_mutator *mutator = mine(); mutator; mutator = mutator->thread_next)
        mutator->native = false;
    for (gait_mutator *mutator = mine(); mutator; mutator = mutator->thread_next)
        end_region(mutator);
    world_resume();
}

/* ---- Attach and detach ---- */

void world_add(struct world *world, gait_mutator *mutator, void (*prepare)(gait_mutator *mutator)) {
    mutator->world = world;
    mutator->cpu_clock = platform_thread_clock();
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
    program_thread_add(mutator);
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
    end_region(mutator);
    program_thread_remove(mutator);
    world_resume();
}

/* ---- The collector's side ---- */

/* Act for a mutator in native code. @return false: it is running. */
static bool act_for(gait_mutator *mutator, unsigned number) {
    struct world *world = mutator->world;
    if (!AO_int_compare_and_swap_full(&mutator->state, MUTATOR_NATIVE, MUTATOR_HELD))
        return false;
    PERTURB(ACT_HELD);
    if (AO_int_load(&mutator->handshake) != number) { /* else it has answered, and gone native */
        world->action(mutator);
        AO_int_store(&mutator->handshake, number);
    }
    PERTURB(ACT_ACTED);
    if (AO_int_compare_and_swap_full(&mutator->state, MUTATOR_HELD, MUTATOR_NATIVE))
        return true;
    AO_int_store_full(&mutator->state, MUTATOR_NATIVE); /* it was AWAITED */
    PERTURB(ACT_RELEASED);
    platform_wake(&mutator->state, 1);
    return true;
}

bool world_is_silent(const struct world *world, int64_t most_ns) {
    return (int64_t)(AO_load(&world->silence) / 2) > most_ns;
}

bool world_is_held_up(const struct world *world) {
    return world_is_silent(world, world->looks.held_up_ns);
}

bool world_is_held_up_at_limit(const struct world *world) { return AO_load(&world->silence) % 2; }

/* Has it not answered for more than most_ns, and was on its CPU for as long since its clock showed
 * began_ns? Without a clock nobody knows better. */
static bool has_computed(const gait_mutator *mutator, int64_t silent_ns, int64_t began_ns,
                         int64_t most_ns) {
    if (silent_ns <= most_ns)
        return false;
    int64_t now_ns = platform_clock_cpu_ns(mutator->cpu_clock);
    return began_ns < 0 || now_ns < 0 || now_ns - began_ns > most_ns;
}

static bool has_answered(gait_mutator *mutator, unsigned number) {
    return AO_int_load_acquire(&mutator->handshake) == number || act_for(mutator, number);
}

static bool has_stopped(gait_mutator *mutator, unsigned number) {
    (void)number;
    return AO_int_load_acquire(&mutator->state) != MUTATOR_RUNNING;
}

/* Ask each that is not done, as one that runs, and keep a list of these; then wait for them, one
 * after another. The request was stored before. @return false: one was silent for most_ns. */
static bool ask_and_await(struct world *world, unsigned number, int64_t most_ns,
                          bool (*is_done)(gait_mutator *mutator, unsigned number)) {
    const struct world_looks *looks = &world->looks;
    gait_mutator *asked = NULL;
    AO_nop_full(); /* the request, then which are native; pairs with native_begin and try_to_run */
    PERTURB(HANDSHAKE_NUMBERED);
    for (gait_mutator *mutator = world->first; mutator; mutator = mutator->next) {
        if (is_done(mutator, number))
            continue;
        PERTURB(HANDSHAKE_ASK);
        program_thread_ask(mutator);
        mutator->asked_next = asked;
        asked = mutator;
    }
    PERTURB(HANDSHAKE_POLLED);
    AO_nop_full(); /* polls are raised, then looked which have gone native */
    bool all = true;
    for (; asked && all; asked = asked->asked_next) {
        int64_t looked_ns = platform_now_ns(), silent_ns = 0, tell_at_ns = looks->tell_ns;
        int64_t began_ns = -1;
        AO_t told = 0;
        for (;;) {
            PERTURB(HANDSHAKE_LOOK);
            if (is_done(asked, number))
                break;
            if (silent_ns >= most_ns) {
                all = false;
                break;
            }
            if (silent_ns == 0)
                began_ns = platform_clock_cpu_ns(asked->cpu_clock);
            /* not if it has just answered */
            AO_t computes = has_computed(asked, silent_ns, began_ns, looks->held_up_ns);
            AO_t silence = (AO_t)silent_ns * 2 + computes;
            AO_compare_and_swap(&world->silence, told, silence);
            told = silence;
            if (silent_ns >= tell_at_ns && world->tell_silent) {
                world->tell_silent(asked, silent_ns);
                tell_at_ns *= looks->tell_again;
            }
            unsigned answers = AO_int_load_acquire(&world->answers);
            AO_store(&world->awaited, (AO_t)asked);
            PERTURB(HANDSHAKE_AWAIT);
            AO_nop_full(); /* pairs with tell: it sees this, or the look below sees its answer */
            if (is_done(asked, number))
                break;
            platform_wait(&world->answers, answers, looks->look_ns);
            int64_t now_ns = platform_now_ns(), since_ns = now_ns - looked_ns;
            silent_ns += since_ns < looks->look_most_ns ? since_ns : looks->look_most_ns;
            looked_ns = now_ns;
        }
        AO_store(&world->silence, 0);
    }
    AO_store(&world->awaited, 0);
    return all;
}

void world_handshake(struct world *world, void (*action)(gait_mutator *mutator)) {
    lock_acquire(&world->lock);
    world->action = action;
    unsigned number = AO_int_load(&world->handshake) + 1;
    AO_int_store_release(&world->handshake, number);
    int64_t begin_ns = TIMELINE_BEGIN(handshake);
    ask_and_await(world, number, INT64_MAX, has_answered);
    TIMELINE_END(handshake, world->heap_number, begin_ns, AO_load(&world->count));
    lock_release(&world->lock);
}

void world_settle_cpu(struct world *world) {
    lock_acquire(&world->lock);
    for (gait_mutator *mutator = world->first; mutator; mutator = mutator->next)
        platform_settle_cpu(mutator->cpu_clock);
    lock_release(&world->lock);
}

static bool close_within(struct world *world, int64_t most_ns) {
    lock_acquire(&world->lock);
    world->stop_begin_ns = platform_now_ns();
    AO_int_store_full(&world->stopping, 1);
    bool all = ask_and_await(world, 0, most_ns, has_stopped);
    PERTURB(STOP_STOPPED);
    return all;
}

void world_close(struct world *world) { close_within(world, INT64_MAX); }

int64_t world_open(struct world *world) {
    AO_int_store_full(&world->stopping, 0);
    int64_t stopped_ns = platform_now_ns() - world->stop_begin_ns;
    TIMELINE_END(stop, world->heap_number, world->stop_begin_ns, AO_load(&world->count));
    PERTURB(STOP_STARTED);
    platform_wake(&world->stopping, INT32_MAX);
    AO_int_fetch_and_add1_full(&world->stops);
    platform_wake(&world->stops, INT32_MAX);
    lock_release(&world->lock);
    return stopped_ns;
}

/* .inv.inside: nobody is let in while some stand still. */
bool world_stop_within(struct world *world, int64_t most_ns) {
    if (!close_within(world, most_ns)) {
        world_open(world); /* a stop is over, as any: those that stopped go on */
        return false;
    }
    if (world_has_hooks(world))
        world->hooks.stop(world->hooks.data);
    return true;
}

void world_stop(struct world *world) { world_stop_within(world, INT64_MAX); }

int64_t world_start(struct world *world) {
    if (world_has_hooks(world))
        world->hooks.start(world->hooks.data);
    return world_open(world);
}
