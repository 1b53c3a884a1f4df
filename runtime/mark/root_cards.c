/* SPDX-License-Identifier: MIT */
/*
 * Cards of roots. See root_cards.h.
 */
#include "root_cards.h"

/* Does this address share its card with none of the heap's, as far as it is committed now? */
static bool is_outside(const struct space *space, uintptr_t address) {
    uintptr_t offset = address / CARD_BYTES - (uintptr_t)space->base / CARD_BYTES;
    return (offset & space->cards.mask) * CARD_BYTES >= AO_load_acquire(&space->extent_bytes);
}

bool root_card_is_dirty(struct space *space, const volatile gait_word *word) {
    struct cards *cards = &space->cards;
    uintptr_t address = (uintptr_t)word;
    if (!card_is_dirty(cards, address))
        return false;
    if (cards->outside_count < CARDS_OUTSIDE && is_outside(space, address))
        cards->outside[cards->outside_count++] = address;
    return true;
}

void root_cards_clean(struct space *space) {
    struct cards *cards = &space->cards;
    for (size_t i = 0; i < cards->outside_count; i++)
        card_clean(cards, cards->outside[i]);
    /* A chunk that was committed since may hold objects on such a card, of which it told
     * (docs/design/minor.md, Cleaning). One that this look does not see is stored to after it. */
    AO_nop_full();
    for (size_t i = 0; i < cards->outside_count; i++)
        if (!is_outside(space, cards->outside[i]))
            card_renew(cards, cards->outside[i]);
    cards->outside_count = 0;
}
