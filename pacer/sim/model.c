/* SPDX-License-Identifier: MIT */
/*
 * The engine's front: starts a run and steps it. See model.h.
 */
#include "../notice.h"
#include "engine.h"

#include <string.h>

/** A run that takes so many times the program's length is given up. */
#define MODEL_HOPELESS 100
/** And one of so many cycles. */
#define MODEL_MOST_CYCLES 10000000

/** The governor as the runtime has it, before the program's first instruction; the cost model of
 * Go's guide has Go's goals. */
static void model_govern(struct gait_governor *governor, const struct scenario *scenario,
                         enum model_kind kind) {
    gait_governor_init(governor,
                       &(struct gait_governor_settings){
                           .gogc_percent = scenario->settings.gogc,
                           .memory_limit_bytes = scenario->settings.memory_limit,
                           .procs = (int32_t)scenario->machine.cpus,
                           .min_heap_bytes = (uint64_t)scenario->settings.min_heap,
                           .gogc_floor_percent = (int32_t)scenario->settings.gogc_floor,
                           .assists_off = !scenario->settings.assists,
                           .minors = scenario->settings.minors && kind == MODEL_FULL,
                           .parity = scenario->settings.parity || kind == MODEL_STW,
                       },
                       &(struct gait_governor_clocks){0});
    gait_governor_set_heap_minimum(governor, (uint64_t)scenario->settings.minimum_heap, true);
    gait_governor_assume(governor, (uint64_t)scenario->memory.initial_live);
}

void model_init(struct model *model, enum model_kind kind, const struct scenario *scenario,
                const struct model_sink *sink) {
    memset(model, 0, sizeof(*model));
    model->scenario = scenario;
    model->kind = kind;
    if (sink)
        model->sink = *sink;
    model->give_up_s = MODEL_HOPELESS * scenario_duration(scenario);
    program_init(&model->program, scenario);
    pages_init(&model->pages, &scenario->memory);
    model_govern(&model->governor, scenario, kind);
    model->heap = program_reachable(&model->program);
    model->scannable = program_scannable(&model->program);
    if (kind == MODEL_IDEAL)
        ideal_run_init(model);
    model->notice_at_bytes =
        gait_governor_notice_at(scenario->settings.notice_memory, scenario->settings.notice_percent,
                                scenario->settings.memory_limit);
    ledger_look(model);
    ledger_sample(model);
}

bool model_advance(struct model *model, int64_t steps) {
    for (; steps > 0 && !model->done; steps--) {
        if (model->result.cycles == MODEL_MOST_CYCLES || ++model->steps > MODEL_MOST_STEPS)
            model->give_up_s = 0;
        if (model->kind == MODEL_STW)
            stw_step(model);
        else if (model->kind == MODEL_IDEAL)
            ideal_run_step(model);
        else if (model->is_marking)
            mark_step(model);
        else
            full_step(model);
    }
    return !model->done;
}

void model_run(struct model *model, enum model_kind kind, const struct scenario *scenario,
               const struct model_sink *sink) {
    model_init(model, kind, scenario, sink);
    while (model_advance(model, INT64_MAX))
        ;
}

struct model_work model_work(const struct scenario *scenario) {
    struct model_work work = {0};
    double most = 0;
    for (int32_t i = 0; i < scenario->phase_count; i++) {
        const char *key;
        double step_s = program_step(&scenario->phases[i], &key);
        double steps = scenario->phases[i].duration / step_s;
        work.steps += steps;
        if (steps > most) {
            most = steps;
            work.phase = i;
            work.key = key;
            work.step_s = step_s;
        }
    }
    return work;
}

double model_float(const struct model_result *result) {
    return result->live_bytes > 0 ? result->marked_bytes / result->live_bytes : 1;
}

double model_cycle_float(const struct model_cycle *cycle) {
    return cycle->live_bytes > 0 ? (double)cycle->marked_bytes / (double)cycle->live_bytes : 0;
}

double model_progress(const struct model *model) {
    return engine_min(model->program.now_s / scenario_duration(model->scenario), 1);
}
