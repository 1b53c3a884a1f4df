/* SPDX-License-Identifier: MIT */
/*
 * Links while the collector marks, settles and sweeps: in malloc'ed memory and within objects that
 * die, short and long, to objects with finalizers of each sort.
 *
 * Each target has a unique stamp, which its links' owner keeps beside them. A link that gives an
 * object with another stamp, is cleared though its target is reachable, or outlives its holder and
 * clears a word of another object, ends the test.
 */
#include "stress.h"

#include <gait/links.h>

#define THREADS 3
#define LINKS 64
#define KEEP 16
#define HOLDER_WORDS 6

struct target { /* kind refs */
    gait_word stamp;
    gait_word link;
};

/* What a thread knows of a link in its own memory. */
struct link {
    gait_word slot; /* the target, hidden */
    gait_word stamp;
    uint32_t flags;
    bool set, finalized; /* the target had a finalizer */
};

struct thread {
    gait_mutator *mutator;
    uint64_t random;
    uint64_t live, dead, late; /* looks at links, by what was found; late: of one finalized */
    struct link *links;
    gait_word roots[KEEP];
    gait_word holder; /* a root too */
    gait_word scratch[2];
};

static gait_heap *heap;
static gait_kind kind_refs, kind_leaf;
static bool plain;      /* slots are loaded plainly, too */
static uint64_t stamps; /* atomic */
static uint64_t ran;    /* atomic */

static gait_word stamp_at(const void *object) {
    return __atomic_load_n((const gait_word *)object, __ATOMIC_RELAXED);
}

static gait_word target_new(struct thread *thread) {
    struct target *target = allocate(thread->mutator, kind_refs, sizeof *target);
    CHECK(target->stamp == 0 && target->link == 0, "a new object is not zero");
    gait_init(&target->stamp, __atomic_add_fetch(&stamps, 1, __ATOMIC_RELAXED) << 1 | 1);
    return (gait_word)target;
}

static void finalize(gait_mutator *mutator, void *object, void *data) {
    (void)mutator, (void)data;
    CHECK(stamp_at(object) & 1, "a finalizer's object has stamp %#" PRIxPTR, stamp_at(object));
    struct target *target = object;
    gait_word other = slot_load(&target->link);
    CHECK(!other || slot_load(&((struct target *)other)->link) == (gait_word)object,
          "a cycle is broken");
    __atomic_add_fetch(&ran, 1, __ATOMIC_RELAXED);
}

/* A target that a finalizer may bring back, by itself or with another one. */
static bool finalizer_add(struct thread *thread, gait_word target) {
    if (one_in(&thread->random, 2))
        return false;
    uint32_t flags = 0;
    if (one_in(&thread->random, 2)) {
        thread->scratch[1] = target_new(thread);
        struct target *other = (struct target *)thread->scratch[1];
        gait_store(thread->mutator, &other->link, thread->scratch[0]);
        gait_store(thread->mutator, &((struct target *)thread->scratch[0])->link,
                   thread->scratch[1]);
        flags = GAIT_FINALIZER_UNORDERED;
        if (one_in(&thread->random, 2))
            target = thread->scratch[1]; /* the link's target comes back with it */
    }
    CHECK(gait_finalizer_replace(thread->mutator, (void *)target, finalize, NULL, flags, NULL,
                                 NULL) == 0,
          "gait_finalizer_replace");
    return true;
}

static void link_set(struct thread *thread, struct link *link) {
    thread->scratch[0] = target_new(thread);
    link->finalized = finalizer_add(thread, thread->scratch[0]);
    gait_word target = thread->scratch[0];
    link->slot = ~target;
    link->stamp = stamp_at((void *)target);
    link->flags = one_in(&thread->random, 2) ? GAIT_LINK_LONG : 0;
    link->set = true;
    CHECK(gait_link_register(thread->mutator, &link->slot, (void *)target, link->flags) == 0,
          "gait_link_register");
    if (one_in(&thread->random, 2))
        thread->roots[pick(&thread->random, KEEP)] = target;
    thread->scratch[0] = thread->scratch[1] = 0;
}

static void link_look(struct thread *thread, struct link *link) {
    if (plain) { /* a thread that runs finds what the last cycle has left */
        gait_word slot = link->slot;
        CHECK(!slot || stamp_at((void *)~slot) == link->stamp, "a slot leads to stamp %#" PRIxPTR,
              stamp_at((void *)~slot));
    }
    const void *found = gait_link_get(thread->mutator, &link->slot, link->flags);
    if (!found) {
        thread->dead++; /* the word is cleared, or will be as long as the link is there */
        int result = gait_link_unregister(thread->mutator, &link->slot, link->flags);
        CHECK(result == 0 || link->slot == 0, "gait_link_unregister: %d", result);
        link->set = false;
        return;
    }
    CHECK(stamp_at(found) == link->stamp, "a link gives stamp %#" PRIxPTR ", not %#" PRIxPTR,
          stamp_at(found), link->stamp);
    thread->live++;
    thread->late += link->finalized && (link->flags & GAIT_LINK_LONG);
    if (!one_in(&thread->random, 3))
        return;
    size_t root = pick(&thread->random, KEEP);
    thread->roots[root] = (gait_word)found;
    if (one_in(&thread->random, 10))
        allocate(thread->mutator, kind_leaf, 2000);
    gait_poll(thread->mutator);
    CHECK(gait_link_get(thread->mutator, &link->slot, link->flags) == found &&
              link->slot == ~(gait_word)found,
          "a link is cleared whose target is in a root");
}

