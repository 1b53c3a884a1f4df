/* SPDX-License-Identifier: MIT */
/*
 * Finalizers that resurrect: weak words and links to their objects, and to what these lead to, stay
 * until the finalizer has run and nothing leads to the object any more.
 *
 * Each object has a stamp, refers to a child, and one in two to itself by that. A weak word or link
 * that is cleared while the finalizer has not run, a finalizer that runs while its object is in a
 * root that was never left, another object in its place, and a word that stays for ever, end the
 * test.
 */
#include "stress.h"

#include <gait/dirty.h>
#include <gait/links.h>

#define THREADS 3
#define JOBS 48
#define KEEP 8

struct node {
    gait_word stamp;
    gait_word link;
};

enum state { FREE, SET, RUNS, RAN };

struct job {
    unsigned
        state;     /* atomic, enum state: FREE and SET by its thread, the others by the finalizer */
    unsigned held; /* atomic: the object is in a root, and was ever since it was made */
    unsigned again;        /* how often it gets its finalizer once more; the finalizer's */
    gait_word stamp, link; /* its child's stamp is one less. A malloc'ed word that is a link */
};

struct thread {
    gait_mutator *mutator;
    uint64_t random, read, renewed;
    gait_word table; /* weak: the object and the child of each job */
    gait_word roots[KEEP], scratch[2];
    struct job *holds[KEEP];
    struct job jobs[JOBS];
};

static gait_heap *heap;
static bool object_barrier;
static gait_kind kind_refs, kind_weak, kind_leaf;
static struct thread threads[THREADS];
static uint64_t stamps, rescued; /* atomic */

static unsigned state_of(const struct job *job) {
    return __atomic_load_n(&job->state, __ATOMIC_ACQUIRE);
}

static gait_word stamp_at(gait_word object) {
    return __atomic_load_n((const gait_word *)object, __ATOMIC_RELAXED);
}

static void finalize(gait_mutator *mutator, void *object, void *data) {
    struct job *job = data;
    const struct node *node = object;
    unsigned before = __atomic_exchange_n(&job->state, RUNS, __ATOMIC_ACQ_REL);
    CHECK(before == SET, "a finalizer runs in state %u", before);
    CHECK(!__atomic_load_n(&job->held, __ATOMIC_ACQUIRE), "the object of a finalizer is in a root");
    CHECK(node->stamp == job->stamp, "a finalizer gets stamp %#" PRIxPTR, node->stamp);
    CHECK(stamp_at(slot_load(&node->link)) == job->stamp - 1, "a finalizer's object has lost its "
                                                              "child");
    __atomic_add_fetch(&rescued, 1, __ATOMIC_RELAXED);
    if (job->stamp % 16 == 0)
        gait_collect(mutator);
    unsigned after = RAN;
    if (job->again > 0) {
        job->again--;
        after = SET;
        CHECK(gait_finalizer_replace(mutator, object, finalize, job, GAIT_FINALIZER_RESURRECT, NULL,
                                     NULL) == 0,
              "set again");
    }
    __atomic_store_n(&job->state, after, __ATOMIC_RELEASE);
}

/* ---- A thread's jobs ---- */

static gait_word *word_of(const struct thread *thread, const struct job *job, bool child) {
    return (gait_word *)thread->table + 2 * (job - thread->jobs) + child;
}

static gait_word node_new(struct thread *thread, gait_word stamp, gait_word link) {
    struct node *node = allocate(thread->mutator, kind_refs, sizeof *node);
    gait_init(&node->stamp, stamp);
    gait_init(&node->link, link);
    return (gait_word)node;
}

static void let_go(struct thread *thread, size_t root) {
    if (thread->holds[root])
        __atomic_store_n(&thread->holds[root]->held, 0, __ATOMIC_RELEASE); /* before it is so */
    thread->holds[root] = NULL;
    thread->roots[root] = 0;
}

static void begin(struct thread *thread, struct job *job) {
    gait_mutator *mutator = thread->mutator;
    bool cyclic = one_in(&thread->random, 2);
    job->stamp = __atomic_add_fetch(&stamps, 1, __ATOMIC_RELAXED) << 1 | 1;
    thread->scratch[1] = node_new(thread, job->stamp - 1, 0);
    thread->scratch[0] = node_new(thread, job->stamp, thread->scratch[1]);
    struct node *node = (struct node *)thread->scratch[0];
    if (cyclic) {
        gait_store(mutator, &((struct node *)thread->scratch[1])->link, thread->scratch[0]);
        if (object_barrier)
            gait_dirty(mutator, (void *)thread->scratch[1]);
    }
    job->again = (unsigned)pick(&thread->random, 3);
    job->link = ~thread->scratch[0];
    gait_weak_set(mutator, word_of(thread, job, false), thread->scratch[0]);
    gait_weak_set(mutator, word_of(thread, job, true), thread->scratch[1]);
    CHECK(gait_link_register(mutator, &job->link, node, 0) == 0, "gait_link_register");
    size_t root = pick(&thread->random, KEEP);
    let_go(thread, root);
    thread->roots[root] = thread->scratch[0];
    thread->holds[root] = job;
    __atomic_store_n(&job->held, 1, __ATOMIC_RELEASE);
    __atomic_store_n(&job->state, SET, __ATOMIC_RELEASE);
    CHECK(gait_finalizer_replace(mutator, node, finalize, job, GAIT_FINALIZER_RESURRECT, NULL,
                                 NULL) == 0,
          "gait_finalizer_replace");
    thread->scratch[0] = thread->scratch[1] = 0;
}

