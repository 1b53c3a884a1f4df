/* SPDX-License-Identifier: MIT */
/*
 * Threads beside each other: what they share by a lock, threads that come and go, processes.
 */
#include "ops.h"

#include <sys/wait.h>
#include <unistd.h>

#define CHILD_SECONDS 60 /* a child that takes longer hangs */

/* Into native code, or out of it: by one heap's mutator, and so in all heaps. */
static void rest(struct actor *actor, bool rest) {
    unsigned heap = 0;
    while (!actor->mutators[heap])
        heap++;
    if (rest)
        gait_enter_native(actor->mutators[heap]);
    else
        gait_leave_native(actor->mutators[heap]);
}

/* ---- What is shared by a lock ---- */

/* An operation on the objects that all threads reach; a thread that waits for the lock does so in
 * native code, since its holder may collect. */
void op_shared(struct context *context) {
    struct heap *heap = context->heap;
    if (context->actor->child)
        return; /* a thread that is not here may have had the lock */
    if (pthread_mutex_trylock(&heap->shared_lock) != 0) {
        gait_enter_native(context->mutator);
        pthread_mutex_lock(&heap->shared_lock);
        gait_leave_native(context->mutator);
    }
    struct context shared = *context;
    shared.owner = heap->shared;
    for (size_t n = 1 + pick(&context->random, 3); n > 0; n--)
        op_run(&shared, OP_ANY);
    pthread_mutex_unlock(&heap->shared_lock);
}

/* ---- Threads that come and go ---- */

void actor_await_visitors(struct actor *actor, bool all) {
    if (actor->visiting == 0)
        return;
    rest(actor, true);
    while (actor->visiting > (all ? 0 : VISITORS_MAX - 1))
        pthread_join(actor->visitors[--actor->visiting], NULL);
    rest(actor, false);
}

void op_visitor(struct context *context) {
    struct actor *actor = context->actor;
    if (actor->visiting == VISITORS_MAX)
        actor_await_visitors(actor, false);
    unsigned number = (unsigned)mix((uint64_t)actor->number << 32 | actor->op) | 1u << 31;
    rest(actor, true); /* actors are made under a lock */
    struct actor *visitor = actor_new(number);
    visitor->visitor = true;
    visitor->operations = 10 + (unsigned)pick(&context->random, 150);
    int error = pthread_create(&actor->visitors[actor->visiting], NULL, actor_main, visitor);
    rest(actor, false);
    CHECK(error == 0, "pthread_create: %s", strerror(error));
    actor->visiting++;
}

/* Detached, it has no frames, no callback and no stack; its other roots stay. */
void op_attach(struct context *context) {
    unsigned heap = context->heap->index;
    actor_detach(context->actor, heap);
    CHECK(!gait_current(context->heap->gait), "attached after gait_detach");
    actor_attach(context->actor, heap);
}

/* ---- Processes ---- */

/* The child has this thread alone: its roots, the coroutines, static slots and handles. */
static void be_child(struct context *context) {
    struct actor *actor = context->actor;
    alarm(CHILD_SECONDS);
    note(context, "child", 0);
    for (unsigned heap = 0; heap < the_round->plan.heaps; heap++) {
        struct context own = actor_context(actor, heap);
        model_lose(&own);
        model_verify(&own, false);
        gait_stats stats = {.struct_bytes = sizeof stats};
        CHECK(gait_read_stats(own.heap->gait, &stats) == 0 && stats.mutators == 1,
              "%" PRIu64 " mutators in a child", stats.mutators);
    }
    actor_act_as_child(actor);
    /* AddressSanitizer of gcc 12 does not hold its allocator's locks over a fork. An actor that
     * begins or ends takes one, and so does each thread that a child starts: it would wait for
     * ever. */
    for (unsigned heap = 0; heap < the_round->plan.heaps && !UNDER_ASAN; heap++) {
        struct context own = actor_context(actor, heap);
        op_collect(&own);
    }
    _exit(0);
}

void op_fork(struct context *context) {
    struct actor *actor = context->actor;
    if (UNDER_TSAN || (UNDER_ASAN && actor->visiting > 0))
        return;
    bool native = one_in(&context->random, 2);
    if (native)
        rest(actor, true);
    pid_t child = fork();
    CHECK(child >= 0, "fork");
    if (native)
        rest(actor, false);
    if (child == 0)
        be_child(context);
    rest(actor, true);
    int status;
    CHECK(waitpid(child, &status, 0) == child, "waitpid");
    rest(actor, false);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0, "a child ended with status %#x",
          (unsigned)status);
}
