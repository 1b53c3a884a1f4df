/* SPDX-License-Identifier: MIT */
/*
 * The program that is simulated: which phase it is in, what it does there, and which of its memory
 * is reachable. Time is the program's own: a second is what it would take a second for without a
 * collector.
 *
 * New memory either survives (and dies as `old_death` of some phase says) or is young, and lives
 * for `lifetime` on average: young' = allocated x (1 - survival) - young / lifetime.
 */
#include "engine.h"

#include <string.h>

/** How often streams are evaluated, seconds; the collector looks far more often where it matters.
 */
#define PROGRAM_STEP_S 0.01
/** Times closer than this are the same. */
#define PROGRAM_TIME_EPSILON 1e-12
/** Of the time so far, what a step takes at least: less is lost as a double is rounded. */
#define PROGRAM_TIME_ROUNDED 4.5e-16
/** Costs are not taken to grow on with a heap that is so many times what they were measured at. */
#define PROGRAM_MOST_GROWN 32.0

static const struct scenario_phase *program_phase(const struct model_program *program) {
    return &program->scenario->phases[program->phase];
}

static double program_stream(const struct model_program *program, const struct stream *stream,
                             double least, double most) {
    const struct scenario *scenario = program->scenario;
    double value = stream_value(stream, scenario->nodes, (uint64_t)scenario->seed,
                                program->now_s - program->phase_start_s);
    return engine_min(engine_max(value, least), most);
}

/** Times what the phase's figures were measured at have costs of this exponent grown. */
static double program_growth(const struct model_program *program, double exponent) {
    double measured = program_phase(program)->grown;
    if (exponent == 0 || !(measured > 0) || !(program->grown > 0))
        return 1;
    double times = program->grown / measured;
    return pow(engine_min(engine_max(times, 1 / PROGRAM_MOST_GROWN), PROGRAM_MOST_GROWN), exponent);
}

static void program_evaluate(struct model_program *program) {
    const struct scenario *scenario = program->scenario;
    const struct scenario_machine *machine = &scenario->machine;
    const struct scenario_phase *phase = program_phase(program);
    double noise = 0;
    if (phase->noise > 0)
        noise = phase->noise * stream_random((uint64_t)scenario->seed + (uint64_t)program->phase,
                                             engine_u64((program->now_s - program->phase_start_s) /
                                                            phase->noise_every +
                                                        PROGRAM_TIME_EPSILON));
    double cpus = (double)machine->cpus;
    program->rates = (struct model_rates){
        .cpus = phase->cpus > 0 ? engine_min(phase->cpus, cpus) : cpus * (1 - machine->idle_share),
        .marking_cpus = phase->marking_cpus > 0 ? engine_min(phase->marking_cpus, cpus) : cpus,
        .alloc = program_stream(program, &phase->alloc_rate, 0, ENGINE_MOST_BYTES) * (1 + noise),
        .survival = program_stream(program, &phase->survival, 0, 1),
        .scannable = program_stream(program, &phase->scannable, 0, 1),
        .scan_rate = (double)(phase->scan_rate > 0 ? phase->scan_rate : machine->scan_rate) /
                     program_growth(program, machine->scan_growth),
        .sweep_rate = (double)machine->sweep_rate / program_growth(program, machine->sweep_growth),
        .cycle_cost = machine->cycle_cost * program_growth(program, machine->cycle_growth),
        .old_stores = phase->old_stores,
        .work = program_growth(program, machine->work_growth),
        .drag = machine->marking_drag * program_growth(program, machine->drag_growth),
        .background = engine_min(phase->background, cpus),
        .stacks = program_stream(program, &phase->stacks, 0, ENGINE_MOST_BYTES),
        .off_heap = program_stream(program, &phase->off_heap, 0, ENGINE_MOST_BYTES),
        .arenas = program_stream(program, &phase->arenas, 0, ENGINE_MOST_BYTES),
        .foreign = program_stream(program, &phase->foreign, 0, ENGINE_MOST_BYTES),
        .counted = program_stream(program, &phase->counted, 0, ENGINE_MOST_BYTES),
    };
}

static bool phase_varies(const struct scenario_phase *phase) {
    return stream_varies(&phase->alloc_rate) || stream_varies(&phase->survival) ||
           stream_varies(&phase->scannable) || stream_varies(&phase->stacks) ||
           stream_varies(&phase->off_heap) || stream_varies(&phase->arenas) ||
           stream_varies(&phase->foreign) || stream_varies(&phase->counted);
}

static void program_enter(struct model_program *program) {
    const struct scenario_phase *phase = program_phase(program);
    program->phase_start_s = program->now_s;
    program->deaths_per_s = program->survivors * phase->old_death / phase->duration;
    program->next_burst_s = phase->burst > 0 ? program->now_s + phase->burst_every : INFINITY;
    program->next_collect_s =
        phase->collect_every > 0 ? program->now_s + phase->collect_every : INFINITY;
    program->varies = phase_varies(phase);
    program_evaluate(program);
}

