/* SPDX-License-Identifier: MIT */
/*
 * Ranges of memory that are roots, of any length, and the data segments of the process.
 *
 * A range is marked in pieces, which are work like objects are: the collector pushes them all, and
 * whichever marker meets one scans it.
 *
 *   .inv.piece: a piece in the queue is memory of the library, and stays so to the end of the
 *   cycle, though its range be removed; a marker that scans one is counted in the range's users and
 *   then looks whether it is removed. So when ranges_retire returns, nobody reads the range any
 * more.
 *
 * Data segments of the program itself stay for good, and are ranges. Those of libraries may be
 * unloaded at any time; they are visited in one go under the loader's lock, by the collector.
 */
#ifndef GAIT_RANGES_H
#define GAIT_RANGES_H

#include "roots.h"

/* As many as a large object's slice has: some 10 us. */
#define RANGE_PIECE_WORDS 2048

struct root_piece {
    struct root_range *range;
    size_t first; /* its first word in the range */
};

struct root_range {
    struct root_range *next; /* the list that it is on; lock ROOTS */
    const gait_word *words;  /* constant, as are the next two */
    size_t count;
    bool conservative;
    bool segment;               /* constant: a data segment, looked at in each cycle */
    bool fresh;                 /* no cycle has looked at it; the collector's, once it is listed */
    unsigned removed;           /* atomic: set once */
    AO_t users;                 /* threads that may read its words */
    struct root_piece pieces[]; /* constant */
};

/** Add a range. The caller shades what it holds. @return 0, GAIT_E_INVALID, GAIT_E_MEMORY. */
int ranges_add(struct roots *roots, void *low, size_t bytes, bool conservative);

/** Take out the last range that was added with this address. The caller has shaded what it holds,
 * see ranges_find, with no safepoint since. @return NULL: it was never added. */
struct root_range *ranges_take(struct roots *roots, const void *low);

/** Wait until nobody reads one that was taken out, and free it: now, or, if pieces of it may be
 * queued, since a cycle is marking, in the next cycle. Not by a running mutator, if ranges_is_used:
 * a marker may be preempted in the middle of a piece. */
void ranges_retire(struct roots *roots, struct root_range *range, bool queued);

static inline bool ranges_is_used(const struct root_range *range) {
    return AO_load_acquire(&range->users) > 0; /* pairs with ranges_scan_piece */
}

/** The words of the last ranges_add of this address. @return false: it was never added. */
bool ranges_find(struct roots *roots, const void *low, const gait_word **words, size_t *count);

/** With the lock ROOTS held: does a word of a range lie in [low, high)? */
bool ranges_lie_in(const struct roots *roots, uintptr_t low, uintptr_t high);

/** Have the data segments of the process visited from now on. @return 0, GAIT_E_MEMORY, GAIT_E_FULL
 * (the program has too many). */
int ranges_add_segments(struct roots *roots);

/** Push all pieces; changed: those that may have changed since the last cycle. The collector, once
 * a cycle: no piece is in the queue. */
void ranges_push(struct roots *roots, struct marker *marker, bool changed);

/** Push what libraries' data segments hold. The collector, once a cycle and first of all shared
 * roots: a library may be unloaded at any time, and nobody shades what it held. */
void ranges_push_libraries(struct roots *roots, struct marker *marker);

/** Visit all with any visitor. Nothing runs beside: the world is stopped. */
void ranges_visit(struct roots *roots, struct gait_visitor *visitor);

/** Bytes that are scanned piece by piece: part of roots_bytes. */
size_t ranges_piece_bytes(const struct roots *roots);

/** Of these, bytes of the pieces that may have changed since the last cycle. The collector. */
size_t ranges_changed_bytes(struct roots *roots, const struct space *space);

/** Scan a piece: a marker has met it. */
void ranges_scan_piece(struct marker *marker, const struct root_piece *piece);

/** Frees all. */
void ranges_destroy(struct roots *roots);

#endif
