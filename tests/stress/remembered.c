/* SPDX-License-Identifier: MIT */
/*
 * Old objects, and roots outside of the heap, get the only reference to a new one, by each way that
 * a reference can be stored, while minor and full cycles go on. Slots lie so far apart that no
 * other store makes their cards dirty: one that is not remembered loses its object in the next
 * minor cycle. What each slot holds is written down beside, where nothing is ever freed.
 */
#include "stress.h"

#define THREADS 2
#define STRIDE ((size_t)128) /* words between two slots: two cards */
#define SLOTS ((size_t)256)
#define WORDS (SLOTS * STRIDE)
#define LEAF_WORDS 4
#define GARBAGE_WORDS 40 /* most words of what is made between two stores */

/* Objects of so many kinds, and roots that are stored to as objects are. */
enum { REFS, CONSERVATIVE, PREFIX, REPEAT, WEAK_HEAD, CALLED, PAIRS, TAGGED, KINDS };
enum { STATIC = KINDS, RANGE, STOPPED, TABLES };
static const char *const names[] = {"refs",         "conservative", "prefix",   "repeat",
                                    "weak head",    "called",       "pairs",    "tagged",
                                    "static slots", "range",        "coroutine"};

enum { STORE, EXCHANGE, MOVE, FILL, CHAIN, WAYS };

/* Every second store of each way is a plain one: the heap has no barriers. */
static bool plain;

static gait_heap *heap;
static gait_kind kinds[KINDS], leaf, holder;

struct thread {
    gait_mutator *mutator;
    uint64_t random;
    gait_handle *tables[KINDS];
    gait_word *roots[TABLES]; /* of roots: their memory, one column of it after the other */
    gait_coroutine *coroutine;
    gait_handle *key;             /* of all pairs */
    uint64_t held[TABLES][SLOTS]; /* the number of what a slot refers to; 0: nothing */
    uint64_t numbers;
    struct gait_frame frame;
    gait_word young; /* the frame's */
};

static void visit_all(gait_visitor *visitor, void *object, size_t bytes, void *data) {
    (void)data;
    for (size_t i = 0; i < bytes / sizeof(gait_word); i += STRIDE)
        gait_visit(visitor, slot_load((gait_word *)object + i));
}

/* A slot's tag may lie on the next card. */
#define TAG_BYTE 504
static const gait_tag_rule tag_rule = {0, TAG_BYTE};

static void kinds_make(void) {
    gait_kind_info infos[KINDS] = {
        [REFS] = {.layout = GAIT_REFS},
        [CONSERVATIVE] = {.layout = GAIT_CONSERVATIVE},
        [PREFIX] = {.layout = GAIT_PREFIX, .head_words = WORDS},
        [REPEAT] = {.layout = GAIT_REPEAT, .element_words = 64, .element_bitmap = 1},
        [WEAK_HEAD] = {.layout = GAIT_WEAK, .head_words = WORDS},
        [CALLED] = {.layout = GAIT_CALLBACK, .scan = visit_all},
        [PAIRS] = {.layout = GAIT_EPHEMERON},
        [TAGGED] = {.layout = GAIT_TAGGED,
                    .element_words = 64,
                    .tag_rules = &tag_rule,
                    .tag_rule_count = 1,
                    .tag_references = {2}},
    };
    for (size_t i = 0; i < KINDS; i++) {
        infos[i].name = names[i];
        kinds[i] = kind_new(heap, infos[i]);
    }
    leaf = kind_new(heap, (gait_kind_info){.name = "leaf", .layout = GAIT_LEAF});
    holder = kind_new(heap, (gait_kind_info){.name = "holder", .layout = GAIT_REFS});
}

/* A leaf says its number in each word. */
static void leaf_new(struct thread *thread) {
    uint64_t number = ++thread->numbers;
    gait_word *words = allocate(thread->mutator, leaf, LEAF_WORDS * sizeof *words);
    for (size_t i = 0; i < LEAF_WORDS; i++)
        words[i] = number;
    thread->young = (gait_word)words;
}

