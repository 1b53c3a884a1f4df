/* SPDX-License-Identifier: MIT */
/*
 * Finalizers and cleanups. They run on whichever thread runs them, and do no more than to note it
 * and to put the object into its owner's inbox, which is a root; the owner finds it there.
 */
#include "ops.h"

#include <time.h>

#define FINALIZER_NAP_NS 300000 /* some cycles, and other threads' operations */

/* Wait for something: others collect, or fork, meanwhile. */
static void nap(gait_mutator *mutator) {
    struct timespec time = {0, FINALIZER_NAP_NS};
    gait_enter_native(mutator);
    nanosleep(&time, NULL);
    gait_leave_native(mutator);
}

/* A frame alone holds the object, over the end of a cycle. */
static void hold(gait_mutator *mutator, void *object, const struct heap *heap) {
    gait_word held = (gait_word)object;
    struct gait_frame frame;
    gait_push_frame(mutator, &frame, &held, 1);
    if (held >> 5 & 1)
        gait_collect(mutator);
    if ((held >> 6 & 3) == 0)
        nap(mutator);
    for (unsigned i = 0; i < 30; i++)
        gait_alloc(mutator, heap->kinds[KIND_LEAF], 128);
    CHECK(gait_object_base(heap->gait, object) == object, "%p is gone within its finalizer",
          object);
    gait_pop_frame(mutator);
}

static void finalize(gait_mutator *mutator, void *object, struct job *job, bool second) {
    unsigned state = __atomic_exchange_n(&job->state, JOB_RUNS, __ATOMIC_ACQ_REL);
    CHECK(state == JOB_SET && job->second == second, "finalizer of %p: it runs in state %u", object,
          state);
    CHECK(object == (void *)job->node->address, "finalizer of %p: it gets %p",
          (void *)job->node->address, object);
    if (((gait_word)object >> 4) % 2 == 0)
        hold(mutator, object, job->owner->heap);
    gait_store(mutator, job->inbox, (gait_word)object);
    __atomic_store_n(&job->state, JOB_RAN, __ATOMIC_RELEASE);
    jump_out();
}

static void finalize_first(gait_mutator *mutator, void *object, void *data) {
    finalize(mutator, object, data, false);
}

static void finalize_second(gait_mutator *mutator, void *object, void *data) {
    finalize(mutator, object, data, true);
}

static void clean_up(gait_mutator *mutator, void *data) {
    (void)mutator;
    struct cleanup *cleanup = data;
    unsigned expected = cleanup->expected; /* before: the owner may use the place again after */
    unsigned ran = __atomic_add_fetch(&cleanup->ran, 1, __ATOMIC_ACQ_REL);
    CHECK(ran <= expected, "a cleanup runs for the %u. time, of %u", ran, expected);
}

static void clean_up_never(gait_mutator *mutator, void *data) {
    (void)mutator, (void)data;
    CHECK(false, "a cleanup runs that was never added");
}

/* ---- Finalizers ---- */

static struct job *free_job(struct owner *owner) {
    for (size_t i = 0; i < JOBS_MAX; i++)
        if (__atomic_load_n(&owner->jobs[i].state, __ATOMIC_ACQUIRE) == JOB_NONE)
            return &owner->jobs[i];
    return NULL;
}

static gait_finalizer_fn function_of(const struct job *job) {
    return job->second ? finalize_second : finalize_first;
}

static bool is_set(const struct job *job) {
    return job && __atomic_load_n(&job->state, __ATOMIC_ACQUIRE) == JOB_SET;
}

static void job_check(struct context *context, const struct job *job) {
    gait_finalizer_fn function;
    void *data;
    uint32_t flags;
    int result =
        gait_finalizer_get(context->mutator, (void *)job->node->address, &function, &data, &flags);
    CHECK(result == 0 && function == function_of(job) && data == job && flags == job->flags,
          "the finalizer of %p is %d, flags %u, not %u", (void *)job->node->address, result, flags,
          job->flags);
}

static void job_set(struct context *context, struct job *job) {
    static const uint32_t flags[] = {0,
                                     0,
                                     GAIT_FINALIZER_IGNORE_SELF,
                                     GAIT_FINALIZER_UNORDERED,
                                     GAIT_FINALIZER_UNORDERED,
                                     GAIT_FINALIZER_RESURRECT,
                                     GAIT_FINALIZER_RESURRECT};
    gait_finalizer_fn before = is_set(job) ? function_of(job) : NULL, old;
    void *data;
    job->second = one_in(&context->random, 2);
    job->flags = flags[pick(&context->random, sizeof flags / sizeof flags[0])];
    __atomic_store_n(&job->state, JOB_SET, __ATOMIC_RELEASE);
    int result = gait_finalizer_replace(context->mutator, (void *)job->node->address,
                                        function_of(job), job, job->flags, &old, &data);
    CHECK(result == 0 && old == before && (!before || data == job),
          "gait_finalizer_replace: %d, there was %sone before", result, before ? "" : "no ");
}

bool job_has_run(const struct job *job) {
    return __atomic_load_n(&job->state, __ATOMIC_ACQUIRE) >= JOB_RAN;
}

void job_end(struct job *job) {
    job->node->job = NULL;
    job->node = NULL;
    __atomic_store_n(&job->state, JOB_NONE, __ATOMIC_RELEASE);
}

