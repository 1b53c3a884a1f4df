/* SPDX-License-Identifier: MIT */
/*
 * Liveness hooks: weak tables of the program's own, whose weakness is set late, or by element.
 *
 *   table   words of any memory that the collector does not scan as references: malloc'ed, or in
 *           objects of a kind that says so. What they refer to is kept by the hook or not at all
 *   hook    a function that each cycle calls: it says what the tables keep, then clears what died
 *
 * Rules for the program's threads, while the collector marks beside them:
 *   - words of a table are loaded by gait_weak_get: 0 if the object is dead; what it gives is kept;
 *   - they are stored by gait_store, also where a table is rehashed: what moves is then kept by
 *     this cycle, so a hook that passes over the table meanwhile may miss it.
 *
 * In a heap created with GAIT_STOP_THE_WORLD hooks run while the program is stopped, and plain
 * loads and stores are right.
 */
#ifndef GAIT_LIVENESS_H
#define GAIT_LIVENESS_H

#include <gait/gait.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct gait_liveness gait_liveness;

/** When a hook is called: in each cycle these, in this order. */
typedef enum gait_liveness_stage {
    /* marking has run out of work: gait_keep what tables keep, such as the value of a key that is
     * marked. Again after that was marked, until no hook keeps anything more. May be called again
     * though nothing was kept: what threads stored is marked */
    GAIT_LIVENESS_MARK,
    /* marking has ended: what is not marked is dead. Clear words that lead to it. Objects that come
     * back for finalizers have not yet */
    GAIT_LIVENESS_CLEAR,
    /* they have: what is not marked now is about to be swept. For words that lead to objects with
     * finalizers until these have run; others were cleared before */
    GAIT_LIVENESS_SWEEP
} gait_liveness_stage;

/**
 * Runs on the collector's thread, beside the program's. It reads and clears words of its tables,
 * asks gait_is_marked, calls gait_keep, gait_walk_marked and gait_walk_dead, and nothing else of
 * this library; it does not allocate. A lock that it takes is held by no thread over a safepoint or
 * an allocation. It clears a word only if it still holds what it looked at, by a compare-and-swap:
 * a thread may have stored another.
 */
typedef void (*gait_liveness_fn)(gait_liveness *liveness, gait_liveness_stage stage, void *data);

/**
 * Add a hook, for as long as the heap is there. Called from the next cycle on, perhaps in this one.
 * @return 0, GAIT_E_INVALID (no function), GAIT_E_FULL (16 are there). Not a safepoint.
 * Thread rule: any thread, attached or not.
 */
GAIT_API int gait_liveness_add(gait_heap *heap, gait_liveness_fn hook, void *data);

/** Is what a word refers to marked, or, after marking, alive? True for a word that is no reference.
 * Only within a hook. */
GAIT_API bool gait_is_marked(const gait_liveness *liveness, gait_word word);

/** Keep what a word refers to, and all that it leads to. Only within a hook, in stage MARK. */
GAIT_API void gait_keep(gait_liveness *liveness, gait_word word);

/**
 * Visit all objects of a kind that are marked, or alive, as their bits are now: one that is made,
 * or marked, meanwhile is visited or not, and one that a thread has just allocated may be zero.
 * Takes time with the pages of the heap, and with the objects. Only within a hook.
 */
typedef void (*gait_object_fn)(gait_liveness *liveness, void *object, size_t object_bytes,
                               void *data);
GAIT_API void gait_walk_marked(gait_liveness *liveness, gait_kind kind, gait_object_fn visit,
                               void *data);

/**
 * Visit all objects of a kind that are not marked: in stage SWEEP what is about to be swept, each
 * object once in its life, as it was when it died; in stage CLEAR those as well that come back for
 * finalizers. What they refer to may be dead, and is there still. In a minor cycle they are young
 * ones: what is old counts as marked. Among them are objects that gait_free was given while the
 * cycle marked, and memory that a thread left unused as it detached: of that all is zero, of kinds
 * that are raw anything.
 *
 * In stage MARK it visits what is not marked yet, and visit may call gait_keep. There it may meet
 * an object that a thread is just initialising, except in a heap that stops the world.
 *
 * Takes time with the pages of the heap, and with the objects. Only within a hook.
 */
GAIT_API void gait_walk_dead(gait_liveness *liveness, gait_kind kind, gait_object_fn visit,
                             void *data);

/**
 * Have GAIT_NOTICE_CYCLE queued, for the handler of gait_set_notice, whenever a cycle has been
 * swept: for a program that shrinks its tables, in a thread of its own. One that waits is not
 * queued twice.
 * @param on  1 or 0; any other value only reads it.
 * @return the setting before the call.
 * Thread rule: any thread, attached or not.
 */
GAIT_API int gait_set_notice_cycles(gait_heap *heap, int on);

#ifdef __cplusplus
}
#endif

#endif
