/* SPDX-License-Identifier: MIT */
/*
 * A round: its heaps, its threads, and what must hold when all is over: with no roots left, every
 * finalizer and cleanup has run, and the heap is as good as empty.
 */
#include "ops.h"

#include <time.h>
#include <unistd.h>

/* Live bytes that are left with nothing reachable: runs of the mutator that looks. */
#define REST_BYTES ((size_t)2 << 20)
#define SETTLING_CYCLES_MAX 100
#define LATE_SECONDS 10
#define BALLAST_BYTES ((size_t)1 << 20)

struct round *the_round;
static FILE *nowhere; /* /dev/null */

/* ---- Beginning ---- */

/* Drop what can be dropped, and have the allocation tried once more. What it allocates itself may
 * be refused, but never leads back here. */
static bool out_of_memory(gait_mutator *mutator, size_t bytes, void *data) {
    static _Thread_local bool within;
    struct heap *heap = data;
    CHECK(!within, "an out-of-memory handler is called within itself");
    within = true;
    gait_alloc(mutator, heap->kinds[KIND_LEAF], bytes < 100000 ? bytes : 64);
    within = false;
    bool had_some = gait_handle_get(heap->ballast) != 0;
    gait_handle_set(mutator, heap->ballast, 0);
    return had_some;
}

static void heap_begin(struct heap *heap, unsigned index) {
    const struct heap_plan *plan = heap->plan = &the_round->plan.heap[index];
    heap->index = index;
    gait_config config;
    gait_config_init(&config);
    config.flags = plan->flags;
    config.value_mask = plan->value_mask;
    config.reserve_bytes = plan->reserve_bytes;
    config.gogc = plan->gogc;
    config.memory_limit = plan->limit;
    config.max_procs = plan->procs;
    config.minor = plan->minor ? "on" : "off";
    config.debug = plan->debug;
    config.log = plan->quiet ? nowhere : NULL;
    char error[256] = "";
    heap->gait = gait_heap_create(&config, error, sizeof error);
    CHECK(heap->gait, "%s", error);
    for (unsigned i = 0; i < the_round->plan.kinds; i++) {
        int kind = gait_kind_register(heap->gait, &the_round->plan.kind[i].info);
        CHECK(kind >= 0, "kind %s: %d", the_round->plan.kind[i].name, kind);
        heap->kinds[i] = (gait_kind)kind;
    }
    if (plan->hooked)
        CHECK(gait_liveness_add(heap->gait, watches_hook, heap) == 0, "gait_liveness_add");
    if (plan->displacement)
        CHECK(gait_displacement_add(heap->gait, plan->displacement) == 0, "a displacement");
    pthread_mutex_init(&heap->shared_lock, NULL);
}

/* A list that takes marking a while: so much is going on meanwhile. */
static void list_make(struct heap *heap, gait_mutator *mutator) {
    CHECK(heap->list = gait_handle_new(mutator, 0), "list");
    for (; heap->list_length < heap->plan->list_length; heap->list_length++) {
        gait_word *link = gait_alloc(mutator, heap->kinds[KIND_REFS], 2 * sizeof *link);
        if (!link)
            return;
        gait_init(link, gait_handle_get(heap->list));
        gait_handle_set(mutator, heap->list, (gait_word)link);
    }
}

static void heap_furnish(struct heap *heap, struct actor *actor) {
    heap->shared = owner_new(heap, false);
    struct context context = actor_context(actor, heap->index);
    context.owner = heap->shared;
    owner_open(&context);
    if (heap->plan->flags & GAIT_DATA_SEGMENTS)
        owner_add_segment(heap->shared);
    CHECK(gait_roots_add(context.mutator, heap->mail, MAIL_SLOTS) == 0, "mail");
    void *ballast = heap->plan->small
                        ? gait_alloc(context.mutator, heap->kinds[KIND_LEAF], BALLAST_BYTES)
                        : NULL;
    CHECK(heap->ballast = gait_handle_new(context.mutator, (gait_word)ballast), "ballast");
    list_make(heap, context.mutator);
    frames_begin(&context);
    gait_set_oom_handler(heap->gait, out_of_memory, heap);
    for (unsigned i = 0; i < the_round->plan.coroutines; i++)
        heap->coroutines[i] = coroutine_make(&context);
}

