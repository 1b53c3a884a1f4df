/* SPDX-License-Identifier: MIT */
/*
 * Predicting. See prediction.h; docs/simulator.md has the reasons, and how the uncertainties were
 * calibrated.
 *
 * Each run is replayed at the wanted setting twice: calm, and with the cycles that the machine held
 * up in it. Whether such a cycle falls where it raises the heap is chance: predicted is the middle,
 * in ratios, and half of the way between them is part of the uncertainty. Of several runs those
 * count most whose heap was nearest to the predicted one.
 */
#include "prediction.h"

#include "command.h"
#include "model.h"
#include "recording_file.h"
#include "scenario_file.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define PREDICTION_PHASES 200000
/** Runs of one program allocate the same except for so much. */
#define PREDICTION_SAME_PROGRAM 0.05
/** Heaps nearer than this, as the logarithm of their ratio, count as equally near. Guess. */
#define PREDICTION_NEAR 0.15
/** Whether the last cycle still comes before the end is chance: so much of a cycle, as a standard
 * deviation. */
#define PREDICTION_PART_OF_CYCLE 0.5

/** What a real run's figures differ by from an equal run's, as relative standard deviations: the
 * machine's speed, and chance. Measured: bench/predict. */
static const double equal_runs[PREDICTION_COUNT] = {
    [PREDICTION_cycles] = 0.03,          [PREDICTION_wall_s] = 0.07,
    [PREDICTION_program_cpu_s] = 0.06,   [PREDICTION_gc_cpu_s] = 0.08,
    [PREDICTION_gc_share] = 0.06,        [PREDICTION_peak_heap_bytes] = 0.05,
    [PREDICTION_peak_total_bytes] = 0.06};

const char *const prediction_names[PREDICTION_COUNT] = {
#define FIGURE(name) #name,
    PREDICTION_FIGURES(FIGURE)
#undef FIGURE
};

/* ---- Reading ------------------------------------------------------------ */

static void check_same(const struct prediction_run *first, const struct prediction_run *other) {
    double a = recording_total(&first->recording).allocated_bytes;
    double b = recording_total(&other->recording).allocated_bytes;
    if (fabs(a - b) > PREDICTION_SAME_PROGRAM * fmax(a, b))
        command_fail("%s and %s are not of one program with the same work: %.2f and %.2f MiB were "
                     "allocated; accepted: at most %.0f %% apart",
                     first->path, other->path, a / 1048576, b / 1048576,
                     PREDICTION_SAME_PROGRAM * 100);
}

void prediction_load(struct prediction_run *runs, const char *const *paths, int count) {
    for (int i = 0; i < count; i++) {
        struct prediction_run *run = &runs[i];
        run->path = paths[i];
        recording_load(run->path, &run->recording);
        recording_measure(&run->recording, run->path, PREDICTION_PHASES, true, &run->calm,
                          &run->point);
        recording_measure(&run->recording, run->path, PREDICTION_PHASES, false, &run->as_was,
                          &run->point);
        check_same(&runs[0], run);
    }
}

void prediction_free(struct prediction_run *runs, int count) {
    for (int i = 0; i < count; i++) {
        scenario_free(&runs[i].calm);
        scenario_free(&runs[i].as_was);
        recording_free(&runs[i].recording);
    }
}

struct prediction prediction_recorded(const struct prediction_run *run) {
    struct recording_total total = recording_total(&run->recording);
    struct prediction recorded = {
        .gogc = (int32_t)run->recording.header.gogc_percent,
        .limit = scenario_limit(run->recording.header.limit_bytes),
        .recorded = true,
        .finished = true,
    };
#define FIGURE(name) recorded.figures[PREDICTION_##name] = total.name;
    PREDICTION_FIGURES(FIGURE)
#undef FIGURE
    return recorded;
}

/* ---- Replaying ---------------------------------------------------------- */

static struct prediction replay(const struct scenario *scenario,
                                const struct scenario_settings *settings, int32_t gogc,
                                int64_t limit) {
    struct scenario wanted = *scenario; /* shares phases, which stay as they are */
    struct model model;
    wanted.settings = *settings;
    wanted.settings.gogc = gogc;
    wanted.settings.memory_limit = limit;
    model_run(&model, MODEL_FULL, &wanted, NULL);
    struct prediction prediction = {
        .gogc = gogc, .limit = limit, .finished = model.result.finished};
#define FIGURE(name) prediction.figures[PREDICTION_##name] = (double)model.result.name;
    PREDICTION_FIGURES(FIGURE)
#undef FIGURE
    return prediction;
}

struct prediction prediction_replay(const struct prediction_run *run) {
    const struct scenario_settings *settings = &run->as_was.settings;
    return replay(&run->as_was, settings, settings->gogc, settings->memory_limit);
}

/** The same with what was learnt from all runs. recorded: one of the run's two scenarios. */
static struct prediction replay_by(const struct prediction_run *run,
                                   const struct scenario *recorded,
                                   const struct growth_law laws[GROWTH_COSTS], int32_t gogc,
                                   int64_t limit) {
    struct scenario scenario = *recorded;
    size_t count = (size_t)scenario.phase_count;
    scenario.phases = command_allocate(count, sizeof(*scenario.phases));
    memcpy(scenario.phases, recorded->phases, count * sizeof(*scenario.phases));
    growth_apply(laws, &run->point, &scenario);
    struct prediction prediction = replay(&scenario, &run->wanted, gogc, limit);
    free(scenario.phases);
    return prediction;
}

/* ---- Putting together --------------------------------------------------- */

