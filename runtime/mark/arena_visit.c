/* SPDX-License-Identifier: MIT */
/*
 * Arenas as who looks at a heap that stands still sees them: those that are roots, and the words of
 * one. Marking has its own way (arena_mark.c), beside owners that allocate and reset.
 */
#include "arenas.h"
#include "visitor.h"

void arenas_visit_roots(const struct arenas *arenas, struct gait_visitor *visitor) {
    uint32_t count = (uint32_t)AO_load_acquire(&arenas->count);
    visitor_own(visitor, NULL, false);
    for (uint32_t i = 1; i <= count; i++) {
        const struct arena *arena = arenas_at(arenas, i);
        if (!arena_is_root(arena))
            continue;
        visitor_enter(visitor, ROOTS_ARENA, arena->handle);
        visitor->visit(visitor, (gait_word)arena->handle, false);
    }
}

void arena_visit_piece(const struct arena *arena, struct gait_visitor *visitor, char *low,
                       char *low_end) {
    visitor_visit(visitor, (const gait_word *)low, (size_t)(low_end - low) / sizeof(gait_word),
                  AO_load(&arena->conservative) != 0);
}

struct piece_visit {
    const struct arena *arena;
    struct gait_visitor *visitor;
};

static void visit_piece(void *data, char *low, char *low_end) {
    const struct piece_visit *to = data;
    arena_visit_piece(to->arena, to->visitor, low, low_end);
}

void arena_visit(const struct arenas *arenas, struct arena *arena, struct gait_visitor *visitor) {
    if (arena_is_scanned(arena))
        arenas->hooks.each_low(arena, visit_piece, &(struct piece_visit){arena, visitor});
}
