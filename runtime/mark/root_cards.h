/* SPDX-License-Identifier: MIT */
/*
 * Which roots were stored to since the last cycle: those outside of the heap that change by
 * gait_store alone make cards dirty, as objects do. See docs/design/minor.md, Roots.
 *
 * The collector alone calls these, between the handshake that scans roots and the end of the push
 * of shared roots: nobody takes cards of the heap meanwhile.
 */
#ifndef GAIT_ROOT_CARDS_H
#define GAIT_ROOT_CARDS_H

#include "../heap/space.h"

/** May a root's word have changed? Else it holds what it held as the last cycle ended. */
bool root_card_is_dirty(struct space *space, const volatile gait_word *word);

/** All roots were looked at: clean the cards of theirs that cover nothing of the heap. The others
 * are taken with the heap's. */
void root_cards_clean(struct space *space);

#endif
