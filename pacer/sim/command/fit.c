/* SPDX-License-Identifier: MIT */
/*
 * fit: a scenario that behaves like a program that was traced.
 *
 * A phase goes from the start of one cycle (or of several, if there are more than phases allowed)
 * to the start of the next. What is known of it: how much was allocated, from the sizes of the live
 * heap; what was reachable at both ends, which is what the cycle marked less what was allocated
 * while it did; how long it took, and for how much of that the collector slowed the program down.
 */
#include "fit.h"

#include "command.h"
#include "recording_file.h"
#include "scenario_file.h"

#include <getopt.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define FIT_MOST_PHASES 100000
/** GOGC is taken for a multiple of this where it comes that close: people choose such. */
#define FIT_GOGC_STEP 25.0
#define FIT_GOGC_CLOSE 0.08
/** CPUs that others have, below which they have none. */
#define FIT_LEAST_CPUS 0.01
/** Goals up to this follow from the least heap, not from GOGC. */
#define FIT_LEAST_GOAL_BYTES (8 * 1048576.0)
/** Background marking beyond this share of all CPUs runs on idle ones. */
#define FIT_BUSY_SHARE 0.3
/** Part of a cycle's time that is added after the last one, so that the run has it. */
#define FIT_TAIL 1.3
#define FIT_LEAST_S 1e-6
/** Touching fresh memory costs nothing: the traced times have it in them. */
#define FIT_TOUCH_RATE (INT64_C(1) << 50)

static double at_least(double value, double least) { return value > least ? value : least; }

static double at_most(double value, double most) { return value < most ? value : most; }

static double wall_s(const struct gctrace_cycle *cycle) {
    return cycle->before_s + cycle->mark_s + cycle->after_s;
}

static double mark_cpu_s(const struct gctrace_cycle *cycle) {
    return cycle->assist_cpu_s + cycle->background_cpu_s + cycle->idle_cpu_s;
}

/** What was reachable as the cycle began. */
static double reachable(const struct gctrace_cycle *cycle) {
    return at_least(cycle->marked_bytes - (cycle->peak_bytes - cycle->start_bytes), 0);
}

/* ---- Settings and machine ----------------------------------------------- */

