/* SPDX-License-Identifier: MIT */
/*
 * Disclaim functions: each is asked, in every cycle, of all dead objects of its kind, which a walk
 * over the heap finds, with the program stopped. So it does not matter when they were allocated,
 * and allocation knows nothing of it.
 *
 * The walk meets free memory, too: what was freed while the cycle marked, or left in the rest of a
 * run. All of that is zero, and nobody is asked.
 */
#include "registry.h"

#include "include/gc/gc_disclaim.h"

struct disclaim {
    GC_disclaim_proc ask;
    unsigned kind;
    bool marks_from_dead;
};

static struct disclaim disclaims[KINDS_MAX]; /* by libgc's number; lock TABLES to change */
static bool asked;                           /* in this cycle; the collector's */

bool compat_disclaim_is(unsigned kind) {
    return kind < KINDS_MAX && __atomic_load_n(&disclaims[kind].ask, __ATOMIC_RELAXED) != NULL;
}

void GC_register_disclaim_proc(int kind, GC_disclaim_proc function, int mark_unconditionally) {
    if (!compat_kind_is_known(kind))
        compat_abort("GC_register_disclaim_proc: no such kind");
    compat_tables_lock();
    disclaims[kind].kind = (unsigned)kind;
    disclaims[kind].marks_from_dead = mark_unconditionally != 0;
    __atomic_store_n(&disclaims[kind].ask, function, __ATOMIC_RELAXED);
    compat_tables_unlock();
}

static bool is_zero(const gait_word *words, size_t bytes) {
    for (size_t i = 0; i < bytes / sizeof *words; i++)
        if (words[i])
            return false;
    return true;
}

/* Also to the inside of objects. data: set to true if anything was not marked. */
static void keep_references(gait_liveness *liveness, void *cell, size_t bytes, void *data) {
    const gait_word *words = cell;
    for (size_t i = 0; i < bytes / sizeof *words; i++) {
        gait_word object = (gait_word)gait_object_base(compat_heap, (void *)words[i]);
        if (object && object != (gait_word)cell && !gait_is_marked(liveness, object)) {
            gait_keep(liveness, object);
            *(bool *)data = true;
        }
    }
}

static void ask_one(gait_liveness *liveness, void *cell, size_t bytes, void *data) {
    const struct disclaim *disclaim = data;
    void *object = compat_object_shown(cell, disclaim->kind, &bytes);
    if (!is_zero(object, bytes) && disclaim->ask(object))
        gait_keep(liveness, (gait_word)cell);
}

static void walk(gait_liveness *liveness, unsigned kind, gait_object_fn visit, void *data) {
    gait_walk_dead(liveness, compat_kind_gait[kind], visit, data);
}

/* What dead objects refer to is marked first, if their function may look at it. Those of one kind
 * that lead to each other are then asked one after another, in as many cycles. */
void compat_disclaim_ask(gait_liveness *liveness) {
    bool kept = false;
    if (asked || GC_find_leak)
        return;
    for (unsigned kind = 0; kind < KINDS_MAX; kind++)
        if (compat_disclaim_is(kind) && disclaims[kind].marks_from_dead)
            walk(liveness, kind, keep_references, &kept);
    if (kept)
        return; /* this is called again when that is marked */
    asked = true;
    compat_liveness_here = liveness;
    for (unsigned kind = 0; kind < KINDS_MAX; kind++)
        if (compat_disclaim_is(kind))
            walk(liveness, kind, ask_one, &disclaims[kind]);
    compat_liveness_here = NULL;
}

void compat_disclaim_over(void) { asked = false; }
