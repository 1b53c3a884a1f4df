/* SPDX-License-Identifier: MIT */
/*
 * Hooks by which a program decides what its own weak tables keep, and clears them.
 *
 *   .inv.last: marking ends only if hooks kept nothing when they looked last, and nothing was
 *   marked since. So what they keep at the flip is marked.
 *
 * See docs/design/weak.md.
 */
#ifndef GAIT_MARK_LIVENESS_H
#define GAIT_MARK_LIVENESS_H

#include <gait/liveness.h>

#include "marker.h"

#define LIVENESS_HOOKS 16

struct liveness_hook {
    gait_liveness_fn hook;
    void *data;
};

struct liveness {
    AO_t count;                                 /* released after the hook is there; grows */
    struct liveness_hook hooks[LIVENESS_HOOKS]; /* those below count are constant */
};

/** Add a hook. Adding is the caller's to order. @return false: there is no place. */
bool liveness_add(struct liveness *liveness, gait_liveness_fn hook, void *data);

static inline bool liveness_has_hooks(const struct liveness *liveness) {
    return AO_load_acquire(&liveness->count) > 0; /* pairs with liveness_add */
}

/** Marking has run out of work: have hooks say what is kept. The collector, with a marker that has
 * begun. @return whether anything was pushed. */
bool liveness_mark(struct liveness *liveness, struct marker *marker);

/* A search of what is reachable that asks hooks as marking does. */
struct liveness_search {
    struct gait_visitor *visitor; /* what they keep is visited */
    bool (*is_found)(struct gait_visitor *visitor, gait_word word);
    unsigned side; /* which word of a pair has the mark bits */
};

/** Have hooks say what is kept, of what a search has found. marker: for what it knows of the heap.
 * The collector, with the world stopped. @return whether anything was visited. */
bool liveness_find(struct liveness *liveness, struct marker *marker,
                   const struct liveness_search *search);

/** Marking has ended: have hooks clear. stage: CLEAR or SWEEP. The collector, after the flip and
 * before sweeping. */
void liveness_clear(struct liveness *liveness, struct marker *marker, gait_liveness_stage stage);

#endif
