/* SPDX-License-Identifier: MIT */
/*
 * Does the pacer find its steady state, and what does it cost there? Tables of programs, after the
 * manner of Go's pacer tests: the ideal model with streams over cycles, the full model over time.
 */
#include "program.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>

/* ---- The ideal model: streams give each cycle's inputs ------------------ */

#define CYCLES 100
#define NODES 4

static struct stream_node node_of(enum stream_kind kind, double amount, double length,
                                  double delay) {
    return (struct stream_node){kind,      amount,   length, 0,           delay,
                                -INFINITY, INFINITY, 0,      STREAM_NONE, STREAM_NONE};
}

Test(convergence, ideal) {
    static const struct {
        const char *name;
        struct {
            double base; /* KiB per CPU-ms */
            enum stream_kind kind;
            double amount, length, delay;
        } alloc;
        double scannable, stacks;
        double most_share; /* of the CPUs, once steady */
    } rows[] = {
        {"steady", {33, STREAM_CONSTANT, 0, 1, 0}, 1, 8192, 0.3},
        {"many leaves", {128, STREAM_CONSTANT, 0, 1, 0}, 0.25, 8192, 0.3},
        {"a step", {33, STREAM_RAMP, 66, 1, 50}, 1, 8192, 0.3},
        {"a high step: assists", {33, STREAM_RAMP, 330, 1, 50}, 1, 8192, 0.5},
        {"a slow ramp", {33, STREAM_RAMP, 66, 60, 20}, 1, 8192, 0.3},
        {"one burst", {33, STREAM_UNIT, 99, 1, 60}, 1, 8192, 0.3},
        {"waves", {67, STREAM_OSCILLATE, 13, 8, 0}, 1, 8192, 0.3},
        {"noise", {132, STREAM_RANDOM, 66, 1, 0}, 1, 8192, 0.35},
        {"big stacks", {132, STREAM_CONSTANT, 0, 1, 0}, 1, 128 * MIB, 0.3},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct stream_node nodes[NODES] = {node_of(STREAM_SUM, 0, 1, 0),
                                           node_of(STREAM_CONSTANT, rows[i].alloc.base, 1, 0),
                                           node_of(rows[i].alloc.kind, rows[i].alloc.amount,
                                                   rows[i].alloc.length, rows[i].alloc.delay),
                                           node_of(STREAM_RAMP, -1, 12, 0)};
        nodes[0].first = 1;
        nodes[1].next = 2;
        struct stream alloc = {.root = 0}, settling = {.root = 3};
        struct ideal ideal;
        ideal_init(&ideal, 100, GAIT_PACER_NO_LIMIT, 32 << 10, 8);
        for (int cycle = 0; cycle < CYCLES; cycle++) {
            struct ideal_result result;
            struct ideal_behaviour behaviour = {
                .alloc_rate = stream_value(&alloc, nodes, 1, cycle),
                .scan_rate = 1024,
                .growth_rate = 2 + stream_value(&settling, nodes, 1, cycle),
                .scannable_frac = rows[i].scannable,
                .stack_bytes = (uint64_t)rows[i].stacks,
            };
            cr_assert(ideal_cycle(&ideal, &behaviour, &result), "%s", rows[i].name);
            cr_expect(result.gc_utilization >= 0.25);
            /* five cycles after each change it has learnt */
            bool settled = (cycle > 25 && cycle < 50) || cycle > 70;
            if (rows[i].alloc.kind == STREAM_RANDOM || !settled)
                continue;
            double goal_ratio = (double)result.peak / (double)result.goal;
            cr_expect(goal_ratio > 0.9 && goal_ratio < 1.05, "%s, cycle %d: peak %.3f of the goal",
                      rows[i].name, cycle, goal_ratio);
            cr_expect(result.gc_utilization <= rows[i].most_share, "%s, cycle %d: %.3f",
                      rows[i].name, cycle, result.gc_utilization);
        }
    }
}

/* ---- The full model ----------------------------------------------------- */

/** What the cycles of a run's second half have in common. */
struct steady {
    double from_s;
    int cycles;
    double goal_ratio, utilization, idle_cpu_s, stalled_s;
    double worst_ratio; /* farthest from 1 */
};

static void look_at_cycle(void *context, const struct model_cycle *cycle) {
    struct steady *steady = context;
    if (cycle->start_s < steady->from_s)
        return;
    double ratio = (double)cycle->peak_bytes / (double)cycle->goal_bytes;
    steady->cycles++;
    steady->goal_ratio += ratio;
    steady->utilization += cycle->utilization;
    steady->idle_cpu_s += cycle->cpu_s[MODEL_IDLE];
    steady->stalled_s += cycle->stalled_s;
    if (fabs(ratio - 1) > fabs(steady->worst_ratio - 1))
        steady->worst_ratio = ratio;
}

