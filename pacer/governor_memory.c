/* SPDX-License-Identifier: MIT */
/*
 * Memory under the limit, and what is given back to the OS. See governor.h.
 */
#include "arith.h"
#include "governor_parts.h"
#include "policy.h"

/** What threads may take between a look at the limit and their pages: a span each, blocks of
 * marking work. Guess: some ten of each. */
#define MEMORY_RESERVE_BYTES UINT64_C(524288)

/** The most that is given back at a time: some 0.1 ms. */
#define MEMORY_PIECE_BYTES (UINT64_C(1) << 20)

/** What is above the limit is given back by the scavenger in such pieces: some 0.5 ms under its
 * lock. Guess. */
#define MEMORY_EXCESS_PIECE_BYTES (UINT64_C(4) << 20)

/** So long after a cycle's end the scavenger leaves what the heap takes beyond the limit. As long
 * as what cycles had in use is kept for at most. Guess. */
#define MEMORY_KEEP_NS INT64_C(2000000000)

/** And what spans have beyond the goal as a cycle ends, no more than this part of it: a tenth, as
 * the scavenger keeps. Where it is more, little lives on in many spans, and they are to become
 * empty. */
#define MEMORY_KEEP_DIVISOR 10

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

/* What a heap has in use at this goal, by what the last cycle had at its own. */
static uint64_t in_use_at(const struct gait_governor *governor, uint64_t goal_bytes) {
    uint64_t last = governor->pacer.last_goal_bytes;
    double share = last > 0 ? (double)governor->last_in_use_bytes / (double)last : 1;
    uint64_t most = arith_add_u64(goal_bytes, goal_bytes / MEMORY_KEEP_DIVISOR);
    return arith_min_u64(arith_max_u64(goal_bytes, arith_to_u64(share * (double)goal_bytes)), most);
}

/* And at goals of a moment ago, to which the next ones may come again: they follow what marking
 * cost, and that differs by a tenth from cycle to cycle. */
static uint64_t in_use_soon(const struct gait_governor *governor, uint64_t goal_bytes) {
    uint64_t now = in_use_at(governor, goal_bytes);
    uint64_t most = arith_add_u64(now, now / MEMORY_KEEP_DIVISOR);
    return arith_min_u64(arith_max_u64(now, governor->beyond_bytes), most);
}

void governor_memory_end(struct gait_governor *governor, const struct gait_governor_end *end,
                         uint64_t goal_bytes) {
    const struct gait_governor_memory *memory = &governor->memory;
    uint64_t peak = end->progress.live_bytes, foreign = memory->foreign_bytes;
    governor->last_in_use_bytes =
        gait_pacer_in_use_at_goal(arith_add_u64(memory->span_bytes, foreign), peak, goal_bytes);
    governor->beyond_bytes =
        gait_pacer_retain(&governor->beyond, end->clocks.now_ns, in_use_at(governor, goal_bytes));
    gait_pacer_retain(&governor->retain, end->clocks.now_ns, memory->span_bytes);
    governor->span_fill = gait_pacer_fill(governor->span_fill, peak > foreign ? peak - foreign : 0,
                                          memory->span_bytes, end->fresh_bytes);
}

/* Where the CPU can't hold the limit, the heap comes to its goal above it in every cycle. If the
 * pages that sweeping frees went back, they would come again with a fault each. Giving back is the
 * collector's time, so the goal would rise by it, and with the goal what goes back (seen: 109 of
 * the 201 ms of a cycle, and 557 MiB where 431 do). */
uint64_t governor_keep_bytes(const struct gait_governor *governor, uint64_t goal_bytes) {
    const struct gait_governor_memory *memory = &governor->memory;
    uint64_t limit = (uint64_t)governor->pacer.memory_limit_bytes;
    if (governor->settings.parity || !gait_pacer_floor_rules(&governor->pacer))
        return limit;
    uint64_t heap = arith_add_u64(memory->span_bytes, memory->free_bytes);
    heap = arith_add_u64(heap, memory->foreign_bytes);
    uint64_t other = memory->total_bytes > heap ? memory->total_bytes - heap : 0;
    return arith_max_u64(limit, arith_add_u64(in_use_soon(governor, goal_bytes), other));
}

static uint64_t beyond(const struct gait_governor_orders *orders, uint64_t most_bytes,
                       uint64_t total_bytes, uint64_t more_bytes) {
    uint64_t wanted = arith_add_u64(arith_add_u64(total_bytes, MEMORY_RESERVE_BYTES), more_bytes);
    return wanted > most_bytes && !orders->limiting ? wanted - most_bytes : 0;
}

uint64_t gait_governor_excess(const struct gait_governor_orders *orders, uint64_t total_bytes,
                              uint64_t more_bytes) {
    return beyond(orders, orders->limit_bytes, total_bytes, more_bytes);
}

uint64_t gait_governor_return_due(const struct gait_governor_orders *orders, uint64_t total_bytes,
                                  uint64_t more_bytes) {
    return beyond(orders, orders->keep_bytes, total_bytes, more_bytes);
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

/* What the heap takes beyond the limit is kept while cycles come; 0: nothing. */
static uint64_t kept_beyond_limit(const struct gait_governor *governor, int64_t now_ns) {
    int64_t since_ns = arith_sub_i64(now_ns, governor->learnt.ended.now_ns);
    uint64_t limit = (uint64_t)governor->pacer.memory_limit_bytes;
    uint64_t keep = governor_keep_bytes(governor, governor_target(governor).goal_bytes);
    return keep > limit && since_ns < MEMORY_KEEP_NS ? keep : 0;
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
    if (goals.limit_bytes != GAIT_PACER_NONE) {
        uint64_t most = arith_max_u64(goals.limit_bytes, kept_beyond_limit(governor, now_ns));
        if (memory->total_bytes > most)
            due = arith_max_u64(due, memory->total_bytes - most);
    }
    return arith_min_u64(due, memory->free_bytes);
}

uint64_t gait_governor_scavenge_due(struct gait_governor *governor, int64_t now_ns,
                                    uint64_t os_page_bytes) {
    uint64_t surplus = gait_governor_surplus(governor, now_ns, os_page_bytes);
    return arith_min_u64(surplus, MEMORY_PIECE_BYTES);
}

struct gait_governor_stretch gait_governor_scavenge_stretch(void) {
    return (struct gait_governor_stretch){.work_ns = POLICY_SCAVENGE_WORK_NS,
                                          .piece_bytes = MEMORY_EXCESS_PIECE_BYTES};
}

uint64_t gait_governor_give_back(const struct gait_governor_orders *orders, uint64_t total_bytes,
                                 uint64_t taken_bytes) {
    if (total_bytes <= orders->keep_bytes || orders->limiting)
        return 0;
    return arith_min_u64(total_bytes - orders->keep_bytes,
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

uint64_t gait_governor_quarantine_most_bytes(uint64_t live_bytes) {
    uint64_t waits = gait_governor_quarantine_bytes(live_bytes);
    return arith_add_u64(waits, waits);
}
