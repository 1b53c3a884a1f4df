/* SPDX-License-Identifier: MIT */
/*
 * Stores of references while marking is on: the hybrid barrier shades what a slot held and what it
 * gets (docs/design/marking.md), by putting both words into the mutator's buffer.
 */
#include <gait/gait.h>
#include <string.h>

#include "instance.h"
#include "mark/weak.h"
#include "platform/perturb.h"

static gait_word slot_read(const gait_word *slot) {
    /* what it leads to is read after it; pairs with slot_write */
    return AO_load_dd_acquire_read((const volatile AO_t *)slot);
}

static void slot_write(gait_word *slot, gait_word value) {
    __atomic_store_n(slot, value, __ATOMIC_RELEASE); /* as gait_store: pairs with a marker's read */
}

/* Only words that may be heap addresses go into the buffer: by the range that is reserved, which
 * is constant. The part of it that is committed may have grown since by another thread. */
static void shade(gait_mutator *mutator, gait_word word) {
    gait_heap *heap = mutator->heap;
    if (!space_reserves(&heap->space, word & heap->value_mask) &&
        !space_reserves(&heap->space, word))
        return;
    if (mutator->barrier_count == BARRIER_WORDS)
        mutator_flush_barrier(mutator);
    mutator->barrier_words[mutator->barrier_count++] = word;
}

void mutator_shade(gait_mutator *mutator, gait_word word) {
    if (mutator->head.barrier)
        shade(mutator, word);
}

void gait_shade_slow(gait_mutator *mutator, gait_word word) {
    mutator_check_as(mutator, "gait_shade");
    shade(mutator, word);
}

void gait_barrier(gait_mutator *mutator, const gait_word *slot, gait_word value) {
    mutator_check_as(mutator, "gait_store");
    gait_word held = slot_read(slot);
    PERTURB(BARRIER_READ);
    shade(mutator, held);
    shade(mutator, value);
    PERTURB(BARRIER_NOTED);
}

bool gait_compare_exchange(gait_mutator *mutator, gait_word *slot, gait_word *expected,
                           gait_word desired) {
    mutator_check(mutator);
    if (mutator->head.barrier) {
        shade(mutator, *expected);
        shade(mutator, desired);
        PERTURB(BARRIER_NOTED);
    }
    return __atomic_compare_exchange_n(slot, expected, desired, false, __ATOMIC_ACQ_REL,
                                       __ATOMIC_ACQUIRE);
}

void gait_move(gait_mutator *mutator, gait_word *to, const gait_word *from, size_t count) {
    mutator_check(mutator);
    if (mutator->head.barrier)
        for (size_t i = 0; i < count; i++)
            gait_barrier(mutator, &to[i], slot_read(&from[i]));
    if (to <= from || to >= from + count)
        for (size_t i = 0; i < count; i++)
            slot_write(&to[i], slot_read(&from[i]));
    else
        for (size_t i = count; i-- > 0;)
            slot_write(&to[i], slot_read(&from[i]));
}

void gait_fill(gait_mutator *mutator, gait_word *to, gait_word value, size_t count) {
    mutator_check(mutator);
    for (size_t i = 0; i < count; i++)
        gait_store(mutator, &to[i], value);
}

/* ---- Weak words and pairs: a read makes strong what was weak ---- */

gait_word gait_weak_get(gait_mutator *mutator, const gait_word *slot) {
    mutator_check(mutator);
    gait_heap *heap = mutator->heap;
    gait_word word = weak_read(&heap->space, heap->value_mask, slot);
    PERTURB(WEAK_ALIVE);
    mutator_shade(mutator, word);
    return word;
}

void gait_weak_set(gait_mutator *mutator, gait_word *slot, gait_word value) {
    mutator_check(mutator);
    slot_write(slot, value);
}

gait_word gait_ephemeron_get(gait_mutator *mutator, const gait_word *pair) {
    mutator_check(mutator);
    gait_heap *heap = mutator->heap;
    gait_word value = weak_read_pair(&heap->space, heap->value_mask, pair);
    PERTURB(WEAK_ALIVE);
    mutator_shade(mutator, value);
    return value;
}

void gait_ephemeron_set(gait_mutator *mutator, gait_word *pair, gait_word key, gait_word value) {
    mutator_check(mutator);
    mutator_shade(mutator, key);
    mutator_shade(mutator, value);
    PERTURB(BARRIER_NOTED);
    weak_store_pair(pair, key, value);
}
