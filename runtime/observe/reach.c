/* SPDX-License-Identifier: MIT */
/*
 * A walk over all that is reachable. See reach.h.
 */
#include "reach.h"

#include "../heap/walk.h"
#include "../mark/coroutines.h"
#include "../mark/weak.h"

/* ---- Memory ---- */

static size_t pages_of(const struct reach *reach) {
    return AO_load_acquire(&reach->space->extent_bytes) >> PAGE_SHIFT;
}

static void visit(struct gait_visitor *visitor, gait_word word, bool conservative);

bool reach_begin(struct reach *reach, gait_heap *heap) {
    *reach = (struct reach){
        .visitor = visitor_of(&heap->space, heap->value_mask, visit),
        .heap = heap,
        .space = &heap->space,
        .epoch = space_epoch(&heap->space),
        .grey.item_bytes = sizeof(char *),
        .groups.item_bytes = sizeof(struct reach_group),
        .roots.item_bytes = sizeof(struct reach_root),
    };
    reach->visitor.reach = coroutine_visit_reached;
    ephemerons_init(&reach->keys, &heap->space.metadata_bytes);
    size_t pages = pages_of(reach), arenas = AO_load_acquire(&heap->arenas.count);
    reach->found =
        platform_map_some(pages * (BITS_WORDS / 2) * sizeof *reach->found, &reach->found_bytes);
    reach->found_arenas = platform_map_some(arenas / 8 + 1, &reach->found_arenas_bytes);
    reach->before = platform_map_some(pages * sizeof *reach->before, &reach->before_bytes);
    return reach->found && reach->found_arenas && reach->before;
}

void reach_end(struct reach *reach) {
    if (reach->found)
        platform_unreserve(reach->found, reach->found_bytes);
    if (reach->found_arenas)
        platform_unreserve(reach->found_arenas, reach->found_arenas_bytes);
    if (reach->before)
        platform_unreserve(reach->before, reach->before_bytes);
    pile_free(&reach->grey);
    pile_free(&reach->groups);
    pile_free(&reach->roots);
    ephemerons_destroy(&reach->keys);
}

/* ---- What was found ---- */

static uint64_t *found_word(const struct reach *reach, const struct cell *cell) {
    return &reach->found[(size_t)(cell->pair - reach->space->bits) / 2];
}

bool reach_has(const struct reach *reach, const struct target *target) {
    if (target->arena)
        return reach->found_arenas[target->arena->index / 64] >> target->arena->index % 64 & 1;
    return (*found_word(reach, &target->cell) & target->cell.bit) != 0;
}

static char *target_start(const struct target *target) {
    return target->arena ? target->arena->handle : target->cell.start;
}

static bool find_target(const struct reach *reach, gait_word word, bool conservative,
                        struct target *target) {
    return target_of(reach->space, reach->heap->value_mask, reach->epoch, word, conservative,
                     target);
}

static size_t ones(uint64_t word) { return (size_t)__builtin_popcountll(word); }

size_t reach_number(const struct reach *reach, const struct target *target) {
    if (target->arena) {
        size_t number = reach->objects + 1, index = target->arena->index;
        for (size_t i = 0; i < index / 64; i++)
            number += ones(reach->found_arenas[i]);
        return number + ones(reach->found_arenas[index / 64] & (((uint64_t)1 << index % 64) - 1));
    }
    const struct cell *cell = &target->cell;
    const uint64_t *last = found_word(reach, cell);
    size_t number = reach->before[cell->head] + 1;
    for (const uint64_t *word = &reach->found[cell->head * (BITS_WORDS / 2)]; word < last; word++)
        number += ones(*word);
    return number + ones(*last & (cell->bit - 1));
}

size_t reach_bytes(const struct reach *reach, const struct target *target) {
    if (!target->arena)
        return entry_cell_bytes(reach->space, target->cell.entry, target->cell.head);
    struct arena_sums sums = {0};
    reach->heap->arenas.hooks.add_figures(target->arena, &sums);
    return sums.used_bytes + sums.waste_bytes;
}

