/* SPDX-License-Identifier: MIT */
/*
 * Static slots. See roots.h; handles.c and coroutines.c have the other roots of no mutator.
 *
 * Static slots are kept in parts of at most PART_WORDS, each a node of the map under the address of
 * its first slot, so that roots_push holds the lock for a few parts at a time.
 */
#include "roots.h"

#include <assert.h>
#include <string.h>

#include "../platform/perturb.h"
#include "coroutines.h"
#include "ranges.h"
#include "suspended.h"

/* Some 2 us of pushing. Guess. */
#define PART_WORDS 1024
/* Pairs of buckets joined before each cycle per hold of the lock, where many ranges went. */
#define TRIM_PAIRS 1024

struct root_part {
    struct address_node node; /* key: the first slot */
    size_t count;
    struct root_part *more; /* the next part of the same roots_add */
    bool first;             /* the first part of a roots_add: what roots_remove looks for */
    bool fresh;             /* no cycle has looked at it: cards don't tell what it holds */
};

int roots_init(struct roots *roots, AO_t *metadata_bytes) {
    memset(roots, 0, sizeof *roots);
    roots->metadata_bytes = metadata_bytes;
    if (address_map_init(&roots->ranges, metadata_bytes, false) < 0)
        return -1;
    pool_init(&roots->parts, sizeof(struct root_part), metadata_bytes);
    pool_init(&roots->handles, sizeof(struct gait_handle), metadata_bytes);
    lock_init(&roots->lock, LOCK_ROOTS, "roots");
    return 0;
}

void roots_destroy(struct roots *roots) {
    address_map_destroy(&roots->ranges);
    pool_destroy(&roots->parts);
    pool_destroy(&roots->handles);
    suspended_forget(roots);
    coroutines_destroy(roots);
    ranges_destroy(roots);
    lock_destroy(&roots->lock);
}

/* ---- Static slots ---- */

/* With the lock held, as are the functions below. */
static void parts_free(struct roots *roots, struct root_part *part) {
    for (struct root_part *more; part; part = more) {
        more = part->more;
        pool_give(&roots->parts, part);
    }
}

/* The parts of a range, not yet in the map. NULL: no memory. */
static struct root_part *parts_new(struct roots *roots, gait_word *slots, size_t count) {
    struct root_part *first = NULL, **to = &first;
    do {
        struct root_part *part = pool_take(&roots->parts);
        if (!part) {
            parts_free(roots, first);
            return NULL;
        }
        part->node.key = (uintptr_t)slots;
        part->count = count < PART_WORDS ? count : PART_WORDS;
        part->more = NULL;
        part->first = part == first || !first;
        part->fresh = true;
        *to = part;
        to = &part->more;
        slots += part->count;
        count -= part->count;
    } while (count > 0);
    return first;
}

struct search {
    uintptr_t low, high;
    bool found;
};

static void look_at(void *data, struct address_node *node) {
    struct search *search = data;
    const struct root_part *part = (const struct root_part *)node;
    search->found |=
        node->key < search->high && node->key + part->count * sizeof(gait_word) > search->low;
}

bool roots_lie_in(struct roots *roots, const void *start, size_t bytes) {
    struct search search = {.low = (uintptr_t)start, .high = (uintptr_t)start + bytes};
    lock_acquire(&roots->lock);
    search.found = ranges_lie_in(roots, search.low, search.high);
    size_t bucket = 0;
    while (!search.found && address_map_step(&roots->ranges, &bucket, look_at, &search))
        ;
    lock_release(&roots->lock);
    return search.found;
}

int roots_add(struct roots *roots, gait_word *slots, size_t count) {
    if (!slots || (uintptr_t)slots % sizeof(gait_word) != 0 ||
        count > (UINTPTR_MAX - (uintptr_t)slots) / sizeof(gait_word))
        return GAIT_E_INVALID;
    lock_acquire(&roots->lock);
    struct root_part *parts = parts_new(roots, slots, count);
    for (struct root_part *part = parts; part; part = part->more)
        address_map_add(&roots->ranges, &part->node);
    lock_release(&roots->lock);
    if (!parts)
        return GAIT_E_MEMORY;
    counter_add(&roots->bytes, count * sizeof(gait_word));
    return 0;
}

