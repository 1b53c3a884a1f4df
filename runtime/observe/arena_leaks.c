/* SPDX-License-Identifier: MIT */
/*
 * Lines about arenas that nobody freed. See arena_leaks.h.
 */
#include "arena_leaks.h"

#include "../instance.h"
#include "at_exit.h"
#include "heap_log.h"
#include "observe.h"

static void add_arena(struct line *line, const struct arena *arena) {
    line_add(line, "gait: arena %llu \"%s\", created at %s, ", (unsigned long long)arena->id,
             arena->name, arena->created && *arena->created ? arena->created : "?");
}

void observe_leaked(void *heap, const struct arena *arena) {
    struct line line = {.length = 0};
    add_arena(&line, arena);
    line_add(&line, "was leaked: the collector freed it in cycle %llu",
             (unsigned long long)((gait_heap *)heap)->cycle.record.number);
    heap_log_line(heap, &line);
}

static void tell_unfreed(void *argument) {
    gait_heap *heap = argument;
    heap_log_flush(heap);
    for (uint32_t i = 1; i <= AO_load_acquire(&heap->arenas.count); i++) {
        const struct arena *arena = arenas_at(&heap->arenas, i);
        if (arena_state(arena) != ARENA_LIVE)
            continue;
        struct line line = {.length = 0};
        add_arena(&line, arena);
        line_add(&line, "was not freed");
        line_write(&line, heap->log);
    }
}

void arena_leaks_start(gait_heap *heap) {
    if (heap->options.arenaleaks)
        heap->leaks_place = at_exit_add(tell_unfreed, heap);
}

void arena_leaks_end(gait_heap *heap) {
    if (!heap->options.arenaleaks)
        return;
    /* in a fork's child there is nothing to take: what the parent had is told here */
    at_exit_take(heap->leaks_place, heap);
    tell_unfreed(heap);
}
