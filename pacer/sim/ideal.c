/* SPDX-License-Identifier: MIT */
/*
 * The ideal program. The order of the floating-point operations matters: it is
 * that of Go's test, since results are compared to the last bit.
 */
#include "ideal.h"

#include "../arith.h"

#include <string.h>

#define IDEAL_PERIOD_NS INT64_C(500000)

/** Bytes per period and CPU, for a rate of 1 KiB per CPU-ms. */
#define IDEAL_PERIOD_BYTES (1024 * 0.5)

/** Share of the CPUs that marks even where the ratio asks for less: dedicated workers. */
#define IDEAL_BACKGROUND_SHARE 0.25

/** Live bytes that the first cycle finds. */
#define IDEAL_FIRST_MARKED_BYTES (INT64_C(256) << 10)

#define IDEAL_MAX_PERIODS 10000000

/** A heap that grows beyond makes sums overflow. */
#define IDEAL_MAX_BYTES (INT64_C(1) << 60)

/** Work that a cycle has to do, in the order in which it is done. */
struct ideal_work {
    int64_t globals;
    int64_t stack;
    int64_t heap;
};

/** One period: who ran, what was done. */
struct ideal_period {
    struct gait_pacer_work done;
    int64_t elapsed_ns;
    int64_t allocated;
    int64_t assist_ns;
};

void ideal_init(struct ideal *ideal, int32_t gogc_percent, int64_t memory_limit_bytes,
                uint64_t globals_bytes, int32_t procs) {
    memset(ideal, 0, sizeof(*ideal));
    gait_pacer_init(&ideal->pacer, gogc_percent, memory_limit_bytes);
    ideal->globals_bytes = globals_bytes;
    ideal->procs = procs;
}

/** The heap has grown to the trigger; marking begins. */
static void ideal_start(struct ideal *ideal, const struct ideal_behaviour *behaviour) {
    struct gait_pacer *pacer = &ideal->pacer;
    uint64_t marked = pacer->marked_bytes;
    uint64_t live = arith_max_u64(gait_pacer_target(pacer).trigger_bytes, marked);
    uint64_t grown = arith_to_u64((double)(live - marked) * behaviour->scannable_frac);
    gait_pacer_start_cycle(pacer, &(struct gait_pacer_start){
                                      .now_ns = 0,
                                      .procs = ideal->procs,
                                      .live_bytes = live,
                                      .scannable_bytes = pacer->scannable_bytes + grown,
                                      .stack_bytes = behaviour->stack_bytes,
                                      .globals_bytes = ideal->globals_bytes,
                                  });
}

static int64_t ideal_take(int64_t *left, int64_t *budget) {
    int64_t taken = *left < *budget ? *left : *budget;
    *left -= taken;
    *budget -= taken;
    return taken;
}

static struct ideal_period ideal_run_period(const struct ideal *ideal,
                                            const struct ideal_behaviour *behaviour,
                                            struct ideal_work *left) {
    /* Assists keep scanned : allocated = ratio; solved for the marking share of the CPUs. */
    double ratio = ideal->pacer.assist_work_per_byte;
    double a = behaviour->alloc_rate;
    double s = behaviour->scan_rate;
    double share = ratio * a / (ratio * a + s);
    if (share < IDEAL_BACKGROUND_SHARE)
        share = IDEAL_BACKGROUND_SHARE;

    double procs = (double)ideal->procs;
    int64_t scanned = arith_to_i64(s * IDEAL_PERIOD_BYTES * procs * share);
    struct ideal_period period = {
        .elapsed_ns = IDEAL_PERIOD_NS,
        .allocated = arith_to_i64(a * IDEAL_PERIOD_BYTES * procs * (1 - share)),
    };
    int64_t budget = scanned;
    period.done.globals_bytes = ideal_take(&left->globals, &budget);
    period.done.stack_bytes = ideal_take(&left->stack, &budget);
    period.done.heap_bytes = ideal_take(&left->heap, &budget);
    if (budget > 0) { /* the work ended within the period */
        period.elapsed_ns = arith_to_i64((double)(scanned - budget) * (double)IDEAL_PERIOD_NS /
                                         (s * IDEAL_PERIOD_BYTES * procs * share));
        period.allocated = arith_to_i64(a * IDEAL_PERIOD_BYTES * (double)period.elapsed_ns /
                                        (double)IDEAL_PERIOD_NS * procs * (1 - share));
    }
    period.assist_ns =
        arith_to_i64((double)period.elapsed_ns * procs * (share - IDEAL_BACKGROUND_SHARE));
    return period;
}

/** Tell the pacer what a period came to. */
static void ideal_revise(struct gait_pacer *pacer, const struct ideal_period *period,
                         double scannable_frac) {
    int64_t scannable = arith_to_i64((double)period->allocated * scannable_frac);
    gait_pacer_revise(pacer, &(struct gait_pacer_progress){
                                 .live_bytes = pacer->live_bytes + (uint64_t)period->allocated,
                                 .scannable_bytes = pacer->scannable_bytes + (uint64_t)scannable,
                                 .work = {pacer->work.heap_bytes + period->done.heap_bytes,
                                          pacer->work.stack_bytes + period->done.stack_bytes,
                                          pacer->work.globals_bytes + period->done.globals_bytes},
                             });
}

bool ideal_cycle(struct ideal *ideal, const struct ideal_behaviour *behaviour,
                 struct ideal_result *result) {
    struct gait_pacer *pacer = &ideal->pacer;
    ideal_start(ideal, behaviour);

    int64_t survivors = (int64_t)pacer->marked_bytes - ideal->last_allocated_black;
    *result = (struct ideal_result){
        .next_marked = ideal->cycles == 0
                           ? IDEAL_FIRST_MARKED_BYTES
                           : arith_to_i64((double)survivors * behaviour->growth_rate),
        .live = pacer->marked_bytes,
        .scannable = arith_to_i64((double)survivors * behaviour->scannable_frac),
        .trigger = pacer->triggered_bytes,
    };

    if (result->next_marked < 0 || result->next_marked > IDEAL_MAX_BYTES)
        return false;
    struct ideal_work left = {
        .globals = (int64_t)ideal->globals_bytes,
        .stack = (int64_t)behaviour->stack_bytes,
        .heap = arith_to_i64((double)result->next_marked * behaviour->scannable_frac),
    };
    for (int periods = 0; left.globals + left.stack + left.heap > 0; periods++) {
        if (periods == IDEAL_MAX_PERIODS)
            return false;
        struct ideal_period period = ideal_run_period(ideal, behaviour, &left);
        ideal_revise(pacer, &period, behaviour->scannable_frac);
        result->assist_ns += period.assist_ns;
        result->duration_ns += period.elapsed_ns;
        result->allocated_black += period.allocated;
        if (result->allocated_black > IDEAL_MAX_BYTES || result->assist_ns > IDEAL_MAX_BYTES)
            return false;
    }

    result->gc_utilization =
        (double)result->assist_ns / ((double)result->duration_ns * (double)ideal->procs) +
        IDEAL_BACKGROUND_SHARE;
    result->goal = gait_pacer_goal(pacer);
    result->peak = pacer->live_bytes;

    gait_pacer_end_cycle(pacer, &(struct gait_pacer_mark_time){
                                    .now_ns = result->duration_ns,
                                    .procs = ideal->procs,
                                    .assist_cpu_ns = result->assist_ns,
                                });
    gait_pacer_set_marked(pacer, (uint64_t)(result->next_marked + result->allocated_black));
    gait_pacer_commit(pacer, false);
    ideal->last_allocated_black = result->allocated_black;
    ideal->cycles++;
    return true;
}
