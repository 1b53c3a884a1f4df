/* SPDX-License-Identifier: MIT */
/*
 * Objects that should be dead, while threads allocate and cycles mark beside them.
 *
 * Each expected object says what its thread did with it. One that was let go before the next
 * safepoint is never told of, though many a cycle marks it: it was marked as it was born. One that
 * a way leads to until it is told of is told of, once, by the cycle of the next gait_collect. One
 * that is let go while a cycle may be marking is told of or not.
 */
#include "stress.h"

#include <gait/expect.h>

#define THREADS 3
#define HELD 8

enum fate { DROPPED = 1, HELD_ON, LET_GO, TAKEN_BACK };

struct object {
    gait_word next; /* a reference */
    gait_word fate;
    gait_word told; /* how often */
};

struct thread {
    gait_mutator *mutator;
    uint64_t random;
    uint64_t dropped, held, let_go;
    gait_word roots[HELD];
};

static gait_heap *heap;
static gait_kind kind;
static uint64_t told; /* atomic */

static void hear(gait_heap *from, const gait_kept *kept, void *data) {
    (void)from, (void)data;
    struct object *object = (struct object *)kept->object;
    gait_word fate = __atomic_load_n(&object->fate, __ATOMIC_ACQUIRE);
    CHECK(fate == HELD_ON || fate == LET_GO, "an object of fate %d is told of: %s", (int)fate,
          kept->root);
    CHECK(kept->told > 0 && kept->objects[kept->told - 1] == object, "the way leads elsewhere");
    CHECK(__atomic_add_fetch(&object->told, 1, __ATOMIC_ACQ_REL) == 1, "told twice");
    __atomic_add_fetch(&told, 1, __ATOMIC_RELAXED);
}

static struct object *object_new(struct thread *thread, enum fate fate) {
    struct object *object = allocate(thread->mutator, kind, sizeof *object);
    __atomic_store_n(&object->fate, fate, __ATOMIC_RELEASE);
    return object;
}

static void expect_dead(struct thread *thread, struct object *object) {
    CHECK(gait_expect_dead(thread->mutator, object, "stress") == 0, "gait_expect_dead");
}

/* Behind so many others in a root. */
static void hold(struct thread *thread, size_t at, gait_word object) {
    thread->roots[at] = object;
    for (size_t i = pick(&thread->random, 4); i > 0; i--) {
        struct object *before = object_new(thread, 0);
        gait_init(&before->next, thread->roots[at]);
        thread->roots[at] = (gait_word)before;
    }
}

/* No safepoint comes between the call and the letting go. */
static void drop_some(struct thread *thread) {
    for (size_t i = pick(&thread->random, 40); i > 0; i--) {
        expect_dead(thread, object_new(thread, DROPPED));
        thread->dropped++;
    }
}

static void take_back(struct thread *thread) {
    struct object *object = object_new(thread, TAKEN_BACK);
    expect_dead(thread, object);
    if (one_in(&thread->random, 2))
        CHECK(gait_expect_dead_cancel(thread->mutator, object) == 0, "gait_expect_dead_cancel");
    else
        gait_free(thread->mutator, object);
}

/* Held until told of. */
static void hold_and_collect(struct thread *thread) {
    size_t at = pick(&thread->random, HELD);
    struct object *object = object_new(thread, HELD_ON);
    expect_dead(thread, object);
    hold(thread, at, (gait_word)object);
    gait_collect(thread->mutator);
    gait_word now = thread->roots[at];
    while (((struct object *)now)->fate != HELD_ON)
        now = ((struct object *)now)->next;
    CHECK(__atomic_load_n(&((struct object *)now)->told, __ATOMIC_ACQUIRE) == 1,
          "an object that is held was told of %d times",
          (int)__atomic_load_n(&((struct object *)now)->told, __ATOMIC_ACQUIRE));
    thread->held++;
    thread->roots[at] = 0;
}

static void hold_for_a_while(struct thread *thread) {
    size_t at = pick(&thread->random, HELD);
    struct object *object = object_new(thread, LET_GO);
    expect_dead(thread, object);
    hold(thread, at, (gait_word)object);
    for (size_t i = pick(&thread->random, 200); i > 0; i--)
        object_new(thread, 0);
    thread->roots[at] = 0;
    thread->let_go++;
}

static void *body(void *argument) {
    struct thread *thread = argument;
    thread->mutator = attach(heap);
    struct gait_frame frame;
    gait_push_frame(thread->mutator, &frame, thread->roots, HELD);
    while (!time_is_up()) {
        drop_some(thread);
        if (one_in(&thread->random, 8))
            take_back(thread);
        if (one_in(&thread->random, 16))
            hold_and_collect(thread);
        hold_for_a_while(thread);
        if (one_in(&thread->random, 64))
            gait_set_kept(heap, hear, NULL, 0);
    }
    gait_pop_frame(thread->mutator);
    gait_detach(thread->mutator);
    return NULL;
}

static void run_heap(const char *debug, uint32_t flags, double seconds) {
    heap = heap_new(flags, debug, "50");
    kind =
        kind_new(heap, (gait_kind_info){.name = "object", .layout = GAIT_PREFIX, .head_words = 1});
    gait_set_kept(heap, hear, NULL, 0);
    run_for(seconds);
    static struct thread threads[THREADS];
    pthread_t handles[THREADS];
    uint64_t dropped = 0, held = 0, let_go = 0;
    memset(threads, 0, sizeof threads);
    told = 0;
    for (size_t i = 0; i < THREADS; i++) {
        threads[i].random = run.seed * (i + 1) | 1;
        handles[i] = thread_start(body, &threads[i]);
    }
    for (size_t i = 0; i < THREADS; i++) {
        pthread_join(handles[i], NULL);
        dropped += threads[i].dropped;
        held += threads[i].held;
        let_go += threads[i].let_go;
    }
    gait_stats stats = stats_of(heap);
    printf("%s: %" PRIu64 " dropped, %" PRIu64 " held, %" PRIu64 " let go; %" PRIu64
           " told of, in %" PRIu64 " cycles\n",
           debug, dropped, held, let_go, told, (uint64_t)stats.cycles);
    CHECK(told >= held, "held ones were told of");
    gait_heap_destroy(heap);
}

int main(int argc, char **argv) {
    run_begin(argc, argv, 4);
    run_heap("gcstress=0", 0, run.seconds / 3);
    run_heap("gcminor=3,gcstress=0", 0, run.seconds / 3);
    run_heap("gcstoptheworld=2", GAIT_STOP_THE_WORLD, run.seconds / 3);
    return 0;
}