static int compare_doubles(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/** The GOGC that most goals follow from: the median. */
static int32_t fit_gogc(const struct gctrace *trace) {
    double *found = command_allocate(trace->count, sizeof(*found));
    size_t count = 0;
    for (size_t i = 1; i < trace->count; i++) {
        const struct gctrace_cycle *before = &trace->cycles[i - 1], *cycle = &trace->cycles[i];
        double grows = before->marked_bytes + before->stack_bytes + before->globals_bytes;
        if (cycle->goal_bytes > FIT_LEAST_GOAL_BYTES && grows > 0)
            found[count++] = (cycle->goal_bytes - before->marked_bytes) / grows * 100;
    }
    qsort(found, count, sizeof(*found), compare_doubles);
    double gogc = count > 0 ? at_most(at_least(found[count / 2], 0), 1e6) : 100;
    free(found);
    double round = floor(gogc / FIT_GOGC_STEP + 0.5) * FIT_GOGC_STEP;
    return (int32_t)(fabs(round - gogc) <= FIT_GOGC_CLOSE * gogc ? round : floor(gogc + 0.5));
}

/** CPUs on which the collector marked in the background, while it did. */
static double background_cpus(const struct gctrace *trace) {
    double mark_s = 0, cpu_s = 0;
    for (size_t i = 0; i < trace->count; i++) {
        mark_s += trace->cycles[i].mark_s;
        cpu_s += trace->cycles[i].background_cpu_s + trace->cycles[i].idle_cpu_s;
    }
    return mark_s > 0 ? cpu_s / mark_s : 0;
}

/**
 * CPUs that the program itself kept busy. Gait says what share of the process's CPU time was the
 * collector's. Go says what share of all CPUs it was: then the program is taken for having kept
 * busy those that background marking had not.
 */
static double fit_cpus(const struct gctrace *trace) {
    const struct gctrace_cycle *last = &trace->cycles[trace->count - 1];
    double gc = 0, procs = last->procs, elapsed = last->start_s + wall_s(last);
    for (size_t i = 0; i < trace->count; i++)
        gc += trace->cycles[i].before_cpu_s + mark_cpu_s(&trace->cycles[i]) +
              trace->cycles[i].after_cpu_s;
    if (last->exact && last->percent > 0 && elapsed > 0) {
        double program = gc / (last->percent + 0.5) * 100 - gc;
        return at_most(at_least(program / elapsed, 0.01), procs);
    }
    double background = background_cpus(trace);
    return background > FIT_BUSY_SHARE * procs ? at_least(procs - background, 1) : procs;
}

static void fit_machine(const struct gctrace *trace, double cpus, struct scenario *scenario) {
    struct scenario_machine *machine = &scenario->machine;
    double work = 0, cpu = 0, fixed = 0, pause = 0;
    for (size_t i = 0; i < trace->count; i++) {
        const struct gctrace_cycle *cycle = &trace->cycles[i];
        double heap = cycle->work_bytes > 0 ? cycle->work_bytes : reachable(cycle);
        work += heap + cycle->stack_bytes + cycle->globals_bytes;
        cpu += mark_cpu_s(cycle);
        fixed += cycle->before_cpu_s + cycle->after_cpu_s;
        pause += at_least(cycle->before_s, cycle->after_s);
    }
    double count = (double)trace->count;
    machine->cpus = trace->cycles[trace->count - 1].procs;
    double others = (double)machine->cpus - cpus - background_cpus(trace);
    machine->others = others > FIT_LEAST_CPUS ? others : 0;
    if (cpu > 0)
        machine->scan_rate = (int64_t)at_most(at_least(work / cpu, 1048576), 1e14);
    machine->touch_rate = FIT_TOUCH_RATE;
    machine->cycle_cost = at_most(fixed / count, 3600);
    machine->pause = at_most(pause / count, 3600);
    scenario->memory.globals =
        (int64_t)at_most(trace->cycles[trace->count - 1].globals_bytes, 1e15);
}

/* ---- Phases ------------------------------------------------------------- */

/** How much time of its own the program had while this cycle marked. */
static double marking_program_s(const struct gctrace_cycle *cycle, double cpus) {
    double seconds = wall_s(cycle);
    double background = cycle->background_cpu_s + cycle->idle_cpu_s;
    double left = at_most(cpus * seconds, cycle->procs * seconds - background);
    return at_least((left - cycle->assist_cpu_s) / cpus, 0);
}

/** What happened from the start of one cycle to the start of another, or to the end of the trace.
 */
struct stretch {
    double program_s;
    double allocated_bytes;
    double from_bytes, to_bytes; /* reachable */
    double stack_bytes;
    double arena_bytes, offheap_bytes;
    double work_bytes; /* scanned by the cycles in it: the heap, stacks and globals */
    double cpu_s;
};

/** From cycle `first` (-1: the program's start) to the start of `last`. */
static struct stretch stretch_between(const struct gctrace *trace, long first, long last,
                                      double cpus) {
    const struct gctrace_cycle *end = &trace->cycles[last];
    struct stretch stretch = {.to_bytes = reachable(end),
                              .stack_bytes = end->stack_bytes,
                              .arena_bytes = end->arena_bytes,
                              .offheap_bytes = end->offheap_bytes};
    if (first >= 0)
        stretch.from_bytes = reachable(&trace->cycles[first]);
    for (long i = first; i < last; i++) {
        const struct gctrace_cycle *next = &trace->cycles[i + 1];
        double from_s = 0, from_bytes = 0;
        if (i >= 0) {
            const struct gctrace_cycle *cycle = &trace->cycles[i];
            from_s = cycle->start_s + wall_s(cycle);
            from_bytes = cycle->marked_bytes;
            stretch.program_s += marking_program_s(cycle, cpus);
            stretch.allocated_bytes += at_least(cycle->peak_bytes - cycle->start_bytes, 0);
        }
        stretch.program_s += at_least(next->start_s - from_s, 0);
        stretch.allocated_bytes += at_least(next->start_bytes - from_bytes, 0);
        stretch.work_bytes += next->work_bytes > 0 ? next->work_bytes : reachable(next);
        stretch.work_bytes += next->stack_bytes + next->globals_bytes;
        stretch.cpu_s += mark_cpu_s(next);
    }
    return stretch;
}

/** The last cycle's marking, and a little more so that the run has it too. */
static struct stretch stretch_tail(const struct gctrace *trace, double cpus) {
    const struct gctrace_cycle *last = &trace->cycles[trace->count - 1];
    return (struct stretch){
        .program_s = marking_program_s(last, cpus) * FIT_TAIL + last->before_s,
        .allocated_bytes = at_least(last->peak_bytes - last->start_bytes, 0) * FIT_TAIL,
        .from_bytes = reachable(last),
        .to_bytes = reachable(last),
        .stack_bytes = last->stack_bytes,
        .arena_bytes = last->arena_bytes,
        .offheap_bytes = last->offheap_bytes,
        .work_bytes = (last->work_bytes > 0 ? last->work_bytes : reachable(last)) +
                      last->stack_bytes + last->globals_bytes,
        .cpu_s = mark_cpu_s(last),
    };
}

/** @param scanned_of  of what is reachable, the part that was scanned, 0..1 */
static void fit_phase(struct scenario_phase *phase, const struct stretch *stretch, double cpus,
                      double scanned_of) {
    scenario_init_phase(phase);
    double grown = stretch->to_bytes - stretch->from_bytes;
    phase->duration = at_least(stretch->program_s, FIT_LEAST_S);
    phase->cpus = cpus;
    phase->alloc_rate.constant = floor(at_most(stretch->allocated_bytes / phase->duration, 1e15));
    phase->scannable.constant = scanned_of;
    phase->stacks.constant = floor(stretch->stack_bytes);
    phase->arenas.constant = floor(at_most(stretch->arena_bytes, 1e15));
    phase->off_heap.constant = floor(at_most(stretch->offheap_bytes, 1e15));
    if (grown > 0 && stretch->allocated_bytes > 0)
        phase->survival.constant = at_most(grown / stretch->allocated_bytes, 1);
    else if (grown < 0)
        phase->old_death = at_most(-grown / stretch->from_bytes, 1);
    if (stretch->cpu_s > 0 && stretch->work_bytes > 0)
        phase->scan_rate =
            (int64_t)at_most(at_least(stretch->work_bytes / stretch->cpu_s, 1048576), 1e14);
}

/** Where the trace tells the work: what part of the reachable heap it was. */
static double fit_scannable(const struct gctrace *trace) {
    double work = 0, heap = 0;
    for (size_t i = 0; i < trace->count; i++)
        if (trace->cycles[i].work_bytes > 0) {
            work += trace->cycles[i].work_bytes;
            heap += reachable(&trace->cycles[i]);
        }
    return heap > 0 ? at_most(work / heap, 1) : 1;
}

static void fit_phases(const struct gctrace *trace, double cpus, int phases,
                       struct scenario *scenario) {
    long count = (long)trace->count, group = (count + phases - 1) / phases;
    double scannable = fit_scannable(trace);
    scenario->phases = command_allocate(trace->count + 1, sizeof(*scenario->phases));
    for (long first = -1; first < count - 1; first += group) {
        long last = first + group < count - 1 ? first + group : count - 1;
        struct stretch stretch = stretch_between(trace, first, last, cpus);
        fit_phase(&scenario->phases[scenario->phase_count++], &stretch, cpus, scannable);
    }
    struct stretch tail = stretch_tail(trace, cpus);
    fit_phase(&scenario->phases[scenario->phase_count++], &tail, cpus, scannable);
}

void fit_scenario(const struct gctrace *trace, double cpus, int phases, struct scenario *scenario) {
    if (cpus <= 0)
        cpus = fit_cpus(trace);
    scenario->settings.gogc = fit_gogc(trace);
    fit_machine(trace, cpus, scenario);
    fit_phases(trace, cpus, phases, scenario);
}

/* ---- Command line ------------------------------------------------------- */

/** What the command line says. */
struct fit_options {
    struct overrides overrides;
    double cpus; /* 0: to be found */
    int phases;
};

static struct fit_options fit_options(int argc, char **argv) {
    static const struct option options[] = {{"gogc", required_argument, NULL, 'g'},
                                            {"limit", required_argument, NULL, 'l'},
                                            {"cpus", required_argument, NULL, 'c'},
                                            {"phases", required_argument, NULL, 'p'},
                                            {0}};
    struct fit_options fit = {.phases = FIT_PHASES};
    for (int option; (option = command_option(argc, argv, "", options)) != -1;) {
        char *end;
        if (option == 'c') {
            fit.cpus = strtod(optarg, &end);
            if (end == optarg || *end || !(fit.cpus > 0 && fit.cpus <= 1024))
                command_misuse("--cpus: %s; accepted: a number above 0, to 1024", optarg);
        } else if (option == 'p') {
            fit.phases = (int)command_count("--phases", optarg, 1, FIT_MOST_PHASES, "");
        } else {
            overrides_take(&fit.overrides, option, optarg);
        }
    }
    if (optind != argc - 1)
        command_misuse("fit: one trace, please; gait-sim help fit");
    return fit;
}

static void scenario_of_recording(const char *path, const struct fit_options *fit,
                                  struct scenario *scenario) {
    struct recording recording;
    recording_load(path, &recording);
    recording_scenario(&recording, path, fit->phases, scenario);
    recording_free(&recording);
}

static void scenario_of_trace(const char *path, const struct fit_options *fit,
                              struct scenario *scenario) {
    struct gctrace trace;
    gctrace_read(&trace, path);
    scenario_init(scenario);
    const char *slash = strrchr(path, '/');
    snprintf(scenario->title, sizeof(scenario->title), "fitted to %.60s", slash ? slash + 1 : path);
    fit_scenario(&trace, fit->cpus, fit->phases, scenario);
    gctrace_free(&trace);
}

int fit_main(int argc, char **argv) {
    struct fit_options fit = fit_options(argc, argv);
    struct scenario scenario;
    if (recording_is(argv[optind]))
        scenario_of_recording(argv[optind], &fit, &scenario);
    else
        scenario_of_trace(argv[optind], &fit, &scenario);
    if (fit.overrides.has_gogc)
        scenario.settings.gogc = fit.overrides.gogc_percent;
    if (fit.overrides.has_limit)
        scenario.settings.memory_limit = fit.overrides.limit_bytes;
    struct scenario_fault fault;
    if (!scenario_check(&scenario, &fault))
        command_fail("%s: no scenario comes of it: %s is out of range", argv[optind],
                     fault.key ? fault.key->name : "phase");
    scenario_write(stdout, &scenario);
    scenario_free(&scenario);
    return COMMAND_OK;
}
