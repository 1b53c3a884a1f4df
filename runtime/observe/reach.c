/* SPDX-License-Identifier: MIT */
/*
 * A walk over all that is reachable. See reach.h.
 */
#include "reach.h"

#include "../mark/coroutines.h"
#include "../mark/weak.h"
#include "reach_parts.h"

/* ---- Memory ---- */

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
    reach->visitor.counts = true; /* an edge says how many a scan function has visited before */
    ephemerons_init(&reach->keys, &heap->space.metadata_bytes);
    size_t pages = AO_load_acquire(&heap->space.extent_bytes) >> PAGE_SHIFT;
    size_t words_bytes = pages * REACH_PAGE_WORDS * sizeof *reach->found;
    size_t arenas_bytes = AO_load_acquire(&heap->arenas.count) / 8 + sizeof *reach->found_arenas;
    reach->pages = pages;
    reach->found = platform_map_some(words_bytes, &reach->found_bytes);
    reach->halves = platform_map_some(words_bytes, &reach->halves_bytes);
    reach->found_arenas = platform_map_some(arenas_bytes, &reach->found_arenas_bytes);
    reach->before = platform_map_some((pages + 1) * sizeof *reach->before, &reach->before_bytes);
    return reach->found && reach->halves && reach->found_arenas && reach->before &&
           reach_links_list(reach);
}

void reach_end(struct reach *reach) {
    if (reach->found)
        platform_unreserve(reach->found, reach->found_bytes);
    if (reach->halves)
        platform_unreserve(reach->halves, reach->halves_bytes);
    if (reach->found_arenas)
        platform_unreserve(reach->found_arenas, reach->found_arenas_bytes);
    if (reach->before)
        platform_unreserve(reach->before, reach->before_bytes);
    pile_free(&reach->grey);
    pile_free(&reach->groups);
    pile_free(&reach->roots);
    ephemerons_destroy(&reach->keys);
    address_list_free(&reach->links);
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

static size_t ones(uint64_t word) { return (size_t)__builtin_popcountll(word); }

/* The number of what was found and has this bit. */
static size_t number_at(const struct reach *reach, size_t page, const uint64_t *last,
                        uint64_t bit) {
    size_t number = reach->before[page] + 1;
    for (const uint64_t *word = &reach->found[page * REACH_PAGE_WORDS]; word < last; word++)
        number += ones(*word);
    return number + ones(*last & (bit - 1));
}

static size_t arena_number(const struct reach *reach, const struct arena *arena) {
    size_t number = reach->objects + 1, index = arena->index;
    for (size_t i = 0; i < index / 64; i++)
        number += ones(reach->found_arenas[i]);
    return number + ones(reach->found_arenas[index / 64] & (((uint64_t)1 << index % 64) - 1));
}

size_t reach_number(const struct reach *reach, const struct target *target) {
    struct arena_object object;
    const struct cell *cell = &target->cell;
    if (!target->arena)
        return number_at(reach, cell->head, found_word(reach, cell), cell->bit);
    if (!reach_inside(reach, target, &object))
        return arena_number(reach, target->arena);
    size_t bit = reach_inside_bit(reach, (uintptr_t)object.start);
    return number_at(reach, bit / 64 / REACH_PAGE_WORDS, &reach->found[bit / 64],
                     (uint64_t)1 << bit % 64);
}

static void add_taken(void *data, const struct arena_object *object) {
    *(size_t *)data += object->taken_bytes;
}

size_t reach_bytes(const struct reach *reach, const struct target *target) {
    struct arena_sums sums = {0};
    struct arena_object object;
    size_t inside = 0;
    if (!target->arena)
        return entry_cell_bytes(reach->space, target->cell.entry, target->cell.head);
    if (reach_inside(reach, target, &object))
        return object.taken_bytes;
    const struct arena_hooks *hooks = &reach->heap->arenas.hooks;
    hooks->add_figures(target->arena, &sums);
    hooks->each_object(target->arena, add_taken, &inside);
    size_t all = sums.used_bytes + sums.waste_bytes;
    return all > inside ? all - inside : 0; /* other threads' figures may be late */
}

/* ---- Finding ---- */

static void find_arena(struct reach *reach, struct arena *arena) {
    reach->found_arenas[arena->index / 64] |= (uint64_t)1 << arena->index % 64;
    reach_inside_find(reach, arena);
}

/* It is to be looked at, if it was not found before. */
static void find(struct reach *reach, const struct target *target) {
    if (reach_has(reach, target))
        return;
    if (target->arena)
        find_arena(reach, target->arena);
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
        if (reach_target(reach, word_read(&wait->pair[1]), false, &value))
            find(reach, &value);
        ephemerons_free(&reach->keys, wait);
    }
}

/* A pair keeps its value while its key is found, or is no object. */
static void find_value(struct reach *reach, const gait_word *pair, const struct target *value) {
    struct target key;
    if (!reach_target(reach, word_read(&pair[0]), false, &key) || reach_has(reach, &key))
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
           reach_target(reach, holder, true, &object) && reach_has(reach, &object);
}

void reach_note_root(struct reach *reach, const struct target *target, enum reach_root_type type) {
    struct reach_root *root = enter_group(reach) ? pile_add(&reach->roots) : NULL;
    if (root)
        *root = (struct reach_root){.group = (uint32_t)reach->groups.count - 1,
                                    .type = type,
                                    .place = reach->visitor.at,
                                    .target = *target};
}

