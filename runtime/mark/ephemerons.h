/* SPDX-License-Identifier: MIT */
/*
 * The keys that ephemerons wait for: a hash table from an unmarked key to the pairs that have it,
 * so that each pair is looked at a bounded number of times, however long the chains of pairs whose
 * values are other pairs' keys (Hayes 1997; Barros and Ierusalimschy 2008). Marking fills it when
 * it has run out of other work; from then on each marker asks it about every object that it marks.
 *
 *   .inv.key: a pair is added before its key is looked at for the last time, and an object is
 *   marked before it is looked up here. So one side sees the other; where the machine lets the
 *   second order slip, and where a marker that may take no lock looks nothing up,
 *   ephemerons_retake finds the pair.
 *   .inv.missed: while `missed` is 0 and no marker is active, no pair that waits has a marked key.
 *
 * The table is split by key into stripes, each with a lock of rank MARK.
 */
#ifndef GAIT_EPHEMERONS_H
#define GAIT_EPHEMERONS_H

#include <gait/gait.h>
#include <stdbool.h>

#include "../heap/pool.h"
#include "../platform/atomic.h"
#include "../platform/lock.h"
#include "address_map.h"

#define EPHEMERON_STRIPES 16

/* A pair that waits for its key. */
struct ephemeron_wait {
    struct address_node node; /* key: the key's address */
    const gait_word *pair;
};

struct ephemerons {
    char apart[64]; /* pairs is read for each marked object: not beside what changes often */
    AO_t pairs;     /* in the table; read unordered by markers: see .inv.key */
    AO_t missed;    /* not 0: an object may have been marked that nobody has looked up since */
    char apart_too[64];
    bool begun; /* pairs were added where there were none, since the last retake; the adder's */
    struct {
        struct lock lock;       /* rank MARK: the map and the pool */
        struct address_map map; /* without buckets while it was never used */
        struct pool pool;       /* of pairs that wait */
    } stripes[EPHEMERON_STRIPES];
    AO_t *metadata_bytes; /* constant: where all of it is counted */
};

void ephemerons_init(struct ephemerons *ephemerons, AO_t *metadata_bytes);
void ephemerons_destroy(struct ephemerons *ephemerons);

/** Something was marked, and is not looked up, since locks are not for its marker. */
static inline void ephemerons_miss(struct ephemerons *ephemerons) {
    AO_store_release(&ephemerons->missed, 1); /* after the mark; pairs with ephemerons_retake */
}

/** Add a pair under its key's address. One thread at a time adds and retakes. @return negative: no
 * memory. */
int ephemerons_add(struct ephemerons *ephemerons, uintptr_t key, const gait_word *pair);

/** Take out all pairs of a key: a list whose nodes the caller gives to ephemerons_free. */
struct ephemeron_wait *ephemerons_take(struct ephemerons *ephemerons, uintptr_t key);

/** Free a pair that was taken out. */
void ephemerons_free(struct ephemerons *ephemerons, struct ephemeron_wait *wait);

/** Take out all pairs for whose keys is_marked says yes. Time grows with the table. What is marked
 * beside it is looked up, or is missed. */
struct ephemeron_wait *ephemerons_retake(struct ephemerons *ephemerons,
                                         bool (*is_marked)(void *data, uintptr_t key), void *data);

/** Forget all pairs, and give their memory back. Nobody uses the table or a pair of it. */
void ephemerons_clear(struct ephemerons *ephemerons);

#endif
