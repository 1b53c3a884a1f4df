/* SPDX-License-Identifier: MIT */
/*
 * Weak tables of the program's own, by hooks: each entry is weak by its key or by its value, and
 * changes that while the collector marks.
 *
 * Values lead to their keys. Each object has a unique stamp, which its entry keeps beside the
 * words. An entry that gives an object with another stamp, a key that is alive without its value,
 * and an entry that is cleared though what it keeps is reachable, end the test. So does an object
 * that the walk of the dead meets twice, or never.
 */
#include "stress.h"

#include <gait/liveness.h>

#define THREADS 3
#define ENTRIES 64
#define KEEP 12
#define STAMPS_BURIED ((size_t)1 << 23) /* of these it is known who died */

struct node { /* kind refs */
    gait_word stamp;
    gait_word link;
};

enum mode { WEAK_KEY, WEAK_VALUE };

struct entry {
    gait_word key, value; /* hidden from no one: the memory is malloc'ed */
    gait_word key_stamp, value_stamp;
    enum mode mode;
};

struct table {
    pthread_mutex_t lock; /* entries; held over no safepoint */
    struct entry entries[ENTRIES];
};

struct thread {
    gait_mutator *mutator;
    uint64_t random, live, dead;
    struct table *table;
    gait_word roots[KEEP], scratch[2];
};

static gait_heap *heap;
static gait_kind kind_refs, kind_leaf;
static struct thread threads[THREADS];
static uint64_t stamps, told, walked; /* atomic */
static unsigned char *buried; /* by stamp: the walk has met it; the collector's, then main's */

static gait_word stamp_at(gait_word object) {
    return __atomic_load_n((const gait_word *)object, __ATOMIC_RELAXED);
}

/* ---- The hook ---- */

static void keep_entry(gait_liveness *liveness, const struct entry *entry) {
    if (entry->mode == WEAK_VALUE)
        gait_keep(liveness, entry->key);
    else if (entry->key && gait_is_marked(liveness, entry->key))
        gait_keep(liveness, entry->value);
}

static void clear_entry(gait_liveness *liveness, struct entry *entry) {
    if (gait_is_marked(liveness, entry->mode == WEAK_KEY ? entry->key : entry->value))
        return;
    entry->key = entry->value = 0;
}

static void visit_node(gait_liveness *liveness, void *object, size_t bytes, void *data) {
    (void)liveness, (void)bytes;
    gait_word stamp = stamp_at((gait_word)object); /* 0: not initialised yet */
    CHECK(stamp == 0 || stamp & 1, "a walk meets an object with stamp %#" PRIxPTR, stamp);
    ++*(uint64_t *)data;
}

/* Memory that no object was made of has no stamp. */
static void bury(gait_liveness *liveness, void *object, size_t bytes, void *data) {
    (void)bytes, (void)data;
    size_t stamp = stamp_at((gait_word)object) >> 1;
    CHECK(!gait_is_marked(liveness, (gait_word)object), "a walk of the dead meets what is alive");
    if (stamp == 0 || stamp >= STAMPS_BURIED)
        return;
    CHECK(!buried[stamp], "object %zu dies for the second time", stamp);
    buried[stamp] = 1;
}

static void hook(gait_liveness *liveness, gait_liveness_stage stage, void *data) {
    (void)data;
    uint64_t met = 0;
    for (size_t i = 0; i < THREADS; i++) {
        struct table *table = threads[i].table;
        pthread_mutex_lock(&table->lock);
        for (struct entry *entry = table->entries; entry < table->entries + ENTRIES; entry++)
            if (stage == GAIT_LIVENESS_MARK)
                keep_entry(liveness, entry);
            else if (stage == GAIT_LIVENESS_CLEAR)
                clear_entry(liveness, entry);
        pthread_mutex_unlock(&table->lock);
    }
    if (stage == GAIT_LIVENESS_SWEEP)
        gait_walk_marked(liveness, kind_refs, visit_node, &met);
    if (stage == GAIT_LIVENESS_SWEEP)
        gait_walk_dead(liveness, kind_refs, bury, NULL);
    __atomic_add_fetch(&walked, met, __ATOMIC_RELAXED);
}

