/* SPDX-License-Identifier: MIT */
/*
 * Reading and clearing of weak words and pairs. See weak.h.
 */
#include "weak.h"

#include "../heap/walk.h"
#include "../platform/perturb.h"
#include "../platform/platform.h"
#include "arenas.h"

/* The key of a pair that is being changed: an address that is no object's. */
static const gait_word claim_place;
#define WEAK_CLAIM ((gait_word)&claim_place)

/* acquire: what a reference leads to was written before the store that we read */
static gait_word word_load(const gait_word *word) {
    return AO_load_acquire((const volatile AO_t *)word);
}

static bool word_swap(gait_word *word, gait_word old, gait_word fresh) {
    return AO_compare_and_swap_full((volatile AO_t *)word, old, fresh);
}

bool weak_is_dead(const struct space *space, gait_word value_mask, gait_word word) {
    gait_word address = word & value_mask;
    struct cell cell;
    if (!space_holds(space, address))
        return false;
    if (space_cell(space, address, &cell))
        return cell_is_meant(space, &cell, address) && !cell_allocated(&cell, space_epoch(space));
    const struct arena *arena = arenas_of(space, address);
    return arena && arena_is_dead(arena, space_epoch(space));
}

/* ---- Reading and storing ---- */

/* A key that no thread is changing. */
static gait_word key_load(const gait_word *key) {
    gait_word word;
    while ((word = word_load(key)) == WEAK_CLAIM)
        platform_yield();
    return word;
}

gait_word weak_cleared(const struct space *space, const gait_word *slot) {
    struct cell cell;
    if (!space_holds(space, (uintptr_t)slot) || !space_cell(space, (uintptr_t)slot, &cell))
        return 0;
    return space->kinds[ENTRY_KIND(cell.entry)].cleared;
}

/* .inv.revive: the word is looked at again after its target's bit. Settling clears a word before
 * the target may come back for its finalizer: one that finds the bit that brought it back (acquire,
 * pairs with bits_set) finds the word cleared, too. */
gait_word weak_read(struct space *space, gait_word value_mask, const gait_word *slot) {
    gait_word word;
    bool dead;
    do {
        word = key_load(slot);
        PERTURB(WEAK_READ);
        dead = weak_is_dead(space, value_mask, word);
    } while (!dead && word_load(slot) != word);
    return dead ? weak_cleared(space, slot) : word;
}

gait_word weak_read_pair(struct space *space, gait_word value_mask, const gait_word *pair) {
    gait_word key, value;
    bool dead;
    do {
        key = key_load(&pair[0]);
        value = word_load(&pair[1]);
        PERTURB(WEAK_READ);
        dead = key == 0 || weak_is_dead(space, value_mask, key);
    } while (word_load(&pair[0]) != key);
    return dead ? 0 : value;
}

/* Take a pair to change it. @return its key. */
static gait_word pair_claim(gait_word *pair) {
    gait_word key;
    do
        key = key_load(&pair[0]);
    while (!word_swap(&pair[0], key, WEAK_CLAIM));
    return key;
}

void weak_store_pair(gait_word *pair, gait_word key, gait_word value) {
    pair_claim(pair);
    PERTURB(WEAK_CLAIMED);
    AO_store_release((volatile AO_t *)&pair[1], value);
    AO_store_release((volatile AO_t *)&pair[0], key); /* pairs with key_load */
}

/* ---- Settling ---- */

static void settle_word(struct space *space, gait_word value_mask, gait_word *slot,
                        gait_word cleared) {
    gait_word word = word_load(slot);
    if (!weak_is_dead(space, value_mask, word))
        return;
    PERTURB(WEAK_SETTLE);
    word_swap(slot, word, cleared); /* fails if a mutator has stored another word */
}

/* A dead value beside a live key is none that anyone may read: the object was to be dead, and is
 * only kept for its finalizer; or the collector had no memory to note the pair. */
static bool pair_is_dead(struct space *space, gait_word value_mask, gait_word key,
                         gait_word value) {
    return weak_is_dead(space, value_mask, key) || weak_is_dead(space, value_mask, value);
}

static void settle_pair(struct space *space, gait_word value_mask, gait_word *pair,
                        gait_word cleared) {
    gait_word key = word_load(&pair[0]);
    if (key == WEAK_CLAIM || !pair_is_dead(space, value_mask, key, word_load(&pair[1])) ||
        !word_swap(&pair[0], key, WEAK_CLAIM))
        return; /* a mutator has stored another pair */
    PERTURB(WEAK_CLAIMED);
    /* nobody else changes the pair now; what is in it may be another one with the same key */
    bool dead = pair_is_dead(space, value_mask, key, word_load(&pair[1]));
    if (dead)
        AO_store_release((volatile AO_t *)&pair[1], 0);
    AO_store_release((volatile AO_t *)&pair[0], dead ? cleared : key);
}

void weak_settle_object(struct space *space, gait_word value_mask, char *start, page_entry entry,
                        size_t object_bytes) {
    unsigned layout = ENTRY_LAYOUT(entry);
    if (layout != GAIT_WEAK && layout != GAIT_EPHEMERON)
        return;
    size_t words;
    gait_word *part = weak_part(space, start, entry, object_bytes, &words);
    gait_word cleared = space->kinds[ENTRY_KIND(entry)].cleared;
    if (layout == GAIT_WEAK)
        for (size_t i = 0; i < words; i++)
            settle_word(space, value_mask, &part[i], cleared);
    else
        for (size_t i = 0; i + 1 < words; i += 2)
            settle_pair(space, value_mask, &part[i], cleared);
}

struct settling {
    struct space *space;
    gait_word value_mask;
    unsigned epoch;
};

/* A span of this epoch was made after the flip: nobody could store a dead word there. */
static bool span_is_weak(void *data, const struct span *span, page_entry entry) {
    const struct settling *settling = data;
    unsigned layout = ENTRY_LAYOUT(entry);
    return (layout == GAIT_WEAK || layout == GAIT_EPHEMERON) &&
           AO_int_load_acquire(&span->swept) != settling->epoch;
}

static void settle_cell(void *data, char *start, page_entry entry, size_t bytes) {
    const struct settling *settling = data;
    weak_settle_object(settling->space, settling->value_mask, start, entry, bytes);
}

void weak_settle(struct space *space, gait_word value_mask) {
    struct settling settling = {space, value_mask, space_epoch(space)};
    walk_cells(space, settling.epoch & 1,
               &(struct walk){.wants = span_is_weak, .cell = settle_cell, .data = &settling});
}

/* A cell that was allocated before the flip, and is not now. */
static void settle_dead_cell(void *data, char *start, page_entry entry, size_t bytes) {
    const struct settling *settling = data;
    size_t words;
    gait_word *part = weak_part(settling->space, start, entry, bytes, &words);
    gait_word cleared = settling->space->kinds[ENTRY_KIND(entry)].cleared;
    if (ENTRY_LAYOUT(entry) == GAIT_WEAK)
        for (size_t i = 0; i < words; i++)
            settle_word(settling->space, settling->value_mask, &part[i], cleared);
    else
        for (size_t i = 0; i + 1 < words; i += 2)
            if (weak_is_dead(settling->space, settling->value_mask, word_load(&part[i])))
                weak_store_pair(&part[i], cleared, 0);
}

void weak_settle_dead(struct space *space, gait_word value_mask) {
    struct settling settling = {space, value_mask, space_epoch(space)};
    walk_cells(
        space, ~settling.epoch & 1, /* the word that had the allocations */
        &(struct walk){
            .wants = span_is_weak, .cell = settle_dead_cell, .data = &settling, .alone = true});
}