/* Set one, or replace what is set. */
void op_finalizer(struct context *context) {
    struct node *node = node_pick(context, true);
    CHECK(gait_finalizer_set(context->mutator, &node, finalize_first, NULL) == GAIT_E_INVALID,
          "what is no object has a finalizer");
    if (node && node->arena)
        CHECK(gait_finalizer_set(context->mutator, (void *)node->address, finalize_first, NULL) ==
                  GAIT_E_INVALID,
              "what lies in an arena has a finalizer");
    if (!node || node->arena)
        return;
    struct job *job = node->job ? node->job : free_job(context->owner);
    if (!job || (node->job && (!is_set(job) || job_may_be_queued(job))))
        return;
    if (node->job)
        job_check(context, job);
    node->job = job;
    job->node = node;
    job_set(context, job);
}

void op_finalizer_remove(struct context *context) {
    struct node *node = node_pick_object(context, true);
    if (!node)
        return;
    struct job *job = node->job;
    bool set = is_set(job);
    if (set && job_may_be_queued(job))
        return;
    int result = gait_finalizer_set(context->mutator, (void *)node->address, NULL, NULL);
    CHECK(result == (set ? 0 : GAIT_E_MISSING), "removing a finalizer of %p: %d",
          (void *)node->address, result);
    if (set)
        job_end(job);
}

/* What has come back to the owner: let it go, keep it, or set its finalizer once more. */
void op_inbox(struct context *context) {
    model_settle(context);
    for (size_t i = 0; i < JOBS_MAX; i++) {
        struct job *job = &context->owner->jobs[i];
        if (__atomic_load_n(&job->state, __ATOMIC_ACQUIRE) != JOB_TAKEN)
            continue;
        struct root *root = root_pick(context);
        if (root && one_in(&context->random, 3))
            root_set(context, root, node_reference(context, job->node, false), job->node);
        if (one_in(&context->random, 3)) {
            job_set(context, job);
            gait_store(context->mutator, job->inbox, 0);
        } else {
            gait_store(context->mutator, job->inbox, 0);
            job_end(job);
        }
    }
}

void op_run_finalizers(struct context *context) {
    if (one_in(&context->random, 4))
        gait_wait_finalizers(context->mutator, (int64_t)pick(&context->random, 100000));
    size_t most = one_in(&context->random, 2) ? 1 : pick(&context->random, 50);
    if (one_in(&context->random, 2) && !gait_finalizers_pending(context->heap->gait))
        return;
    size_t ran = gait_run_finalizers(context->mutator, most);
    CHECK(ran <= most, "%zu finalizers ran, of at most %zu", ran, most);
}

/* ---- Cleanups ---- */

void op_cleanup(struct context *context) {
    struct node *node = node_pick_object(context, true);
    if (!node)
        return;
    struct cleanup *cleanup = NULL;
    for (size_t i = 0; i < CLEANUPS_MAX && !cleanup; i++)
        if (!context->owner->cleanups[i].node)
            cleanup = &context->owner->cleanups[i];
    if (!cleanup)
        return;
    *cleanup = (struct cleanup){.node = node, .expected = 1 + (unsigned)pick(&context->random, 2)};
    for (unsigned i = 0; i < cleanup->expected; i++) {
        int result = gait_cleanup_add(context->mutator, (void *)node->address, clean_up, cleanup);
        CHECK(result == 0, "gait_cleanup_add: %d", result);
    }
}

void op_cleanup_cancel(struct context *context) {
    struct cleanup *cleanup = &context->owner->cleanups[pick(&context->random, CLEANUPS_MAX)];
    struct node *node = node_pick_object(context, true);
    if (!node)
        return;
    CHECK(gait_cleanup_cancel(context->mutator, (void *)node->address, clean_up_never, cleanup) ==
              0,
          "cancelled what was never added");
    if (cleanup->node != node)
        return;
    size_t cancelled =
        gait_cleanup_cancel(context->mutator, (void *)node->address, clean_up, cleanup);
    CHECK(cancelled == cleanup->expected, "%zu cleanups of %u are cancelled", cancelled,
          cleanup->expected);
    *cleanup = (struct cleanup){0};
}

/* ---- The end ---- */

void finalizers_check_done(struct context *context) {
    struct owner *owner = context->owner;
    model_settle(context);
    model_walk(context);
    for (size_t i = 0; i < JOBS_MAX; i++) {
        const struct job *job = &owner->jobs[i];
        /* what other finalizers' objects lead to waits, also for itself; and what a pinned arena
         * holds that could not be freed, since a pair out of reach has it */
        if (job->node && !job_comes_back(job))
            CHECK(job->node->lent == owner->walk || job->node->strong == owner->walk,
                  "the finalizer of %p has not run", (void *)job->node->address);
    }
    for (size_t i = 0; i < CLEANUPS_MAX; i++) {
        const struct node *node = owner->cleanups[i].node;
        if (node)
            CHECK(node->lent == owner->walk || node->strong == owner->walk || node->job,
                  "the cleanup of %p has not run", (void *)node->address);
    }
    generators_check_done(context);
    model_walk_ordered(context);
    for (size_t i = 0; i < JOBS_MAX; i++) {
        const struct job *job = &owner->jobs[i];
        if (job->node && job_comes_back(job))
            CHECK(job->node->lent == owner->walk || job->node->strong == owner->walk,
                  "the unordered finalizer of %p has not run", (void *)job->node->address);
    }
}

void finalizers_check_all(struct context *context) {
    for (size_t i = 0; i < JOBS_MAX; i++) {
        const struct job *job = &context->owner->jobs[i];
        CHECK(!job->node || job_has_run(job), "the finalizer of %p has not run with all others",
              (void *)job->node->address);
    }
}