static void notice(gait_mutator *mutator, gait_notice what, void *data) {
    (void)mutator, (void)data;
    if (what == GAIT_NOTICE_CYCLE)
        __atomic_add_fetch(&told, 1, __ATOMIC_RELAXED);
}

/* ---- Threads ---- */

static gait_word node_new(struct thread *thread, gait_word link) {
    struct node *node = allocate(thread->mutator, kind_refs, sizeof *node);
    gait_init(&node->stamp, __atomic_add_fetch(&stamps, 1, __ATOMIC_RELAXED) << 1 | 1);
    gait_init(&node->link, link);
    return (gait_word)node;
}

/* By gait_store: what the entry keeps from now on is shaded. */
static void entry_set(struct thread *thread, struct entry *entry, gait_word key, gait_word value) {
    gait_store(thread->mutator, &entry->key, key);
    gait_store(thread->mutator, &entry->value, value);
}

static void put(struct thread *thread, struct entry *entry) {
    thread->scratch[0] = node_new(thread, 0);
    thread->scratch[1] = node_new(thread, thread->scratch[0]);
    if (one_in(&thread->random, 2))
        thread->roots[pick(&thread->random, KEEP)] = thread->scratch[one_in(&thread->random, 3)];
    pthread_mutex_lock(&thread->table->lock);
    entry->mode = (enum mode)pick(&thread->random, 2);
    entry->key_stamp = stamp_at(thread->scratch[0]);
    entry->value_stamp = stamp_at(thread->scratch[1]);
    entry_set(thread, entry, thread->scratch[0], thread->scratch[1]);
    pthread_mutex_unlock(&thread->table->lock);
    thread->scratch[0] = thread->scratch[1] = 0;
}

/* @return false: the entry is empty, or was cleared. The words are in scratch. */
static bool look(struct thread *thread, struct entry *entry, bool change) {
    pthread_mutex_lock(&thread->table->lock);
    bool there = entry->key != 0;
    gait_word key = gait_weak_get(thread->mutator, &entry->key);
    gait_word value = gait_weak_get(thread->mutator, &entry->value);
    gait_word key_stamp = entry->key_stamp, value_stamp = entry->value_stamp;
    enum mode mode = entry->mode;
    if (there && key && value && change) {
        entry->mode = mode == WEAK_KEY ? WEAK_VALUE : WEAK_KEY;
        entry_set(thread, entry, key, value);
    }
    pthread_mutex_unlock(&thread->table->lock);
    CHECK(!there || mode == WEAK_KEY || key, "a key that its entry keeps is gone");
    CHECK(!there || mode == WEAK_VALUE || !key || value, "a key is alive, its value is gone");
    CHECK(!key || stamp_at(key) == key_stamp, "a key has stamp %#" PRIxPTR, stamp_at(key));
    CHECK(!value || stamp_at(value) == value_stamp, "a value has stamp %#" PRIxPTR,
          stamp_at(value));
    thread->scratch[0] = key, thread->scratch[1] = value;
    return key && value;
}

static void step(struct thread *thread) {
    struct entry *entry = &thread->table->entries[pick(&thread->random, ENTRIES)];
    if (!look(thread, entry, one_in(&thread->random, 4))) {
        thread->dead++;
        put(thread, entry);
        return;
    }
    thread->live++;
    gait_word key = thread->scratch[0];
    if (one_in(&thread->random, 3)) { /* its key is held over a safepoint: the value stays */
        thread->roots[pick(&thread->random, KEEP)] = key;
        if (one_in(&thread->random, 8))
            allocate(thread->mutator, kind_leaf, 3000);
        gait_poll(thread->mutator);
        look(thread, entry, false);
        pthread_mutex_lock(&thread->table->lock);
        bool there = entry->key == key;
        enum mode mode = entry->mode;
        pthread_mutex_unlock(&thread->table->lock);
        CHECK(there || mode == WEAK_VALUE, "an entry is cleared whose key is in a root");
    }
    thread->scratch[0] = thread->scratch[1] = 0;
}

