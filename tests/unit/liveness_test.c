/* SPDX-License-Identifier: MIT */
/*
 * runtime/mark/liveness: when hooks are called, what they keep, what they find alive.
 */
#include "bare_heap.h"
#include "mark/finalizers.h"
#include "mark/liveness.h"
#include "mark/weak.h"

#define ALL (~(gait_word)0)
#define PAIRS 1000

static struct finalizers finalizers;
static struct liveness liveness;
static AO_t pending;

static void open_all(void) {
    bare_open(ALL);
    cr_assert_eq(finalizers_init(&finalizers, &bare.space.metadata_bytes, &pending), 0);
    memset(&liveness, 0, sizeof liveness);
}

static void close_all(void) {
    finalizers_destroy(&finalizers);
    bare_close();
}

TestSuite(liveness, .init = open_all, .fini = close_all);

/* As cycle.c does it. */
static void cycle(const gait_word *roots, size_t count) {
    bool more = true;
    marker_begin(&bare.marker);
    finalizers_push(&finalizers, &bare.marker);
    marker_push_range(&bare.marker, roots, count);
    while (more) {
        marker_drain(&bare.marker, SIZE_MAX);
        more = marker_ephemerons(&bare.marker) || liveness_mark(&liveness, &bare.marker);
    }
    marker_end(&bare.marker);
    bare_flip();
    weak_settle(&bare.space, ALL);
    liveness_clear(&liveness, &bare.marker, GAIT_LIVENESS_CLEAR);
    finalizers_settle(&finalizers, &bare.marker);
    liveness_clear(&liveness, &bare.marker, GAIT_LIVENESS_SWEEP);
}

struct table {
    size_t pairs, calls;
    gait_word words[PAIRS][2];
    bool alive[2][PAIRS]; /* in stages CLEAR and SWEEP: is the key? */
};

static void hook(gait_liveness *call, gait_liveness_stage stage, void *data) {
    struct table *table = data;
    table->calls++;
    for (size_t i = 0; i < table->pairs; i++)
        if (stage != GAIT_LIVENESS_MARK)
            table->alive[stage - 1][i] = gait_is_marked(call, table->words[i][0]);
        else if (gait_is_marked(call, table->words[i][0]))
            gait_keep(call, table->words[i][1]);
}

/* Each value leads to the key of the pair before: the worst order for one pass. */
Test(liveness, hooks_are_called_until_they_keep_nothing_more) {
    static struct table table;
    unsigned refs = bare_kind(GAIT_REFS, 0), leaf = bare_kind(GAIT_LEAF, 0);
    gait_word *dead = bare_alloc(leaf, 16), *lost = bare_alloc(leaf, 16);
    table = (struct table){.pairs = 50};
    for (size_t i = 0; i < table.pairs; i++) {
        gait_word *key = bare_alloc(leaf, 16), *value = bare_alloc(refs, 16);
        value[0] = i > 0 ? table.words[i - 1][0] : 0;
        table.words[i][0] = bare_ref(key);
        table.words[i][1] = bare_ref(value);
    }
    gait_word root = table.words[table.pairs - 1][0];
    table.words[table.pairs][0] = bare_ref(dead);
    table.words[table.pairs++][1] = bare_ref(lost);
    table.words[table.pairs++][0] = 42; /* no reference */
    cr_assert(liveness_add(&liveness, hook, &table));
    cycle(&root, 1);
    for (size_t i = 0; i + 2 < table.pairs; i++)
        cr_assert(table.alive[0][i] && bare_is_allocated((void *)table.words[i][1]));
    cr_assert_not(table.alive[0][50] || bare_is_allocated(lost));
    cr_assert(table.alive[0][51]);
    cr_assert_leq(table.calls, 50u + 1 + 2);
}

static void finalize(gait_mutator *mutator, void *object, void *data) {
    (void)mutator, (void)object, (void)data;
}

Test(liveness, what_comes_back_is_dead_before_and_alive_after) {
    static struct table table;
    unsigned refs = bare_kind(GAIT_REFS, 0);
    gait_word *object = bare_alloc(refs, 16), *child = bare_alloc(refs, 16);
    object[0] = bare_ref(child);
    struct finalizer_setting setting = {finalize, NULL, GAIT_FINALIZER_UNORDERED}, old;
    finalizers_set(&finalizers, object, &setting, &old);
    table = (struct table){.pairs = 2, .words = {{bare_ref(object), 0}, {bare_ref(child), 0}}};
    cr_assert(liveness_add(&liveness, hook, &table));
    cycle(NULL, 0);
    cr_assert_not(table.alive[0][0] || table.alive[0][1]);
    cr_assert(table.alive[1][0] && table.alive[1][1]);
}