static void list_check(struct heap *heap) {
    size_t length = 0;
    for (const gait_word *link = (const gait_word *)gait_handle_get(heap->list); link;
         link = (const gait_word *)*link)
        length++;
    CHECK(length == heap->list_length, "a list of %zu has %zu links", heap->list_length, length);
}

/* A full cycle; or, where allocation asks for cycles, one of any kind. */
static void cycle_have(const struct heap *heap, gait_mutator *mutator, uint64_t *random) {
    if (!heap->plan->minor || !heap->plan->stress || one_in(random, 8))
        gait_collect(mutator);
    else
        for (unsigned i = 0; i < heap->plan->stress; i++)
            gait_alloc(mutator, heap->kinds[KIND_LEAF], 16);
}

/* Has cycles follow one another, while the round's actors do what they do. */
static void *cycles_main(void *argument) {
    struct round *round = argument;
    faults_catch_here();
    gait_mutator *mutators[HEAPS_MAX];
    uint64_t random = mix(round->plan.seed ^ 1);
    for (unsigned i = 0; i < round->plan.heaps; i++)
        CHECK(mutators[i] = gait_attach(round->heaps[i].gait), "gait_attach");
    while (!__atomic_load_n(&round->ended, __ATOMIC_ACQUIRE)) {
        size_t heap = pick(&random, round->plan.heaps);
        cycle_have(&round->heaps[heap], mutators[heap], &random);
        gait_enter_native(mutators[0]);
        struct timespec time = {0, (long)pick(&random, 500000)};
        nanosleep(&time, NULL);
        gait_leave_native(mutators[0]);
    }
    for (unsigned i = 0; i < round->plan.heaps; i++)
        gait_detach(mutators[i]);
    return NULL;
}

/* ---- End ---- */

static void each_owner(struct heap *heap, struct actor *actor, void (*visit)(struct context *)) {
    struct context context = actor_context(actor, heap->index);
    for (struct owner *owner = the_round->owners; owner; owner = owner->next)
        if (owner->heap == heap) {
            context.owner = owner;
            visit(&context);
        }
}

/* Let go of what finalizers have brought back. */
static void empty_inbox(struct context *context) {
    model_settle(context);
    for (size_t i = 0; i < JOBS_MAX; i++) {
        struct job *job = &context->owner->jobs[i];
        if (job->state != JOB_TAKEN)
            continue;
        gait_store(context->mutator, job->inbox, 0);
        job_end(job);
    }
}

/* Collect, until no finalizer or cleanup is left that could run. */
static void settle(struct heap *heap, struct actor *actor) {
    gait_mutator *mutator = actor->mutators[heap->index];
    gait_set_notice(heap->gait, NULL, NULL); /* which count as run, and come as memory changes */
    for (unsigned quiet = 0, cycle = 0; quiet < 2; cycle++) {
        CHECK(cycle < SETTLING_CYCLES_MAX, "finalizers without end");
        gait_collect(mutator);
        quiet++;
        while (gait_run_finalizers(mutator, 7))
            quiet = 0;
        each_owner(heap, actor, empty_inbox);
    }
}

static void check_empty(struct heap *heap, struct actor *actor) {
    size_t model = 0;
    each_owner(heap, actor, finalizers_check_done);
    for (struct owner *owner = the_round->owners; owner; owner = owner->next)
        if (owner->heap == heap)
            model += model_bytes(owner);
    gait_stats stats = {.struct_bytes = sizeof stats};
    CHECK(gait_read_stats(heap->gait, &stats) == 0, "gait_read_stats");
    CHECK(stats.heap_live_bytes <= model + REST_BYTES,
          "%" PRIu64 " bytes live, where %zu are reachable", stats.heap_live_bytes, model);
    if (model == 0)
        each_owner(heap, actor, owner_blocks_check_none);
    CHECK(stats.mutators == 1, "%" PRIu64 " mutators", stats.mutators);
}

