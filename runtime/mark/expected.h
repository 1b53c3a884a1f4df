/* SPDX-License-Identifier: MIT */
/*
 * Objects that should be dead, as their program says: a record for each, found by the object. What
 * keeps one that is not, collect/kept.c searches. See gait/expect.h.
 *
 *   .inv.expected: when a cycle opens sweeping, no record is of an object that is dead: so a record
 *   never leads to memory that has got another object. gait_free of one ends its record, and leaves
 *   the memory to the next cycle (space_note_record).
 *   .inv.due: a record is due in a full cycle that began after it was made.
 */
#ifndef GAIT_EXPECTED_H
#define GAIT_EXPECTED_H

#include <gait/expect.h>

#include "../heap/pool.h"
#include "../heap/space.h"
#include "../platform/lock.h"
#include "address_map.h"

struct expected_record {
    struct address_node node; /* key: the object */
    uint64_t cycle;           /* the last that had begun as it was made */
    char note[GAIT_NOTE_BYTES];
};

/* What hears of objects that are kept. */
struct expected_use {
    gait_kept_fn kept; /* NULL: the log */
    void *data;
    int64_t stop_most_ns; /* 0: no bound */
    size_t kept_bytes;    /* of the program's structure */
};

struct expected {
    struct lock lock;        /* rank LOG: what follows, but while the world is stopped */
    AO_t count;              /* records; read unordered: whether there is anything to do */
    uint64_t begun;          /* the last cycle that has begun */
    bool open;               /* the map is there: something was expected */
    struct address_map map;  /* mapped: records go while the world is stopped */
    struct pool pool;        /* of records */
    struct expected_use use; /* a copy of it is taken at once */
    AO_t *metadata_bytes;    /* constant: where all of it is counted */
};

void expected_init(struct expected *expected, AO_t *metadata_bytes);
void expected_destroy(struct expected *expected);

/** What hears of objects that are kept, from here on; what does now. Any thread. */
void expected_set_use(struct expected *expected, const struct expected_use *use);
struct expected_use expected_get_use(struct expected *expected);

/** Expect an object, or expect it anew. note: may be NULL. @return 0, GAIT_E_MEMORY. */
int expected_add(struct expected *expected, const void *object, const char *note);

/** Forget one. @return false: it was not expected. */
bool expected_remove(struct expected *expected, const void *object);

/** A cycle begins. The collector. */
void expected_begin(struct expected *expected, uint64_t cycle);

/** Forget dead ones. The collector, between flip and sweep; after finalizers_settle, which keeps
 * some. */
void expected_settle(struct expected *expected, const struct space *space);

/* ---- While the world is stopped, by the collector ---- */

/** How many are due in this cycle, and marked; the bits have turned over. */
size_t expected_due(struct expected *expected, const struct space *space, uint64_t cycle);

/** The record of an object, if it is due. NULL: none. */
struct expected_record *expected_find(struct expected *expected, const void *object,
                                      uint64_t cycle);

/** End a record: it is reported. */
void expected_drop(struct expected *expected, struct expected_record *record);

#endif
