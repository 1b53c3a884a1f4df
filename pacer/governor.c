/* SPDX-License-Identifier: MIT */
/*
 * The governor through a cycle. See governor.h.
 *
 * Invariants: memory is what gait_governor_see was told last; between begin and end, and only then,
 * the pacer is marking.
 */
#include "governor.h"

#include <string.h>

#include "arith.h"
#include "governor_parts.h"
#include "policy.h"

/** The assist ratio is computed anew each time that mutators have taken this much. Guess. */
#define GOVERNOR_REVISE_BYTES UINT64_C(65536)

static int64_t spent_ns(int64_t now_ns, int64_t before_ns) {
    return arith_sub_i64(now_ns, before_ns);
}

/* The pacer's goal from what the last cycle marked, and the governor's in its place. */
static void commit(struct gait_governor *governor, bool swept) {
    gait_pacer_commit(&governor->pacer, swept);
    if (!governor->settings.parity)
        governor_plan_goal(governor);
}

void gait_governor_init(struct gait_governor *governor,
                        const struct gait_governor_settings *settings,
                        const struct gait_governor_clocks *clocks) {
    memset(governor, 0, sizeof *governor);
    governor->settings = *settings;
    governor->counted = governor->learnt.ended = *clocks;
    governor->span_fill = 1;
    gait_pacer_init(&governor->pacer, settings->gogc_percent, settings->memory_limit_bytes);
    gait_pacer_set_min_heap(&governor->pacer, settings->min_heap_bytes);
    gait_pacer_set_gogc_floor(&governor->pacer, settings->gogc_floor_percent);
    gait_limiter_init(&governor->limiter, clocks->now_ns, settings->procs);
}

void gait_governor_assume(struct gait_governor *governor, uint64_t live_bytes) {
    gait_pacer_set_marked(&governor->pacer, live_bytes);
    gait_pacer_commit(&governor->pacer, true);
}

void gait_governor_see(struct gait_governor *governor, const struct gait_governor_memory *memory) {
    governor->memory = *memory;
    struct gait_pacer_memory seen = governor_pacer_memory(governor);
    gait_pacer_set_memory(&governor->pacer, &seen);
}

/* ---- A cycle ---- */

/* The target's goal; of an early cycle that marks, its own. */
static uint64_t goal_now(const struct gait_governor *governor,
                         const struct gait_pacer_target *target) {
    uint64_t early = governor->marking ? governor->pacer.early_goal_bytes : 0;
    return early > 0 ? arith_min_u64(target->goal_bytes, early) : target->goal_bytes;
}

static enum gait_governor_rule rule_now(const struct gait_governor *governor, bool by_limit) {
    if (gait_pacer_floor_rules(&governor->pacer))
        return GAIT_GOVERNOR_BY_FLOOR;
    return by_limit ? GAIT_GOVERNOR_BY_LIMIT : governor->ruled_by;
}

static struct gait_governor_cycle cycle_now(const struct gait_governor *governor) {
    const struct gait_pacer *pacer = &governor->pacer;
    struct gait_pacer_target target = governor_target(governor);
    uint64_t expected = arith_add_u64(pacer->last_heap_work_bytes, pacer->last_stack_work_bytes);
    bool by_limit = gait_pacer_limit_goal(pacer) < pacer->gogc_goal_bytes;
    return (struct gait_governor_cycle){
        .kind = governor->start.kind,
        .scannable_bytes = governor->scannable_bytes,
        .goal_bytes = goal_now(governor, &target),
        .expected_bytes = arith_add_u64(expected, pacer->globals_bytes),
        .scanned_bytes = (uint64_t)pacer->work.heap_bytes,
        .assist_ratio = pacer->assist_work_per_byte,
        .cons_mark = pacer->cons_mark,
        .workers = pacer->workers,
        .ruled_by = rule_now(governor, by_limit),
        .by_limit = by_limit,
    };
}

/* What the trigger was late, and the work to expect: of a full cycle, as much more than the last
 * one's as there is more live. The first cycle may find all of it alive. */