/* With the lock held: the parts of the last roots_add of this first slot, or NULL. */
static struct root_part *parts_find(struct roots *roots, const gait_word *slots) {
    struct address_node *node = address_map_find(&roots->ranges, (uintptr_t)slots);
    for (; node; node = node->next)
        if (node->key == (uintptr_t)slots && ((struct root_part *)node)->first)
            break;
    return (struct root_part *)node;
}

static size_t parts_count(const struct root_part *part) {
    size_t count = 0;
    for (; part; part = part->more)
        count += part->count;
    return count;
}

int roots_remove(struct roots *roots, gait_word *slots) {
    lock_acquire(&roots->lock);
    struct root_part *parts = parts_find(roots, slots);
    size_t count = parts_count(parts);
    for (struct root_part *part = parts; part; part = part->more)
        address_map_remove(&roots->ranges, &part->node);
    parts_free(roots, parts);
    lock_release(&roots->lock);
    if (!parts)
        return GAIT_E_MISSING;
    counter_sub(&roots->bytes, count * sizeof(gait_word));
    return 0;
}

size_t roots_count(struct roots *roots, gait_word *slots) {
    lock_acquire(&roots->lock);
    size_t count = parts_count(parts_find(roots, slots));
    lock_release(&roots->lock);
    return count;
}

size_t roots_bytes(const struct roots *roots) { return AO_load(&roots->bytes); }

/* The mutators' barriers cover what is stored meanwhile. */
static void visit_part(void *visitor, struct address_node *node) {
    visitor_enter(visitor, ROOTS_STATIC, (gait_word *)node->key);
    visitor_visit(visitor, (gait_word *)node->key, ((struct root_part *)node)->count, false);
}

/* In a cycle. */
static void push_part(void *data, struct address_node *node) {
    struct gait_visitor *visitor = data;
    struct root_part *part = (struct root_part *)node;
    struct space *changed = visitor->changed;
    if (part->fresh)
        visitor->changed = NULL;
    part->fresh = false;
    visit_part(visitor, node);
    visitor->changed = changed;
}

/* All static slots, the lock held for a bucket at a time. */
static void visit_slots(struct roots *roots, struct gait_visitor *visitor,
                        void (*visit)(void *visitor, struct address_node *node)) {
    bool more = true;
    for (size_t bucket = 0; more;) {
        lock_acquire(&roots->lock);
        more = address_map_step(&roots->ranges, &bucket, visit, visitor);
        lock_release(&roots->lock);
    }
}

/* Of buckets that are too many, before they are walked. */
static void slots_trim(struct roots *roots) {
    bool more = true;
    while (more) {
        lock_acquire(&roots->lock);
        size_t before = roots->ranges.buckets;
        address_map_trim(&roots->ranges, TRIM_PAIRS);
        more = roots->ranges.buckets < before;
        lock_release(&roots->lock);
    }
}

void roots_push(struct roots *roots, struct marker *marker, bool changed) {
    slots_trim(roots);
    marker->visitor.changed = changed ? marker->space : NULL;
    visit_slots(roots, &marker->visitor, push_part);
    roots_visit_handles(roots, &marker->visitor);
    marker->visitor.changed = NULL;
    ranges_push(roots, marker, changed);
}

void roots_visit_words(struct roots *roots, struct gait_visitor *visitor) {
    visit_slots(roots, visitor, visit_part);
    roots_visit_handles(roots, visitor);
    ranges_visit(roots, visitor);
}

void roots_visit(struct roots *roots, struct gait_visitor *visitor) {
    roots_visit_words(roots, visitor);
    coroutines_visit(roots, visitor);
}