/** Somewhere between two figures: share 0 is the first. In ratios, where both have some. */
static double between(double first, double second, double share) {
    if (first > 0 && second > 0)
        return first * pow(second / first, share);
    return first + (second - first) * share;
}

/** Add one prediction to the mean of those before, of which it is `share` then. */
static void mix(struct prediction *mean, const struct prediction *other, double share) {
    for (int i = 0; i < PREDICTION_COUNT; i++)
        mean->figures[i] = between(mean->figures[i], other->figures[i], share);
    mean->finished &= other->finished;
}

static double distance(double first, double second) {
    return first > 0 && second > 0 ? fabs(log(second / first)) : 0;
}

/** Add what makes a difference like that from `one` to `other` to the squares. */
static void add_squares(double squares[PREDICTION_COUNT], const struct prediction *one,
                        const struct prediction *other, double share) {
    for (int i = 0; i < PREDICTION_COUNT; i++)
        squares[i] += pow(share * distance(one->figures[i], other->figures[i]), 2);
}

static bool is_recorded_setting(const struct prediction_run *run, int32_t gogc, int64_t limit) {
    const struct scenario_settings *was = &run->as_was.settings, *wanted = &run->wanted;
    return was->gogc == gogc && was->memory_limit == limit && was->min_heap == wanted->min_heap &&
           was->gogc_floor == wanted->gogc_floor && was->assists == wanted->assists;
}

/** What one run tells of a setting; the squares get what chance does to it. */
static struct prediction predict_from(const struct prediction_run *run,
                                      const struct growth_law laws[GROWTH_COSTS], int32_t gogc,
                                      int64_t limit, double chance[PREDICTION_COUNT]) {
    struct prediction as_was = replay_by(run, &run->as_was, laws, gogc, limit);
    if (is_recorded_setting(run, gogc, limit))
        return as_was;
    struct prediction calm = replay_by(run, &run->calm, laws, gogc, limit);
    add_squares(chance, &calm, &as_was, 0.5);
    mix(&calm, &as_was, 0.5);
    return calm;
}

/** How much a run counts. */
static double weight_of(const struct prediction_run *run, const struct prediction *prediction) {
    double recorded = recording_total(&run->recording).peak_heap_bytes;
    double away = distance(recorded, prediction->figures[PREDICTION_peak_heap_bytes]);
    return 1 / pow(PREDICTION_NEAR + away, 2);
}

/** Of all runs, by their weights. @param nearest  the run that counts most */
static struct prediction predict_from_all(const struct prediction_run *runs, int count,
                                          const struct growth_law laws[GROWTH_COSTS], int32_t gogc,
                                          int64_t limit, double chance[PREDICTION_COUNT],
                                          int *nearest) {
    struct prediction mean = {0};
    double weights = 0, most = 0;
    for (int i = 0; i < count; i++) {
        double squares[PREDICTION_COUNT] = {0};
        struct prediction one = predict_from(&runs[i], laws, gogc, limit, squares);
        double weight = weight_of(&runs[i], &one);
        weights += weight;
        if (i == 0)
            mean = one;
        else
            mix(&mean, &one, weight / weights);
        if (weight > most) {
            most = weight;
            *nearest = i;
            memcpy(chance, squares, sizeof(squares));
        }
    }
    return mean;
}

/** The same laws with one of them a standard deviation steeper; they turn about the middle of the
 * points. */
static void steeper(const struct growth_law laws[GROWTH_COSTS], int cost, double turns_at,
                    struct growth_law out[GROWTH_COSTS]) {
    memcpy(out, laws, GROWTH_COSTS * sizeof(*out));
    out[cost].exponent += out[cost].deviation;
    out[cost].level *= pow(turns_at, -out[cost].deviation);
}

static double middle_of(const struct prediction_run *runs, int count) {
    double sum = 0, known = 0;
    for (int i = 0; i < count; i++)
        if (runs[i].point.grown > 0) {
            sum += log(runs[i].point.grown);
            known++;
        }
    return known > 0 ? exp(sum / known) : 1;
}

struct prediction prediction_make(const struct prediction_run *runs, int count,
                                  const struct growth_law laws[GROWTH_COSTS], int32_t gogc,
                                  int64_t limit) {
    double squares[PREDICTION_COUNT] = {0};
    int nearest = 0;
    struct prediction prediction =
        predict_from_all(runs, count, laws, gogc, limit, squares, &nearest);
    const struct prediction_run *run = &runs[nearest];
    struct prediction calm = replay_by(run, &run->calm, laws, gogc, limit);
    double middle = middle_of(runs, count);
    for (int cost = 0; cost < GROWTH_COSTS; cost++) {
        struct growth_law other[GROWTH_COSTS];
        steeper(laws, cost, middle, other);
        struct prediction tilted = replay_by(run, &run->calm, other, gogc, limit);
        add_squares(squares, &calm, &tilted, 1);
    }
    double cycles = prediction.figures[PREDICTION_cycles];
    for (int i = 0; i < PREDICTION_COUNT; i++) {
        squares[i] += equal_runs[i] * equal_runs[i] * (1 + 1.0 / count);
        if (i == PREDICTION_cycles || i == PREDICTION_gc_cpu_s || i == PREDICTION_gc_share)
            squares[i] += pow(PREDICTION_PART_OF_CYCLE / fmax(cycles, 1), 2);
        if (prediction.figures[i] > 0 && i != PREDICTION_limiting_s)
            prediction.uncertainty[i] = sqrt(squares[i]);
    }
    return prediction;
}
