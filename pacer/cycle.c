/* SPDX-License-Identifier: MIT */
/*
 * A cycle as the pacer sees it: settings and measurements come in, marking
 * starts and ends, and cons/mark is learnt for the next.
 *
 * Invariants: triggered_bytes is set from gait_pacer_start_cycle to
 * gait_pacer_set_marked, and GAIT_PACER_NONE otherwise; cons_mark is the largest
 * of what the last five cycles taught.
 */
#include "arith.h"
#include "policy.h"

#include <math.h>
#include <string.h>

int32_t gait_pacer_set_gogc(struct gait_pacer *pacer, int32_t gogc_percent) {
    int32_t before = pacer->gogc_percent;
    pacer->gogc_percent = gogc_percent < 0 ? GAIT_PACER_GOGC_OFF : gogc_percent;
    return before;
}

int64_t gait_pacer_set_memory_limit(struct gait_pacer *pacer, int64_t memory_limit_bytes) {
    int64_t before = pacer->memory_limit_bytes;
    if (memory_limit_bytes >= 0)
        pacer->memory_limit_bytes = memory_limit_bytes;
    return before;
}

uint64_t gait_pacer_set_heap_minimum(struct gait_pacer *pacer, uint64_t heap_minimum_bytes) {
    uint64_t before = pacer->heap_minimum_bytes;
    pacer->heap_minimum_bytes = heap_minimum_bytes;
    return before;
}

uint64_t gait_pacer_set_min_heap(struct gait_pacer *pacer, uint64_t min_heap_bytes) {
    uint64_t before = pacer->min_heap_bytes;
    pacer->min_heap_bytes = min_heap_bytes;
    return before;
}

int32_t gait_pacer_set_gogc_floor(struct gait_pacer *pacer, int32_t gogc_floor_percent) {
    int32_t before = pacer->gogc_floor_percent;
    pacer->gogc_floor_percent = gogc_floor_percent > 0 ? gogc_floor_percent : 0;
    return before;
}

void gait_pacer_set_memory(struct gait_pacer *pacer, const struct gait_pacer_memory *memory) {
    pacer->memory = *memory;
}

void gait_pacer_set_live(struct gait_pacer *pacer, uint64_t live_bytes, uint64_t scannable_bytes) {
    pacer->live_bytes = live_bytes;
    pacer->scannable_bytes = scannable_bytes;
}

void gait_pacer_set_roots(struct gait_pacer *pacer, uint64_t stack_bytes, uint64_t globals_bytes) {
    pacer->stack_bytes = stack_bytes;
    pacer->globals_bytes = globals_bytes;
}

void gait_pacer_init(struct gait_pacer *pacer, int32_t gogc_percent, int64_t memory_limit_bytes) {
    memset(pacer, 0, sizeof(*pacer));
    pacer->triggered_bytes = GAIT_PACER_NONE;
    pacer->memory_limit_bytes = GAIT_PACER_NO_LIMIT;
    pacer->heap_minimum_bytes = POLICY_HEAP_MINIMUM_BYTES;
    gait_pacer_set_gogc(pacer, gogc_percent);
    gait_pacer_set_memory_limit(pacer, memory_limit_bytes);
    gait_pacer_commit(pacer, true);
}

void gait_pacer_start_cycle(struct gait_pacer *pacer, const struct gait_pacer_start *start) {
    gait_pacer_set_live(pacer, start->live_bytes, start->scannable_bytes);
    gait_pacer_set_roots(pacer, start->stack_bytes, start->globals_bytes);
    pacer->work = (struct gait_pacer_work){0};
    pacer->mark_start_ns = start->now_ns;
    pacer->triggered_bytes = start->live_bytes;
    pacer->early_goal_bytes = start->early_goal_bytes;
    pacer->workers = gait_pacer_divide(start->procs, start->periodic, start->stop_the_world);
    policy_revise(pacer);
}

/** Remember what a cycle taught; go by the largest of five, for fewer assists at some more cycles.
 */