/** A program with `live` MiB that allocates `alloc` MiB per second for a minute. */
static struct steady run_steady(struct program *program, double live, double alloc,
                                struct model_result *result) {
    program_phase(program, live / alloc, alloc, 1, 0);
    program_phase(program, 60, alloc, 0, 0);
    struct steady steady = {.from_s = 30, .worst_ratio = 1};
    struct model_sink sink = {.context = &steady, .cycle = look_at_cycle};
    struct model model;
    model_run(&model, MODEL_FULL, &program->scenario, &sink);
    *result = model.result;
    steady.goal_ratio /= steady.cycles;
    steady.utilization /= steady.cycles;
    return steady;
}

Test(convergence, full) {
    static const struct {
        const char *name;
        int cpus, gogc;
        double idle, live, alloc, scan; /* share; MiB, MiB/s */
        /* of all CPUs, what marks while marking: a quarter in the background; and assists, where
         * more than a quarter of what is live would float without them; up to 0.75 of the CPU, and
         * 0.9 where a limit or the CPU gives the goal (governor_runway.c) */
        double least_share, most_share;
    } rows[] = {
        {"busy", 2, 100, 0, 40, 200, 1024, 0.24, 0.35},
        {"busy, 8 CPUs", 8, 100, 0, 200, 1000, 1024, 0.24, 0.35},
        {"busy, 3 CPUs", 3, 100, 0, 40, 200, 1024, 0.24, 0.35},
        {"busy, 1 CPU", 1, 100, 0, 40, 100, 1024, 0.24, 0.35},
        {"little room: assists", 2, 25, 0, 40, 100, 1024, 0.28, 0.45},
        {"much room", 2, 800, 0, 40, 200, 1024, 0.24, 0.35},
        {"slow marking: assists", 2, 100, 0, 40, 200, 300, 0.28, 0.75},
        {"an idle CPU", 2, 100, 0.5, 40, 200, 1024, 0.05, 0.55},
        {"large: a quarter floats", 4, 100, 0, 4000, 1000, 2048, 0.28, 0.4},
        {"fast allocation: assists", 2, 100, 0, 40, 2000, 1024, 0.4, 0.92},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct program program;
        program_start(&program);
        struct scenario_machine *machine = &program.scenario.machine;
        machine->cpus = rows[i].cpus;
        machine->idle_share = rows[i].idle;
        machine->scan_rate = (int64_t)(rows[i].scan * MIB);
        program.scenario.settings.gogc = rows[i].gogc;
        struct model_result result;
        struct steady steady = run_steady(&program, rows[i].live, rows[i].alloc, &result);
        cr_assert(result.finished && steady.cycles > 3, "%s: %d cycles", rows[i].name,
                  steady.cycles);
        cr_expect(steady.goal_ratio > 0.95 && steady.goal_ratio < 1.02, "%s: peak %.3f of the goal",
                  rows[i].name, steady.goal_ratio);
        cr_expect(fabs(steady.worst_ratio - 1) < 0.1, "%s: peak %.3f of the goal", rows[i].name,
                  steady.worst_ratio);
        cr_expect(steady.utilization > rows[i].least_share &&
                      steady.utilization < rows[i].most_share,
                  "%s: %.3f of the CPUs mark", rows[i].name, steady.utilization);
    }
}

Test(convergence, cost_is_what_the_formula_says) {
    /* CPU time per second = live / scan rate x alloc / (goal - marked); the goal is that of what is
     * live, marked has what was allocated while marking in it, a quarter of the way at most */
    static const int gogc[] = {50, 100, 200, 400};
    double last = INFINITY;
    for (size_t i = 0; i < sizeof(gogc) / sizeof(*gogc); i++) {
        struct program program;
        program_start(&program);
        program.scenario.settings.gogc = gogc[i];
        struct model_result result;
        run_steady(&program, 100, 100, &result);
        double mark = result.cpu_s[MODEL_FRACTIONAL] + result.cpu_s[MODEL_ASSIST] +
                      result.cpu_s[MODEL_IDLE] + result.cpu_s[MODEL_DEDICATED];
        double black = fmin(100 / 1024.0 / 0.5 * 100, gogc[i] / 4.0); /* at half a CPU, 100 MiB/s */
        double formula = 61 * 100 / 1024.0 * 100 / (gogc[i] - black);
        cr_expect(fabs(mark / formula - 1) < 0.1, "GOGC %d: %.3f CPU-s, formula %.3f", gogc[i],
                  mark, formula);
        cr_expect(mark < last);
        last = mark;
    }
}