/* The state is read after the word: what was cleared was so after its finalizer. */
static void look(struct thread *thread, struct job *job) {
    bool child = one_in(&thread->random, 2);
    gait_word word = one_in(&thread->random, 3)
                         ? (gait_word)gait_link_get(thread->mutator, &job->link, 0)
                         : gait_weak_get(thread->mutator, word_of(thread, job, child));
    thread->scratch[0] = word; /* a link may be waited for */
    unsigned state = state_of(job);
    CHECK(word || state == RAN, "a word is cleared, and its finalizer is in state %u", state);
    CHECK(!word || stamp_at(word) == job->stamp || stamp_at(word) == job->stamp - 1,
          "a word leads to stamp %#" PRIxPTR, stamp_at(word));
    thread->read++;
    if (word && one_in(&thread->random, 4)) { /* it may be finalized all the same, or was */
        size_t root = pick(&thread->random, KEEP);
        let_go(thread, root);
        thread->roots[root] = word;
    }
    thread->scratch[0] = 0;
}

static void end(struct thread *thread, struct job *job) {
    int result = gait_link_unregister(thread->mutator, &job->link, 0);
    CHECK(result == 0 || (result == GAIT_E_MISSING && job->link == 0), "a link ends with %d",
          result);
    __atomic_store_n(&job->state, FREE, __ATOMIC_RELAXED);
    thread->renewed++;
}

static void *work(void *argument) {
    struct thread *thread = argument;
    thread->mutator = attach(heap);
    struct gait_frame frame;
    gait_push_frame(thread->mutator, &frame, &thread->table, 1 + KEEP + 2);
    thread->table = (gait_word)allocate(thread->mutator, kind_weak, 2 * JOBS * sizeof(gait_word));
    while (!time_is_up()) {
        struct job *job = &thread->jobs[pick(&thread->random, JOBS)];
        unsigned state = state_of(job);
        if (state == RAN && one_in(&thread->random, 4))
            end(thread, job);
        else if (state == FREE)
            begin(thread, job);
        else
            look(thread, job);
        if (one_in(&thread->random, 3))
            let_go(thread, pick(&thread->random, KEEP));
        if (one_in(&thread->random, 5))
            allocate(thread->mutator, kind_leaf, 300);
        if (gait_finalizers_pending(heap) && one_in(&thread->random, 2))
            gait_run_finalizers(thread->mutator, 1 + pick(&thread->random, 8));
    }
    for (size_t root = 0; root < KEEP; root++)
        let_go(thread, root);
    gait_pop_frame(thread->mutator);
    gait_detach(thread->mutator);
    return NULL;
}

/* ---- The run ---- */

/* With no root left all finalizers run, and the words are cleared then. */
static void finish(void) {
    gait_mutator *mutator = attach(heap);
    for (unsigned i = 0; i < 5; i++) { /* three times at most it is set anew */
        gait_collect(mutator);
        gait_run_finalizers(mutator, SIZE_MAX);
    }
    gait_collect(mutator);
    for (size_t i = 0; i < THREADS; i++)
        for (struct job *job = threads[i].jobs; job < threads[i].jobs + JOBS; job++) {
            unsigned state = state_of(job);
            CHECK(state == FREE || state == RAN, "a finalizer is left in state %u", state);
            CHECK(state == FREE || !gait_link_get(mutator, &job->link, 0), "a link stays");
        }
    gait_detach(mutator);
}

static void guardian_test(uint32_t flags, const char *debug, double seconds) {
    heap = heap_new(flags, debug, "30");
    kind_refs =
        kind_new(heap, (gait_kind_info){.name = "refs", .layout = GAIT_PREFIX, .head_words = 2});
    kind_weak = kind_new(heap, (gait_kind_info){.name = "weak", .layout = GAIT_WEAK});
    kind_leaf = kind_new(heap, (gait_kind_info){.name = "leaf", .layout = GAIT_LEAF});
    object_barrier = flags & GAIT_OBJECT_BARRIER;
    rescued = 0;
    memset(threads, 0, sizeof threads);
    run_for(seconds);
    pthread_t ids[THREADS];
    for (size_t i = 0; i < THREADS; i++) {
        threads[i].random = mix(run.seed + i);
        ids[i] = thread_start(work, &threads[i]);
    }
    uint64_t read = 0, renewed = 0;
    for (size_t i = 0; i < THREADS; i++) {
        pthread_join(ids[i], NULL);
        read += threads[i].read, renewed += threads[i].renewed;
    }
    finish();
    printf("%-50s %8" PRIu64 " read, %7" PRIu64 " rescued, %7" PRIu64 " renewed, %6" PRIu64
           " cycles\n",
           debug, read, rescued, renewed, stats_of(heap).cycles);
    fflush(stdout);
    CHECK(rescued > 0 && renewed > 0, "too little happened");
    gait_heap_destroy(heap);
}

int main(int argc, char **argv) {
    run_begin(argc, argv, 4);
    guardian_test(0, "clobberfree=1,gcstress=100", run.seconds / 4);
    guardian_test(0, "clobberfree=1,gcminor=3,gcstress=30,gccheckmark=1", run.seconds / 4);
    guardian_test(GAIT_STOP_THE_WORLD, "clobberfree=1,gcstress=50", run.seconds / 4);
    guardian_test(GAIT_OBJECT_BARRIER, "clobberfree=1,gcstress=50,gccheckmark=1", run.seconds / 4);
}