static void *work(void *argument) {
    struct thread *thread = argument;
    thread->mutator = attach(heap);
    struct gait_frame frame;
    gait_push_frame(thread->mutator, &frame, thread->roots, KEEP + 2);
    while (!time_is_up()) {
        step(thread);
        if (one_in(&thread->random, 4))
            thread->roots[pick(&thread->random, KEEP)] = 0;
        if (one_in(&thread->random, 5))
            allocate(thread->mutator, kind_leaf, 200);
        if (gait_finalizers_pending(heap))
            gait_run_finalizers(thread->mutator, 5);
    }
    gait_detach(thread->mutator);
    return NULL;
}

static void liveness_test(uint32_t flags, const char *debug, double seconds) {
    heap = heap_new(flags, debug, "20");
    kind_refs =
        kind_new(heap, (gait_kind_info){.name = "refs", .layout = GAIT_PREFIX, .head_words = 2});
    kind_leaf = kind_new(heap, (gait_kind_info){.name = "leaf", .layout = GAIT_LEAF});
    told = walked = 0;
    memset(buried, 0, STAMPS_BURIED);
    uint64_t first_stamp = stamps + 1;
    for (size_t i = 0; i < THREADS; i++) {
        threads[i] = (struct thread){.random = mix(run.seed + i)};
        threads[i].table = calloc(1, sizeof *threads[i].table);
        CHECK(threads[i].table, "calloc");
        pthread_mutex_init(&threads[i].table->lock, NULL);
    }
    CHECK(gait_liveness_add(heap, hook, NULL) == 0, "gait_liveness_add");
    gait_set_notice(heap, notice, NULL);
    CHECK(gait_set_notice_cycles(heap, 1) == 0 && gait_set_notice_cycles(heap, 2) == 1, "cycles");
    run_for(seconds);
    pthread_t ids[THREADS];
    for (size_t i = 0; i < THREADS; i++)
        ids[i] = thread_start(work, &threads[i]);
    uint64_t live = 0, dead = 0;
    for (size_t i = 0; i < THREADS; i++) {
        pthread_join(ids[i], NULL);
        live += threads[i].live, dead += threads[i].dead;
    }
    gait_mutator *mutator = attach(heap);
    for (int i = 0; i < 2; i++) /* no root is left. Keys that entries keep go after their values */
        gait_collect(mutator);
    for (size_t i = 0; i < THREADS; i++)
        for (size_t j = 0; j < ENTRIES; j++) {
            const struct entry *entry = &threads[i].table->entries[j];
            CHECK(!entry->key, "an entry is there, and nothing leads to its key or value");
        }
    for (size_t stamp = first_stamp; stamp <= stamps && stamp < STAMPS_BURIED; stamp++)
        CHECK(buried[stamp], "nobody has seen object %zu die", stamp);
    gait_detach(mutator);
    printf("%-50s %8" PRIu64 " found, %7" PRIu64 " cleared, %8" PRIu64 " walked, %5" PRIu64
           " told, %6" PRIu64 " cycles\n",
           debug, live, dead, walked, told, stats_of(heap).cycles);
    fflush(stdout);
    CHECK(live > 0 && dead > 0 && walked > 0 && told > 0, "too little happened");
    gait_heap_destroy(heap);
    for (size_t i = 0; i < THREADS; i++)
        free(threads[i].table);
}

int main(int argc, char **argv) {
    run_begin(argc, argv, 4);
    CHECK(buried = malloc(STAMPS_BURIED), "malloc");
    liveness_test(0, "clobberfree=1", run.seconds / 4);
    liveness_test(0, "clobberfree=1,gcstress=40", run.seconds / 4);
    liveness_test(0, "clobberfree=1,gcminor=3,gcstress=20,gccheckmark=1", run.seconds / 4);
    liveness_test(GAIT_STOP_THE_WORLD, "clobberfree=1,gcstress=30", run.seconds / 4);
    free(buried);
}
