/* SPDX-License-Identifier: MIT */
/*
 * Costs as powers of growth. See growth.h.
 */
#include "growth.h"

#include "engine.h"

#define GROWTH_ROUNDING 1e-9

/** What is known before: mean and standard deviation of the exponents, and how far equal runs are
 * apart in a cost, as a standard deviation of its logarithm. Measured: `predict` of the recordings
 * that bench/predict made of eleven programs, eight to twelve of each, at GOGC from 50 to 400. */
struct growth_prior {
    double mean, deviation, noise;
};
static const struct growth_prior priors[GROWTH_COSTS] = {
    [GROWTH_SCAN] = {.mean = 0.10, .deviation = 0.08, .noise = 0.07},
    [GROWTH_SWEEP] = {.mean = 0.14, .deviation = 0.19, .noise = 0.07},
    [GROWTH_CYCLE] = {.mean = 0.45, .deviation = 0.15, .noise = 0.10},
    [GROWTH_WORK] = {.mean = -0.14, .deviation = 0.16, .noise = 0.05},
    [GROWTH_DRAG] = {.mean = 0.02, .deviation = 0.13, .noise = 0.05},
};

static bool is_known(const struct growth_point *point, enum growth_cost cost) {
    return point->grown > 0 && point->cost[cost] > 0;
}

static struct growth_law learn(const struct growth_point *points, size_t count,
                               enum growth_cost cost) {
    const struct growth_prior *prior = &priors[cost];
    double known = 0, mean_x = 0, mean_y = 0, xx = 0, xy = 0;
    for (size_t i = 0; i < count; i++)
        if (is_known(&points[i], cost)) {
            known++;
            mean_x += log(points[i].grown);
            mean_y += log(points[i].cost[cost]);
        }
    if (known == 0)
        return (struct growth_law){.exponent = prior->mean, .deviation = prior->deviation};
    mean_x /= known;
    mean_y /= known;
    for (size_t i = 0; i < count; i++)
        if (is_known(&points[i], cost)) {
            double x = log(points[i].grown) - mean_x;
            xx += x * x;
            xy += x * (log(points[i].cost[cost]) - mean_y);
        }
    double certain = 1 / (prior->deviation * prior->deviation);
    double measured = 1 / (prior->noise * prior->noise);
    double weight = certain + xx * measured;
    double exponent = (prior->mean * certain + xy * measured) / weight;
    return (struct growth_law){.exponent = exponent,
                               .deviation = sqrt(1 / weight),
                               .level = exp(mean_y - exponent * mean_x)};
}

void growth_learn(const struct growth_point *points, size_t count,
                  struct growth_law laws[GROWTH_COSTS]) {
    for (int cost = 0; cost < GROWTH_COSTS; cost++)
        laws[cost] = learn(points, count, (enum growth_cost)cost);
}

double *growth_exponent(struct scenario *scenario, enum growth_cost cost) {
    struct scenario_machine *machine = &scenario->machine;
    switch (cost) {
    case GROWTH_SCAN:
        return &machine->scan_growth;
    case GROWTH_SWEEP:
        return &machine->sweep_growth;
    case GROWTH_CYCLE:
        return &machine->cycle_growth;
    case GROWTH_WORK:
        return &machine->work_growth;
    default:
        return &machine->drag_growth;
    }
}

/** By how much a cost of the recording is to be multiplied, so that it lies on the law. */
static double correction(const struct growth_law *law, const struct growth_point *point,
                         enum growth_cost cost) {
    if (!is_known(point, cost) || !(law->level > 0))
        return 1;
    double times = law->level * pow(point->grown, law->exponent) / point->cost[cost];
    return fabs(times - 1) < GROWTH_ROUNDING ? 1 : times; /* it was the only one */
}

static int64_t slower(int64_t rate, double times) {
    return engine_i64(engine_max((double)rate / times, 1024));
}

void growth_apply(const struct growth_law laws[GROWTH_COSTS], const struct growth_point *point,
                  struct scenario *scenario) {
    struct scenario_machine *machine = &scenario->machine;
    double times[GROWTH_COSTS];
    for (int cost = 0; cost < GROWTH_COSTS; cost++) {
        times[cost] = correction(&laws[cost], point, (enum growth_cost)cost);
        *growth_exponent(scenario, (enum growth_cost)cost) = laws[cost].exponent;
    }
    machine->scan_rate = slower(machine->scan_rate, times[GROWTH_SCAN]);
    machine->sweep_rate = slower(machine->sweep_rate, times[GROWTH_SWEEP]);
    machine->cycle_cost *= times[GROWTH_CYCLE];
    machine->marking_drag *= times[GROWTH_DRAG];
    for (int32_t i = 0; i < scenario->phase_count; i++) {
        struct scenario_phase *phase = &scenario->phases[i];
        phase->scan_rate = slower(phase->scan_rate, times[GROWTH_SCAN]);
        phase->duration *= times[GROWTH_WORK];
        phase->alloc_rate.constant /= times[GROWTH_WORK];
    }
}