static void foresee(struct gait_governor *governor) {
    struct gait_pacer *pacer = &governor->pacer;
    struct gait_governor_learnt *learnt = &governor->learnt;
    const struct gait_governor_start *start = &governor->start;
    if (governor->settings.parity)
        return;
    uint64_t trigger = governor_target(governor).trigger_bytes;
    learnt->delay_bytes = start->live_bytes > trigger ? start->live_bytes - trigger : 0;
    if (learnt->cycles == 0) {
        pacer->last_heap_work_bytes = start->scannable_bytes;
        return;
    }
    const struct gait_governor_lesson *lesson = &learnt->of[start->kind];
    double allocated = (double)start->live_bytes - (double)pacer->marked_bytes;
    double work = governor_expected_work(governor, start->kind, allocated);
    if (start->kind == GAIT_GOVERNOR_MINOR)
        work -= lesson->work_bytes - lesson->heap_work_bytes;
    else if (lesson->work_bytes > 0)
        work *= lesson->heap_work_bytes / lesson->work_bytes;
    pacer->last_heap_work_bytes = arith_min_u64(arith_to_u64(work), start->scannable_bytes);
}

void gait_governor_begin(struct gait_governor *governor, const struct gait_governor_start *start,
                         struct gait_governor_cycle *cycle) {
    struct gait_pacer *pacer = &governor->pacer;
    governor->start = *start;
    governor->start.piece_bytes = arith_min_u64(start->piece_bytes, start->globals_bytes);
    governor_note_dirty(governor);
    foresee(governor);
    gait_pacer_start_cycle(
        pacer, &(struct gait_pacer_start){
                   .now_ns = start->clocks.now_ns,
                   .procs = governor->settings.procs,
                   .periodic = start->periodic,
                   .stop_the_world = start->stopped,
                   .live_bytes = start->live_bytes,
                   .scannable_bytes = governor_scannable(governor, start->scannable_bytes),
                   .stack_bytes = start->stack_bytes,
                   .globals_bytes = start->globals_bytes,
                   .early_goal_bytes = governor_early_goal(governor, start->live_bytes),
               });
    governor->marking = true;
    *cycle = cycle_now(governor);
    /* roots are scanned as it begins, except for the pieces, which are heap's work until the end */
    pacer->work.stack_bytes = arith_i64_of_u64(start->stack_bytes);
    pacer->work.globals_bytes =
        arith_i64_of_u64(start->globals_bytes - governor->start.piece_bytes);
}

void gait_governor_revise(struct gait_governor *governor,
                          const struct gait_governor_progress *progress) {
    struct gait_pacer *pacer = &governor->pacer;
    gait_pacer_revise(
        pacer, &(struct gait_pacer_progress){
                   .live_bytes = progress->live_bytes,
                   .scannable_bytes = governor_scannable(governor, progress->scannable_bytes),
                   .work = {arith_i64_of_u64(progress->heap_work_bytes), pacer->work.stack_bytes,
                            pacer->work.globals_bytes},
               });
}

/* Mutators' CPU time while the cycle marked, no more than they can have used. A process's clock has
 * not yet what other CPUs' threads ran since their last tick: a cycle of 0.1 ms may be told of 4
 * ms, of before it began. The CPUs that they have are those since the last cycle, or procs. */
static int64_t plausible_cpu_ns(const struct gait_governor *governor,
                                const struct gait_governor_end *end) {
    const struct gait_governor_clocks *now = &end->clocks, *ended = &governor->learnt.ended;
    double marked_ns = (double)spent_ns(now->now_ns, governor->start.clocks.now_ns);
    double wall_ns = (double)spent_ns(now->now_ns, ended->now_ns);
    double used_ns = (double)spent_ns(now->process_cpu_ns, ended->process_cpu_ns);
    double cpus = wall_ns > 0 && used_ns > wall_ns * governor->settings.procs
                      ? used_ns / wall_ns
                      : governor->settings.procs;
    int64_t most_ns = arith_sub_i64(arith_to_i64(marked_ns * cpus), end->background_cpu_ns);
    most_ns = arith_max_i64(arith_sub_i64(most_ns, end->assist_cpu_ns), 1);
    return end->mutator_cpu_ns < most_ns ? end->mutator_cpu_ns : most_ns;
}

/* CPU time of forced cycles, up to now. The program asked for them: they are its own wish, as its
 * work is. */
static int64_t forced_ns(const struct gait_governor *governor, int64_t gc_cpu_ns) {
    if (!governor->marking || !governor->start.forced)
        return governor->forced_ns;
    int64_t ns = spent_ns(gc_cpu_ns, governor->start.clocks.gc_cpu_ns);
    return arith_add_i64(governor->forced_ns, ns);
}

