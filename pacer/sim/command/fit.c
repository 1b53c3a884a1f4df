/* SPDX-License-Identifier: MIT */
/*
 * A scenario that behaves like a program that was traced. See fit.h.
 *
 * A phase goes from the start of one cycle (or of several, if there are more than phases allowed)
 * to the start of the next. What is known of it: how much was allocated, from the sizes of the live
 * heap; what was reachable at both ends, which is what the cycle marked less what was allocated
 * while it did; how long it took, and for how much of that the collector slowed the program down.
 *
 * Nothing is told of what came before the first cycle, unless that is the program's first. So the
 * scenario begins where that cycle's marking ended, with what it marked. Where lines are lost in
 * between, the cycles of the gap are taken for ones like those around it: their number is known,
 * and their time.
 */
#include "fit.h"

#include "command.h"

#include <math.h>

/** CPUs that others have, below which they have none. */
#define FIT_LEAST_CPUS 0.01
/** Background marking beyond this share of all CPUs runs on idle ones. */
#define FIT_BUSY_SHARE 0.3
/** Part of a cycle's time that is added after the last one, so that the run has it. */
#define FIT_TAIL 1.3
#define FIT_LEAST_S 1e-6
#define MIB 1048576.0
/** Cycles on each side of a gap that those in it are taken for. */
#define FIT_AROUND 5
/** The model's goals at a limit are 7/8 of it, with its own fragmentation and tables (gait-sim run,
 * limits of 64 MiB to 1 GiB). Of that, headroom is 3 %. */
#define FIT_LIMIT_OVER_GOAL (8.0 / 7)
#define FIT_HEADROOM 1.03
#define FIT_METADATA 1.02
#define FIT_MOST_FRAGMENTATION 4.0
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

