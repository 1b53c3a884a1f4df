/* SPDX-License-Identifier: MIT */
/* A weak table of the program's own: which of its words keep what is said when it is in use, as by
 * Lua's __mode. A hook has each cycle keep what the table keeps, and clears what died. */
#include "example.h"

#include <gait/liveness.h>

#define ENTRIES 2

enum mode { STRONG, WEAK_KEYS, WEAK_VALUES };

struct table {
    enum mode mode;
    gait_word words[ENTRIES][2]; /* key, value: no root, and in no object */
    int shrunk;
};

/* The program's threads run beside the hook. */
static gait_word look(const gait_word *word) { return __atomic_load_n(word, __ATOMIC_ACQUIRE); }

/* What marking found decides: a value is kept while its key is, or the other way round. */
static void keep(gait_liveness *liveness, const struct table *table, enum mode mode) {
    for (int i = 0; i < ENTRIES; i++) {
        gait_word key = look(&table->words[i][0]), value = look(&table->words[i][1]);
        if (mode != WEAK_KEYS)
            gait_keep(liveness, key);
        if (mode == STRONG || (mode == WEAK_KEYS && key && gait_is_marked(liveness, key)))
            gait_keep(liveness, value);
    }
}

/* Marking has ended: what is not marked is dead. Each word goes by itself, unless a thread has
 * stored another there; an entry of which one is 0 is gone. */
static void clear(gait_liveness *liveness, struct table *table) {
    for (int i = 0; i < ENTRIES; i++)
        for (int j = 0; j < 2; j++) {
            gait_word word = look(&table->words[i][j]);
            if (!gait_is_marked(liveness, word))
                __atomic_compare_exchange_n(&table->words[i][j], &word, 0, false, __ATOMIC_RELEASE,
                                            __ATOMIC_RELAXED);
        }
}

static void hook(gait_liveness *liveness, gait_liveness_stage stage, void *data) {
    struct table *table = data;
    if (stage == GAIT_LIVENESS_MARK)
        keep(liveness, table, __atomic_load_n(&table->mode, __ATOMIC_RELAXED));
    else if (stage == GAIT_LIVENESS_CLEAR)
        clear(liveness, table);
}

/* On a thread of the program, when a cycle is over: time to make tables smaller. */
static void told(gait_mutator *mutator, gait_notice notice, void *data) {
    (void)mutator;
    if (notice == GAIT_NOTICE_CYCLE)
        ((struct table *)data)->shrunk++;
}

int main(void) {
    gait_heap *heap = example_heap(NULL);
    gait_mutator *mutator = gait_attach(heap);
    gait_kind leaf = example_kind(heap, &(gait_kind_info){.name = "leaf", .layout = GAIT_LEAF});
    static struct table table;
    gait_word key = 0;
    struct gait_frame frame;
    gait_push_frame(mutator, &frame, &key, 1);

    CHECK(gait_liveness_add(heap, hook, &table) == 0);
    gait_set_notice(heap, told, &table);
    gait_set_notice_cycles(heap, 1);

    for (int i = 0; i < ENTRIES; i++)
        for (int j = 0; j < 2; j++)
            gait_store(mutator, &table.words[i][j], (gait_word)gait_alloc(mutator, leaf, 16));
    gait_collect(mutator); /* a table is strong until something else is said */
    CHECK(gait_weak_get(mutator, &table.words[1][1]));

    __atomic_store_n(&table.mode, WEAK_KEYS, __ATOMIC_RELAXED); /* at any time */
    key = gait_weak_get(mutator, &table.words[0][0]); /* a load that keeps what it gives */
    gait_collect(mutator);
    CHECK(gait_weak_get(mutator, &table.words[0][0]) == key);
    CHECK(gait_weak_get(mutator, &table.words[0][1]));
    CHECK(!gait_weak_get(mutator, &table.words[1][0]));
    CHECK(!gait_weak_get(mutator, &table.words[1][1]));

    __atomic_store_n(&table.mode, WEAK_VALUES,
                     __ATOMIC_RELAXED); /* its key is reachable, and does not help */
    gait_collect(mutator);
    CHECK(!gait_weak_get(mutator, &table.words[0][1]));
    gait_run_finalizers(mutator, SIZE_MAX);
    CHECK(table.shrunk > 0);

    gait_pop_frame(mutator);
    gait_heap_destroy(heap);
    return 0;
}
