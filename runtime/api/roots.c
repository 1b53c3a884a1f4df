/* SPDX-License-Identifier: MIT */
/*
 * Roots as the embedder calls them: the tables of mark/ with the calling mutator's barrier. What is
 * said about each function is in gait.h.
 */
#include <gait/gait.h>

#include "../instance.h"
#include "../mark/ranges.h"

/* ---- Static slots ---- */

static void shade_all(gait_mutator *mutator, const gait_word *slots, size_t count) {
    for (size_t i = 0; i < count; i++)
        mutator_shade(mutator, slots[i]);
}

int gait_roots_add(gait_mutator *mutator, gait_word *slots, size_t count) {
    mutator_check(mutator);
    int result = roots_add(&mutator->heap->roots, slots, count);
    if (result == 0)
        shade_all(mutator, slots, count);
    return result;
}

int gait_roots_remove(gait_mutator *mutator, gait_word *slots) {
    mutator_check(mutator);
    shade_all(mutator, slots, roots_count(&mutator->heap->roots, slots));
    return roots_remove(&mutator->heap->roots, slots);
}

/* ---- Ranges ---- */

/* A range may hold what the program wrote by plain stores, and what lies between variables. */
__attribute__((no_sanitize("address", "thread"))) static void
shade_piece(gait_mutator *mutator, const volatile gait_word *words, size_t count) {
    for (size_t i = 0; i < count; i++)
        mutator_shade(mutator, words[i]);
}

/* The cycle in which this mutator's barrier is on; 0: it is off. */
static unsigned barrier_cycle(const gait_mutator *mutator) {
    return mutator_is_marking(mutator) ? space_epoch(&mutator->heap->space) + 1 : 0;
}

/* Shade a range of any length, with safepoints between its pieces: all of it in one cycle. */
static void shade_range(gait_mutator *mutator, const gait_word *words, size_t count) {
    unsigned cycle;
    do {
        cycle = barrier_cycle(mutator);
        for (size_t at = 0; cycle && at < count; at += RANGE_PIECE_WORDS) {
            size_t left = count - at;
            shade_piece(mutator, words + at, left < RANGE_PIECE_WORDS ? left : RANGE_PIECE_WORDS);
            world_poll(mutator);
        }
    } while (barrier_cycle(mutator) && barrier_cycle(mutator) != cycle);
}

int gait_roots_add_range(gait_mutator *mutator, void *low, size_t bytes, uint32_t flags) {
    mutator_check(mutator);
    if (flags & ~(uint32_t)GAIT_RANGE_CONSERVATIVE)
        return GAIT_E_INVALID;
    struct roots *roots = &mutator->heap->roots;
    int result = ranges_add(roots, low, bytes, flags & GAIT_RANGE_CONSERVATIVE);
    const gait_word *words;
    size_t count;
    if (result == 0 && ranges_find(roots, low, &words, &count))
        shade_range(mutator, words, count);
    return result;
}

int gait_roots_remove_range(gait_mutator *mutator, void *low) {
    mutator_check(mutator);
    struct roots *roots = &mutator->heap->roots;
    const gait_word *words;
    size_t count;
    if (!ranges_find(roots, low, &words, &count))
        return GAIT_E_MISSING;
    shade_range(mutator, words, count);
    struct root_range *range = ranges_take(roots, low); /* no safepoint since */
    if (!range)
        return GAIT_E_MISSING;
    /* pieces are pushed while all barriers are on */
    bool queued = mutator_is_marking(mutator);
    if (!ranges_is_used(range)) {
        ranges_retire(roots, range, queued);
        return 0;
    }
    mutator_save_stack();
    world_rest();
    ranges_retire(roots, range, queued);
    world_resume();
    world_poll(mutator);
    return 0;
}

/* ---- Handles ---- */

gait_handle *gait_handle_new(gait_mutator *mutator, gait_word value) {
    mutator_check(mutator);
    gait_handle *handle = roots_handle_new(&mutator->heap->roots);
    if (handle)
        gait_handle_set(mutator, handle, value);
    return handle;
}

gait_word gait_handle_get(const gait_handle *handle) {
    return __atomic_load_n(&handle->value, __ATOMIC_ACQUIRE); /* pairs with gait_store */
}

void gait_handle_set(gait_mutator *mutator, gait_handle *handle, gait_word value) {
    mutator_check(mutator);
    gait_store(mutator, &handle->value, value);
}

void gait_handle_free(gait_mutator *mutator, gait_handle *handle) {
    mutator_check(mutator);
    mutator_shade(mutator, gait_handle_get(handle));
    if (!roots_handle_free(&mutator->heap->roots, handle))
        platform_fatal("gait_handle_free: %p is free already", (void *)handle);
}

void gait_set_roots_callback(gait_mutator *mutator, gait_roots_fn visit, void *data) {
    mutator_check(mutator);
    mutator->own.visit = visit;
    mutator->own.data = data;
}
