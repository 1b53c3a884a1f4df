/* SPDX-License-Identifier: MIT */
/*
 * Links. See links.h.
 */
#include "links.h"

#include <gait/gait.h>
#include <string.h>

#include "weak.h"

/* Pairs of buckets joined with each record that goes. */
#define TRIM_PAIRS 8

/* Beside an object's address, in its lowest bit. */
#define EARLY ((uintptr_t)1)

/* The key is the slot, with its lowest bit set for a long link. */
struct link_record {
    struct address_node node;
    uintptr_t target; /* | EARLY */
};

static uintptr_t key_of(const gait_word *slot, bool is_long) { return (uintptr_t)slot | is_long; }

static gait_word *slot_of(const struct link_record *record) {
    return (gait_word *)(record->node.key & ~(uintptr_t)1);
}

static bool is_long(const struct link_record *record) { return record->node.key & 1; }
static bool is_early(const struct link_record *record) { return record->target & EARLY; }
static uintptr_t target_of(const struct link_record *record) { return record->target & ~EARLY; }

int links_init(struct links *links, AO_t *metadata_bytes) {
    memset(links, 0, sizeof *links);
    pool_init(&links->pool, sizeof(struct link_record), metadata_bytes);
    /* mapped: links go while the world is stopped, in a heap without barriers */
    if (address_map_init(&links->map, metadata_bytes, true) < 0)
        return -1;
    lock_init(&links->lock.lock, LOCK_LINKS, "links");
    return 0;
}

void links_destroy(struct links *links) {
    address_map_destroy(&links->map);
    pool_destroy(&links->pool);
    lock_destroy(&links->lock.lock);
}

/* ---- One link: with the lock held ---- */

static struct link_record *find(struct links *links, uintptr_t key) {
    return (struct link_record *)address_map_find(&links->map, key);
}

static void add(struct links *links, struct link_record *record, uintptr_t key) {
    record->node.key = key;
    address_map_add(&links->map, &record->node);
}

static void drop(struct links *links, struct link_record *record) {
    address_map_remove(&links->map, &record->node);
    address_map_trim(&links->map, TRIM_PAIRS); /* nobody walks its buckets */
    counter_sub(&links->early, is_early(record));
    pool_give(&links->pool, record);
    counter_sub(&links->count, 1);
}

/* target: | EARLY. */
static int set(struct links *links, uintptr_t key, uintptr_t target) {
    int result = 0;
    pass_lock_want(&links->lock);
    struct link_record *record = find(links, key);
    if (!record && (record = pool_take(&links->pool))) {
        add(links, record, key);
        record->target = 0;
        counter_add(&links->count, 1);
    }
    if (record) {
        counter_sub(&links->early, is_early(record));
        record->target = target;
        counter_add(&links->early, is_early(record));
    } else {
        result = GAIT_E_MEMORY;
    }
    lock_release(&links->lock.lock);
    return result;
}

int links_set(struct links *links, const gait_word *slot, bool is_long, const void *target) {
    return set(links, key_of(slot, is_long), (uintptr_t)target);
}

int links_set_early(struct links *links, const gait_word *slot, const void *target) {
    return set(links, key_of(slot, false), (uintptr_t)target | EARLY);
}

int links_remove(struct links *links, const gait_word *slot, bool is_long) {
    pass_lock_want(&links->lock);
    struct link_record *record = find(links, key_of(slot, is_long));
    if (record)
        drop(links, record);
    lock_release(&links->lock.lock);
    return record ? 0 : GAIT_E_MISSING;
}

int links_move(struct links *links, const gait_word *from, const gait_word *to, bool is_long) {
    int result = 0;
    pass_lock_want(&links->lock);
    struct link_record *record = find(links, key_of(from, is_long));
    if (!record) {
        result = GAIT_E_MISSING;
    } else if (find(links, key_of(to, is_long))) {
        result = GAIT_E_INVALID;
    } else {
        address_map_remove(&links->map, &record->node);
        add(links, record, key_of(to, is_long));
    }
    lock_release(&links->lock.lock);
    return result;
}

