/* SPDX-License-Identifier: MIT */
/*
 * Weak words, ephemerons, finalizers and cleanups while the collector marks.
 *
 * Each object has a unique stamp in its first word; a weak word's owner keeps the stamp of the
 * target beside it. A read that gives an object with another stamp, or a finalizer that runs twice
 * or not at all, ends the test.
 */
#include "stress.h"

#define THREADS 3
#define KEEP 16        /* strong roots of a thread */
#define WEAK_SLOTS 24  /* of a weak object */
#define PAIRS 12       /* of an ephemeron table */
#define CHAIN 40       /* links of a chain of ephemerons */
#define JOBS_MAX 60000 /* finalizers and cleanups of a thread */

struct node { /* kind refs */
    gait_word stamp;
    gait_word link;
};

struct weak_object { /* kind weak: both head words are strong; slots are weak */
    gait_word stamp;
    gait_word stamps_object; /* a leaf with the stamps of the slots' targets */
    gait_word slots[WEAK_SLOTS];
};

struct table { /* kind ephemeron */
    gait_word stamp;
    gait_word stamps_object;
    gait_word pairs[2 * PAIRS];
};

struct job {
    unsigned state; /* atomic: 0 unused, 1 set, 2 has run, 3 has run after resurrection */
    uint32_t flags;
    gait_word stamp;
    gait_word link_stamp; /* of what the object refers to; 0: nothing is known */
};

struct thread {
    gait_mutator *mutator;
    uint64_t random;
    uint64_t live_reads, dead_reads;
    struct job *jobs;
    size_t jobs_set;
    gait_word roots[KEEP];
    gait_word weak, table; /* roots too */
    gait_word scratch[4];
};

static gait_heap *heap;
static gait_kind kind_refs, kind_leaf, kind_weak, kind_table;
static uint64_t stamps;       /* atomic */
static uint64_t jobs_run;     /* atomic */
static gait_word resurrected; /* a static root: objects linked by their finalizer */

static gait_word stamp_new(void) {
    return __atomic_add_fetch(&stamps, 1, __ATOMIC_RELAXED) << 1 | 1;
}

static gait_word stamp_at(gait_word object) {
    return __atomic_load_n((gait_word *)object, __ATOMIC_RELAXED);
}

static gait_word node_new(struct thread *thread, gait_word *stamp) {
    struct node *node = allocate(thread->mutator, kind_refs, sizeof *node);
    *stamp = stamp_new();
    gait_init(&node->stamp, *stamp);
    return (gait_word)node;
}

/* An object with words for stamps, of a kind with weak words. */
static gait_word owner_new(struct thread *thread, gait_kind kind, size_t bytes, size_t count) {
    thread->scratch[0] = (gait_word)allocate(thread->mutator, kind_leaf, count * sizeof(gait_word));
    gait_word *owner = allocate(thread->mutator, kind, bytes);
    gait_init(&owner[0], stamp_new());
    gait_init(&owner[1], thread->scratch[0]);
    thread->scratch[0] = 0;
    return (gait_word)owner;
}

/* ---- Weak words ---- */

static void weak_step(struct thread *thread) {
    uint64_t *random = &thread->random;
    if (!thread->weak || one_in(random, 500))
        thread->weak = owner_new(thread, kind_weak, sizeof(struct weak_object), WEAK_SLOTS);
    size_t slot = pick(random, WEAK_SLOTS), root = pick(random, KEEP);
    gait_word stamp, target = one_in(random, 3) ? node_new(thread, &stamp) : thread->roots[root];
    struct weak_object *weak = (struct weak_object *)thread->weak;
    gait_word *seen = (gait_word *)weak->stamps_object;
    if (one_in(random, 2) && target) {
        seen[slot] = stamp_at(target);
        gait_weak_set(thread->mutator, &weak->slots[slot], target);
        if (one_in(random, 2))
            thread->roots[root] = target;
        return;
    }
    gait_word found = gait_weak_get(thread->mutator, &weak->slots[slot]);
    if (!found) {
        thread->dead_reads++;
        return;
    }
    thread->live_reads++;
    CHECK(stamp_at(found) == seen[slot], "weak word gives stamp %#" PRIxPTR ", not %#" PRIxPTR,
          stamp_at(found), seen[slot]);
    if (one_in(random, 3)) { /* it stays alive from here on */
        thread->roots[root] = found;
        gait_poll(thread->mutator);
        CHECK(stamp_at(found) == seen[slot], "a weak word's target died in a root");
    }
}