void gait_governor_end(struct gait_governor *governor, const struct gait_governor_end *end,
                       struct gait_governor_cycle *cycle) {
    struct gait_pacer *pacer = &governor->pacer;
    struct gait_governor_progress progress = end->progress;
    /* ranges may have been removed meanwhile */
    uint64_t piece = arith_min_u64(governor->start.piece_bytes, progress.heap_work_bytes);
    progress.heap_work_bytes -= piece;
    gait_pacer_set_roots(pacer, end->stack_bytes, end->globals_bytes);
    /* what was scanned, in place of what was expected: the next goal grows by it */
    pacer->work.stack_bytes = arith_i64_of_u64(end->stack_bytes);
    pacer->work.globals_bytes = arith_add_i64(pacer->work.globals_bytes, arith_i64_of_u64(piece));
    gait_governor_revise(governor, &progress);
    governor_count_scannable(governor, end->kept_work_bytes);
    *cycle = cycle_now(governor);
    uint64_t goal_bytes = governor_target(governor).goal_bytes;

    struct gait_governor_end seen = *end;
    seen.mutator_cpu_ns = plausible_cpu_ns(governor, end);
    bool full = governor->start.kind == GAIT_GOVERNOR_FULL; /* others teach no cons/mark */
    gait_pacer_end_cycle_measured(pacer, &(struct gait_pacer_mark_cpu){
                                             .mutator_cpu_ns = full ? seen.mutator_cpu_ns : 0,
                                             .assist_cpu_ns = end->assist_cpu_ns,
                                             .background_cpu_ns = end->background_cpu_ns,
                                         });
    uint64_t marked_before_bytes = pacer->marked_bytes;
    gait_pacer_set_marked(pacer, end->marked_bytes);
    gait_pacer_set_foreign(pacer, governor->memory.foreign_bytes);
    governor->forced_ns = forced_ns(governor, end->clocks.gc_cpu_ns);
    governor->marking = false;
    governor_memory_end(governor, end, goal_bytes);
    int64_t gc_ns = arith_sub_i64(end->clocks.gc_cpu_ns, governor->learnt.ended.gc_cpu_ns);
    governor_learn(governor, &seen, marked_before_bytes);
    commit(governor, false);
    governor_plan_kind(governor, end, marked_before_bytes, gc_ns);
    cycle->estimate_bytes =
        governor->settings.parity ? end->marked_bytes : governor_live_bytes(governor);
}

void gait_governor_swept(struct gait_governor *governor) { commit(governor, true); }

bool gait_governor_take_back(struct gait_governor *governor, uint64_t foreign_bytes, bool swept) {
    uint64_t marked_bytes = governor->pacer.marked_bytes;
    if (!gait_pacer_take_back(&governor->pacer, foreign_bytes))
        return false;
    uint64_t gone_bytes = marked_bytes - governor->pacer.marked_bytes;
    governor_forget(&governor->learnt, gone_bytes);
    commit(governor, swept);
    return true;
}

struct gait_governor_orders gait_governor_orders(const struct gait_governor *governor) {
    const struct gait_pacer *pacer = &governor->pacer;
    struct gait_pacer_target target = governor_target(governor);
    struct gait_pacer_bounds bounds = gait_pacer_bounds(pacer);
    uint64_t goal = goal_now(governor, &target);
    return (struct gait_governor_orders){
        .trigger_bytes = arith_min_u64(target.trigger_bytes, goal),
        .goal_bytes = goal,
        /* without assists the goal may be passed: nobody waits for the cycle but at the limit */
        .late_bytes = governor->settings.assists_off ? bounds.limit_bytes : bounds.goal_bytes,
        .barrier_bytes = bounds.limit_bytes,
        .relief_bytes = bounds.relief_bytes,
        .large_bytes = arith_add_u64(pacer->marked_bytes, governor_least_growth(pacer)),
        .limit_bytes = (uint64_t)pacer->memory_limit_bytes,
        .keep_bytes = governor_keep_bytes(governor, target.goal_bytes),
        .foreign_marked_bytes = pacer->foreign_marked_bytes,
        .assist_work_per_byte = pacer->assist_work_per_byte,
        .assist_bytes_per_work = pacer->assist_bytes_per_work,
        .limiting = governor->limiting,
        .assists_off = governor->settings.assists_off,
        .kind = gait_governor_kind(governor, false, false, 0),
    };
}

uint64_t gait_governor_revise_at(uint64_t live_bytes) {
    return arith_add_u64(live_bytes, GOVERNOR_REVISE_BYTES);
}

bool gait_governor_periodic_due(const struct gait_governor *governor, int64_t now_ns,
                                int64_t last_cycle_ns) {
    return gait_pacer_periodic_due(&governor->pacer, now_ns, last_cycle_ns);
}

/* ---- The limiter ---- */

bool gait_governor_count_due(const struct gait_governor *governor, int64_t now_ns) {
    return gait_limiter_need_update(&governor->limiter, now_ns);
}

