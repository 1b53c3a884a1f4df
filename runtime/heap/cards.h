/* SPDX-License-Identifier: MIT */
/*
 * The card table: a byte for each 512 bytes of addresses, not 0 (dirty) where a reference was
 * stored that a minor cycle has to look at. See docs/design/minor.md.
 *
 * A card is found by the lower bits of an address, so that a store needs no look at whether its
 * slot lies in the heap: the table covers as many addresses as the heap reserves, and a slot
 * elsewhere makes some card of the heap dirty, which costs a look and does no harm.
 *
 *   .inv.card: mutators make cards dirty at any time, each by one byte. Clean only the collector
 *   and markers, between the handshake that scans roots and the flip: in a minor cycle who looks at
 *   what they cover, in a full one all of the heap at once. Full cycles of a heap with an object
 *   barrier clean all before that, when all barriers are on, since nothing is black by then; cards
 *   that are made dirty later are for the rounds of docs/design/objects.md.
 *
 * So a card stands for roots outside of the heap, too, whether they were stored to (roots.h).
 */
#ifndef GAIT_CARDS_H
#define GAIT_CARDS_H

#include <gait/inline.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../platform/atomic.h"

#define CARD_BYTES ((size_t)1 << GAIT_CARD_SHIFT)
#define CARD_WORDS (CARD_BYTES / sizeof(gait_word))
/* Cards that are looked at as one word, and the addresses that they cover. */
#define CARD_GROUP ((size_t)8)
#define CARD_GROUP_BYTES (CARD_GROUP * CARD_BYTES)
/* Of roots outside of the heap, as many are cleaned in a cycle. Guess: 2 KiB a heap. */
#define CARDS_OUTSIDE 256

struct cards {
    unsigned char *bytes; /* constant: the table; NULL: there is none, and no minor cycle */
    bool by_object;  /* constant: GAIT_OBJECT_BARRIER: a card stands for all objects that begin on
                        it, besides what lies on it */
    bool rereads;    /* constant: stores are plain, and marking ends by cards: also gcdirty=1 */
    uintptr_t mask;  /* constant: one less than how many cards it has */
    AO_t work_bytes; /* scanned in this cycle for dirty cards; a figure */
    /* Dirty ones of roots that cover nothing of the heap, by an address of each. The collector's,
     * from one handshake that scans roots to the flip. */
    uintptr_t outside[CARDS_OUTSIDE];
    size_t outside_count;
};

/** Have a table for a range of so many bytes. Only what is touched takes memory.
 * @return negative: no addresses are available; then there is none. */
int cards_init(struct cards *cards, size_t range_bytes);
void cards_destroy(struct cards *cards);

/** Make the cards of [start, end) dirty. There is a table. */
void cards_dirty(const struct cards *cards, const void *start, const void *end);

/** The same, and write them whatever they say: while markers may take them. A look first could come
 * before the stores that are to be found, and miss that a card was taken since (LOOK_FIRST in
 * docs/design/objects.md). Release: what was stored before is seen as they are taken. */
void cards_renew(const struct cards *cards, const void *start, const void *end);

/** The eight cards of the 4 KiB that an address lies in: the lowest is the first in memory. */
static inline uint64_t *cards_group(const struct cards *cards, uintptr_t address) {
    return (uint64_t *)(void *)&cards
        ->bytes[(address >> GAIT_CARD_SHIFT & ~(CARD_GROUP - 1)) & cards->mask];
}

/** Make one dirty, unless it is. */
static inline void card_dirty(const struct cards *cards, uintptr_t address) {
    gait_card_dirty(cards->bytes, cards->mask, address);
}

/** Make one dirty, as cards_renew. */
static inline void card_renew(const struct cards *cards, uintptr_t address) {
    AO_char_store_release(&cards->bytes[address >> GAIT_CARD_SHIFT & cards->mask], 1);
}

/** Take the cards of a group: they are clean before what they cover is read. @return what they
 * were, the lowest the first in memory. */
static inline uint64_t cards_take(const struct cards *cards, uintptr_t address) {
    volatile AO_t *group = (volatile AO_t *)cards_group(cards, address);
    AO_t dirty;
    do
        dirty = AO_load(group);
    while (dirty && !AO_compare_and_swap_full(group, dirty, 0)); /* full: as said above */
    return dirty;
}

static inline bool card_is_dirty(const struct cards *cards, uintptr_t address) {
    return AO_char_load(&cards->bytes[address >> GAIT_CARD_SHIFT & cards->mask]) != 0;
}

static inline void card_clean(const struct cards *cards, uintptr_t address) {
    AO_char_store(&cards->bytes[address >> GAIT_CARD_SHIFT & cards->mask], 0);
}

/** Of count words, how many lie on the card of the first. */
static inline size_t card_words(const volatile gait_word *words, size_t count) {
    size_t left = CARD_WORDS - (uintptr_t)words / sizeof(gait_word) % CARD_WORDS;
    return count < left ? count : left;
}

#endif