/* What is reachable can't read as dead. */
static void weak_keep(struct thread *thread) {
    struct weak_object *weak = (struct weak_object *)thread->weak;
    size_t slot = pick(&thread->random, WEAK_SLOTS);
    gait_word *seen = (gait_word *)weak->stamps_object;
    thread->scratch[1] = node_new(thread, &seen[slot]);
    weak = (struct weak_object *)thread->weak;
    gait_weak_set(thread->mutator, &weak->slots[slot], thread->scratch[1]);
    for (size_t i = pick(&thread->random, 20); i > 0; i--)
        allocate(thread->mutator, kind_leaf, 200);
    if (one_in(&thread->random, 20))
        gait_collect(thread->mutator);
    CHECK(gait_weak_get(thread->mutator, &weak->slots[slot]) == thread->scratch[1],
          "a weak word to a reachable object is cleared");
    thread->scratch[1] = 0;
}

/* ---- Ephemerons ---- */

static void table_step(struct thread *thread) {
    uint64_t *random = &thread->random;
    if (!thread->table || one_in(random, 500))
        thread->table = owner_new(thread, kind_table, sizeof(struct table), 2 * PAIRS);
    struct table *table = (struct table *)thread->table;
    gait_word *seen = (gait_word *)table->stamps_object;
    size_t pair = 2 * pick(random, PAIRS), root = pick(random, KEEP);
    if (one_in(random, 3)) {
        gait_word key_stamp, value_stamp;
        thread->scratch[0] = node_new(thread, &key_stamp);
        thread->scratch[1] = node_new(thread, &value_stamp);
        /* the value leads to its key: a strong reference to it would keep the pair for ever */
        gait_store(thread->mutator, &((struct node *)thread->scratch[1])->link, thread->scratch[0]);
        table = (struct table *)thread->table;
        seen = (gait_word *)table->stamps_object;
        seen[pair] = key_stamp;
        seen[pair + 1] = value_stamp;
        gait_ephemeron_set(thread->mutator, &table->pairs[pair], thread->scratch[0],
                           thread->scratch[1]);
        if (one_in(random, 2))
            thread->roots[root] = thread->scratch[0];
        thread->scratch[0] = thread->scratch[1] = 0;
        return;
    }
    gait_word value = gait_ephemeron_get(thread->mutator, &table->pairs[pair]);
    gait_word key = gait_weak_get(thread->mutator, &table->pairs[pair]);
    if (value)
        CHECK(stamp_at(value) == seen[pair + 1], "an ephemeron's value has stamp %#" PRIxPTR,
              stamp_at(value));
    if (key) {
        CHECK(stamp_at(key) == seen[pair], "an ephemeron's key has stamp %#" PRIxPTR,
              stamp_at(key));
        CHECK(value, "a key without its value");
        if (one_in(random, 4))
            thread->roots[root] = key;
    }
    *(key ? &thread->live_reads : &thread->dead_reads) += 1;
}

/* Tables whose keys are the values of other tables: alive as long as the first key is. */
static void chain_step(struct thread *thread) {
    gait_word first_stamp, stamp, chain_stamps[CHAIN];
    thread->scratch[0] = node_new(thread, &first_stamp); /* the first key */
    thread->scratch[1] = (gait_word)allocate(thread->mutator, kind_refs, CHAIN * sizeof(gait_word));
    thread->scratch[2] = thread->scratch[0]; /* the last value so far */
    for (size_t i = 0; i < CHAIN; i++) {
        thread->scratch[3] = node_new(thread, &stamp);
        chain_stamps[i] = stamp;
        struct table *table = allocate(thread->mutator, kind_table, 4 * sizeof(gait_word));
        gait_init(&table->stamp, stamp_new());
        gait_ephemeron_set(thread->mutator, table->pairs, thread->scratch[2], thread->scratch[3]);
        /* in an order that marking does not meet them in */
        gait_store(thread->mutator, &((gait_word *)thread->scratch[1])[i * 7 % CHAIN],
                   (gait_word)table);
        thread->scratch[2] = thread->scratch[3];
    }
    thread->scratch[2] = thread->scratch[3] = 0;
    if (one_in(&thread->random, 3))
        gait_collect(thread->mutator);
    else
        for (size_t i = 0; i < 40; i++)
            allocate(thread->mutator, kind_leaf, 4000);
    gait_word key = thread->scratch[0];
    for (size_t i = 0; i < CHAIN; i++) {
        struct table *table =
            (struct table *)slot_load(&((gait_word *)thread->scratch[1])[i * 7 % CHAIN]);
        CHECK(gait_weak_get(thread->mutator, table->pairs) == key, "link %zu lost its key", i);
        gait_word value = gait_ephemeron_get(thread->mutator, table->pairs);
        CHECK(value && stamp_at(value) == chain_stamps[i], "link %zu lost its value", i);
        key = value;
    }
    bool settle = one_in(&thread->random, 2);
    thread->scratch[0] = 0;
    if (settle) {
        gait_collect(thread->mutator);
        for (size_t i = 0; i < CHAIN; i++) {
            struct table *table = (struct table *)slot_load(&((gait_word *)thread->scratch[1])[i]);
            CHECK(gait_weak_get(thread->mutator, table->pairs) == 0 &&
                      gait_ephemeron_get(thread->mutator, table->pairs) == 0,
                  "link %zu outlives the chain's first key", i);
        }
    }
    thread->scratch[1] = 0;
}