void program_init(struct model_program *program, const struct scenario *scenario) {
    memset(program, 0, sizeof(*program));
    program->scenario = scenario;
    program->survivors = (double)scenario->memory.initial_live;
    program_enter(program);
    program->scannable = program->survivors * program->rates.scannable;
}

bool program_ended(const struct model_program *program) {
    return program->phase == program->scenario->phase_count;
}

static double program_phase_end(const struct model_program *program) {
    return program->phase_start_s + program_phase(program)->duration;
}

/** Program time until the noise changes. */
static double program_noise_distance(const struct model_program *program) {
    double every = program_phase(program)->noise_every;
    double x = (program->now_s - program->phase_start_s) / every;
    return (floor(x + PROGRAM_TIME_EPSILON) + 1 - x) * every;
}

double program_step(const struct scenario_phase *phase, const char **key) {
    double step_s = ENGINE_STEP_MOST_S;
    *key = "duration";
    if (phase_varies(phase))
        step_s = PROGRAM_STEP_S;
    if (phase->burst > 0 && phase->burst_every < step_s) {
        step_s = phase->burst_every;
        *key = "burst_every";
    }
    if (phase->collect_every > 0 && phase->collect_every < step_s) {
        step_s = phase->collect_every;
        *key = "collect_every";
    }
    if (phase->noise > 0 && phase->noise_every < step_s) {
        step_s = phase->noise_every;
        *key = "noise_every";
    }
    return step_s;
}

double program_distance(const struct model_program *program) {
    double next_s = engine_min(program->next_burst_s, program->next_collect_s);
    double distance = engine_min(program_phase_end(program), next_s) - program->now_s;
    if (program_phase(program)->noise > 0)
        distance = engine_min(distance, program_noise_distance(program));
    if (program->varies)
        distance = engine_min(distance, PROGRAM_STEP_S);
    return engine_max(distance, program->now_s * PROGRAM_TIME_ROUNDED);
}

/** The program has allocated so much within so long. */
static void program_remember(struct model_program *program, double allocated, double seconds) {
    const struct model_rates *rates = &program->rates;
    double lifetime = program_phase(program)->lifetime;
    double surviving = allocated * rates->survival;

    double died = engine_min(program->deaths_per_s * seconds, program->survivors);
    if (died > 0) { /* new ones as well as old ones */
        double left = 1 - died / program->survivors;
        program->scannable *= left;
        program->fresh_survivors *= left;
        program->fresh_scannable *= left;
    }
    program->survivors += surviving - died;
    program->fresh_survivors += surviving;
    program->scannable += surviving * rates->scannable;
    program->fresh_scannable += surviving * rates->scannable;
    double transient = allocated - surviving,
           left = lifetime > 0 ? 1 / (1 + seconds / lifetime) : 0;
    program->young = (program->young + transient) * left;
    program->fresh_young = (program->fresh_young + transient) * left;
}

double program_found(const struct model_program *program) {
    return program->fresh_survivors + program->fresh_young;
}

double program_found_scannable(const struct model_program *program) {
    return program->fresh_scannable + program->fresh_young * program->rates.scannable;
}

void program_flip(struct model_program *program) {
    program->fresh_survivors = program->fresh_scannable = program->fresh_young = 0;
}

void program_see_heap(struct model_program *program, double heap) {
    double reachable = program_reachable(program);
    program->grown = reachable > 0 ? heap / reachable : 0;
    if (!program_ended(program))
        program_evaluate(program);
}

double program_advance(struct model_program *program, double seconds) {
    const struct scenario_phase *phase = program_phase(program);
    double allocated = program->rates.alloc * seconds, counted = program->rates.counted;
    program->now_s += seconds;
    if (program->now_s >= program->next_burst_s - PROGRAM_TIME_EPSILON) {
        allocated += (double)phase->burst;
        program->next_burst_s += phase->burst_every;
    }
    if (program->now_s >= program->next_collect_s - PROGRAM_TIME_EPSILON) {
        program->collects = true; /* one that still waits does not ask again */
        program->next_collect_s = program->now_s + phase->collect_every;
    }
    program_remember(program, allocated, seconds);
    if (program->now_s >= program_phase_end(program) - PROGRAM_TIME_EPSILON) {
        program->now_s = program_phase_end(program);
        program->phase++;
        if (!program_ended(program))
            program_enter(program);
    } else if (program->varies || phase->noise > 0) {
        program_evaluate(program);
    }
    program->rise = engine_max(program->rates.counted - counted, 0);
    return allocated + program->rise;
}

double program_awake(const struct model_program *program) {
    double cpus = program->rates.cpus;
    return program->collects ? engine_max(cpus - 1, 0) : cpus;
}

double program_reachable(const struct model_program *program) {
    return program->survivors + program->young + program->rates.counted;
}

double program_scannable(const struct model_program *program) {
    return program->scannable + program->young * program->rates.scannable;
}
