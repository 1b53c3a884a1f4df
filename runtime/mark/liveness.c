/* SPDX-License-Identifier: MIT */
/*
 * Calls of liveness hooks, and what these ask. See liveness.h.
 */
#include "liveness.h"

#include "../heap/walk.h"
#include "../platform/perturb.h"
#include "../platform/platform.h"
#include "weak.h"

/* What a hook is handed. */
struct gait_liveness {
    gait_liveness_stage stage;
    struct marker *marker;                /* MARK: has begun */
    bool kept;                            /* something was pushed */
    const struct liveness_search *search; /* not NULL: it asks, in place of marking */
};

bool liveness_add(struct liveness *liveness, gait_liveness_fn hook, void *data) {
    AO_t count = AO_load(&liveness->count);
    if (count == LIVENESS_HOOKS)
        return false;
    liveness->hooks[count] = (struct liveness_hook){hook, data};
    AO_store_release(&liveness->count, count + 1);
    return true;
}

static void call_all(struct liveness *liveness, gait_liveness *call) {
    size_t count = AO_load_acquire(&liveness->count);
    for (size_t i = 0; i < count; i++) {
        PERTURB(LIVENESS);
        liveness->hooks[i].hook(call, call->stage, liveness->hooks[i].data);
    }
}

bool liveness_mark(struct liveness *liveness, struct marker *marker) {
    gait_liveness call = {.stage = GAIT_LIVENESS_MARK, .marker = marker};
    call_all(liveness, &call);
    return call.kept;
}

bool liveness_find(struct liveness *liveness, struct marker *marker,
                   const struct liveness_search *search) {
    gait_liveness call = {.stage = GAIT_LIVENESS_MARK, .marker = marker, .search = search};
    call_all(liveness, &call);
    return call.kept;
}

void liveness_clear(struct liveness *liveness, struct marker *marker, gait_liveness_stage stage) {
    gait_liveness call = {.stage = stage, .marker = marker};
    call_all(liveness, &call);
}

/* ---- What hooks ask ---- */

bool gait_is_marked(const gait_liveness *liveness, gait_word word) {
    const struct marker *marker = liveness->marker;
    if (liveness->search)
        return liveness->search->is_found(liveness->search->visitor, word);
    return liveness->stage == GAIT_LIVENESS_MARK
               ? !marker_is_white(marker, word)
               : !weak_is_dead(marker->space, marker->value_mask, word);
}

void gait_keep(gait_liveness *liveness, gait_word word) {
    if (liveness->stage != GAIT_LIVENESS_MARK)
        platform_fatal("gait_keep: marking has ended");
    if (gait_is_marked(liveness, word))
        return;
    if (liveness->search)
        liveness->search->visitor->visit(liveness->search->visitor, word, false);
    else
        marker_push(liveness->marker, word);
    liveness->kept = true;
}

struct walking {
    gait_liveness *liveness;
    gait_kind kind;
    gait_object_fn visit;
    void *data;
    bool dead; /* what is not marked */
};

static bool span_is_of_kind(void *data, const struct span *span, page_entry entry) {
    const struct walking *walking = data;
    (void)span;
    return ENTRY_KIND(entry) == walking->kind;
}

static void visit_cell(void *data, char *start, page_entry entry, size_t bytes) {
    const struct walking *walking = data;
    (void)entry;
    if (walking->liveness->search &&
        gait_is_marked(walking->liveness, (gait_word)start) == walking->dead)
        return;
    walking->visit(walking->liveness, start, bytes, walking->data);
}

/* The word that has the marks, or, after the flip, that had them. */
static unsigned marks_side(const gait_liveness *liveness) {
    if (liveness->search)
        return liveness->search->side;
    return (space_epoch(liveness->marker->space) + (liveness->stage == GAIT_LIVENESS_MARK)) & 1;
}

/* A mark alone is no object's: it was set as the cell was freed. After the flip what has no bit in
 * the word of before was made since. */
void gait_walk_marked(gait_liveness *liveness, gait_kind kind, gait_object_fn visit, void *data) {
    struct walking walking = {liveness, kind, visit, data, false};
    walk_cells(liveness->marker->space, marks_side(liveness),
               &(struct walk){.wants = span_is_of_kind,
                              .cell = visit_cell,
                              .data = &walking,
                              .both = !liveness->search});
}

/* Of a span that was made after the flip no bit is set in the word of before. What a search has not
 * found may be marked. */
void gait_walk_dead(gait_liveness *liveness, gait_kind kind, gait_object_fn visit, void *data) {
    struct walking walking = {liveness, kind, visit, data, true};
    walk_cells(liveness->marker->space, marks_side(liveness) ^ 1,
               &(struct walk){.wants = span_is_of_kind,
                              .cell = visit_cell,
                              .data = &walking,
                              .alone = !liveness->search});
}