static void link_step(struct thread *thread) {
    struct link *link = &thread->links[pick(&thread->random, LINKS)];
    if (!link->set) {
        link_set(thread, link);
    } else if (one_in(&thread->random, 6)) {
        struct link *other = &thread->links[pick(&thread->random, LINKS)];
        if (other->set)
            return;
        other->slot = link->slot;
        int result = gait_link_move(thread->mutator, &link->slot, &other->slot, link->flags);
        CHECK(result == 0 || result == GAIT_E_MISSING, "gait_link_move: %d", result);
        other->stamp = link->stamp, other->flags = link->flags, other->finalized = link->finalized;
        other->set = result == 0;
        link->set = false;
    } else if (one_in(&thread->random, 8)) {
        int result = gait_link_unregister(thread->mutator, &link->slot, link->flags);
        CHECK(result == 0 || (result == GAIT_E_MISSING && link->slot == 0),
              "gait_link_unregister: %d", result);
        link->set = false;
    } else {
        link_look(thread, link);
    }
}

/* An object full of links, which is dropped with all of them: its cell gets other objects soon. */
static void holder_step(struct thread *thread) {
    thread->holder =
        (gait_word)allocate(thread->mutator, kind_leaf, HOLDER_WORDS * sizeof(gait_word));
    for (size_t i = 0; i < HOLDER_WORDS; i++) {
        size_t root = pick(&thread->random, KEEP);
        gait_word target = one_in(&thread->random, 2) && thread->roots[root] ? thread->roots[root]
                                                                             : target_new(thread);
        gait_word *slot = &((gait_word *)thread->holder)[i];
        *slot = ~target;
        CHECK(gait_link_register(thread->mutator, slot, (void *)target,
                                 i % 2 ? GAIT_LINK_LONG : 0) == 0,
              "gait_link_register");
    }
    for (size_t i = pick(&thread->random, 10); i > 0; i--)
        allocate(thread->mutator, kind_leaf, 500);
    for (size_t i = 0; i < HOLDER_WORDS; i++) {
        gait_word *slot = &((gait_word *)thread->holder)[i];
        const void *found = gait_link_get(thread->mutator, slot, i % 2 ? GAIT_LINK_LONG : 0);
        CHECK(!found || *slot == ~(gait_word)found, "a holder's word is %#" PRIxPTR, *slot);
    }
    thread->holder = 0;
}

static void *work(void *argument) {
    struct thread *thread = argument;
    thread->mutator = attach(heap);
    struct gait_frame frame;
    gait_push_frame(thread->mutator, &frame, thread->roots, KEEP + 3); /* holder, scratch */
    while (!time_is_up()) {
        for (size_t i = 0; i < 8; i++)
            link_step(thread);
        if (one_in(&thread->random, 4))
            holder_step(thread);
        if (one_in(&thread->random, 4))
            thread->roots[pick(&thread->random, KEEP)] = 0;
        if (gait_finalizers_pending(heap) && one_in(&thread->random, 50))
            gait_run_finalizers(thread->mutator, 20);
    }
    for (size_t i = 0; i < LINKS; i++)
        if (thread->links[i].set)
            gait_link_unregister(thread->mutator, &thread->links[i].slot, thread->links[i].flags);
    gait_detach(thread->mutator);
    return NULL;
}

static void links_test(uint32_t flags, const char *debug, double seconds) {
    heap = heap_new(flags, debug, "20");
    plain = flags & GAIT_STOP_THE_WORLD;
    kind_refs =
        kind_new(heap, (gait_kind_info){.name = "refs", .layout = GAIT_PREFIX, .head_words = 2});
    kind_leaf = kind_new(heap, (gait_kind_info){.name = "leaf", .layout = GAIT_LEAF});
    run_for(seconds);
    ran = 0;
    static struct thread threads[THREADS];
    pthread_t ids[THREADS];
    for (size_t i = 0; i < THREADS; i++) {
        threads[i] = (struct thread){.random = mix(run.seed + i)};
        threads[i].links = calloc(LINKS, sizeof *threads[i].links);
        CHECK(threads[i].links, "calloc");
        ids[i] = thread_start(work, &threads[i]);
    }
    uint64_t live = 0, dead = 0, late = 0;
    for (size_t i = 0; i < THREADS; i++) {
        pthread_join(ids[i], NULL);
        live += threads[i].live, dead += threads[i].dead, late += threads[i].late;
        free(threads[i].links);
    }
    gait_mutator *mutator = attach(heap);
    gait_finalize_all(mutator);
    gait_detach(mutator);
    printf("%-38s %8" PRIu64 " found, %8" PRIu64 " late, %7" PRIu64 " cleared, %7" PRIu64
           " finalizers, %6" PRIu64 " cycles\n",
           debug, live, late, dead, ran, stats_of(heap).cycles);
    fflush(stdout);
    CHECK(live > 0 && dead > 0 && late > 0 && ran > 0, "too little happened");
    gait_heap_destroy(heap);
}

int main(int argc, char **argv) {
    run_begin(argc, argv, 4);
    links_test(0, "clobberfree=1", run.seconds / 4);
    links_test(0, "clobberfree=1,gcstress=40", run.seconds / 4);
    links_test(0, "clobberfree=1,gcminor=3,gcstress=20,gccheckmark=1", run.seconds / 4);
    links_test(GAIT_STOP_THE_WORLD, "clobberfree=1,gcstress=30", run.seconds / 4);
}