/* A holder of one leaf, which it is born with. */
static void chain_new(struct thread *thread) {
    leaf_new(thread);
    gait_word *words = allocate(thread->mutator, holder, 2 * sizeof *words);
    gait_init(&words[1], thread->young);
    thread->young = (gait_word)words;
}

static gait_word *slot_of(const struct thread *thread, unsigned table, size_t i) {
    gait_word *words =
        table < KINDS ? (gait_word *)gait_handle_get(thread->tables[table]) : thread->roots[table];
    return words + i * STRIDE;
}

static void check(struct thread *thread, unsigned table, size_t i) {
    const gait_word *slot = slot_of(thread, table, i);
    gait_word word = table == PAIRS ? gait_ephemeron_get(thread->mutator, slot) : *slot;
    uint64_t number = thread->held[table][i];
    CHECK((word != 0) == (number != 0), "%s, slot %zu: %p, not number %" PRIu64, names[table], i,
          (void *)word, number);
    if (word == 0)
        return;
    const gait_word *words = (const gait_word *)word;
    if (gait_object_kind(heap, words) == holder)
        words = (const gait_word *)words[1];
    for (size_t j = 0; j < LEAF_WORDS; j++)
        CHECK(words[j] == number, "%s, slot %zu: word %zu of %p is %zx, not %" PRIu64, names[table],
              i, j, (const void *)words, (size_t)words[j], number);
}

/* Put what is young into a slot, and hold it nowhere else. */
static void put(struct thread *thread, unsigned table, size_t i, unsigned way) {
    gait_mutator *mutator = thread->mutator;
    gait_word *slot = slot_of(thread, table, i), before = *slot;
    if (table == STOPPED && way == CHAIN) { /* its own code, which stores as to a stack */
        gait_coroutine_switch(mutator, thread->coroutine);
        __atomic_store_n(slot, thread->young, __ATOMIC_RELEASE);
        gait_coroutine_switch(mutator, NULL);
    } else if (plain && table != PAIRS && one_in(&thread->random, 2)) {
        __atomic_store_n(slot, thread->young, __ATOMIC_RELAXED);
        if (table == TAGGED)
            ((unsigned char *)slot)[TAG_BYTE] = 1;
    } else if (table == PAIRS)
        gait_ephemeron_set(mutator, slot, gait_handle_get(thread->key), thread->young);
    else if (table == TAGGED)
        gait_store_tagged(mutator, slot, thread->young, (unsigned char *)slot + TAG_BYTE, 1);
    else if (way == EXCHANGE)
        CHECK(gait_compare_exchange(mutator, slot, &before, thread->young), "nobody else stores");
    else if (way == MOVE)
        gait_move(mutator, slot, &thread->young, 1);
    else if (way == FILL)
        gait_fill(mutator, slot, thread->young, 1);
    else
        gait_store(mutator, slot, thread->young);
    thread->held[table][i] = thread->numbers;
    thread->young = 0;
}

static void visit_roots(gait_visitor *visitor, void *words) {
    gait_visit_range(visitor, words, WORDS);
}

static void roots_make(struct thread *thread) {
    gait_mutator *mutator = thread->mutator;
    for (unsigned i = STATIC; i < TABLES; i++)
        CHECK(thread->roots[i] = calloc(WORDS, sizeof(gait_word)), "calloc");
    CHECK(gait_roots_add(mutator, thread->roots[STATIC], WORDS) == 0 &&
              gait_roots_add_range(mutator, thread->roots[RANGE], WORDS * sizeof(gait_word), 0) ==
                  0,
          "no memory");
    thread->coroutine =
        gait_coroutine_new(mutator, visit_roots, thread->roots[STOPPED], NULL, NULL);
    CHECK(thread->coroutine, "gait_coroutine_new");
}

