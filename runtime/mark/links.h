/* SPDX-License-Identifier: MIT */
/*
 * Links: words anywhere in the program's memory that are cleared when an object dies.
 *
 * A record for each, found by its slot: a short link and a long one of the same slot are two. What
 * the slot holds is not looked at: the object is an argument.
 *
 *   .inv.short: a short link is cleared, and its record gone, before any object comes back for a
 *   finalizer. A long one stays while its object may; when a cycle opens sweeping, no record is of
 *   an object that is dead.
 *   .inv.early: an early link is a short one that is looked at once more, before that: with the
 *   world stopped, when all is marked that roots lead to, and what objects with ordered finalizers
 *   keep is not. If its target is white then, it is cleared, and its record gone.
 *   .inv.holder: when a cycle opens sweeping, no slot lies in an object that is dead. So a record
 *   never leads to memory that has got another object.
 *   .inv.slot: a slot is written by the collector only with the lock held and its record in the
 *   table. So it is the program's alone once its link was unregistered.
 *
 * See docs/design/weak.md.
 */
#ifndef GAIT_MARK_LINKS_H
#define GAIT_MARK_LINKS_H

#include "../heap/pool.h"
#include "../heap/space.h"
#include "address_map.h"
#include "pass_lock.h"

struct links {
    struct pass_lock lock; /* rank LINKS: what follows */
    struct address_map map;
    struct pool pool; /* of its records */
    AO_t count;       /* records; read unordered: a figure, and whether there is anything to do */
    AO_t early;       /* of them, early ones; likewise */
    unsigned cleared; /* atomic, waited on: the epoch in which all links were cleared last */
};

/** Records are counted in *metadata_bytes. @return negative: no memory. */
int links_init(struct links *links, AO_t *metadata_bytes);
void links_destroy(struct links *links);

/** Register a link, or give it another target. Both are reachable. @return 0, GAIT_E_MEMORY. */
int links_set(struct links *links, const gait_word *slot, bool is_long, const void *target);

/** The same, of an early one. */
int links_set_early(struct links *links, const gait_word *slot, const void *target);

/** Take a link out. @return 0, GAIT_E_MISSING. */
int links_remove(struct links *links, const gait_word *slot, bool is_long);

/** Have another slot in a link's place. @return 0, GAIT_E_MISSING, GAIT_E_INVALID: that one has a
 * link of this sort. */
int links_move(struct links *links, const gait_word *from, const gait_word *to, bool is_long);

/** The target of a link. 0: there is none, or it is dead. *undecided: a long link's target is dead,
 * and may come back in this cycle. A running mutator's, to whom no cell is freed before its next
 * safepoint. */
uintptr_t links_target(struct links *links, const struct space *space, const gait_word *slot,
                       bool is_long, bool *undecided);

/** Have act called for each link, of both sorts, in no order, with the lock held. While no cycle
 * settles. */
void links_each(struct links *links,
                void (*act)(void *data, const gait_word *slot, uintptr_t target), void *data);

/** Clear early links to what is white. The collector, with the world stopped: .inv.early. */
void links_clear_early(struct links *links, const struct space *space);

/** Clear short links to what is dead. The collector, after the flip and before anything comes back;
 * beside running mutators. */
void links_clear_short(struct links *links, const struct space *space);

/** Clear long ones, and drop those whose slots lie in dead objects. Likewise, when all has come
 * back that will. */
void links_clear_long(struct links *links, const struct space *space);

#endif