/* Under a limit the floor of its goal empties the bucket long before it is full, with assists on.
 */
static bool limiter_holds(const struct gait_governor *governor) {
    if (governor->settings.parity || governor->settings.memory_limit_bytes == GAIT_PACER_NO_LIMIT)
        return gait_limiter_holds(&governor->limiter, governor->limiting);
    double full = policy_limiter_fullness(&governor->limiter);
    return full >= (governor->limiting ? GOVERNOR_LIMITED_END : GOVERNOR_LIMITED_BEGIN);
}

bool gait_governor_count(struct gait_governor *governor,
                         const struct gait_governor_clocks *clocks) {
    struct gait_governor_clocks *counted = &governor->counted;
    int64_t gc_ns = spent_ns(clocks->gc_cpu_ns, counted->gc_cpu_ns);
    int64_t process_ns = spent_ns(clocks->process_cpu_ns, counted->process_cpu_ns);
    int64_t forced = forced_ns(governor, clocks->gc_cpu_ns);
    int64_t asked_ns = spent_ns(forced, governor->counted_forced_ns);
    if (governor->settings.parity)
        asked_ns = 0;
    gait_limiter_update_measured(&governor->limiter, clocks->now_ns,
                                 arith_sub_i64(process_ns, gc_ns), arith_sub_i64(gc_ns, asked_ns));
    governor->counted_forced_ns = forced;
    if (governor->limiting)
        governor->limiting_ns =
            arith_add_i64(governor->limiting_ns, spent_ns(clocks->now_ns, counted->now_ns));
    *counted = *clocks;
    bool before = governor->limiting;
    governor->limiting = limiter_holds(governor);
    return governor->limiting != before;
}

void gait_governor_process_is_new(struct gait_governor *governor, int64_t less_ns) {
    struct gait_governor_clocks *clocks[] = {&governor->counted, &governor->start.clocks,
                                             &governor->learnt.ended};
    for (unsigned i = 0; i < sizeof clocks / sizeof *clocks; i++)
        clocks[i]->process_cpu_ns = arith_sub_i64(clocks[i]->process_cpu_ns, less_ns);
}

/* ---- Settings ---- */

int64_t gait_governor_setting(const struct gait_governor *governor,
                              enum gait_governor_setting setting) {
    const struct gait_governor_settings *settings = &governor->settings;
    switch (setting) {
    case GAIT_SETTING_GOGC:
        return settings->gogc_percent;
    case GAIT_SETTING_LIMIT:
        return settings->memory_limit_bytes;
    case GAIT_SETTING_MIN_HEAP:
        return (int64_t)settings->min_heap_bytes;
    case GAIT_SETTING_GOGC_FLOOR:
        return settings->gogc_floor_percent;
    case GAIT_SETTING_ASSISTS:
        return !settings->assists_off;
    case GAIT_SETTING_MINORS:
        return settings->minors;
    }
    return 0;
}

void gait_governor_set(struct gait_governor *governor, enum gait_governor_setting setting,
                       int64_t value, bool swept) {
    struct gait_governor_settings *settings = &governor->settings;
    int64_t least = value > 0 ? value : 0;
    switch (setting) {
    case GAIT_SETTING_GOGC:
        settings->gogc_percent = (int32_t)value;
        gait_pacer_set_gogc(&governor->pacer, (int32_t)value);
        break;
    case GAIT_SETTING_LIMIT:
        settings->memory_limit_bytes = value;
        gait_pacer_set_memory_limit(&governor->pacer, value);
        break;
    case GAIT_SETTING_MIN_HEAP:
        settings->min_heap_bytes = (uint64_t)least;
        gait_pacer_set_min_heap(&governor->pacer, (uint64_t)least);
        break;
    case GAIT_SETTING_GOGC_FLOOR:
        settings->gogc_floor_percent = (int32_t)least;
        gait_pacer_set_gogc_floor(&governor->pacer, (int32_t)least);
        break;
    case GAIT_SETTING_ASSISTS:
        settings->assists_off = !value;
        return; /* no goal follows from this, or from the next one */
    case GAIT_SETTING_MINORS:
        settings->minors = value != 0;
        return;
    }
    commit(governor, swept);
}

void gait_governor_set_procs(struct gait_governor *governor, int64_t now_ns, int32_t procs) {
    governor->settings.procs = procs;
    gait_limiter_reset_capacity(&governor->limiter, now_ns, procs);
}

void gait_governor_set_heap_minimum(struct gait_governor *governor, uint64_t bytes, bool swept) {
    gait_pacer_set_heap_minimum(&governor->pacer, bytes);
    commit(governor, swept);
}
