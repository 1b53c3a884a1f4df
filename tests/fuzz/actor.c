/* SPDX-License-Identifier: MIT */
/*
 * The threads of a round: what each does, operation by operation, and how it ends.
 *
 * The random numbers of an operation come from the round's seed, the actor's number and the
 * operation's: what one operation finds does not change what the next one is.
 */
#include "ops.h"

struct actor *actor_new(unsigned number) {
    struct actor *actor = calloc(1, sizeof *actor);
    CHECK(actor, "calloc");
    actor->number = number;
    actor->operations = the_round->plan.ops;
    pthread_mutex_lock(&the_round->lock);
    actor->next = the_round->actors;
    the_round->actors = actor;
    pthread_mutex_unlock(&the_round->lock);
    return actor;
}

struct context actor_context(struct actor *actor, unsigned heap) {
    return (struct context){
        .actor = actor,
        .heap = &the_round->heaps[heap],
        .owner = actor->owners[heap],
        .mutator = actor->mutators[heap],
        .random = mix(the_round->plan.seed ^ mix((uint64_t)actor->number << 32 | actor->op))};
}

void actor_attach(struct actor *actor, unsigned heap) {
    struct heap *of = &the_round->heaps[heap];
    bool first = !actor->owners[heap];
    if (first)
        actor->owners[heap] = owner_new(of, true);
    struct owner *owner = actor->owners[heap];
    CHECK(actor->mutators[heap] = gait_attach(of->gait), "gait_attach");
    if (first) {
        struct context context = actor_context(actor, heap);
        owner_open(&context);
    }
    owner->with_frames = true;
    if (!actor->stack_words || !(of->plan->flags & GAIT_CONSERVATIVE_STACKS))
        return;
    size_t count;
    struct root *roots = owner_roots(owner, ROOT_STACK, &count);
    for (size_t i = 0; i < count; i++) {
        roots[i].slot = &actor->stack_words[heap][i];
        *(volatile gait_word *)roots[i].slot = 0;
        roots[i].usable = true;
    }
}

void actor_detach(struct actor *actor, unsigned heap) {
    owner_end(actor->owners[heap]);
    gait_detach(actor->mutators[heap]);
    actor->mutators[heap] = NULL;
}

/* ---- The life of a thread ---- */

static void act(struct actor *actor) {
    unsigned heaps = the_round->plan.heaps;
    for (unsigned end = actor->op + actor->operations; actor->op < end && !round_is_late();
         actor->op++) {
        struct context any = actor_context(actor, 0);
        unsigned heap = (unsigned)pick(&any.random, heaps);
        if (!actor->mutators[heap])
            continue;
        struct context context = actor_context(actor, heap);
        context.random = any.random;
        op_run(&context, actor->visitor || actor->child ? OP_OWN : OP_OWN | OP_THREADS);
    }
}

/* A thread that ends attached is detached by the library, also with frames pushed and in native
 * code. */
__attribute__((noinline)) static void leave_attached(struct actor *actor, size_t frames_pushed) {
    gait_word words[4] = {0};
    struct gait_frame frames[4];
    for (size_t i = 0; i < frames_pushed; i++)
        gait_push_frame(actor->mutators[the_round->plan.heaps - 1], &frames[i], words, i);
    if (frames_pushed % 2 == 0)
        gait_enter_native(actor->mutators[the_round->plan.heaps - 1]);
    pthread_exit(NULL);
}

void *actor_main(void *argument) {
    struct actor *actor = argument;
    faults_catch_here();
    gait_word stack_words[HEAPS_MAX][STACK_WORDS] = {{0}};
    actor->stack_words = stack_words;
    struct context context = actor_context(actor, 0);
    unsigned heaps = the_round->plan.heaps;
    for (unsigned heap = 0; heap < heaps; heap++)
        if (!actor->visitor || heap + 1 == heaps || one_in(&context.random, 2)) {
            actor_attach(actor, heap);
        }
    bool leave = actor->visitor && one_in(&context.random, 2);
    act(actor);
    actor_await_visitors(actor, true);
    if (leave) {
        for (unsigned heap = 0; heap < heaps; heap++)
            if (actor->mutators[heap])
                owner_end(actor->owners[heap]);
        leave_attached(actor, pick(&context.random, 4));
    }
    for (unsigned heap = 0; heap < heaps; heap++)
        if (actor->mutators[heap])
            actor_detach(actor, heap);
    return NULL;
}

void actor_act_as_child(struct actor *actor) {
    actor->child = true;
    actor->operations = 40;
    actor->op++;
    act(actor);
}