static void heap_end(struct heap *heap, struct actor *actor) {
    struct context context = actor_context(actor, heap->index);
    each_owner(heap, actor, op_verify);
    for (unsigned i = 0; i < the_round->plan.coroutines; i++)
        coroutine_end(&context, heap->coroutines[i]);
    each_owner(heap, actor, owner_blocks_drop);
    each_owner(heap, actor, owner_arenas_drop);
    frames_end(&context);
    each_owner(heap, actor, owner_drop_roots);
    gait_fill(context.mutator, heap->mail, 0, MAIL_SLOTS);
    gait_handle_set(context.mutator, heap->ballast, 0);
    list_check(heap);
    gait_handle_free(context.mutator, heap->list);
    settle(heap, actor);
    /* a stale word that a finalizer's object has keeps an arena, which may lead back to the object
     */
    if (heap_is_exact(heap) && !round_leaves_stale_words())
        check_empty(heap, actor);
    rings_check(heap, false);
    gait_finalize_all(context.mutator);
    rings_check(heap, true);
    CHECK(!gait_finalizers_pending(heap->gait), "something is pending after all has run");
    each_owner(heap, actor, finalizers_check_all);
    each_owner(heap, actor, owner_close);
    CHECK(gait_roots_remove(context.mutator, heap->mail) == 0, "mail");
    gait_handle_free(context.mutator, heap->ballast);
    gait_heap_destroy(heap->gait);
    rings_free(heap);
    pthread_mutex_destroy(&heap->shared_lock);
}

/* ---- All of it ---- */

bool round_is_late(void) { return now_seconds() > the_round->late_s; }

void round_play(const struct plan *plan) {
    if (!nowhere)
        CHECK(nowhere = fopen("/dev/null", "w"), "/dev/null");
    struct round *round = the_round = calloc(1, sizeof *round);
    CHECK(round, "calloc");
    round->plan = *plan;
    round->late_s = now_seconds() + LATE_SECONDS;
    for (unsigned i = 0; i < plan->kinds; i++) /* they point into the plan itself */
        if (round->plan.kind[i].info.bitmap)
            round->plan.kind[i].info.bitmap = round->plan.kind[i].bitmap;
    pthread_mutex_init(&round->lock, NULL);
    for (unsigned i = 0; i < plan->heaps; i++)
        heap_begin(&round->heaps[i], i);
    struct actor *host = actor_new(ACTORS_MAX);
    for (unsigned i = 0; i < plan->heaps; i++) {
        actor_attach(host, i);
        heap_furnish(&round->heaps[i], host);
        actor_detach(host, i);
    }
    pthread_t threads[ACTORS_MAX];
    for (unsigned i = 0; i < plan->actors; i++)
        CHECK(pthread_create(&threads[i], NULL, actor_main, actor_new(i)) == 0, "pthread_create");
    pthread_t cycles;
    if (plan->cycles)
        CHECK(pthread_create(&cycles, NULL, cycles_main, round) == 0, "pthread_create");
    for (unsigned i = 0; i < plan->actors; i++)
        pthread_join(threads[i], NULL);
    __atomic_store_n(&round->ended, true, __ATOMIC_RELEASE);
    if (plan->cycles)
        pthread_join(cycles, NULL);
    for (unsigned i = 0; i < plan->heaps; i++)
        actor_attach(host, i);
    for (unsigned i = 0; i < plan->heaps; i++)
        heap_end(&round->heaps[i], host);
    while (round->owners) {
        struct owner *owner = round->owners;
        round->owners = owner->next;
        owner_free(owner);
    }
    while (round->actors) {
        struct actor *actor = round->actors;
        round->actors = actor->next;
        free(actor);
    }
    pthread_mutex_destroy(&round->lock);
    the_round = NULL;
    free(round);
}
