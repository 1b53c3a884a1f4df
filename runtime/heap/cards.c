/* SPDX-License-Identifier: MIT */
/*
 * The card table's memory, and stores of many words. See cards.h.
 */
#include "cards.h"

#include "../platform/platform.h"

int cards_init(struct cards *cards, size_t range_bytes) {
    size_t count = platform_page_bytes();
    while (count << GAIT_CARD_SHIFT < range_bytes)
        count *= 2;
    cards->bytes = platform_map_sparse(count);
    cards->mask = count - 1;
    if (!cards->bytes)
        return -1;
    /* one page for a few cards of a small heap, not a huge one */
    platform_disable_thp(cards->bytes, count);
    return 0;
}

void cards_destroy(struct cards *cards) {
    if (cards->bytes)
        platform_unreserve(cards->bytes, cards->mask + 1);
    cards->bytes = NULL;
}

void cards_dirty(const struct cards *cards, const void *start, const void *end) {
    uintptr_t address = (uintptr_t)start & ~(uintptr_t)(CARD_BYTES - 1);
    for (; address < (uintptr_t)end; address += CARD_BYTES)
        card_dirty(cards, address);
}

void cards_renew(const struct cards *cards, const void *start, const void *end) {
    uintptr_t address = (uintptr_t)start & ~(uintptr_t)(CARD_BYTES - 1);
    for (; address < (uintptr_t)end; address += CARD_BYTES)
        card_renew(cards, address);
}
