/* SPDX-License-Identifier: MIT */
/*
 * A scenario under the ideal model: the phases give each cycle's inputs, ideal.c runs the cycle.
 *
 * The program runs at full speed up to the trigger. A cycle finds live what is reachable then; its
 * first is an exception, which the ideal model has find 256 KiB.
 */
#include "engine.h"

void ideal_run_init(struct model *model) {
    const struct scenario *scenario = model->scenario;
    ideal_init(&model->ideal, scenario->settings.gogc, scenario->settings.memory_limit,
               (uint64_t)scenario->memory.globals, (int32_t)scenario->machine.cpus);
    gait_pacer_set_heap_minimum(&model->ideal.pacer, (uint64_t)scenario->settings.minimum_heap);
    gait_pacer_set_min_heap(&model->ideal.pacer, (uint64_t)scenario->settings.min_heap);
    gait_pacer_set_gogc_floor(&model->ideal.pacer, (int32_t)scenario->settings.gogc_floor);
    gait_pacer_commit(&model->ideal.pacer, true);
}

/** What the program does now, per CPU and millisecond, as a cycle's input. */
static struct ideal_behaviour ideal_behaviour_now(const struct model *model) {
    const struct model_rates *rates = &model->program.rates;
    double survivors =
        (double)model->ideal.pacer.marked_bytes - (double)model->ideal.last_allocated_black;
    double reachable = program_reachable(&model->program);
    return (struct ideal_behaviour){
        .alloc_rate = rates->alloc / 1024 / 1000 / (double)model->scenario->machine.cpus,
        .scan_rate = rates->scan_rate / 1024 / 1000,
        .growth_rate = survivors > 0 && reachable > 0 ? reachable / survivors : 1,
        .scannable_frac = rates->scannable,
        .stack_bytes = engine_u64(rates->stacks),
    };
}

static struct model_cycle ideal_record(const struct model *model,
                                       const struct ideal_behaviour *behaviour,
                                       const struct ideal_result *result, double ratio) {
    double cpus = (double)model->scenario->machine.cpus;
    double mark_s = (double)result->duration_ns * 1e-9;
    return (struct model_cycle){
        .start_s = model->now_s,
        .mark_s = mark_s,
        .before_bytes = result->live,
        .trigger_bytes = result->trigger,
        .start_bytes = result->trigger,
        .goal_bytes = result->goal,
        .peak_bytes = result->peak,
        .marked_bytes = (uint64_t)(result->next_marked + result->allocated_black),
        .live_bytes = (uint64_t)result->next_marked,
        .scanned_bytes = engine_u64((double)result->next_marked * behaviour->scannable_frac),
        .total_bytes = result->peak,
        .cpu_s = {[MODEL_ASSIST] = (double)result->assist_ns * 1e-9,
                  [MODEL_DEDICATED] = 0.25 * mark_s * cpus},
        .utilization = result->duration_ns > 0 ? result->gc_utilization : 0.25,
        .assist_ratio = ratio,
        .cons_mark = model->ideal.pacer.cons_mark,
        .ideal = *result,
    };
}

/** The program goes on beside marking, with the CPUs that marking leaves. */
static void ideal_go_on(struct model *model, double program_s) {
    while (program_s > 0 && !program_ended(&model->program)) {
        double step = engine_min(program_s, program_distance(&model->program));
        program_advance(&model->program, step);
        program_s -= engine_max(step, ENGINE_STEP_LEAST_S);
    }
}

static void ideal_run_cycle(struct model *model) {
    struct ideal_behaviour behaviour = ideal_behaviour_now(model);
    struct ideal_result result;
    double cpus = model->program.rates.cpus;
    model->is_marking = true;
    ledger_sample(model);
    if (!ideal_cycle(&model->ideal, &behaviour, &result)) {
        ledger_close(model, false);
        return;
    }
    struct model_cycle record =
        ideal_record(model, &behaviour, &result, model->ideal.pacer.assist_work_per_byte);
    model->heap = (double)result.peak;
    model->result.allocated_bytes += (double)result.allocated_black;
    ledger_gc(model, MODEL_ASSIST, record.cpu_s[MODEL_ASSIST]);
    ledger_gc(model, MODEL_DEDICATED, record.cpu_s[MODEL_DEDICATED]);
    ledger_time(model, record.mark_s, cpus * (1 - record.utilization));
    ideal_go_on(model, record.mark_s * (1 - record.utilization));
    ledger_look(model);
    model->heap = (double)record.marked_bytes;
    model->is_marking = false;
    ledger_cycle(model, &record);
    ledger_sample(model);
}

void ideal_run_step(struct model *model) {
    if (program_ended(&model->program) || model->now_s > model->give_up_s) {
        ledger_close(model, program_ended(&model->program));
        return;
    }
    double trigger = (double)gait_pacer_target(&model->ideal.pacer).trigger_bytes;
    double alloc = model->program.rates.alloc;
    double seconds = engine_min(program_distance(&model->program), ENGINE_STEP_MOST_S);
    bool due = model->heap >= trigger && alloc > 0;
    if (!due && alloc > 0 && (trigger - model->heap) / alloc <= seconds) {
        seconds = (trigger - model->heap) / alloc;
        due = true;
    }
    if (model->heap < trigger || alloc <= 0) {
        ledger_time(model, seconds, model->program.rates.cpus);
        double allocated = program_advance(&model->program, seconds);
        model->heap += allocated;
        model->result.allocated_bytes += allocated;
        ledger_look(model);
    }
    if (due && !program_ended(&model->program))
        ideal_run_cycle(model);
}