/* ---- Finalizers and cleanups ---- */

static void finalize(gait_mutator *mutator, void *object, void *data) {
    struct job *job = data;
    unsigned before = __atomic_fetch_add(&job->state, 1, __ATOMIC_RELAXED);
    CHECK(before == 1 || before == 2, "a finalizer runs in state %u", before);
    CHECK(stamp_at((gait_word)object) == job->stamp, "a finalizer's object has stamp %#" PRIxPTR,
          stamp_at((gait_word)object));
    gait_word link = slot_load(&((struct node *)object)->link);
    CHECK(stamp_at(link) == job->link_stamp,
          "what a finalizer's object refers to has stamp %#" PRIxPTR, stamp_at(link));
    if (job->flags & GAIT_FINALIZER_UNORDERED)
        CHECK(slot_load(&((struct node *)link)->link) == (gait_word)object, "a cycle is broken");
    __atomic_add_fetch(&jobs_run, 1, __ATOMIC_RELAXED);
    if (before == 1 && job->stamp % 6 == 1) { /* back to life, and once more a finalizer */
        gait_store(mutator, &resurrected, (gait_word)object);
        CHECK(gait_finalizer_replace(mutator, object, finalize, job, job->flags, NULL, NULL) == 0,
              "set again");
    } else {
        __atomic_store_n(&job->state, 3, __ATOMIC_RELAXED);
    }
    if (job->stamp % 10 == 1)
        gait_collect(mutator);
}

static void clean_up(gait_mutator *mutator, void *data) {
    (void)mutator;
    struct job *job = data;
    unsigned before = __atomic_fetch_add(&job->state, 2, __ATOMIC_RELAXED);
    CHECK(before == 1, "a cleanup runs in state %u", before);
    __atomic_add_fetch(&jobs_run, 1, __ATOMIC_RELAXED);
}

static void job_step(struct thread *thread) {
    if (thread->jobs_set + 2 > JOBS_MAX)
        return;
    gait_word stamp;
    thread->scratch[0] = node_new(thread, &stamp);
    thread->scratch[1] = node_new(thread, &stamp);
    struct node *node = (struct node *)thread->scratch[0];
    gait_store(thread->mutator, &node->link, thread->scratch[1]);
    if (one_in(&thread->random, 4)) /* reachable from itself: a cleanup runs all the same */
        gait_store(thread->mutator, &((struct node *)thread->scratch[1])->link, thread->scratch[0]);
    bool cyclic = ((struct node *)thread->scratch[1])->link != 0;
    struct job *job = &thread->jobs[thread->jobs_set++];
    job->stamp = node->stamp;
    job->link_stamp = stamp;
    job->state = 1;
    job->flags = cyclic ? GAIT_FINALIZER_UNORDERED : 0;
    if (one_in(&thread->random, 2)) {
        CHECK(gait_cleanup_add(thread->mutator, node, clean_up, job) == 0, "gait_cleanup_add");
        if (one_in(&thread->random, 5)) { /* a second one, taken back */
            struct job *other = &thread->jobs[thread->jobs_set++];
            other->state = 3;
            CHECK(gait_cleanup_add(thread->mutator, node, clean_up, other) == 0, "add");
            CHECK(gait_cleanup_cancel(thread->mutator, node, clean_up, other) == 1, "cancel");
        }
    } else {
        CHECK(gait_finalizer_replace(thread->mutator, node, finalize, job, job->flags, NULL,
                                     NULL) == 0,
              "set");
    }
    if (one_in(&thread->random, 3))
        thread->roots[pick(&thread->random, KEEP)] = thread->scratch[0];
    thread->scratch[0] = thread->scratch[1] = 0;
}

/* ---- The run ---- */

