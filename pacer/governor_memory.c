/* SPDX-License-Identifier: MIT */
/*
 * Memory under the limit, and what is given back to the OS. See governor.h.
 */
#include "arith.h"
#include "governor_parts.h"

/** What threads may take between a look at the limit and their pages: a span each, blocks of
 * marking work. Guess: some ten of each. */
#define MEMORY_RESERVE_BYTES UINT64_C(524288)

/** The most that is given back at a time: some 0.1 ms. */
#define MEMORY_PIECE_BYTES (UINT64_C(1) << 20)

/** So much of ended arenas waits for a cycle in any case. Guess: some frames of a program that
 * makes an arena for each. */
#define MEMORY_QUARANTINE_BYTES (UINT64_C(64) << 20)

/** Spans may grow by this part while weak words are settled, and by this much in any case. Settling
 * takes some 50 us where the collector has a CPU: 64 KiB at 1 GB/s, and nobody waits. Guesses. */
#define MEMORY_SETTLING_DIVISOR 64
#define MEMORY_SETTLING_BYTES UINT64_C(131072)

/* Spans count as far as allocation can fill them: the rest is what it could not use. What is free
 * in them now, it will; were it counted against the heap, the goal that a limit allows would lie a
 * few bytes beyond what is live. Foreign memory counts as objects do; arenas and off-heap memory
 * are what the heap has to leave room for. */
struct gait_pacer_memory governor_pacer_memory(const struct gait_governor *governor) {
    const struct gait_governor_memory *memory = &governor->memory;
    uint64_t fills = arith_to_u64(governor->span_fill * (double)memory->span_bytes);
    uint64_t heap = arith_max_u64(memory->objects_bytes, fills);
    return (struct gait_pacer_memory){
        .mapped_bytes = memory->total_bytes,
        .free_bytes = memory->free_bytes,
        .allocated_bytes = arith_add_u64(heap, memory->foreign_bytes),
    };
}

void governor_memory_end(struct gait_governor *governor, const struct gait_governor_end *end,
                         uint64_t goal_bytes) {
    const struct gait_governor_memory *memory = &governor->memory;
    uint64_t peak = end->progress.live_bytes, foreign = memory->foreign_bytes;
    governor->last_in_use_bytes =
        gait_pacer_in_use_at_goal(arith_add_u64(memory->span_bytes, foreign), peak, goal_bytes);
    gait_pacer_retain(&governor->retain, end->clocks.now_ns, memory->span_bytes);
    governor->span_fill = gait_pacer_fill(governor->span_fill, peak > foreign ? peak - foreign : 0,
                                          memory->span_bytes, end->fresh_bytes);
}

uint64_t gait_governor_excess(const struct gait_governor_orders *orders, uint64_t total_bytes,
                              uint64_t more_bytes) {
    uint64_t wanted = arith_add_u64(arith_add_u64(total_bytes, MEMORY_RESERVE_BYTES), more_bytes);
    return wanted > orders->limit_bytes && !orders->limiting ? wanted - orders->limit_bytes : 0;
}

uint64_t gait_governor_room(const struct gait_governor_orders *orders, uint64_t total_bytes) {
    if (orders->limiting)
        return GAIT_PACER_NONE;
    uint64_t wanted = arith_add_u64(total_bytes, MEMORY_RESERVE_BYTES);
    return wanted < orders->limit_bytes ? orders->limit_bytes - wanted : 0;
}

bool gait_governor_is_tight(const struct gait_governor_orders *orders, uint64_t total_bytes,
                            uint64_t more_bytes, uint64_t spare_bytes) {
    uint64_t excess = gait_governor_excess(orders, total_bytes, more_bytes);
    return excess > 0 && excess > spare_bytes;
}

/* Goals are those of the heap with its foreign memory: so is what is compared with them. */
uint64_t gait_governor_surplus(struct gait_governor *governor, int64_t now_ns,
                               uint64_t os_page_bytes) {
    const struct gait_governor_memory *memory = &governor->memory;
    uint64_t foreign = memory->foreign_bytes, due = 0;
    uint64_t retained = arith_add_u64(memory->span_bytes, memory->free_bytes);
    struct gait_pacer_scavenge_goals goals =
        gait_pacer_scavenge(&governor->pacer, arith_add_u64(retained, foreign),
                            governor->last_in_use_bytes, os_page_bytes);
    uint64_t keep = goals.gogc_bytes == GAIT_PACER_NONE ? retained
                    : goals.gogc_bytes > foreign        ? goals.gogc_bytes - foreign
                                                        : 0;
    keep = gait_pacer_retain(&governor->retain, now_ns, keep);
    if (retained > keep)
        due = retained - keep;
    if (goals.limit_bytes != GAIT_PACER_NONE && memory->total_bytes > goals.limit_bytes)
        due = arith_max_u64(due, memory->total_bytes - goals.limit_bytes);
    return arith_min_u64(due, memory->free_bytes);
}

uint64_t gait_governor_scavenge_due(struct gait_governor *governor, int64_t now_ns,
                                    uint64_t os_page_bytes) {
    uint64_t surplus = gait_governor_surplus(governor, now_ns, os_page_bytes);
    return arith_min_u64(surplus, MEMORY_PIECE_BYTES);
}

uint64_t gait_governor_give_back(const struct gait_governor_orders *orders, uint64_t total_bytes,
                                 uint64_t taken_bytes) {
    if (total_bytes <= orders->limit_bytes || orders->limiting)
        return 0;
    return arith_min_u64(total_bytes - orders->limit_bytes,
                         arith_max_u64(taken_bytes, MEMORY_PIECE_BYTES));
}

bool gait_governor_gives_back_aside(uint64_t excess_bytes) {
    return excess_bytes > MEMORY_PIECE_BYTES;
}

uint64_t gait_governor_settling_bytes(uint64_t span_bytes) {
    uint64_t more = arith_max_u64(span_bytes / MEMORY_SETTLING_DIVISOR, MEMORY_SETTLING_BYTES);
    return arith_add_u64(span_bytes, more);
}

uint64_t gait_governor_quarantine_bytes(uint64_t live_bytes) {
    return arith_max_u64(live_bytes / 2, MEMORY_QUARANTINE_BYTES);
}
