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

static void stw_look_at_memory(struct model *model) {
    uint64_t heap = engine_u64(model->heap);
    gait_governor_see(&model->governor, &(struct gait_governor_memory){
                                            .total_bytes = engine_u64(ledger_memory(model).total),
                                            .span_bytes = heap,
                                            .objects_bytes = heap,
                                        });
}

static double stw_goal(struct model *model) {
    stw_look_at_memory(model);
    double least = (double)model->governor.pacer.marked_bytes + STW_ROOM_BYTES;
    return engine_max((double)gait_governor_orders(&model->governor).goal_bytes, least);
}

/** Tell the governor of a cycle that does its work with nobody running beside it. */
static void stw_govern(struct model *model, struct model_cycle *record) {
    const struct model_rates *rates = &model->program.rates;
    uint64_t stacks = engine_u64(rates->stacks);
    uint64_t globals = engine_u64((double)model->scenario->memory.globals);
    struct gait_governor_start start = {
        .clocks = {.now_ns = engine_ns(model->now_s)},
        .stopped = true,
        .forced = record->forced,
        .live_bytes = record->start_bytes,
        .scannable_bytes = record->scanned_bytes,
        .stack_bytes = stacks,
        .globals_bytes = globals,
    };
    struct gait_governor_end end = {
        .clocks = start.clocks,
        .progress = {record->start_bytes, record->scanned_bytes, record->scanned_bytes},
        .marked_bytes = record->marked_bytes,
        .stack_bytes = stacks,
        .globals_bytes = globals,
        .background_cpu_ns = engine_ns(record->cpu_s[MODEL_DEDICATED]),
    };
    struct gait_governor_cycle cycle;
    gait_governor_begin(&model->governor, &start, &cycle);
    record->by_limit = cycle.by_limit;
    gait_governor_end(&model->governor, &end, &cycle);
    record->by_floor = cycle.ruled_by == GAIT_GOVERNOR_BY_FLOOR;
    gait_governor_swept(&model->governor);
}

static void stw_cycle(struct model *model, double goal) {
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
        .before_bytes = model->governor.pacer.marked_bytes,
        .trigger_bytes = engine_u64(goal),
        .start_bytes = engine_u64(model->heap),
        .goal_bytes = engine_u64(goal),
        .peak_bytes = engine_u64(model->heap),
        .marked_bytes = engine_u64(live),
        .live_bytes = engine_u64(live),
        .scanned_bytes = engine_u64(work),
        .total_bytes = engine_u64(ledger_memory(model).total),
        .cpu_s = {[MODEL_DEDICATED] = cpu_s, [MODEL_FIXED] = machine->cycle_cost},
        .utilization = 1,
        .forced = model->program.collects,
    };
    model->is_marking = true;
    ledger_sample(model);
    stw_look_at_memory(model);
    stw_govern(model, &record);
    ledger_gc(model, MODEL_DEDICATED, cpu_s);
    ledger_gc(model, MODEL_FIXED, machine->cycle_cost);
    ledger_pause(model, pause_s);
    ledger_time(model, pause_s, 0);
    ledger_look(model);
    model->heap = live;
    model->program.collects = false;
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
    if (reached || model->program.collects)
        stw_cycle(model, goal);
}