static void count_object(gait_liveness *call, void *object, size_t bytes, void *data) {
    cr_assert(gait_is_marked(call, bare_ref(object)));
    cr_assert(bytes == 16 || bytes == 100000);
    ++*(size_t *)data;
}

struct walk {
    gait_kind kind;
    size_t met[3], dead[3]; /* by stage, in the last call */
};

static void count_dead(gait_liveness *call, void *object, size_t bytes, void *data) {
    cr_assert_not(gait_is_marked(call, bare_ref(object)));
    cr_assert(bytes == 16 || bytes == 50000);
    ++*(size_t *)data;
}

static void walk_hook(gait_liveness *call, gait_liveness_stage stage, void *data) {
    struct walk *walk = data;
    walk->met[stage] = walk->dead[stage] = 0;
    gait_walk_dead(call, walk->kind, count_dead, &walk->dead[stage]);
    gait_walk_marked(call, walk->kind, count_object, &walk->met[stage]);
}

Test(liveness, a_walk_meets_what_is_marked_of_a_kind) {
    unsigned leaf = bare_kind(GAIT_LEAF, 0), other = bare_kind(GAIT_LEAF, 0);
    gait_word roots[4];
    for (size_t i = 0; i < 3; i++) {
        roots[i] = bare_ref(bare_alloc(leaf, 16));
        bare_alloc(leaf, 16);
    }
    roots[3] = bare_ref(bare_alloc(leaf, 100000));
    struct walk walks[] = {{.kind = (gait_kind)leaf}, {.kind = (gait_kind)other}};
    cr_assert(liveness_add(&liveness, walk_hook, &walks[0]));
    cr_assert(liveness_add(&liveness, walk_hook, &walks[1]));
    cycle(roots, 4);
    for (size_t stage = 0; stage < 3; stage++)
        cr_assert(walks[0].met[stage] == 4 && walks[1].met[stage] == 0);
}

/* Freed as its mark was set, without memory for a block of work. */
Test(liveness, a_walk_passes_over_a_mark_without_an_object) {
    unsigned leaf = bare_kind(GAIT_LEAF, 0);
    gait_word root = bare_ref(bare_alloc(leaf, 16)), *freed = bare_alloc(leaf, 16);
    struct cell cell = bare_cell(freed);
    bits_set(&cell.pair[(space_epoch(&bare.space) + 1) & 1], cell.bit);
    bits_clear(&cell.pair[space_epoch(&bare.space) & 1], cell.bit);
    struct walk walk = {.kind = (gait_kind)leaf};
    cr_assert(liveness_add(&liveness, walk_hook, &walk));
    cycle(&root, 1);
    for (size_t stage = 0; stage < 3; stage++)
        cr_assert_eq(walk.met[stage], 1u, "%zu", stage);
}

Test(liveness, a_walk_of_the_dead_meets_the_others_until_they_come_back) {
    unsigned leaf = bare_kind(GAIT_LEAF, 0);
    gait_word root = bare_ref(bare_alloc(leaf, 16));
    gait_word *object = NULL;
    for (size_t i = 0; i < 200; i++)
        object = bare_alloc(leaf, 16);
    bare_alloc(leaf, 50000);
    struct finalizer_setting setting = {finalize, NULL, 0}, old;
    finalizers_set(&finalizers, object, &setting, &old);
    struct walk walk = {.kind = (gait_kind)leaf};
    cr_assert(liveness_add(&liveness, walk_hook, &walk));
    cycle(&root, 1);
    cr_assert(walk.dead[GAIT_LIVENESS_MARK] >= 201 && walk.dead[GAIT_LIVENESS_CLEAR] >= 201);
    cr_assert_eq(walk.dead[GAIT_LIVENESS_SWEEP], walk.dead[GAIT_LIVENESS_CLEAR] - 1);
    cr_assert_eq(walk.met[GAIT_LIVENESS_CLEAR], 1u);
    cr_assert_eq(walk.met[GAIT_LIVENESS_SWEEP], 2u);
}

Test(liveness, there_are_places_for_sixteen) {
    static struct table table;
    for (size_t i = 0; i < LIVENESS_HOOKS; i++)
        cr_assert(liveness_add(&liveness, hook, &table));
    cr_assert_not(liveness_add(&liveness, hook, &table));
}
