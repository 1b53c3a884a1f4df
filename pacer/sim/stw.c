/* SPDX-License-Identifier: MIT */
/*
 * The cost model of Go's GC guide: the program stands still while a cycle runs, a cycle costs
 *
 *     fixed + (live heap with references + stacks + globals) / scan rate      CPU-seconds
 *
 * spread over all CPUs, and ends as the heap reaches its goal: marking takes no time of the
 * program's, so that there is no runway. No sweeping, no pages, no limiter.
 */
#include "engine.h"

/** Room to the goal at least, so that the program makes headway: the pacer's own least runway. */
#define STW_ROOM_BYTES 65536.0

static double stw_goal(struct model *model) {
    struct gait_pacer *pacer = &model->pacer;
    const struct model_rates *rates = &model->program.rates;
    gait_pacer_set_memory(pacer, &(struct gait_pacer_memory){
                                     .mapped_bytes = engine_u64(ledger_memory(model).total),
                                     .allocated_bytes = engine_u64(model->heap),
                                 });
    gait_pacer_set_roots(pacer, engine_u64(rates->stacks),
                         engine_u64((double)model->scenario->memory.globals));
    return engine_max((double)gait_pacer_goal(pacer), (double)pacer->marked_bytes + STW_ROOM_BYTES);
}

static void stw_cycle(struct model *model, double goal) {
    struct gait_pacer *pacer = &model->pacer;
    const struct scenario_machine *machine = &model->scenario->machine;
    const struct model_rates *rates = &model->program.rates;
    double globals = (double)model->scenario->memory.globals;
    double live = program_reachable(&model->program), work = program_scannable(&model->program);
    double cpu_s = (work + rates->stacks + globals) / rates->scan_rate;
    double pause_s = (machine->cycle_cost + cpu_s) / (double)machine->cpus;
    struct model_cycle record = {
        .start_s = model->now_s,
        .mark_s = pause_s,
        .pause_s = pause_s,
        .before_bytes = pacer->marked_bytes,
        .trigger_bytes = engine_u64(goal),
        .start_bytes = engine_u64(model->heap),
        .goal_bytes = engine_u64(goal),
        .peak_bytes = engine_u64(model->heap),
        .marked_bytes = engine_u64(live),
        .scanned_bytes = engine_u64(work),
        .total_bytes = engine_u64(ledger_memory(model).total),
        .cpu_s = {[MODEL_DEDICATED] = cpu_s, [MODEL_FIXED] = machine->cycle_cost},
        .utilization = 1,
        .by_limit = gait_pacer_limit_goal(pacer) < pacer->gogc_goal_bytes,
    };
    model->is_marking = true;
    ledger_sample(model);
    gait_pacer_start_cycle(pacer, &(struct gait_pacer_start){
                                      .now_ns = engine_ns(model->now_s),
                                      .procs = (int32_t)machine->cpus,
                                      .stop_the_world = true,
                                      .live_bytes = record.start_bytes,
                                      .scannable_bytes = record.scanned_bytes,
                                      .stack_bytes = engine_u64(rates->stacks),
                                      .globals_bytes = engine_u64(globals),
                                  });
    gait_pacer_revise(
        pacer, &(struct gait_pacer_progress){
                   .live_bytes = record.start_bytes,
                   .scannable_bytes = record.scanned_bytes,
                   .work = {engine_i64(work), engine_i64(rates->stacks), engine_i64(globals)},
               });
    ledger_gc(model, MODEL_DEDICATED, cpu_s);
    ledger_gc(model, MODEL_FIXED, machine->cycle_cost);
    ledger_pause(model, pause_s);
    ledger_time(model, pause_s, 0);
    ledger_look(model);
    gait_pacer_end_cycle_measured(pacer, &(struct gait_pacer_mark_cpu){0}); /* no mutator ran */
    gait_pacer_set_marked(pacer, record.marked_bytes);
    gait_pacer_commit(pacer, true);
    model->heap = live;
    model->is_marking = false;
    ledger_cycle(model, &record);
    ledger_sample(model);
}

void stw_step(struct model *model) {
    if (program_ended(&model->program) || model->now_s > model->give_up_s) {
        ledger_close(model, program_ended(&model->program));
        return;
    }
    const struct model_rates *rates = &model->program.rates;
    double goal = stw_goal(model);
    double seconds = engine_min(program_distance(&model->program), ENGINE_STEP_MOST_S);
    bool reached = model->heap >= goal;
    if (!reached && rates->alloc > 0 && (goal - model->heap) / rates->alloc < seconds) {
        seconds = (goal - model->heap) / rates->alloc;
        reached = true;
    }
    if (model->heap < goal) {
        ledger_time(model, seconds, rates->cpus);
        double allocated = program_advance(&model->program, seconds);
        model->heap += allocated;
        model->result.allocated_bytes += allocated;
        ledger_look(model);
    }
    if (reached)
        stw_cycle(model, goal);
}
