/* SPDX-License-Identifier: MIT */
/*
 * What a word leads to, as marking takes it: for searches that go by allocation bits, while the
 * world stands still and nothing is swept.
 */
#ifndef GAIT_TARGET_H
#define GAIT_TARGET_H

#include "arenas.h"

/* An object, or an arena: to marking any place in one is the whole. */
struct target {
    struct cell cell;    /* not set: an arena */
    struct arena *arena; /* NULL: an object */
    uintptr_t place;     /* in the arena */
};

static inline bool target_cell_at(const struct space *space, unsigned epoch, uintptr_t address,
                                  struct cell *cell) {
    return space_holds(space, address) && space_cell(space, address, cell) &&
           cell_allocated(cell, epoch);
}

/** The arena that a word refers to, and where in it. NULL: none, or the end of one that is being
 * made. */
static inline struct arena *target_arena(const struct space *space, gait_word value_mask,
                                         gait_word word, bool conservative, uintptr_t *place) {
    gait_word address = word & value_mask;
    struct arena *arena = NULL;
    *place = word;
    if (conservative && space_holds(space, word))
        arena = arenas_of(space, word);
    if (!arena && (conservative || address % sizeof(gait_word) == 0) &&
        space_holds(space, address)) {
        *place = address;
        arena = arenas_of(space, address);
    }
    return arena && arena_state(arena) >= ARENA_LIVE ? arena : NULL;
}

/** The object. @return false: it refers to none. */
static inline bool target_cell(const struct space *space, gait_word value_mask, unsigned epoch,
                               gait_word word, bool conservative, struct cell *cell) {
    gait_word address = word & value_mask;
    if (conservative)
        return target_cell_at(space, epoch, word, cell) ||
               target_cell_at(space, epoch, address, cell);
    return target_cell_at(space, epoch, address, cell) && cell_is_meant(space, cell, address);
}

/** Either. epoch: whose allocation bits count. @return false: neither. */
static inline bool target_of(const struct space *space, gait_word value_mask, unsigned epoch,
                             gait_word word, bool conservative, struct target *target) {
    target->arena = NULL;
    if (target_cell(space, value_mask, epoch, word, conservative, &target->cell))
        return true;
    target->arena = target_arena(space, value_mask, word, conservative, &target->place);
    return target->arena != NULL;
}

#endif