/* ---- Finding ---- */

/* It is to be looked at, if it was not found before. */
static void find(struct reach *reach, const struct target *target) {
    if (reach_has(reach, target))
        return;
    if (target->arena)
        reach->found_arenas[target->arena->index / 64] |= (uint64_t)1 << target->arena->index % 64;
    else
        *found_word(reach, &target->cell) |= target->cell.bit;
    char **place = pile_add(&reach->grey);
    if (place)
        *place = target_start(target);
}

/* Pairs have waited for this key. */
static void find_values(struct reach *reach, const struct target *key) {
    struct ephemeron_wait *next,
        *wait = ephemerons_take(&reach->keys, (uintptr_t)target_start(key));
    for (; wait; wait = next) {
        struct target value;
        next = (struct ephemeron_wait *)wait->node.next;
        if (find_target(reach, word_read(&wait->pair[1]), false, &value))
            find(reach, &value);
        ephemerons_free(&reach->keys, wait);
    }
}

/* A pair keeps its value while its key is found, or is no object. */
static void find_value(struct reach *reach, const gait_word *pair, const struct target *value) {
    struct target key;
    if (!find_target(reach, word_read(&pair[0]), false, &key) || reach_has(reach, &key))
        find(reach, value);
    else if (ephemerons_add(&reach->keys, (uintptr_t)target_start(&key), pair) < 0)
        reach->failed = true;
}

/* ---- Roots ---- */

static bool is_of_group(const struct reach *reach, const struct reach_group *group) {
    const struct gait_visitor *visitor = &reach->visitor;
    return group->roots == visitor->roots && reach->owner == visitor->owner &&
           (group->roots != ROOTS_RANGE || group->range == visitor->root_of);
}

/* The group of the root that is visited; roots of one come one after another. */
static bool enter_group(struct reach *reach) {
    const struct gait_visitor *visitor = &reach->visitor;
    const struct pile_chunk *chunk = reach->groups.last;
    if (chunk && is_of_group(reach, (const struct reach_group *)(chunk->bytes + chunk->used) - 1))
        return true;
    if (visitor->owner && reach->owner != visitor->owner)
        ++*(visitor->of_coroutine ? &reach->coroutines : &reach->mutators);
    reach->owner = visitor->owner;
    struct reach_group *group = pile_add(&reach->groups);
    if (!group)
        return false;
    *group = (struct reach_group){.roots = visitor->roots};
    if (visitor->roots == ROOTS_RANGE)
        group->range = visitor->root_of;
    if (visitor->owner) {
        group->of_coroutine = visitor->of_coroutine;
        group->owner = group->of_coroutine ? reach->coroutines : reach->mutators;
        if (!group->of_coroutine)
            group->thread =
                platform_clock_thread(((const gait_mutator *)visitor->owner)->cpu_clock);
    }
    return true;
}

/* What an object with a finalizer refers to is kept by the object, if that was found. The object of
 * one that is queued is handed in, and lies nowhere. */
static bool is_kept_otherwise(const struct reach *reach, gait_word word) {
    const struct gait_visitor *visitor = &reach->visitor;
    gait_word holder = (gait_word)visitor->root_of;
    struct target object;
    return visitor->roots == ROOTS_FINALIZER && (word != holder || visitor->at) &&
           find_target(reach, holder, true, &object) && reach_has(reach, &object);
}

static void visit_root(struct reach *reach, const struct target *target, gait_word word,
                       bool conservative) {
    if (is_kept_otherwise(reach, word) || !enter_group(reach))
        return;
    struct reach_root *root = pile_add(&reach->roots);
    if (!root)
        return;
    *root = (struct reach_root){.group = (uint32_t)reach->groups.count - 1,
                                .conservative = conservative,
                                .place = reach->visitor.at,
                                .target = *target};
    find(reach, target);
}

