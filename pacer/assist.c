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

static int64_t assist_total(uint64_t heap_bytes, uint64_t stack_bytes, uint64_t globals_bytes) {
    return (int64_t)(heap_bytes + stack_bytes + globals_bytes);
}

/**
 * More work than expected: the heap has grown. Let the whole scannable heap be
 * the work, and the runway grow in proportion, so that the ratio stays as it is;
 * but use no more memory than the next cycle will use anyway.
 */
static int64_t assist_extend_goal(const struct gait_pacer *pacer, int64_t goal, int64_t expected,
                                  int64_t max_work) {
    int32_t gogc = pacer->gogc_percent < 0 ? ASSIST_GOGC_IF_OFF : pacer->gogc_percent;
    int64_t triggered = (int64_t)pacer->triggered_bytes;
    double runway = (double)arith_wrap_sub_i64(goal, triggered);
    int64_t extended =
        arith_wrap_add_i64(arith_to_i64(runway / (double)expected * (double)max_work), triggered);
    int64_t hard = arith_to_i64((1.0 + (double)gogc / 100.0) * (double)goal);
    return extended > hard ? hard : extended;
}

void policy_revise(struct gait_pacer *pacer) {
    int64_t live = (int64_t)pacer->live_bytes;
    int64_t done = assist_total((uint64_t)pacer->work.heap_bytes, (uint64_t)pacer->work.stack_bytes,
                                (uint64_t)pacer->work.globals_bytes);
    int64_t expected = assist_total(pacer->last_heap_work_bytes, pacer->last_stack_work_bytes,
                                    pacer->globals_bytes);
    int64_t max_work =
        assist_total(pacer->scannable_bytes, pacer->stack_bytes, pacer->globals_bytes);

    int64_t goal = (int64_t)gait_pacer_goal(pacer);
    if (done > expected) {
        goal = assist_extend_goal(pacer, goal, expected, max_work);
        expected = max_work;
    }
    if (live > goal) {
        goal = arith_to_i64((double)goal * ASSIST_MAX_OVERSHOOT);
        expected = max_work;
    }

    int64_t work_left = arith_max_i64(arith_wrap_sub_i64(expected, done), ASSIST_MIN_WORK_BYTES);
    int64_t heap_left = arith_max_i64(arith_wrap_sub_i64(goal, live), 1);
    pacer->assist_work_per_byte = (double)work_left / (double)heap_left;
    pacer->assist_bytes_per_work = (double)heap_left / (double)work_left;
}

void gait_pacer_revise(struct gait_pacer *pacer, const struct gait_pacer_progress *progress) {
    pacer->live_bytes = progress->live_bytes;
    pacer->scannable_bytes = progress->scannable_bytes;
    pacer->work = progress->work;
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