/** GOGC and the limit, and with a limit that somebody knows, how much of it is no heap. */
static void fit_settings(const struct fit_goals *goals, const struct fit_known *known,
                         struct scenario *scenario) {
    struct scenario_settings *settings = &scenario->settings;
    settings->gogc = goals->gogc == FIT_GOALS_OFF ? GAIT_PACER_GOGC_OFF : (int32_t)goals->gogc;
    settings->parity = goals->parity;
    if (goals->limit_goal > 0)
        settings->memory_limit =
            (int64_t)at_most(ceil(goals->limit_goal * FIT_LIMIT_OVER_GOAL / MIB) * MIB, 1e15);
    if (!known->has_limit)
        return;
    settings->memory_limit = known->limit_bytes;
    if (goals->limit_goal > 0 && !goals->is_pinned)
        scenario->memory.fragmentation = at_most(
            at_least((double)known->limit_bytes / (goals->limit_goal * FIT_HEADROOM * FIT_METADATA),
                     1),
            FIT_MOST_FRAGMENTATION);
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

/** Gait's own line? It tells exact sizes; and before marking, the CPU time of one thread, where Go
 * tells that of all CPUs. */
static bool is_gait(const struct gctrace *trace) {
    double before_s = 0, before_cpu_s = 0, procs = trace->cycles[trace->count - 1].procs;
    for (size_t i = 0; i < trace->count; i++) {
        if (trace->cycles[i].exact)
            return true;
        before_s += trace->cycles[i].before_s;
        before_cpu_s += trace->cycles[i].before_cpu_s;
    }
    return before_cpu_s > 0 && before_cpu_s < before_s * (1 + procs) / 2;
}

/** Is the trace that of the whole program, or did it begin before? */
static bool is_from_start(const struct gctrace *trace) { return trace->cycles[0].number <= 1; }

/** Cycles that are missing behind this one. */
static int64_t lost_behind(const struct gctrace *trace, size_t i) {
    return i + 1 < trace->count ? trace->cycles[i + 1].number - trace->cycles[i].number - 1 : 0;
}

/** Time that the trace tells of, less its gaps. */
static double told_s(const struct gctrace *trace) {
    double seconds = is_from_start(trace) ? trace->cycles[0].start_s : 0;
    for (size_t i = 0; i < trace->count; i++) {
        seconds += wall_s(&trace->cycles[i]);
        if (i + 1 < trace->count && lost_behind(trace, i) == 0)
            seconds += at_least(trace->cycles[i + 1].start_s - trace->cycles[i].start_s -
                                    wall_s(&trace->cycles[i]),
                                0);
    }
    return seconds;
}

/**
 * CPUs that the program itself kept busy. Gait says what share of the process's CPU time was the
 * collector's. Go says what share of all CPUs it was: then the program is taken for having kept
 * busy those that background marking had not.
 */
static double fit_cpus(const struct gctrace *trace) {
    const struct gctrace_cycle *last = &trace->cycles[trace->count - 1];
    double gc = 0, procs = last->procs, seconds = told_s(trace);
    for (size_t i = 0; i < trace->count; i++)
        gc += trace->cycles[i].before_cpu_s + mark_cpu_s(&trace->cycles[i]) +
              trace->cycles[i].after_cpu_s;
    if (is_gait(trace) && last->percent > 0 && seconds > 0) {
        double program = gc / (last->percent + 0.5) * 100 - gc;
        return at_most(at_least(program / seconds, 0.01), procs);
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

/** What a cycle comes to on average, for those that are lost. */
struct mean_cycle {
    double allocated_bytes;   /* from its start to the next one's */
    double wall_s, program_s; /* while it marks */
};

/** Of the cycles around a gap that are followed by the next one; of all, if none there is. */
static struct mean_cycle mean_around(const struct gctrace *trace, size_t gap, double cpus) {
    struct mean_cycle sum = {0};
    size_t count = 0, first = gap > FIT_AROUND ? gap - FIT_AROUND : 0, last = gap + FIT_AROUND;
    for (int pass = 0; pass < 2 && count == 0; pass++) {
        for (size_t i = first; i <= last && i + 1 < trace->count; i++) {
            const struct gctrace_cycle *cycle = &trace->cycles[i];
            if (lost_behind(trace, i) > 0)
                continue;
            sum.allocated_bytes +=
                at_least(cycle->peak_bytes - cycle->start_bytes, 0) +
                at_least(trace->cycles[i + 1].start_bytes - cycle->marked_bytes, 0);
            sum.wall_s += wall_s(cycle);
            sum.program_s += marking_program_s(cycle, cpus);
            count++;
        }
        first = 0;
        last = trace->count;
    }
    double share = count > 0 ? 1 / (double)count : 0;
    return (struct mean_cycle){sum.allocated_bytes * share, sum.wall_s * share,
                               sum.program_s * share};
}

/** From the end of cycle i to the start of the next that the trace has. */
static void add_between(const struct gctrace *trace, size_t i, double cpus,
                        struct stretch *stretch) {
    const struct gctrace_cycle *cycle = &trace->cycles[i], *next = cycle + 1;
    double seconds = at_least(next->start_s - cycle->start_s - wall_s(cycle), 0);
    double bytes = at_least(next->start_bytes - cycle->marked_bytes, 0);
    double lost = (double)lost_behind(trace, i);
    if (lost > 0) {
        struct mean_cycle mean = mean_around(trace, i, cpus);
        double marking_s = at_most(lost * mean.wall_s, seconds);
        double program_s = at_most(lost * mean.program_s, marking_s);
        seconds -= marking_s - program_s;
        bytes = at_least(bytes, (lost + 1) * mean.allocated_bytes);
    }
    stretch->program_s += seconds;
    stretch->allocated_bytes += bytes;
}

/** From cycle `first` to the start of `last`. Before the first cycle (-1) is the program's start;
 * where the trace begins in its middle, the first cycle counts from the end of its marking. */
static struct stretch stretch_between(const struct gctrace *trace, long first, long last,
                                      double cpus) {
    const struct gctrace_cycle *end = &trace->cycles[last];
    bool from_start = is_from_start(trace);
    struct stretch stretch = {.to_bytes = reachable(end),
                              .stack_bytes = end->stack_bytes,
                              .arena_bytes = end->arena_bytes,
                              .offheap_bytes = end->offheap_bytes};
    if (first >= 0)
        stretch.from_bytes = first > 0 || from_start ? reachable(&trace->cycles[first])
                                                     : trace->cycles[first].marked_bytes;
    for (long i = first; i < last; i++) {
        const struct gctrace_cycle *next = &trace->cycles[i + 1];
        if (i < 0) {
            stretch.program_s += next->start_s;
            stretch.allocated_bytes += next->start_bytes;
        } else {
            if (i > 0 || from_start) {
                const struct gctrace_cycle *cycle = &trace->cycles[i];
                stretch.program_s += marking_program_s(cycle, cpus);
                stretch.allocated_bytes += at_least(cycle->peak_bytes - cycle->start_bytes, 0);
            }
            add_between(trace, (size_t)i, cpus, &stretch);
        }
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
    bool from_start = is_from_start(trace);
    if (!from_start)
        scenario->memory.initial_live = (int64_t)at_most(trace->cycles[0].marked_bytes, 1e15);
    scenario->phases = command_allocate(trace->count + 1, sizeof(*scenario->phases));
    for (long first = from_start ? -1 : 0; first < count - 1; first += group) {
        long last = first + group < count - 1 ? first + group : count - 1;
        struct stretch stretch = stretch_between(trace, first, last, cpus);
        fit_phase(&scenario->phases[scenario->phase_count++], &stretch, cpus, scannable);
    }
    struct stretch tail = stretch_tail(trace, cpus);
    fit_phase(&scenario->phases[scenario->phase_count++], &tail, cpus, scannable);
}

const char *fit_scenario(const struct gctrace *trace, const struct fit_wish *wish,
                         struct fit_goals *goals, struct scenario *scenario) {
    if (trace->count < 2 && !is_from_start(trace))
        return "one cycle only, from the middle of a program: two at least tell what happened "
               "between them";
    *goals = fit_goals(trace, &wish->known);
    if (goals->is_pinned && !wish->known.has_limit)
        return "its goals stand at what was live: a memory limit below that gives such, and the "
               "trace does not tell which; gait-sim fit takes it by --limit";
    double cpus = wish->cpus > 0 ? wish->cpus : fit_cpus(trace);
    fit_settings(goals, &wish->known, scenario);
    fit_machine(trace, cpus, scenario);
    fit_phases(trace, cpus, wish->phases, scenario);
    return NULL;
}