void links_each(struct links *links,
                void (*act)(void *data, const gait_word *slot, uintptr_t target), void *data) {
    void *records[PASS_RECORDS];
    size_t count;
    lock_acquire(&links->lock.lock);
    pool_walk(&links->pool);
    while ((count = pool_step(&links->pool, records, PASS_RECORDS)) > 0)
        for (size_t i = 0; i < count; i++) {
            const struct link_record *record = records[i];
            act(data, slot_of(record), target_of(record));
        }
    lock_release(&links->lock.lock);
}

/* ---- What is dead ---- */

/* Does an address lie in a cell that is dead? */
static bool is_dead(const struct space *space, uintptr_t address) {
    struct cell cell;
    return space_holds(space, address) && space_cell(space, address, &cell) &&
           !cell_allocated(&cell, space_epoch(space));
}

/* While marking, has nobody found it? */
static bool is_white(const struct space *space, uintptr_t address) {
    struct cell cell;
    return space_holds(space, address) && space_cell(space, address, &cell) &&
           !cell_marked(&cell, space_epoch(space));
}

/* Its look at the target's bit is made with the lock held: while a short link is in the table
 * nothing has come back yet (.inv.short). */
uintptr_t links_target(struct links *links, const struct space *space, const gait_word *slot,
                       bool is_long, bool *undecided) {
    uintptr_t target = 0;
    *undecided = false;
    pass_lock_want(&links->lock);
    const struct link_record *record = find(links, key_of(slot, is_long));
    if (record && !is_dead(space, target_of(record)))
        target = target_of(record);
    else if (record)
        *undecided = is_long && AO_int_load_acquire(&links->cleared) != space_epoch(space);
    lock_release(&links->lock.lock);
    return target;
}

/* ---- Passes ---- */

/* Release: one that reads the slot, and then what lies behind it, finds it cleared. */
static void clear(struct links *links, const struct space *space, struct link_record *record) {
    gait_word *slot = slot_of(record);
    AO_store_release((volatile AO_t *)slot, weak_cleared(space, slot));
    drop(links, record);
}

static void clear_short(struct links *links, const struct space *space,
                        struct link_record *record) {
    if (!is_long(record) && is_dead(space, target_of(record)))
        clear(links, space,
              record); /* its holder may be dead too: not swept, and perhaps it comes back */
}

static void clear_early(struct links *links, const struct space *space,
                        struct link_record *record) {
    if (is_early(record) && is_white(space, target_of(record)))
        clear(links, space, record);
}

static void clear_long(struct links *links, const struct space *space, struct link_record *record) {
    if (is_dead(space, (uintptr_t)slot_of(record)))
        drop(links, record);
    else if (is_long(record) && is_dead(space, target_of(record)))
        clear(links, space, record);
}

static void pass(struct links *links, const struct space *space,
                 void (*act)(struct links *links, const struct space *space,
                             struct link_record *record)) {
    void *records[PASS_RECORDS];
    size_t count;
    if (AO_load(&links->count) == 0)
        return; /* one that comes now has a target that is alive */
    lock_acquire(&links->lock.lock);
    pool_walk(&links->pool);
    while ((count = pool_step(&links->pool, records, PASS_RECORDS)) > 0) {
        for (size_t i = 0; i < count; i++)
            act(links, space, records[i]);
        pass_lock_let_in(&links->lock);
    }
    lock_release(&links->lock.lock);
}

void links_clear_early(struct links *links, const struct space *space) {
    pass(links, space, clear_early);
}

void links_clear_short(struct links *links, const struct space *space) {
    pass(links, space, clear_short);
}

void links_clear_long(struct links *links, const struct space *space) {
    pass(links, space, clear_long);
    AO_int_store_release(&links->cleared, space_epoch(space)); /* pairs with links_target */
    platform_wake(&links->cleared, INT32_MAX);
}
