/* SPDX-License-Identifier: MIT */
/*
 * Costs that grow with the heap: what is learnt of them from recordings, and what the engine makes
 * of them.
 */
#include "growth.h"
#include "program.h"

#include <criterion/criterion.h>
#include <math.h>

/** A recording that was made where the heap had grown so far, of a program with these laws. */
static struct growth_point point_at(double grown, double exponent) {
    struct growth_point point = {.grown = grown};
    for (int cost = 0; cost < GROWTH_COSTS; cost++)
        point.cost[cost] = 3e-9 * pow(grown, exponent);
    return point;
}

Test(growth, one_recording_tells_the_level_only) {
    struct growth_law at_two[GROWTH_COSTS], at_five[GROWTH_COSTS];
    struct growth_point two = point_at(2, 0.5), five = point_at(5, 0.5);
    growth_learn(&two, 1, at_two);
    growth_learn(&five, 1, at_five);
    for (int cost = 0; cost < GROWTH_COSTS; cost++) {
        cr_assert_eq(at_two[cost].exponent, at_five[cost].exponent);
        cr_assert_eq(at_two[cost].deviation, at_five[cost].deviation);
        cr_assert(at_two[cost].deviation > 0);
        double level = at_two[cost].level * pow(2, at_two[cost].exponent);
        cr_assert_float_eq(level / two.cost[cost], 1, 1e-9);
    }
}

Test(growth, recordings_at_other_growths_tell_the_exponent) {
    struct growth_law one[GROWTH_COSTS], two[GROWTH_COSTS], many[GROWTH_COSTS];
    struct growth_point points[40];
    for (int i = 0; i < 40; i++)
        points[i] = point_at(i % 2 ? 1.5 : 6, 0.7);
    growth_learn(points, 1, one);
    growth_learn(points, 2, two);
    growth_learn(points, 40, many);
    for (int cost = 0; cost < GROWTH_COSTS; cost++) {
        cr_assert(fabs(two[cost].exponent - 0.7) < fabs(one[cost].exponent - 0.7));
        cr_assert(two[cost].deviation < one[cost].deviation);
        cr_assert(many[cost].deviation < two[cost].deviation);
        cr_assert_float_eq(many[cost].exponent, 0.7, 0.03);
    }
}

Test(growth, equal_recordings_and_unknown_costs_tell_no_exponent) {
    struct growth_law one[GROWTH_COSTS], same[GROWTH_COSTS], unknown[GROWTH_COSTS];
    struct growth_point points[3] = {point_at(2, 0.7), point_at(2, 0.7), point_at(2, 0.7)};
    struct growth_point nothing = {0};
    growth_learn(points, 1, one);
    growth_learn(points, 3, same);
    growth_learn(&nothing, 1, unknown);
    for (int cost = 0; cost < GROWTH_COSTS; cost++) {
        cr_assert_float_eq(one[cost].exponent, same[cost].exponent, 1e-9);
        cr_assert_eq(one[cost].exponent, unknown[cost].exponent);
        cr_assert_eq(unknown[cost].level, 0);
    }
}

/** GC CPU time of a steady program at a GOGC. @param grown  where its figures were measured */
static double gc_cpu_s(int32_t gogc, double grown, double exponent) {
    struct program program;
    struct model model;
    program_start(&program);
    program.scenario.settings.gogc = gogc;
    program.scenario.memory.initial_live = (int64_t)(30 * MIB);
    program.scenario.machine.scan_growth = exponent;
    program_phase(&program, 20, 100, 0, 0)->grown = grown;
    model_run(&model, MODEL_FULL, &program.scenario, NULL);
    return model.result.gc_cpu_s;
}

Test(growth, marking_is_dearer_in_a_heap_that_grew_further) {
    double at_50 = gc_cpu_s(50, 0, 0), at_400 = gc_cpu_s(400, 0, 0);
    cr_assert_eq(gc_cpu_s(50, 0, 0.5), at_50); /* measured nowhere: constant */
    cr_assert_eq(gc_cpu_s(50, 2, 0), at_50);
    /* at 50 cycles begin at some 1.4 times what is live, at 400 at some 4.5 times */
    double times_50 = gc_cpu_s(50, 1.4, 0.5) / at_50, times_400 = gc_cpu_s(400, 1.4, 0.5) / at_400;
    cr_assert(times_50 > 0.9 && times_50 < 1.1, "%g", times_50);
    cr_assert(times_400 > 1.4 && times_400 < 2.2, "%g", times_400);
}

Test(growth, a_scenario_gets_the_levels_of_all_recordings) {
    struct program program;
    struct growth_point points[2] = {point_at(2, 0.3), point_at(2, 0.3)};
    struct growth_law laws[GROWTH_COSTS];
    points[1].cost[GROWTH_SCAN] *= 1.21; /* a slower machine: the middle is 1.1 times */
    growth_learn(points, 2, laws);
    program_start(&program);
    struct scenario_phase *phase = program_phase(&program, 1, 100, 0, 0);
    phase->scan_rate = 1100000000;
    growth_apply(laws, &points[0], &program.scenario);
    cr_assert_float_eq((double)phase->scan_rate, 1e9, 1e3);
    cr_assert_float_eq(phase->duration, 1, 1e-9);
    cr_assert_eq(program.scenario.machine.scan_growth, laws[GROWTH_SCAN].exponent);
}