Test(convergence, limit_is_kept_where_it_can_be) {
    struct program program;
    program_start(&program);
    program.scenario.settings.gogc = 400;
    program.scenario.settings.memory_limit = (int64_t)(96 * MIB);
    struct model_result result;
    run_steady(&program, 40, 200, &result);
    cr_expect(result.peak_total_bytes <= 96 * MIB, "%.2f MiB", result.peak_total_bytes / MIB);
    cr_expect(result.peak_total_bytes > 85 * MIB, "room is used");
    cr_expect(result.limiting_s == 0 && result.gc_share < 0.2);

    program_start(&program); /* off-heap memory, arenas and fragmentation count, too */
    program.scenario.settings.memory_limit = (int64_t)(96 * MIB);
    program.scenario.memory.fragmentation = 1.2;
    program_phase(&program, 1, 20, 1, 0);
    struct scenario_phase *phase = program_phase(&program, 30, 100, 0, 0);
    phase->off_heap.constant = 20 * MIB;
    phase->arenas.constant = 10 * MIB;
    phase->foreign.constant = 500 * MIB;
    struct model model;
    model_run(&model, MODEL_FULL, &program.scenario, NULL);
    cr_expect(model.result.peak_total_bytes <= 96 * MIB * 1.01, "%.2f MiB",
              model.result.peak_total_bytes / MIB);
    cr_expect(fabs(model.result.peak_process_bytes - model.result.peak_total_bytes - 500 * MIB) <
              10 * MIB);
}

Test(convergence, limiter_keeps_a_thrashing_program_going) {
    struct program program;
    struct model_result with, without;
    /* as Go has it: the limiter takes assists away, and gives them back */
    program_start(&program);
    program.scenario.settings.parity = true;
    program.scenario.settings.memory_limit = (int64_t)(48 * MIB);
    program.scenario.machine.scan_rate = (int64_t)(200 * MIB);
    struct steady steady = run_steady(&program, 60, 100, &with);
    cr_expect(steady.cycles > 10);
    cr_expect(with.finished && with.limiting_s > 0);
    cr_expect(with.gc_share > 0.4 && with.gc_share < 0.52, "%.3f", with.gc_share);
    cr_expect(with.peak_total_bytes > 60 * MIB, "the limit is overshot");

    /* the goal's floor: as much CPU time, and less memory, since nothing is switched off */
    program_start(&program);
    program.scenario.settings.memory_limit = (int64_t)(48 * MIB);
    program.scenario.machine.scan_rate = (int64_t)(200 * MIB);
    struct model_result floored;
    run_steady(&program, 60, 100, &floored);
    cr_expect(floored.finished && floored.limiting_s == 0, "%g s", floored.limiting_s);
    cr_expect(floored.gc_share > 0.4 && floored.gc_share < 0.52, "%.3f", floored.gc_share);
    cr_expect(floored.peak_total_bytes < with.peak_total_bytes, "%.1f MiB, %.1f as Go has it",
              floored.peak_total_bytes / MIB, with.peak_total_bytes / MIB);
    cr_expect(floored.wall_s < 1.05 * with.wall_s, "%.1f s, %.1f as Go has it", floored.wall_s,
              with.wall_s);

    program_start(&program);
    program.scenario.settings.parity = true;
    program.scenario.settings.memory_limit = (int64_t)(48 * MIB);
    program.scenario.machine.scan_rate = (int64_t)(200 * MIB);
    program.scenario.settings.cpu_limiter = false;
    run_steady(&program, 60, 100, &without);
    cr_expect(without.limiting_s == 0);
    cr_expect(without.gc_share > 0.65, "%.3f", without.gc_share);
    cr_expect(without.wall_s > 1.3 * with.wall_s);
}

Test(convergence, periodic_cycle_after_two_minutes) {
    struct program program;
    program_start(&program);
    program_phase(&program, 1, 20, 1, 0);
    program_phase(&program, 400, 0, 0, 0);
    struct model model;
    model_run(&model, MODEL_FULL, &program.scenario, NULL);
    struct model gogc_off;
    program.scenario.settings.gogc = GAIT_PACER_GOGC_OFF;
    model_run(&gogc_off, MODEL_FULL, &program.scenario, NULL);
    cr_expect(model.result.cycles >= 5 && model.result.cycles <= 7, "%d", (int)model.result.cycles);
    cr_expect(gogc_off.result.cycles == 0);
}
