/* SPDX-License-Identifier: MIT */
/*
 * The card table: a byte for each 512 bytes of addresses, not 0 (dirty) where a reference was
 * stored that a minor cycle has to look at. See docs/design/minor.md.
 *
 * A card is found by the lower bits of an address, so that a store needs no look at whether its
 * slot lies in the heap: the table covers as many addresses as the heap reserves, and a slot
 * elsewhere makes some card of the heap dirty, which costs a look and does no harm.
 *
 *   .inv.card: mutators make cards dirty at any time, each by one byte; clean only who looks at
 *   what they cover, and only between the handshake that scans roots and the flip.
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

struct cards {
    unsigned char *bytes; /* constant: the table; NULL: there is none, and no minor cycle */
    uintptr_t mask;       /* constant: one less than how many cards it has */
    AO_t work_bytes;      /* scanned in this cycle for dirty cards; a figure */
};

/** Have a table for a range of so many bytes. Only what is touched takes memory.
 * @return negative: no addresses are available; then there is none. */
int cards_init(struct cards *cards, size_t range_bytes);
void cards_destroy(struct cards *cards);

/** Make the cards of [start, end) dirty. There is a table. */
void cards_dirty(const struct cards *cards, const void *start, const void *end);

/** The eight cards of the 4 KiB that an address lies in: the lowest is the first in memory. */
static inline uint64_t *cards_group(const struct cards *cards, uintptr_t address) {
    return (uint64_t *)(void *)&cards
        ->bytes[(address >> GAIT_CARD_SHIFT & ~(CARD_GROUP - 1)) & cards->mask];
}

/** Make one dirty, unless it is. */
static inline void card_dirty(const struct cards *cards, uintptr_t address) {
    gait_card_dirty(cards->bytes, cards->mask, address);
}

static inline bool card_is_dirty(const struct cards *cards, uintptr_t address) {
    return AO_char_load(&cards->bytes[address >> GAIT_CARD_SHIFT & cards->mask]) != 0;
}

#endif
