/* SPDX-License-Identifier: MIT */
/*
 * Objects in arenas, and the edges of arenas and of these. See reach_parts.h.
 */
#include "reach_parts.h"

static bool get_bit(const uint64_t *words, size_t bit) { return words[bit / 64] >> bit % 64 & 1; }

static void set_bit(uint64_t *words, size_t bit) { words[bit / 64] |= (uint64_t)1 << bit % 64; }

size_t reach_inside_bit(const struct reach *reach, uintptr_t address) {
    return (address - (uintptr_t)reach->space->base) / 16;
}

char *reach_inside_start(const struct reach *reach, size_t bit) {
    return reach->space->base + bit * 16 + (get_bit(reach->halves, bit) ? 8 : 0);
}

static void find(void *data, const struct arena_object *object) {
    const struct reach *reach = data;
    size_t bit = reach_inside_bit(reach, (uintptr_t)object->start);
    set_bit(reach->found, bit);
    if ((uintptr_t)object->start % 16 != 0)
        set_bit(reach->halves, bit);
}

void reach_inside_find(struct reach *reach, struct arena *arena) {
    reach->heap->arenas.hooks.each_object(arena, find, reach);
}

static bool begins(const struct reach *reach, const char *address) {
    size_t bit = reach_inside_bit(reach, (uintptr_t)address);
    return get_bit(reach->found, bit) && reach_inside_start(reach, bit) == address;
}

/* The last object that begins at an address or before it, in the same chunk. NULL: none. */
static char *begins_before(const struct reach *reach, uintptr_t address) {
    size_t page = space_page(reach->space, address);
    size_t first = (page - ENTRY_BACK(space_entry(reach->space, page))) * REACH_PAGE_WORDS;
    size_t bit = reach_inside_bit(reach, address), word = bit / 64;
    if (get_bit(reach->found, bit) && (uintptr_t)reach_inside_start(reach, bit) <= address)
        return reach_inside_start(reach, bit);
    uint64_t set = reach->found[word] & (((uint64_t)1 << bit % 64) - 1);
    while (!set && word > first)
        set = reach->found[--word];
    return set ? reach_inside_start(reach, word * 64 + 63 - (size_t)__builtin_clzll(set)) : NULL;
}

bool reach_inside(const struct reach *reach, const struct target *target,
                  struct arena_object *object) {
    char *start = NULL;
    if (target->arena && (target->arena->flags & ARENA_DESCRIBED))
        start = begins_before(reach, target->place);
    if (!start)
        return false;
    *object = reach->heap->arenas.hooks.object_at(target->arena, start);
    return target->place - (uintptr_t)start < object->bytes;
}

/* ---- Edges ---- */

static size_t word_bytes(size_t bytes) {
    return (bytes + sizeof(gait_word) - 1) & ~(sizeof(gait_word) - 1);
}

static void give_part(struct reach *reach, struct arena *arena, const char *place) {
    struct reach_edge edge = {.type = EDGE_PART,
                              .target = {.arena = arena, .place = (uintptr_t)place}};
    reach_give(reach, &edge);
}

static void give_inside(void *data, const struct arena_object *object) {
    struct reach *reach = data;
    give_part(reach, arenas_of(reach->space, (uintptr_t)object->start), object->start);
}

/* Words of a piece that lie in no object: nothing that an arena says of itself, but they count. */
static void give_rest(void *data, char *low, char *low_end) {
    struct reach *reach = data;
    struct arena *arena = arenas_of(reach->space, (uintptr_t)low);
    while (low < low_end) {
        if (begins(reach, low)) {
            low += word_bytes(reach->heap->arenas.hooks.object_at(arena, low).bytes);
            continue;
        }
        arena_visit_piece(arena, &reach->visitor, low, low + sizeof(gait_word));
        low += sizeof(gait_word);
    }
}

static void give_arena(struct reach *reach, struct arena *arena) {
    reach->heap->arenas.hooks.each_object(arena, give_inside, reach);
    if (arena_is_scanned(arena))
        reach->heap->arenas.hooks.each_low(arena, give_rest, reach);
}

/* All words of a traced arena count to marking, whatever kind they belong to; of another one those
 * that the kind names, within the arena. */
static void give_object(struct reach *reach, struct arena *arena,
                        const struct arena_object *object) {
    const struct kind *kind = &reach->heap->kinds.kinds[object->kind];
    give_part(reach, arena, arena->handle);
    if (kind->layout == GAIT_LEAF)
        return;
    reach->object = object->start;
    reach->object_bytes = word_bytes(object->bytes);
    if (arena_is_scanned(arena)) {
        arena_visit_piece(arena, &reach->visitor, object->start,
                          object->start + reach->object_bytes);
        return;
    }
    reach->only = arena;
    page_entry entry = (page_entry)object->kind << 8 | (page_entry)kind->layout << 16;
    marker_visit_object(&reach->heap->space, &reach->visitor, object->start, entry, object->bytes);
    reach->only = NULL;
}

void reach_inside_edges(struct reach *reach, const struct target *target) {
    struct arena_object object;
    if (reach_inside(reach, target, &object))
        give_object(reach, target->arena, &object);
    else
        give_arena(reach, target->arena);
}