static void cycle_learn(struct gait_pacer *pacer, double cons_mark) {
    if (!isfinite(cons_mark) || cons_mark < 0)
        return; /* nothing scanned, no mutator time, or more than all of it for assists: no ratio */
    double *recent = pacer->recent_cons_mark;
    double largest = cons_mark;
    for (int i = 0; i < GAIT_PACER_HISTORY; i++)
        largest = recent[i] > largest ? recent[i] : largest;
    memmove(recent, recent + 1, (GAIT_PACER_HISTORY - 1) * sizeof(*recent));
    recent[GAIT_PACER_HISTORY - 1] = cons_mark;
    pacer->cons_mark = largest;
}

/** Note the goal for the scavenger. @return whether the cycle is long enough to teach anything. */
static bool cycle_close(struct gait_pacer *pacer) {
    pacer->last_goal_bytes = gait_pacer_goal(pacer);
    return pacer->live_bytes > pacer->triggered_bytes;
}

static double cycle_work(const struct gait_pacer *pacer) {
    int64_t work = arith_add_i64(pacer->work.heap_bytes, pacer->work.stack_bytes);
    return (double)arith_add_i64(work, pacer->work.globals_bytes);
}

void gait_pacer_end_cycle(struct gait_pacer *pacer, const struct gait_pacer_mark_time *time) {
    if (!cycle_close(pacer))
        return;

    int64_t elapsed_ns = arith_sub_i64(time->now_ns, pacer->mark_start_ns);
    double gc_share = POLICY_BACKGROUND_SHARE;
    double idle_share = 0.0;
    if (elapsed_ns > 0) {
        double capacity_ns = (double)arith_scale_i64(elapsed_ns, time->procs < 1 ? 1 : time->procs);
        gc_share += (double)arith_max_i64(time->assist_cpu_ns, 0) / capacity_ns;
        idle_share = (double)arith_max_i64(time->idle_cpu_ns, 0) / capacity_ns;
    }
    double allocated = (double)(pacer->live_bytes - pacer->triggered_bytes);
    cycle_learn(pacer,
                (allocated * (gc_share + idle_share)) / (cycle_work(pacer) * (1 - gc_share)));
}

void gait_pacer_end_cycle_measured(struct gait_pacer *pacer,
                                   const struct gait_pacer_mark_cpu *cpu) {
    if (!cycle_close(pacer) || cpu->mutator_cpu_ns <= 0)
        return;

    const double program_per_background = (1 - POLICY_BACKGROUND_SHARE) / POLICY_BACKGROUND_SHARE;
    double mutator_ns = (double)cpu->mutator_cpu_ns;
    double assist_ns = (double)arith_max_i64(cpu->assist_cpu_ns, 0);
    double background_ns = (double)cpu->background_cpu_ns;
    if (background_ns <= 0)
        background_ns = (mutator_ns + assist_ns) / program_per_background;

    double allocated = (double)(pacer->live_bytes - pacer->triggered_bytes);
    double bytes_per_work = allocated / cycle_work(pacer);
    cycle_learn(pacer, bytes_per_work * (1 + assist_ns / background_ns) *
                           (1 + assist_ns / mutator_ns) / program_per_background);
}

void gait_pacer_set_marked(struct gait_pacer *pacer, uint64_t marked_bytes) {
    uint64_t heap_work = (uint64_t)pacer->work.heap_bytes;
    pacer->marked_bytes = marked_bytes;
    pacer->foreign_kept_bytes = pacer->foreign_marked_bytes;
    pacer->foreign_marked_bytes = 0;
    pacer->last_heap_work_bytes = heap_work;
    pacer->last_stack_work_bytes = (uint64_t)pacer->work.stack_bytes;
    gait_pacer_set_live(pacer, marked_bytes, heap_work);
    pacer->triggered_bytes = GAIT_PACER_NONE;
}

void gait_pacer_set_foreign(struct gait_pacer *pacer, uint64_t foreign_bytes) {
    pacer->foreign_marked_bytes = arith_min_u64(foreign_bytes, pacer->marked_bytes);
}

bool gait_pacer_take_back(struct gait_pacer *pacer, uint64_t foreign_bytes) {
    if (foreign_bytes >= pacer->foreign_marked_bytes)
        return false;
    uint64_t gone = pacer->foreign_marked_bytes - foreign_bytes;
    pacer->foreign_marked_bytes = foreign_bytes;
    pacer->marked_bytes -= gone;
    pacer->live_bytes -= arith_min_u64(gone, pacer->live_bytes);
    return true;
}
