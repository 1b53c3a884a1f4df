/* SPDX-License-Identifier: MIT */
/*
 * What inline functions have compiled into a program, as one number: gait_heap_create hands it to
 * the library, which refuses a program that was built with headers whose layouts differ. Described
 * in docs/versions.md.
 *
 *   .inv.frozen: a fact that is listed here keeps its value as long as the soversion. What inline
 *   functions learn to use is added to a structure's end, used only where a word that older
 *   libraries leave 0 says that it is there, and not listed: programs of both kinds go on.
 */
#ifndef GAIT_FROZEN_H
#define GAIT_FROZEN_H

#include <gait/arena_head.h>
#include <gait/gait.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

#define GAIT_FROZEN_OFFSET(type, field) ((uint32_t)offsetof(struct type, field))

/** The number of these headers. Thread rule: any thread. */
GAIT_INLINE uint32_t gait_frozen(void) {
    const uint32_t facts[] = {
        GAIT_FROZEN_OFFSET(gait_mutator_head, poll),
        GAIT_FROZEN_OFFSET(gait_mutator_head, barrier),
        GAIT_FROZEN_OFFSET(gait_mutator_head, frames),
        GAIT_FROZEN_OFFSET(gait_mutator_head, runs),
        GAIT_FROZEN_OFFSET(gait_mutator_head, cards),
        GAIT_FROZEN_OFFSET(gait_mutator_head, card_mask),
        GAIT_BARRIER_CARDS,
        GAIT_CARD_SHIFT,
        GAIT_KINDS_MAX,
        GAIT_FROZEN_OFFSET(gait_run, cursor),
        GAIT_FROZEN_OFFSET(gait_run, end),
        (uint32_t)sizeof(struct gait_run),
        GAIT_FROZEN_OFFSET(gait_frame, previous),
        GAIT_FROZEN_OFFSET(gait_frame, slots),
        GAIT_FROZEN_OFFSET(gait_frame, count),
        GAIT_SMALL_MAX_BYTES,
        GAIT_SIZE_CLASSES,
        GAIT_PIECE_WORDS,
        GAIT_FROZEN_OFFSET(gait_arena_head, low),
        GAIT_FROZEN_OFFSET(gait_arena_head, low_end),
        GAIT_FROZEN_OFFSET(gait_arena_head, high),
        GAIT_FROZEN_OFFSET(gait_arena_head, high_end),
        GAIT_FROZEN_OFFSET(gait_arena_head, kinds),
        GAIT_FROZEN_OFFSET(gait_arena_head, mask),
        GAIT_ARENA_KIND_SLOW,
        GAIT_ARENA_KIND_REFS,
        GAIT_ARENA_KIND_LEAF,
    };
    /* FNV-1a, a fact at a time. */
    uint32_t number = 2166136261u;
    for (size_t i = 0; i < sizeof facts / sizeof facts[0]; i++)
        number = (number ^ facts[i]) * 16777619u;
    /* Classes: the bounds of each, and with them all that lies between. */
    for (unsigned size_class = 2; size_class < GAIT_SIZE_CLASSES; size_class++) {
        size_t bytes = gait_class_bytes(size_class);
        number = (number ^ (uint32_t)bytes) * 16777619u;
        number = (number ^ gait_size_class(bytes)) * 16777619u;
    }
    return number;
}

#ifndef GAIT_IN_LIBRARY
GAIT_INLINE gait_heap *gait_heap_create(const gait_config *config, char *error,
                                        size_t error_bytes) {
    return gait_heap_create_built(config, gait_frozen(), GAIT_VERSION, error, error_bytes);
}
#endif

#ifdef __cplusplus
}
#endif

#endif
