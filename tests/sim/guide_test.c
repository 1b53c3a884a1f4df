/* SPDX-License-Identifier: MIT */
/*
 * The stop-the-world model against the charts of Go's GC guide. The figures were computed from the
 * guide's description of its model, by another program.
 *
 * The guide knows neither the limit's headroom (here 1 MiB, so limits are 1 MiB higher) nor that
 * the least heap follows GOGC (so it is set).
 */
#include "program.h"

#include <criterion/criterion.h>
#include <math.h>

enum guide_chart { STEADY, PHASES, SPIKE };

static void guide_program(struct program *program, enum guide_chart chart) {
    program_start(program);
    program->scenario.machine.cpus = 1;
    program->scenario.machine.cycle_cost = 0.04;
    program_phase(program, 1, 20, 1, 0);
    if (chart == STEADY) {
        program_phase(program, 9, 20, 0, 0);
    } else if (chart == PHASES) {
        program_phase(program, 1, 20, 0, 0.5);
        program_phase(program, 1, 20, 0.5, 0);
        program_phase(program, 1, 20, 0, 0.5);
        program_phase(program, 1, 20, 0.5, 0);
        program_phase(program, 5, 200, 0.02, 1);
    } else {
        program_phase(program, 4, 20, 0, 0);
        program_phase(program, 0.5, 20, 1, 0);
        program_phase(program, 0.5, 20, 0, 0);
        program_phase(program, 0.5, 20, 0, 0.5);
        program_phase(program, 3.5, 20, 0, 0);
    }
}

/** The limit whose goal is what the guide's `limit` gives. MiB. */
static double with_headroom(double limit, double other) {
    double heap = limit - other;
    return other + fmax(heap + 1, heap / 0.97);
}

Test(guide, charts) {
    static const struct {
        enum guide_chart chart;
        int gogc;            /* percent; -1 off */
        double limit, other; /* MiB; 0: none */
        int cycles;
        double total_s, gc_percent, peak; /* MiB */
    } rows[] = {
        {STEADY, 50, 0, 0, 22, 11.263301, 11.2161, 30},
        {STEADY, 100, 0, 0, 12, 10.683125, 6.3944, 40},
        {STEADY, 200, 0, 0, 7, 10.393281, 3.7840, 60},
        {STEADY, 400, 0, 0, 4, 10.222500, 2.1766, 100},
        {PHASES, 50, 0, 0, 115, 16.740784, 40.2656, 30},
        {PHASES, 100, 0, 0, 58, 13.394097, 25.3402, 40},
        {PHASES, 150, 0, 0, 39, 12.279353, 18.5625, 50},
        {PHASES, 400, 0, 0, 15, 10.877344, 8.0658, 100},
        {SPIKE, 50, 0, 0, 24, 11.350320, 11.8968, 45},
        {SPIKE, 100, 0, 0, 12, 10.673359, 6.3088, 60},
        {SPIKE, 200, 0, 0, 6, 10.338633, 3.2754, 90},
        {STEADY, 100, 40, 10, 20, 11.159375, 10.3892, 40},
        {STEADY, 400, 40, 10, 19, 11.115469, 10.0353, 40},
        {STEADY, -1, 40, 10, 17, 11.012031, 9.1902, 40},
        {STEADY, 100, 25, 10, 2963, 186.165996, 94.6284, 30.0625},
        {SPIKE, 100, 40, 0, 14, 10.794375, 7.3592, 40},
        {SPIKE, -1, 30.5, 0, 36, 12.336790, 18.9416, 30.5},
        {SPIKE, 400, 25, 0, 325, 31.859583, 68.6123, 30.0625},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct program program;
        guide_program(&program, rows[i].chart);
        struct scenario_settings *settings = &program.scenario.settings;
        settings->gogc = rows[i].gogc;
        if (rows[i].gogc > 0)
            settings->minimum_heap = (int64_t)(4 * MIB) * 100 / rows[i].gogc;
        if (rows[i].limit > 0)
            settings->memory_limit = (int64_t)(with_headroom(rows[i].limit, rows[i].other) * MIB);
        for (int phase = 0; phase < program.scenario.phase_count; phase++)
            program.phases[phase].off_heap.constant = rows[i].other * MIB;
        struct model model;
        model_run(&model, MODEL_STW, &program.scenario, NULL);
        const struct model_result *result = &model.result;
        /* rounding moves a cycle that is just due as the program ends */
        cr_expect(llabs(result->cycles - rows[i].cycles) <= rows[i].cycles / 500,
                  "row %zu: %d cycles", i, (int)result->cycles);
        cr_expect(fabs(result->wall_s / rows[i].total_s - 1) < 0.001, "row %zu: %f s", i,
                  result->wall_s);
        cr_expect(fabs(result->gc_share * 100 - rows[i].gc_percent) < 0.05, "row %zu: %f %%", i,
                  result->gc_share * 100);
        cr_expect(fabs(result->peak_total_bytes / MIB - rows[i].peak) < 0.001, "row %zu: %f MiB", i,
                  result->peak_total_bytes / MIB);
        cr_expect(result->finished && fabs(result->program_s - 10) < 1e-9);
    }
}