static void visit_root(struct reach *reach, const struct target *target, gait_word word,
                       bool conservative) {
    if (is_kept_otherwise(reach, word))
        return;
    reach_note_root(reach, target, conservative ? ROOT_GUESS : ROOT_EXACT);
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

void reach_give(struct reach *reach, struct reach_edge *edge) {
    if (!reach_has(reach, &edge->target) || (reach->only && edge->target.arena != reach->only))
        return;
    edge->number = reach_number(reach, &edge->target);
    reach->edge(edge, reach->edge_data);
}

static void visit(struct gait_visitor *visitor, gait_word word, bool conservative) {
    struct reach *reach = (struct reach *)visitor;
    struct target target;
    size_t place = reach->visits++;
    if (!reach_target(reach, word, conservative, &target))
        return;
    if (!reach->object) {
        visit_root(reach, &target, word, conservative);
    } else if (reach->edge) {
        struct reach_edge edge = edge_of(reach, &target, conservative, place);
        reach_give(reach, &edge);
    } else {
        find(reach, &target);
    }
}

static void visit_weak_word(struct reach *reach, enum reach_edge_type type, const gait_word *word) {
    struct reach_edge edge = {.type = type, .pair = type == EDGE_VALUE ? word - 1 : NULL};
    edge.place = (size_t)(word - (const gait_word *)reach->object);
    if (reach_target(reach, word_read(word), false, &edge.target))
        reach_give(reach, &edge);
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
        } else if (reach_target(reach, word_read(&part[1]), false, &value)) {
            find_value(reach, part, &value);
        }
    }
}

/* ---- Words ---- */

static void visit_arena(struct reach *reach, const struct target *target) {
    reach->object_bytes = 0;
    if (reach->edge)
        reach_inside_edges(reach, target);
    else
        arena_visit(&reach->heap->arenas, target->arena, &reach->visitor);
}

static void visit_words(struct reach *reach, const struct target *target) {
    visitor_enter(&reach->visitor, ROOTS_NONE, NULL);
    visitor_own(&reach->visitor, NULL, false);
    reach->object = target_start(target);
    reach->visits = 0;
    if (target->arena) {
        visit_arena(reach, target);
        return;
    }
    const struct cell *cell = &target->cell;
    unsigned layout = ENTRY_LAYOUT(cell->entry);
    reach->object_bytes = entry_cell_bytes(reach->space, cell->entry, cell->head);
    if (layout != GAIT_LEAF)
        marker_visit_object(&reach->heap->space, &reach->visitor, cell->start, cell->entry,
                            reach->object_bytes);
    if (layout == GAIT_WEAK || layout == GAIT_EPHEMERON)
        visit_weak_part(reach, cell);
    if (reach->edge)
        reach_links_give(reach);
}

/* ---- All of it ---- */

static void look_at_grey(struct reach *reach) {
    for (char **place; !reach->failed && (place = pile_take(&reach->grey));) {
        struct target target;
        if (!reach_target(reach, (gait_word)*place, true, &target))
            continue; /* does not happen: it was found by such a word */
        if (AO_load(&reach->keys.pairs))
            find_values(reach, &target);
        visit_words(reach, &target);
    }
    reach->failed |= reach->grey.failed || reach->roots.failed || reach->groups.failed;
}

static void visit_roots(struct reach *reach) {
    reach->object = NULL;
    mutators_visit_roots(&reach->heap->world, &reach->visitor);
    roots_visit(&reach->heap->roots, &reach->visitor);
    arenas_visit_roots(&reach->heap->arenas, &reach->visitor);
}

/* How many were found below each page: all cells of a span count for its first. */
static void number_all(struct reach *reach) {
    for (size_t page = 0; page < reach->pages; page++) {
        reach->before[page] = reach->objects;
        for (size_t i = 0; i < REACH_PAGE_WORDS; i++)
            reach->objects += ones(reach->found[page * REACH_PAGE_WORDS + i]);
    }
    reach->before[reach->pages] = reach->objects;
}

bool reach_find(struct reach *reach) {
    visit_roots(reach);
    look_at_grey(reach);
    reach->object = NULL;
    finalizers_visit(&reach->heap->finalizers, &reach->heap->space, &reach->visitor);
    look_at_grey(reach);
    reach_links_note(reach);
    number_all(reach);
    reach->failed |= reach->roots.failed || reach->groups.failed;
    return !reach->failed;
}

/* What was found in a page has this bit. */
static struct target target_at(const struct reach *reach, size_t page, size_t bit) {
    struct target target = {.arena = NULL};
    char *start;
    if (ENTRY_CLASS(space_entry(reach->space, page)) != CLASS_ARENA) {
        start = space_page_start(reach->space, page) +
                bit * span_cell_bytes(&reach->space->spans[page]);
        space_cell(reach->space, (uintptr_t)start, &target.cell);
        return target;
    }
    start = reach_inside_start(reach, page * REACH_PAGE_WORDS * 64 + bit);
    target.arena = arenas_of(reach->space, (uintptr_t)start);
    target.place = (uintptr_t)start;
    return target;
}

void reach_each(const struct reach *reach, void (*act)(const struct target *target, void *data),
                void *data) {
    for (size_t page = 0; page < reach->pages; page++) {
        if (reach->before[page] == reach->before[page + 1])
            continue;
        for (size_t i = 0; i < REACH_PAGE_WORDS; i++)
            for (uint64_t set = reach->found[page * REACH_PAGE_WORDS + i]; set; set &= set - 1) {
                struct target target =
                    target_at(reach, page, i * 64 + (size_t)__builtin_ctzll(set));
                act(&target, data);
            }
    }
    uint32_t arenas = (uint32_t)AO_load_acquire(&reach->heap->arenas.count);
    for (uint32_t i = 1; i <= arenas; i++) {
        struct target target = {.arena = arenas_at(&reach->heap->arenas, i)};
        target.place = (uintptr_t)target.arena->handle;
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