/* ---- Edges ---- */

static struct reach_edge edge_of(const struct reach *reach, const struct target *target,
                                 bool conservative, size_t place) {
    const volatile gait_word *at = reach->visitor.at;
    size_t offset = (uintptr_t)at - (uintptr_t)reach->object;
    struct reach_edge edge = {.type = conservative ? EDGE_INSIDE : EDGE_WORD, .target = *target};
    edge.place = offset / sizeof(gait_word);
    if (!at || offset >= reach->object_bytes) {
        edge.type = EDGE_VISITED;
        edge.place = place;
    }
    return edge;
}

static void give_edge(struct reach *reach, struct reach_edge *edge) {
    if (!reach_has(reach, &edge->target))
        return;
    edge->number = reach_number(reach, &edge->target);
    reach->edge(edge, reach->edge_data);
}

static void visit(struct gait_visitor *visitor, gait_word word, bool conservative) {
    struct reach *reach = (struct reach *)visitor;
    struct target target;
    size_t place = reach->visits++;
    if (!find_target(reach, word, conservative, &target))
        return;
    if (!reach->object) {
        visit_root(reach, &target, word, conservative);
    } else if (reach->edge) {
        struct reach_edge edge = edge_of(reach, &target, conservative, place);
        give_edge(reach, &edge);
    } else {
        find(reach, &target);
    }
}

static void visit_weak_word(struct reach *reach, enum reach_edge_type type, const gait_word *word) {
    struct reach_edge edge = {.type = type, .pair = type == EDGE_VALUE ? word - 1 : NULL};
    edge.place = (size_t)(word - (const gait_word *)reach->object);
    if (find_target(reach, word_read(word), false, &edge.target))
        give_edge(reach, &edge);
}

static void visit_weak_part(struct reach *reach, const struct cell *cell) {
    unsigned layout = ENTRY_LAYOUT(cell->entry);
    size_t words;
    const gait_word *part =
        weak_part(reach->space, cell->start, cell->entry, reach->object_bytes, &words);
    if (layout == GAIT_WEAK) {
        for (size_t i = 0; reach->edge && i < words; i++)
            visit_weak_word(reach, EDGE_WEAK, &part[i]);
        return;
    }
    for (; words >= 2; words -= 2, part += 2) {
        struct target value;
        if (reach->edge) {
            visit_weak_word(reach, EDGE_KEY, &part[0]);
            visit_weak_word(reach, EDGE_VALUE, &part[1]);
        } else if (find_target(reach, word_read(&part[1]), false, &value)) {
            find_value(reach, part, &value);
        }
    }
}

/* An arena's words. */
struct low_visit {
    struct reach *reach;
    bool conservative;
};

static void visit_low(void *data, char *low, char *low_end) {
    const struct low_visit *to = data;
    for (; low + sizeof(gait_word) <= low_end; low += sizeof(gait_word)) {
        struct reach *reach = to->reach;
        reach->visitor.at = NULL;
        visit(&reach->visitor, word_read((const gait_word *)low), to->conservative);
    }
}

static void visit_words(struct reach *reach, const struct target *target) {
    visitor_enter(&reach->visitor, ROOTS_NONE, NULL);
    visitor_own(&reach->visitor, NULL, false);
    reach->object = target_start(target);
    reach->visits = 0;
    if (target->arena) {
        struct low_visit to = {reach, AO_load(&target->arena->conservative) != 0};
        reach->object_bytes = 0;
        if (arena_state(target->arena) == ARENA_LIVE && (target->arena->flags & ARENA_TRACED))
            reach->heap->arenas.hooks.each_low(target->arena, visit_low, &to);
        return;
    }
    const struct cell *cell = &target->cell;
    unsigned layout = ENTRY_LAYOUT(cell->entry);
    if (layout == GAIT_LEAF)
        return;
    reach->object_bytes = entry_cell_bytes(reach->space, cell->entry, cell->head);
    marker_visit_object(&reach->heap->space, &reach->visitor, cell->start, cell->entry,
                        reach->object_bytes);
    if (layout == GAIT_WEAK || layout == GAIT_EPHEMERON)
        visit_weak_part(reach, cell);
}

