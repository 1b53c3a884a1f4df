/* SPDX-License-Identifier: MIT */
/*
 * What the governor's own files share.
 */
#ifndef PACER_GOVERNOR_PARTS_H
#define PACER_GOVERNOR_PARTS_H

#include "governor.h"

/** Under a memory limit, how full the bucket is as limiting begins, and as it ends, in what has it
 * begin without one: nearly to the brim, and half. Guesses. */
#define GOVERNOR_LIMITED_BEGIN 1.75
#define GOVERNOR_LIMITED_END 1.0

/** Memory as the pacer is to see it. Defined in governor_memory.c. */
struct gait_pacer_memory governor_pacer_memory(const struct gait_governor *governor);

/** Memory above which free pages go back at once, with this goal. Defined in governor_memory.c. */
uint64_t governor_keep_bytes(const struct gait_governor *governor, uint64_t goal_bytes);

/** Learn from what was in use as marking ended, under this goal. Defined in governor_memory.c. */
void governor_memory_end(struct gait_governor *governor, const struct gait_governor_end *end,
                         uint64_t goal_bytes);

/** Learn from a cycle that has ended, its work in the pacer; what the one before marked. Defined in
 * governor_live.c, as what follows. */
void governor_learn(struct gait_governor *governor, const struct gait_governor_end *end,
                    uint64_t marked_before_bytes);

/** So much of what was marked was given back since. */
void governor_forget(struct gait_governor_learnt *learnt, uint64_t gone_bytes);

/** Add to a rate; of its sums so far, `keep` is kept. */
void governor_sum_up(struct gait_governor_rate *rate, double keep, double amount, double per);

double governor_rate(const struct gait_governor_rate *rate);

/** Bytes that the program allocates per ns, where a single burst doesn't count for more than it
 * was: one large object as a program begins says nothing of what comes next. */
double governor_steady_allocation(const struct gait_governor *governor);

/** What was live as the last full cycle ended; and of what is allocated, what stays. */
uint64_t governor_live_bytes(const struct gait_governor *governor);
double governor_growth_share(const struct gait_governor *governor);

/** Put the goal in place of the pacer's, after each commit. Defined in governor_goal.c. */
void governor_plan_goal(struct gait_governor *governor);

/** The least heap that the collector can hold by the share of the CPU that GOGC gives it, if
 * nothing floats. Defined in governor_goal.c. */
double governor_least_bytes(const struct gait_governor *governor);

/** How far the heap grows at least from what is marked before the next cycle ends; where the limit
 * gives the goal, before it begins. Defined in governor_goal.c. */
uint64_t governor_least_growth(const struct gait_pacer *pacer);

/** Work of a cycle that begins with so much allocated since the last, bytes. Defined in
 * governor_goal.c. */
double governor_expected_work(const struct gait_governor *governor, enum gait_governor_kind kind,
                              double allocated_bytes);

/** A cycle has ended, with its goal planned: of which kind is the next? It took so much of the CPU;
 * what was marked before it. Defined in governor_kind.c, as what follows. */
void governor_plan_kind(struct gait_governor *governor, const struct gait_governor_end *end,
                        uint64_t marked_before_bytes, int64_t gc_ns);

/** How many times the work of the last minor ones, per new byte, one that begins now may have: more
 * where it is a try, and more of the young lives than as the last ones were refused; infinite where
 * none was seen. */
double governor_try_factor(const struct gait_governor *governor);

/** A cycle begins. If it is full since it would have had too much to scan of what is old, minor
 * ones are refused as after a try. Defined in governor_kind.c, as what follows. */
void governor_note_dirty(struct gait_governor *governor);

/** What cycles of this kind have taught; before the first minor one, what full ones have. */
const struct gait_governor_lesson *governor_lesson(const struct gait_governor *governor,
                                                   enum gait_governor_kind kind);

/** Marking ended, its work in the pacer, so much of it of what was kept: what of the heap that is
 * marked may hold references. */
void governor_count_scannable(struct gait_governor *governor, uint64_t kept_work_bytes);

/** Of so much that may hold references, what the cycle that marks may have to scan. */
uint64_t governor_scannable(const struct gait_governor *governor, uint64_t scannable_bytes);

/** Does a limit give the goal, or is memory at it? Defined in governor_kind.c. */
bool governor_at_limit(const struct gait_governor *governor);

/** Trigger and goal now. Defined in governor_runway.c, as what follows. */
struct gait_pacer_target governor_target(const struct gait_governor *governor);

/** The goal of a cycle that begins with so much live, if it is an early one at a limit; or 0. */
uint64_t governor_early_goal(const struct gait_governor *governor, uint64_t live_bytes);

#endif
