/* SPDX-License-Identifier: MIT */
/*
 * Option arenacheck: untraced arenas are looked through for references into the heap, which would
 * keep nothing alive.
 */
#include "../heap/kinds.h"
#include "../platform/platform.h"
#include "arenas.h"

struct look {
    const struct space *space;
    const struct arena *arena;
    gait_word value_mask;
};

static void look_at_low(void *data, char *low, char *low_end) {
    const struct look *look = data;
    const struct space *space = look->space;
    for (; low + sizeof(gait_word) <= low_end; low += sizeof(gait_word)) {
        gait_word word = AO_load((const volatile AO_t *)low) & look->value_mask;
        struct cell cell;
        if (word % sizeof(gait_word) != 0 || !space_holds(space, word) ||
            !space_cell(space, word, &cell) || cell.start != (char *)word ||
            !cell_allocated(&cell, space_epoch(space)))
            continue;
        platform_fatal("arenacheck: arena \"%s\", created at %s, is untraced, and refers to an "
                       "object of the heap: the field at %p to %p (%s)",
                       look->arena->name, look->arena->created, (void *)low, (void *)word,
                       space->kinds[ENTRY_KIND(cell.entry)].name);
    }
}

void arenas_check(struct arenas *arenas, struct arena *arena, gait_word value_mask) {
    struct look look = {arenas->space, arena, value_mask};
    if (arena_state(arena) == ARENA_LIVE && !(arena->flags & ARENA_TRACED))
        arenas->hooks.each_low(arena, look_at_low, &look);
}

void arenas_check_all(struct arenas *arenas, gait_word value_mask) {
    uint32_t count = (uint32_t)AO_load_acquire(&arenas->count);
    for (uint32_t i = 1; i <= count; i++)
        arenas_check(arenas, arenas_at(arenas, i), value_mask);
}
