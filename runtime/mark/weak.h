/* SPDX-License-Identifier: MIT */
/*
 * Weak words and ephemeron pairs: what is read of them, and how they are cleared.
 *
 * A cell is dead when its allocation bit is clear: from the flip of a cycle on, which makes the
 * marks the allocation bits, a weak word to a dead cell reads as 0, whether or not it has been
 * cleared yet. Clearing must be over before sweeping begins, since then cells get new objects.
 *
 *   .inv.pair: the key of a pair is WEAK_CLAIM while a thread changes the pair, and only by that
 *   thread does it become something else. So settling can't clear the value of a pair that a
 *   mutator has just stored.
 *
 * See docs/design/weak.md.
 */
#ifndef GAIT_WEAK_H
#define GAIT_WEAK_H

#include "../heap/kinds.h"
#include "../heap/space.h"

/**
 * Clear the weak words and pairs of live objects whose targets or keys are dead. The collector,
 * after the flip and before sweeping, beside running mutators. Time grows with the pages of the
 * heap and with the weak words.
 */
void weak_settle(struct space *space, gait_word value_mask);

/** The same for dead objects, which may come back: before any of them does. A dead value of a live
 * key stays: it comes back with its pair. */
void weak_settle_dead(struct space *space, gait_word value_mask);

/** The same for one object, of any layout; also before it comes back to life. */
void weak_settle_object(struct space *space, gait_word value_mask, char *start, page_entry entry,
                        size_t object_bytes);

/** A weak word or a key: if its target is dead, what the kind says, or 0. Not for a pair's value.
 */
gait_word weak_read(struct space *space, gait_word value_mask, const gait_word *slot);

/** The value of a pair: 0 if its key is dead. */
gait_word weak_read_pair(struct space *space, gait_word value_mask, const gait_word *pair);

/** Store a pair, as one. The caller has shaded key and value if its barrier is on. */
void weak_store_pair(gait_word *pair, gait_word key, gait_word value);

/** What a word is set to that is cleared: what the kind of the object that it lies in says, or 0.
 */
gait_word weak_cleared(const struct space *space, const gait_word *slot);

/** Is word a reference to a cell that is dead? */
bool weak_is_dead(const struct space *space, gait_word value_mask, gait_word word);

/** The weak part of an object of layout WEAK or EPHEMERON: its first word; *words: its length. */
static inline gait_word *weak_part(const struct space *space, char *start, page_entry entry,
                                   size_t object_bytes, size_t *words) {
    size_t all = object_bytes / sizeof(gait_word);
    size_t head = space->kinds[ENTRY_KIND(entry)].head_words;
    head = head < all ? head : all;
    *words = all - head;
    return (gait_word *)start + head;
}

#endif