/* ---- All of it ---- */

static void look_at_grey(struct reach *reach) {
    for (char **place; !reach->failed && (place = pile_take(&reach->grey));) {
        struct target target;
        if (!find_target(reach, (gait_word)*place, true, &target))
            continue; /* does not happen: it was found by such a word */
        if (AO_load(&reach->keys.pairs))
            find_values(reach, &target);
        visit_words(reach, &target);
    }
    reach->failed |= reach->grey.failed || reach->roots.failed || reach->groups.failed;
}

static void visit_arenas(struct reach *reach) {
    uint32_t arenas = (uint32_t)AO_load_acquire(&reach->heap->arenas.count);
    visitor_own(&reach->visitor, NULL, false);
    for (uint32_t i = 1; i <= arenas; i++) {
        struct target target = {.arena = arenas_at(&reach->heap->arenas, i)};
        if (arena_state(target.arena) != ARENA_LIVE || !(target.arena->flags & ARENA_PINNED))
            continue;
        visitor_enter(&reach->visitor, ROOTS_ARENA, target.arena);
        visit_root(reach, &target, (gait_word)target.arena->handle, false);
    }
}

static void visit_roots(struct reach *reach) {
    reach->object = NULL;
    mutators_visit_roots(&reach->heap->world, &reach->visitor);
    roots_visit(&reach->heap->roots, &reach->visitor);
    visit_arenas(reach);
}

/* How many were found below each page: all cells of a span count for its first. */
static void number_all(struct reach *reach) {
    size_t pages = pages_of(reach), words = BITS_WORDS / 2;
    for (size_t page = 0; page < pages; page++) {
        reach->before[page] = reach->objects;
        for (size_t i = 0; i < words; i++)
            reach->objects += ones(reach->found[page * words + i]);
    }
}

bool reach_find(struct reach *reach) {
    visit_roots(reach);
    look_at_grey(reach);
    reach->object = NULL;
    finalizers_visit(&reach->heap->finalizers, &reach->heap->space, &reach->visitor);
    look_at_grey(reach);
    number_all(reach);
    return !reach->failed;
}

/* A walk over cells. */
struct each {
    const struct reach *reach;
    void (*act)(const struct target *target, void *data);
    void *data;
};

static bool wants_all(void *data, const struct span *span, page_entry entry) {
    (void)data, (void)span, (void)entry;
    return true;
}

static void each_cell(void *data, char *start, page_entry entry, size_t bytes) {
    const struct each *each = data;
    struct target target = {.arena = NULL};
    (void)entry, (void)bytes;
    if (space_cell(each->reach->space, (uintptr_t)start, &target.cell) &&
        reach_has(each->reach, &target))
        each->act(&target, each->data);
}

void reach_each(const struct reach *reach, void (*act)(const struct target *target, void *data),
                void *data) {
    struct each each = {reach, act, data};
    walk_cells(reach->space, reach->epoch & 1,
               &(struct walk){.wants = wants_all, .cell = each_cell, .data = &each});
    uint32_t arenas = (uint32_t)AO_load_acquire(&reach->heap->arenas.count);
    for (uint32_t i = 1; i <= arenas; i++) {
        struct target target = {.arena = arenas_at(&reach->heap->arenas, i)};
        if (reach_has(reach, &target))
            act(&target, data);
    }
}

void reach_edges(struct reach *reach, const struct target *target,
                 void (*edge)(const struct reach_edge *edge, void *data), void *data) {
    reach->edge = edge;
    reach->edge_data = data;
    visit_words(reach, target);
    reach->edge = NULL;
}
