/* SPDX-License-Identifier: MIT */
/*
 * Records of objects that should be dead. See expected.h.
 */
#include "expected.h"

#include <gait/gait.h>
#include <string.h>

#include "../platform/perturb.h"

/* Records looked at per hold of the lock: some 50 us at most. */
#define PIECE 256
/* Pairs of buckets joined with each record that goes. */
#define TRIM_PAIRS 8

void expected_init(struct expected *expected, AO_t *metadata_bytes) {
    memset(expected, 0, sizeof *expected);
    expected->metadata_bytes = metadata_bytes;
    pool_init(&expected->pool, sizeof(struct expected_record), metadata_bytes);
    lock_init(&expected->lock, LOCK_LOG, "expected dead");
}

void expected_destroy(struct expected *expected) {
    if (expected->open)
        address_map_destroy(&expected->map);
    pool_destroy(&expected->pool);
    lock_destroy(&expected->lock);
}

void expected_set_use(struct expected *expected, const struct expected_use *use) {
    lock_acquire(&expected->lock);
    expected->use = *use;
    lock_release(&expected->lock);
}

struct expected_use expected_get_use(struct expected *expected) {
    lock_acquire(&expected->lock);
    struct expected_use use = expected->use;
    lock_release(&expected->lock);
    return use;
}

/* With the lock held, or the world stopped, as all up to expected_add. */
static bool open(struct expected *expected) {
    if (!expected->open)
        expected->open = address_map_init(&expected->map, expected->metadata_bytes, true) == 0;
    return expected->open;
}

static struct expected_record *find(struct expected *expected, const void *object) {
    if (!expected->open)
        return NULL;
    return (struct expected_record *)address_map_find(&expected->map, (uintptr_t)object);
}

void expected_drop(struct expected *expected, struct expected_record *record) {
    address_map_remove(&expected->map, &record->node);
    address_map_trim(&expected->map, TRIM_PAIRS); /* nobody walks its buckets */
    pool_give(&expected->pool, record);
    counter_sub(&expected->count, 1);
}

static struct expected_record *find_or_make(struct expected *expected, const void *object) {
    struct expected_record *record = find(expected, object);
    if (record || !open(expected) || !(record = pool_take(&expected->pool)))
        return record;
    record->node.key = (uintptr_t)object;
    address_map_add(&expected->map, &record->node);
    counter_add(&expected->count, 1);
    return record;
}

int expected_add(struct expected *expected, const void *object, const char *note) {
    lock_acquire(&expected->lock);
    struct expected_record *record = find_or_make(expected, object);
    if (record) {
        size_t length = note ? strlen(note) : 0;
        if (length > sizeof record->note - 1)
            length = sizeof record->note - 1;
        record->cycle = expected->begun;
        if (length > 0)
            memcpy(record->note, note, length);
        record->note[length] = '\0';
    }
    lock_release(&expected->lock);
    return record ? 0 : GAIT_E_MEMORY;
}

bool expected_remove(struct expected *expected, const void *object) {
    if (AO_load(&expected->count) == 0)
        return false;
    lock_acquire(&expected->lock);
    struct expected_record *record = find(expected, object);
    if (record)
        expected_drop(expected, record);
    lock_release(&expected->lock);
    return record != NULL;
}

void expected_begin(struct expected *expected, uint64_t cycle) {
    lock_acquire(&expected->lock);
    expected->begun = cycle;
    lock_release(&expected->lock);
}

/* ---- Passes ---- */

static bool is_live(const struct space *space, const struct expected_record *record) {
    struct cell cell;
    return space_holds(space, record->node.key) && space_cell(space, record->node.key, &cell) &&
           cell_allocated(&cell, space_epoch(space));
}

/* Whoever expects something meanwhile has it: it is not dead. */
void expected_settle(struct expected *expected, const struct space *space) {
    void *some[PIECE];
    size_t count;
    if (AO_load(&expected->count) == 0)
        return;
    lock_acquire(&expected->lock);
    pool_walk(&expected->pool);
    while ((count = pool_step(&expected->pool, some, PIECE)) > 0) {
        for (size_t i = 0; i < count; i++)
            if (!is_live(space, some[i]))
                expected_drop(expected, some[i]);
        lock_release(&expected->lock);
        PERTURB(EXPECTED_SETTLE);
        lock_acquire(&expected->lock);
    }
    lock_release(&expected->lock);
}

size_t expected_due(struct expected *expected, const struct space *space, uint64_t cycle) {
    void *some[PIECE];
    size_t count, due = 0;
    if (AO_load(&expected->count) == 0)
        return 0;
    pool_walk(&expected->pool);
    while ((count = pool_step(&expected->pool, some, PIECE)) > 0)
        for (size_t i = 0; i < count; i++) {
            const struct expected_record *record = some[i];
            due += record->cycle < cycle && is_live(space, record);
        }
    return due;
}

struct expected_record *expected_find(struct expected *expected, const void *object,
                                      uint64_t cycle) {
    struct expected_record *record = find(expected, object);
    return record && record->cycle < cycle ? record : NULL;
}