static void roots_drop(struct thread *thread) {
    CHECK(gait_roots_remove(thread->mutator, thread->roots[STATIC]) == 0 &&
              gait_roots_remove_range(thread->mutator, thread->roots[RANGE]) == 0,
          "they were added");
    gait_coroutine_free(thread->mutator, thread->coroutine);
    for (unsigned i = STATIC; i < TABLES; i++)
        free(thread->roots[i]);
}

static void tables_make(struct thread *thread) {
    for (unsigned i = 0; i < KINDS; i++)
        CHECK(thread->tables[i] =
                  gait_handle_new(thread->mutator, (gait_word)allocate(thread->mutator, kinds[i],
                                                                       WORDS * sizeof(gait_word))),
              "gait_handle_new");
    void *key = allocate(thread->mutator, leaf, sizeof(gait_word));
    CHECK(thread->key = gait_handle_new(thread->mutator, (gait_word)key), "gait_handle_new");
}

static void *work(void *argument) {
    struct thread *thread = argument;
    uint64_t *random = &thread->random;
    thread->mutator = attach(heap);
    gait_push_frame(thread->mutator, &thread->frame, &thread->young, 1);
    tables_make(thread);
    roots_make(thread);
    while (!time_is_up()) {
        unsigned table = (unsigned)pick(random, TABLES), way = (unsigned)pick(random, WAYS);
        if (way == CHAIN)
            chain_new(thread);
        else
            leaf_new(thread);
        put(thread, table, pick(random, SLOTS), way);
        for (size_t i = pick(random, 20); i > 0; i--)
            allocate(thread->mutator, holder,
                     (1 + pick(random, GARBAGE_WORDS)) * sizeof(gait_word));
        for (unsigned i = 0; i < 4; i++)
            check(thread, (unsigned)pick(random, TABLES), pick(random, SLOTS));
        if (one_in(random, 2000))
            gait_collect(thread->mutator);
    }
    gait_collect(thread->mutator); /* one at least, however slow the machine */
    for (unsigned table = 0; table < TABLES; table++)
        for (size_t i = 0; i < SLOTS; i++)
            check(thread, table, i);
    for (unsigned i = 0; i < KINDS; i++)
        gait_handle_free(thread->mutator, thread->tables[i]);
    roots_drop(thread);
    gait_handle_free(thread->mutator, thread->key);
    gait_pop_frame(thread->mutator);
    gait_detach(thread->mutator);
    return NULL;
}

static void remembered_test(uint32_t flags, const char *debug, double seconds) {
    static struct thread threads[THREADS];
    pthread_t ids[THREADS];
    uint64_t stores = 0;
    memset(threads, 0, sizeof threads);
    plain = flags & GAIT_STOP_THE_WORLD;
    heap = heap_new(flags, debug, "50");
    kinds_make();
    run_for(seconds);
    for (unsigned i = 0; i < THREADS; i++) {
        threads[i].random = mix(run.seed + i);
        ids[i] = thread_start(work, &threads[i]);
    }
    for (unsigned i = 0; i < THREADS; i++) {
        pthread_join(ids[i], NULL);
        stores += threads[i].numbers;
    }
    printf("%-8s%-44s %10" PRIu64 " stores, %6" PRIu64 " cycles\n", plain ? "plain," : "", debug,
           stores, stats_of(heap).cycles);
    fflush(stdout);
    CHECK(stores > 0 && stats_of(heap).cycles > 0, "nothing happened");
    gait_heap_destroy(heap);
}

int main(int argc, char **argv) {
    run_begin(argc, argv, 4);
    const uint32_t flags[] = {0, GAIT_STOP_THE_WORLD};
    for (size_t i = 0; i < 2; i++) {
        remembered_test(flags[i], "clobberfree=1", run.seconds / 8);
        remembered_test(flags[i], "clobberfree=1,gcminor=15,gcstress=100", run.seconds / 8);
        remembered_test(flags[i], "clobberfree=1,gcminor=7", run.seconds / 8);
        remembered_test(flags[i], "clobberfree=1,gcminor=5,gcstress=200,gccheckmark=1",
                        run.seconds / 8);
    }
}
