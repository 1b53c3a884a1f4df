/* SPDX-License-Identifier: MIT */
/*
 * Assists: how much a mutator scans for each byte that it allocates while
 * marking runs, so that the work is done when the heap reaches its goal.
 *
 *     ratio = scan work left / heap bytes left
 *
 * Invariants: both parts are at least 1, so that the ratio is positive and
 * finite; the two ratios are computed together.
 */
#include "arith.h"
#include "policy.h"

/** GOGC that a forced cycle assumes where GOGC is off: the goal may move out without bound. */
#define ASSIST_GOGC_IF_OFF 100000

/** How far past the goal a cycle that has missed it still aims. */
#define ASSIST_MAX_OVERSHOOT 1.1

/** Least work taken as left: objects scanned twice let it drop to zero before marking ends. */
#define ASSIST_MIN_WORK_BYTES 1000

/** Least work of one assist: its fixed cost is paid for this many bytes. */
#define ASSIST_MIN_DEBT_WORK_BYTES (INT64_C(64) << 10)

/** What a mutator may pay ahead: this share of the way to the goal, or so many bytes. Guess. */
#define ASSIST_AHEAD_DIVISOR 64
#define ASSIST_AHEAD_MIN_BYTES (INT64_C(1) << 20)

static int64_t assist_total(uint64_t heap_bytes, uint64_t stack_bytes, uint64_t globals_bytes) {
    return arith_i64_of_u64(arith_add_u64(arith_add_u64(heap_bytes, stack_bytes), globals_bytes));
}

/**
 * More work than expected: the heap has grown. Let the whole scannable heap be
 * the work, and the runway grow in proportion, so that the ratio stays as it is;
 * but use no more memory than the next cycle will use anyway. Where no work was
 * expected, after a cycle that scanned nothing, there is no proportion.
 */
static int64_t assist_extend_goal(const struct gait_pacer *pacer, int64_t goal, int64_t expected,
                                  int64_t max_work) {
    int32_t gogc = pacer->gogc_percent < 0 ? ASSIST_GOGC_IF_OFF : pacer->gogc_percent;
    int64_t hard = arith_to_i64((1.0 + (double)gogc / 100.0) * (double)goal);
    if (expected == 0)
        return hard;
    int64_t triggered = arith_i64_of_u64(pacer->triggered_bytes);
    double runway = (double)arith_sub_i64(goal, triggered);
    int64_t extended =
        arith_add_i64(arith_to_i64(runway / (double)expected * (double)max_work), triggered);
    return extended > hard ? hard : extended;
}

void policy_revise(struct gait_pacer *pacer) {
    int64_t live = arith_i64_of_u64(pacer->live_bytes);
    int64_t done = assist_total((uint64_t)pacer->work.heap_bytes, (uint64_t)pacer->work.stack_bytes,
                                (uint64_t)pacer->work.globals_bytes);
    int64_t expected = assist_total(pacer->last_heap_work_bytes, pacer->last_stack_work_bytes,
                                    pacer->globals_bytes);
    int64_t max_work =
        assist_total(pacer->scannable_bytes, pacer->stack_bytes, pacer->globals_bytes);

    int64_t goal = arith_i64_of_u64(gait_pacer_goal(pacer));
    if (pacer->early_goal_bytes > 0)
        goal = arith_min_i64(goal, arith_i64_of_u64(pacer->early_goal_bytes));
    if (done > expected) {
        goal = assist_extend_goal(pacer, goal, expected, max_work);
        expected = max_work;
    }
    if (live > goal) {
        goal = arith_to_i64((double)goal * ASSIST_MAX_OVERSHOOT);
        expected = max_work;
    }

    int64_t work_left = arith_max_i64(arith_sub_i64(expected, done), ASSIST_MIN_WORK_BYTES);
    int64_t heap_left = arith_max_i64(arith_sub_i64(goal, live), 1);
    pacer->assist_work_per_byte = (double)work_left / (double)heap_left;
    pacer->assist_bytes_per_work = (double)heap_left / (double)work_left;
}

void gait_pacer_revise(struct gait_pacer *pacer, const struct gait_pacer_progress *progress) {
    pacer->live_bytes = progress->live_bytes;
    pacer->scannable_bytes = progress->scannable_bytes;
    pacer->work = (struct gait_pacer_work){
        .heap_bytes = arith_max_i64(progress->work.heap_bytes, 0),
        .stack_bytes = arith_max_i64(progress->work.stack_bytes, 0),
        .globals_bytes = arith_max_i64(progress->work.globals_bytes, 0),
    };
    policy_revise(pacer);
}

struct gait_pacer_debt gait_pacer_assist(double work_per_byte, double bytes_per_work,
                                         int64_t debt_bytes) {
    int64_t work = arith_to_i64(work_per_byte * (double)debt_bytes);
    if (work >= ASSIST_MIN_DEBT_WORK_BYTES)
        return (struct gait_pacer_debt){work, debt_bytes};
    work = ASSIST_MIN_DEBT_WORK_BYTES;
    return (struct gait_pacer_debt){work, arith_to_i64(bytes_per_work * (double)work)};
}

/** What a mutator may have paid ahead, where the goal is so far: see gait_pacer_assist_ahead. */
static int64_t assist_ahead(uint64_t distance_bytes) {
    return arith_max_i64(arith_i64_of_u64(distance_bytes / ASSIST_AHEAD_DIVISOR),
                         ASSIST_AHEAD_MIN_BYTES);
}

struct gait_pacer_debt gait_pacer_assist_ahead(double work_per_byte, double bytes_per_work,
                                               int64_t debt_bytes, uint64_t distance_bytes) {
    struct gait_pacer_debt debt = gait_pacer_assist(work_per_byte, bytes_per_work, debt_bytes);
    int64_t most = arith_add_i64(arith_max_i64(debt_bytes, 0), assist_ahead(distance_bytes));
    if (debt.credit_bytes <= most)
        return debt;
    int64_t work = arith_max_i64(arith_to_i64(work_per_byte * (double)most), 1);
    return (struct gait_pacer_debt){work < debt.work_bytes ? work : debt.work_bytes, most};
}

int64_t gait_pacer_earn(int64_t credit_bytes, int64_t work_bytes, double bytes_per_work,
                        uint64_t distance_bytes) {
    double earned = (double)arith_max_i64(work_bytes, 0) * bytes_per_work + 1;
    int64_t credit = arith_add_i64(credit_bytes, arith_to_i64(earned));
    int64_t most = arith_max_i64(assist_ahead(distance_bytes), credit_bytes);
    return credit < most ? credit : most;
}
