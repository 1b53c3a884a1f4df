/* SPDX-License-Identifier: MIT */
/*
 * What a search has found, in words. See search.h.
 */
#include "../instance.h"
#include "../observe/line.h"
#include "search.h"

void search_add_object(const struct search *search, struct line *line, const char *object) {
    struct cell cell;
    const struct arena *arena = search_arena(search, object);
    if (arena)
        line_add(line, "%p (arena \"%s\", created at %s)", (const void *)object, arena->name,
                 arena->created);
    if (!search_cell(search, object, &cell))
        return;
    line_add(line, "%p (%s, %zu bytes)", (const void *)object,
             search->space->kinds[ENTRY_KIND(cell.entry)].name, search_cell_bytes(search, &cell));
}

static const char *const sorts[ROOTS_SORTS] = {
    [ROOTS_NONE] = "roots",
    [ROOTS_STATIC] = "static slot",
    [ROOTS_HANDLE] = "handle",
    [ROOTS_RANGE] = "range of roots",
    [ROOTS_FRAMES] = "shadow stack",
    [ROOTS_CALLBACK] = "root callback",
    [ROOTS_C_STACK] = "C stack or registers",
    [ROOTS_COROUTINE] = "object that the coroutine belongs to",
    [ROOTS_SEGMENT] = "data segment",
    [ROOTS_FINALIZER] = "finalizer, waiting or to come, of the object",
    [ROOTS_ARENA] = "pinned arena",
    [ROOTS_STOPPED] = "stopped threads",
    [ROOTS_HOOK] = "liveness hook",
};

void search_add_root(struct line *line, const struct search_root *root,
                     const volatile gait_word *at) {
    line_add(line, "%s", sorts[root->roots]);
    if (root->roots == ROOTS_FINALIZER)
        line_add(line, " %p", (const void *)root->of);
    if (root->owner && root->of_coroutine)
        line_add(line, " of coroutine %p", root->owner);
    else if (root->owner && root->thread >= 0)
        line_add(line, " of thread %d", root->thread);
    if (at)
        line_add(line, ", word at %p", (const void *)at);
    if (root->conservative)
        line_add(line, ", which may be no reference");
}

ptrdiff_t search_place(const struct search *search, const char *object,
                       const volatile gait_word *at) {
    struct cell cell;
    if (!at || !search_cell(search, object, &cell) ||
        (uintptr_t)at - (uintptr_t)cell.start >= search_cell_bytes(search, &cell))
        return -1;
    return (ptrdiff_t)((uintptr_t)at - (uintptr_t)cell.start);
}