static void *work(void *argument) {
    struct thread *thread = argument;
    thread->mutator = attach(heap);
    struct gait_frame frames[2];
    gait_push_frame(thread->mutator, &frames[0], thread->roots, KEEP);
    gait_push_frame(thread->mutator, &frames[1], &thread->weak, 2 + 4); /* weak, table, scratch */
    while (!time_is_up()) {
        weak_step(thread);
        weak_keep(thread);
        table_step(thread);
        if (one_in(&thread->random, 40))
            chain_step(thread);
        if (one_in(&thread->random, 3))
            job_step(thread);
        if (one_in(&thread->random, 8))
            thread->roots[pick(&thread->random, KEEP)] = 0;
        if (one_in(&thread->random, 20))
            gait_run_finalizers(thread->mutator, 10);
    }
    gait_detach(thread->mutator);
    return NULL;
}

/* One thread sleeps until there are finalizers. */
static void *drain(void *argument) {
    (void)argument;
    gait_mutator *mutator = attach(heap);
    while (gait_wait_finalizers(mutator, -1))
        gait_run_finalizers(mutator, 100);
    gait_detach(mutator);
    return NULL;
}

/* With no root left, every job is done. */
static void check_jobs(const struct thread *threads) {
    gait_mutator *mutator = attach(heap);
    for (unsigned i = 0; i < 4; i++) { /* a resurrected object takes two more cycles */
        gait_store(mutator, &resurrected, 0);
        gait_collect(mutator);
        while (gait_run_finalizers(mutator, 1000))
            ;
    }
    for (size_t i = 0; i < THREADS; i++)
        for (size_t j = 0; j < threads[i].jobs_set; j++)
            CHECK(threads[i].jobs[j].state == 3, "job %zu of thread %zu is in state %u", j, i,
                  threads[i].jobs[j].state);
    gait_roots_remove(mutator, &resurrected);
    gait_detach(mutator);
}

static void weak_test(uint32_t flags, const char *debug, double seconds) {
    heap = heap_new(flags, debug, "20");
    kind_refs = kind_new(heap, (gait_kind_info){.name = "refs", .layout = GAIT_REFS});
    kind_leaf = kind_new(heap, (gait_kind_info){.name = "leaf", .layout = GAIT_LEAF});
    kind_weak =
        kind_new(heap, (gait_kind_info){.name = "weak", .layout = GAIT_WEAK, .head_words = 2});
    kind_table = kind_new(
        heap, (gait_kind_info){.name = "table", .layout = GAIT_EPHEMERON, .head_words = 2});
    gait_mutator *mutator = attach(heap);
    CHECK(gait_roots_add(mutator, &resurrected, 1) == 0, "gait_roots_add");
    gait_detach(mutator);
    run_for(seconds);
    jobs_run = 0;
    static struct thread threads[THREADS];
    pthread_t ids[THREADS], drainer = thread_start(drain, NULL);
    for (size_t i = 0; i < THREADS; i++) {
        threads[i] = (struct thread){.random = mix(run.seed + i)};
        threads[i].jobs = calloc(JOBS_MAX, sizeof *threads[i].jobs);
        CHECK(threads[i].jobs, "calloc");
        ids[i] = thread_start(work, &threads[i]);
    }
    uint64_t live = 0, dead = 0;
    for (size_t i = 0; i < THREADS; i++) {
        pthread_join(ids[i], NULL);
        live += threads[i].live_reads;
        dead += threads[i].dead_reads;
    }
    gait_stop_finalizers(heap);
    pthread_join(drainer, NULL);
    check_jobs(threads);
    printf("%-30s %8" PRIu64 " weak reads, %8" PRIu64 " of dead ones, %7" PRIu64 " jobs, %6" PRIu64
           " cycles\n",
           debug, live, dead, jobs_run, stats_of(heap).cycles);
    fflush(stdout);
    CHECK(live > 0 && dead > 0 && jobs_run > 0, "too little happened");
    for (size_t i = 0; i < THREADS; i++)
        free(threads[i].jobs);
    gait_heap_destroy(heap);
}

int main(int argc, char **argv) {
    run_begin(argc, argv, 4);
    weak_test(0, "clobberfree=1", run.seconds / 3);
    weak_test(0, "clobberfree=1,gccheckmark=1", run.seconds / 3);
    weak_test(0, "clobberfree=1,gcstress=40", run.seconds / 6);
    weak_test(0, "clobberfree=1,gcminor=3,gcstress=20", run.seconds / 3);
    weak_test(0, "clobberfree=1,gcminor=7,gccheckmark=1", run.seconds / 6);
    weak_test(0, "gcstoptheworld=1", run.seconds / 6);
}
