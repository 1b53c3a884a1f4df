/* SPDX-License-Identifier: MIT */
/*
 * Weak words and pairs as the embedder calls them: a read makes strong what was weak. What is said
 * about each function is in gait.h.
 */
#include <gait/gait.h>

#include "../instance.h"
#include "../mark/weak.h"
#include "../platform/perturb.h"

gait_word gait_weak_get(gait_mutator *mutator, const gait_word *slot) {
    mutator_check_fast(mutator, __func__);
    gait_heap *heap = mutator->heap;
    gait_word word = weak_read(&heap->space, heap->value_mask, slot);
    PERTURB(WEAK_ALIVE);
    mutator_shade_read(mutator, word);
    return word;
}

void gait_weak_set(gait_mutator *mutator, gait_word *slot, gait_word value) {
    mutator_check_fast(mutator, __func__);
    AO_store_release((volatile AO_t *)slot, value); /* as gait_store: pairs with a marker's read */
}

gait_word gait_ephemeron_get(gait_mutator *mutator, const gait_word *pair) {
    mutator_check_fast(mutator, __func__);
    gait_heap *heap = mutator->heap;
    gait_word value = weak_read_pair(&heap->space, heap->value_mask, pair);
    PERTURB(WEAK_ALIVE);
    mutator_shade_read(mutator, value);
    return value;
}

void gait_ephemeron_set(gait_mutator *mutator, gait_word *pair, gait_word key, gait_word value) {
    mutator_check_fast(mutator, __func__);
    mutator_shade(mutator, key);
    mutator_shade(mutator, value);
    mutator_remember(mutator, pair, 2);
    PERTURB(BARRIER_NOTED);
    weak_store_pair(pair, key, value);
}
