/* SPDX-License-Identifier: MIT */
/*
 * Recordings as scenarios. See demand.h; docs/simulator.md says what is taken from where.
 */
#include "demand.h"

#include "engine.h"

#define NS_PER_S 1e9
/** A phase has at least so much of the program's CPU time: figures of less are noise. */
#define DEMAND_LEAST_S 20e-6
/** How busy the program is while a cycle marks is told by so much of its time before. */
#define DEMAND_WINDOW_S 0.02
/** It is this busy at least, CPUs: 0 has another meaning. */
#define DEMAND_LEAST_CPUS 1e-3
/** A phase is a whole cycle and what follows it, or as long as this. Within a cycle allocation is
 * faster than after it, when threads sweep for what they take: neither is the program's own pace.
 */
#define DEMAND_LONG_NS 100000000
/** Touching fresh memory costs nothing: the program's CPU time has it. */
#define DEMAND_TOUCH_RATE (INT64_C(1) << 50)
/** Memory goes back in pieces as small as the program's free runs. Measured in Scheme programs
 * under a limit: 14 to 17 KiB each, 17 to 24 us. */
#define DEMAND_RELEASE_RATE (INT64_C(640) << 20)
#define DEMAND_LEAST_RATE 1048576.0
#define DEMAND_MOST_RATE 1e14
/** Samples that tell what sweeping freed: after so much of what was dead has been allocated. */
#define DEMAND_FREED_FROM 20
#define DEMAND_FREED_TO 4
/** How fast marking goes is told by so many cycles before and after. */
#define DEMAND_AROUND 4
/** So far beyond the live heap is the goal of a cycle that begins later (pacer/goal.c). */
#define DEMAND_PUSHED_BYTES (INT64_C(64) << 10)
/** Work is not taken to be so much cheaper, or dearer, while a cycle marks. */
#define DEMAND_LEAST_DRAG 0.5
#define DEMAND_MOST_DRAG 5.0

static double seconds(int64_t ns) { return (double)ns / NS_PER_S; }

static double between(double value, double least, double most) {
    return engine_min(engine_max(value, least), most);
}

static int64_t program_cpu_ns(const struct gait_pacerlog_sample *sample) {
    int64_t ns = sample->process_cpu_ns - recording_gc_cpu_ns(sample);
    return ns > 0 ? ns : 0;
}

static int64_t mark_cpu_ns(const struct gait_pacerlog_sample *sample) {
    return sample->cpu_assist_ns + sample->cpu_dedicated_ns + sample->cpu_fractional_ns +
           sample->cpu_idle_ns - sample->cpu_rest_ns;
}

/* ---- The program's CPU time --------------------------------------------- */

/** Between two samples. */
struct demand_time {
    double marking_s;      /* CPU-seconds while a cycle marked */
    double marking_wall_s; /* of these                         */
    double assist_s;       /* CPU-seconds of assists           */
    double free_s;         /* CPU-seconds else                 */
    double wall_s;         /* of these                         */
};

/** What a process used is known to the OS as of its threads' last ticks, and exactly as a cycle
 * ends, when all stand still. So up to a tick too much seems to fall to each cycle; more than its
 * threads had after assists does not, and belongs before it. */
static struct demand_time time_between(const struct gait_pacerlog_sample *from,
                                       const struct gait_pacerlog_sample *to) {
    double cpu_s = engine_max(seconds(program_cpu_ns(to) - program_cpu_ns(from)), 0);
    double wall_s = seconds(to->time_ns - from->time_ns);
    if (!(from->flags & GAIT_PACERLOG_MARKING))
        return (struct demand_time){.free_s = cpu_s, .wall_s = wall_s};
    double threads = engine_max((double)from->mutators, 1);
    double assists_s = seconds(to->cpu_assist_ns - from->cpu_assist_ns);
    double marking_s = between(cpu_s, 0, engine_max(threads * wall_s - assists_s, 0));
    return (struct demand_time){.marking_s = marking_s,
                                .marking_wall_s = wall_s,
                                .assist_s = assists_s,
                                .free_s = cpu_s - marking_s};
}

/** What allocating a byte, and what goes with it, costs the program while nothing marks, and how
 * much dearer it is while a cycle does.
 * @return the CPUs that its threads used meanwhile, with assists; 0: unknown */
static double measure_work(const struct recording *recording, struct growth_point *point) {
    struct demand_time sum = {0};
    double marking_bytes = 0, free_bytes = 0;
    for (size_t i = 1; i < recording->sample_count; i++) {
        const struct gait_pacerlog_sample *from = &recording->samples[i - 1];
        const struct gait_pacerlog_sample *to = &recording->samples[i];
        struct demand_time time = time_between(from, to);
        double bytes = (double)recording_allocated(to) - (double)recording_allocated(from);
        sum.marking_s += time.marking_s;
        sum.marking_wall_s += time.marking_wall_s;
        sum.assist_s += time.assist_s;
        sum.free_s += time.free_s;
        *(from->flags & GAIT_PACERLOG_MARKING ? &marking_bytes : &free_bytes) += bytes;
    }
    double free = free_bytes > 0 ? sum.free_s / free_bytes : 0;
    point->cost[GROWTH_WORK] = free;
    if (free > 0 && marking_bytes > 0 && sum.marking_s > 0)
        point->cost[GROWTH_DRAG] =
            between(sum.marking_s / marking_bytes / free, DEMAND_LEAST_DRAG, DEMAND_MOST_DRAG);
    return sum.marking_wall_s > 0 ? (sum.marking_s + sum.assist_s) / sum.marking_wall_s : 0;
}

/* ---- Cycles ------------------------------------------------------------- */

/** Sums over all cycles. */
struct demand_sums {
    /* of full cycles */
    double reachable, scanned; /* bytes */
    double grown;              /* reachable bytes x log of how far the heap had grown */
    double work;               /* bytes: scanned, stacks and globals                       */
    double marking;            /* CPU-seconds                                              */
    /* of cycles of either kind */
    double cycles;
    double roots; /* bytes: stacks and globals                                              */
    double pause_s;
    double lag_s;        /* CPU-seconds */
    double spans, peaks; /* as marking ended, bytes */
    double pages, metadata;
    double freed_shares; /* of dead memory, what became free pages */
    double freed_count;  /* samples that told                      */
};

/** Had foreign memory only been taken back when the heap was past the goal that it left? Then that
 * began the cycle, which would have begun before, and pushed out the goal. */
static bool was_kept(const struct gait_pacerlog_cycle *cycle,
                     const struct gait_pacerlog_sample *next) {
    return cycle->foreign_bytes > next->foreign_marked_bytes &&
           next->live_bytes >= next->goal_bytes - DEMAND_PUSHED_BYTES;
}

/** Of foreign memory, all of which a cycle marks, what was left when the goal was of use, and was
 * there as this one began: cleanups take theirs back soon, the program some of it much later. */
static double counted_of(const struct gait_pacerlog_cycle *cycle,
                         const struct gait_pacerlog_sample *begin,
                         const struct gait_pacerlog_sample *next) {
    int64_t left = was_kept(cycle, next) ? cycle->foreign_bytes : next->foreign_marked_bytes;
    return engine_min((double)left, (double)begin->foreign_bytes);
}

/** Of the heap, with what threads had taken and not used when it began: every cycle keeps that too.
 */
static double reachable_of(const struct gait_pacerlog_cycle *cycle,
                           const struct gait_pacerlog_sample *begin) {
    int64_t peak = cycle->peak_bytes - cycle->foreign_bytes;
    int64_t start = cycle->start_bytes - begin->foreign_bytes;
    double objects = (double)(cycle->marked_bytes - cycle->foreign_bytes);
    objects -= engine_max((double)(peak - start), 0);
    return engine_max(objects, 0);
}

/** The samples that were taken as a cycle began and ended. @return false: they were lost. */
static bool samples_of(const struct recording *recording, const struct gait_pacerlog_cycle *cycle,
                       size_t *begin, size_t *end) {
    size_t count = recording->sample_count;
    const struct gait_pacerlog_sample *samples = recording->samples;
    while (*begin < count && samples[*begin].time_ns < cycle->start_ns)
        ++*begin;
    for (*end = *begin; *end < count && samples[*end].time_ns < cycle->end_ns;)
        ++*end;
    return *end < count && samples[*begin].time_ns < cycle->end_ns;
}

static void sum_full(struct demand_sums *sums, const struct gait_pacerlog_cycle *cycle,
                     double reachable, const struct gait_pacerlog_sample *begin,
                     const struct gait_pacerlog_sample *end) {
    double roots = (double)(cycle->stack_bytes + cycle->globals_bytes);
    sums->reachable += reachable;
    sums->scanned += (double)cycle->scanned_bytes;
    sums->work += (double)cycle->scanned_bytes + roots;
    sums->marking += seconds(mark_cpu_ns(end) - mark_cpu_ns(begin));
}

/* What every cycle has, whatever it looks at. */
static void sum_cycle(struct demand_sums *sums, const struct gait_pacerlog_cycle *cycle,
                      double counted, const struct gait_pacerlog_sample *end) {
    double foreign = engine_max((double)end->foreign_bytes - counted, 0); /* as objects, here */
    sums->cycles++;
    sums->roots += (double)(cycle->stack_bytes + cycle->globals_bytes);
    sums->pause_s += seconds(cycle->pause_ns);
    sums->lag_s += seconds(cycle->lag_cpu_ns);
    sums->spans += (double)end->span_bytes + foreign;
    sums->peaks += (double)(cycle->peak_bytes - cycle->foreign_bytes) + foreign;
    sums->pages += (double)(end->span_bytes + end->free_bytes) + foreign;
    sums->metadata += (double)end->metadata_bytes;
}

/** The sample with which the next cycle begins, or the last. */
static const struct gait_pacerlog_sample *next_begin(const struct recording *recording,
                                                     size_t end) {
    size_t at = end + 1;
    while (
        at < recording->sample_count &&
        !(recording->samples[at].flags & ~recording->samples[at - 1].flags & GAIT_PACERLOG_MARKING))
        at++;
    return &recording->samples[at < recording->sample_count ? at : recording->sample_count - 1];
}

/** How much of what was dead became free pages tells a sample that was taken when the sweeper was
 * through and the program had not taken much of them. */
static void sum_freed(struct demand_sums *sums, const struct recording *recording,
                      const struct gait_pacerlog_cycle *cycle, size_t end) {
    const struct gait_pacerlog_sample *from = &recording->samples[end];
    double dead = (double)(cycle->peak_bytes - cycle->marked_bytes);
    for (size_t i = end + 1; i < recording->sample_count; i++) {
        const struct gait_pacerlog_sample *sample = &recording->samples[i];
        if (sample->flags & GAIT_PACERLOG_MARKING)
            return;
        double since = (double)recording_allocated(sample) - (double)recording_allocated(from);
        double freed = (double)(sample->free_bytes + sample->released_bytes) -
                       (double)(from->free_bytes + from->released_bytes);
        if (dead > 0 && since > dead / DEMAND_FREED_FROM && since < dead / DEMAND_FREED_TO) {
            sums->freed_shares += between(freed / dead, 0, 1);
            sums->freed_count++;
        }
    }
}

/** Of what is reachable, the part that cycles scanned, 0..1. */
static double scanned_share(const struct demand_sums *sums) {
    return sums->reachable > 0 ? between(sums->scanned / sums->reachable, 0, 1) : 1;
}

static double sums_rate(const struct demand_sums *sums) {
    return sums->marking > 0 ? sums->work / sums->marking : DEMAND_MOST_RATE;
}

/** How fast marking went beside the program: CPUs in the background, while it was not preempted. */
static double background_of(const struct gait_pacerlog_cycle *cycle,
                            const struct gait_pacerlog_sample *begin,
                            const struct gait_pacerlog_sample *end) {
    double free = seconds(cycle->end_ns - cycle->start_ns - cycle->held_back_ns);
    double background = seconds(mark_cpu_ns(end) - mark_cpu_ns(begin) - cycle->cpu_assist_ns);
    return free > 0 && background > 0 ? background / free : 0;
}

/** The median of the cycles around one: that the OS preempts a marker in the middle of one is
 * chance. */
static double background_around(const struct demand_cycle *cycles, size_t count, size_t at) {
    double sorted[2 * DEMAND_AROUND + 1];
    size_t from = at > DEMAND_AROUND ? at - DEMAND_AROUND : 0, length = 0;
    for (size_t i = from; i < count && i <= at + DEMAND_AROUND; i++) {
        size_t place = length++;
        for (; place > 0 && sorted[place - 1] > cycles[i].beside; place--)
            sorted[place] = sorted[place - 1];
        sorted[place] = cycles[i].beside;
    }
    return sorted[length / 2];
}

/** @param calm  as in demand_scenario
 * @return how many cycles tell something */
static size_t read_cycles(const struct recording *recording, bool calm, struct demand_cycle *cycles,
                          struct demand_sums *sums) {
    size_t begin = 0, end = 0, count = 0;
    for (size_t i = 0; i < recording->cycle_count; i++) {
        const struct gait_pacerlog_cycle *cycle = &recording->cycles[i];
        if (!samples_of(recording, cycle, &begin, &end))
            continue;
        const struct gait_pacerlog_sample *from = &recording->samples[begin];
        double counted = counted_of(cycle, from, next_begin(recording, end));
        sum_cycle(sums, cycle, counted, &recording->samples[end]);
        if (cycle->flags & GAIT_PACERLOG_MINOR)
            continue; /* what is reachable, full cycles alone tell */
        double since = engine_max((double)(from->live_bytes - cycle->start_bytes), 0);
        double reachable = reachable_of(cycle, from), all = reachable + counted;
        double grown = all > 0 ? engine_max((double)cycle->start_bytes / all, 1) : 0;
        sum_full(sums, cycle, reachable, from, &recording->samples[end]);
        sums->grown += grown > 0 ? reachable * log(grown) : 0;
        sum_freed(sums, recording, cycle, end);
        cycles[count++] = (struct demand_cycle){
            .allocated = engine_max((double)recording_allocated(from) - since, 0),
            .reachable = reachable,
            .counted = counted,
            .grown = grown,
            .cost = seconds(mark_cpu_ns(&recording->samples[end]) - mark_cpu_ns(from)),
            .beside = background_of(cycle, from, &recording->samples[end]),
        };
    }
    for (size_t i = 0; i < count; i++)
        cycles[i].background = calm || !(cycles[i].beside > 0) ? background_around(cycles, count, i)
                                                               : cycles[i].beside;
    double share = scanned_share(sums);
    for (size_t i = 0; i < count; i++) {
        double work = cycles[i].reachable * share;
        cycles[i].cost = work > 0 ? cycles[i].cost / work : 1 / sums_rate(sums);
    }
    return count;
}

/** Where on the way from cycle to cycle the program is. */
struct demand_place {
    const struct demand_cycle *cycles;
    size_t count, next; /* the first cycle that began after it */
};

/** Of so much foreign memory, what the program keeps: no less than was left, and no more than was,
 * of the fewer and the more that the cycles around tell. The rest is garbage, and goes with cycles.
 */
static double counted_between(const struct demand_cycle *from, const struct demand_cycle *to,
                              double foreign) {
    return between(foreign, engine_min(from->counted, to->counted),
                   engine_max(from->counted, to->counted));
}

/** What a cycle would have told that began when so much had been allocated, with so much foreign
 * memory. */
static struct demand_cycle place_look(struct demand_place *place, double allocated,
                                      double foreign) {
    while (place->next < place->count && place->cycles[place->next].allocated <= allocated)
        place->next++;
    static const struct demand_cycle start; /* nothing is allocated */
    const struct demand_cycle *from = place->next > 0 ? &place->cycles[place->next - 1] : &start;
    const struct demand_cycle *to =
        &place->cycles[place->next < place->count ? place->next : place->count - 1];
    double way = to->allocated - from->allocated;
    double part = way > 0 ? between((allocated - from->allocated) / way, 0, 1) : 0;
    bool first = from == &start; /* which tells nothing but that nothing is live */
    return (struct demand_cycle){
        .allocated = allocated,
        .reachable = from->reachable + part * (to->reachable - from->reachable),
        .counted = counted_between(from, to, foreign),
        .grown = first ? to->grown : from->grown,
        .cost = first ? to->cost : from->cost + part * (to->cost - from->cost),
        .background = first || part > 0.5 ? to->background : from->background,
    };
}

/* ---- Phases ------------------------------------------------------------- */

/** How many CPUs the program keeps busy when no cycle slows it down. */
struct demand_pace {
    double cpu_s, wall_s; /* of late */
    double most;          /* CPUs    */
};

static void pace_add(struct demand_pace *pace, double cpu_s, double wall_s) {
    pace->cpu_s += cpu_s;
    pace->wall_s += wall_s;
    if (pace->wall_s > 2 * DEMAND_WINDOW_S) { /* what is older counts less and less */
        double keep = DEMAND_WINDOW_S / pace->wall_s;
        pace->cpu_s *= keep;
        pace->wall_s *= keep;
    }
}

static double pace_cpus(const struct demand_pace *pace) {
    double cpus = pace->wall_s > 0 ? pace->cpu_s / pace->wall_s : pace->most;
    return between(cpus, DEMAND_LEAST_CPUS, pace->most);
}

/** What lies between two samples. */
struct demand_stretch {
    double cpu_s, wall_s; /* the program's, without marking time */
    double marking_cpu_s; /* the program's while a cycle marked  */
    double from, to;      /* allocated, bytes                    */
    double counted;       /* as it began, of what is kept        */
    int64_t begin_ns;
    const struct gait_pacerlog_sample *last;
};

static struct demand_stretch stretch_from(double allocated, double counted, int64_t begin_ns) {
    return (struct demand_stretch){
        .from = allocated, .to = allocated, .counted = counted, .begin_ns = begin_ns};
}

static void stretch_add(struct demand_stretch *stretch, const struct gait_pacerlog_sample *from,
                        const struct gait_pacerlog_sample *to) {
    struct demand_time time = time_between(from, to);
    stretch->marking_cpu_s += time.marking_s;
    stretch->cpu_s += time.free_s;
    stretch->wall_s += time.wall_s;
    stretch->to = (double)recording_allocated(to);
    stretch->last = to;
}

/** Does a cycle begin at `to`, or is it long enough? */
static bool stretch_is_whole(const struct demand_stretch *stretch,
                             const struct gait_pacerlog_sample *from,
                             const struct gait_pacerlog_sample *to) {
    bool begins = (to->flags & ~from->flags & GAIT_PACERLOG_MARKING) != 0;
    return (begins || to->time_ns - stretch->begin_ns >= DEMAND_LONG_NS) &&
           stretch->cpu_s + stretch->marking_cpu_s >= DEMAND_LEAST_S;
}

static void stretch_phase(const struct demand_stretch *stretch, struct demand_pace *pace,
                          struct demand_place *place, double share, double drag,
                          struct scenario_phase *phase) {
    struct demand_cycle begin = place_look(place, stretch->from, stretch->counted);
    struct demand_cycle end = place_look(place, stretch->to, (double)stretch->last->foreign_bytes);
    double rise = engine_max(end.counted - stretch->counted, 0);
    double allocated = engine_max(stretch->to - stretch->from - rise, 0);
    double from = begin.reachable, to = end.reachable;
    pace_add(pace, stretch->cpu_s, stretch->wall_s);
    double cpus = pace_cpus(pace);
    scenario_init_phase(phase);
    phase->cpus = cpus;
    phase->duration = engine_max((stretch->cpu_s + stretch->marking_cpu_s / drag) / cpus, 1e-6);
    phase->alloc_rate.constant = engine_max(allocated / phase->duration, 0);
    phase->scannable.constant = share;
    phase->stacks.constant = (double)stretch->last->stack_bytes;
    phase->off_heap.constant = (double)stretch->last->offheap_bytes;
    phase->arenas.constant = (double)stretch->last->arena_bytes;
    phase->counted.constant = floor(end.counted);
    if (to > from && allocated > 0)
        phase->survival.constant = engine_min((to - from) / allocated, 1);
    else if (to < from)
        phase->old_death = engine_min((from - to) / from, 1);
    phase->grown = begin.grown;
    phase->background = engine_min(begin.background, pace->most);
    phase->scan_rate =
        (int64_t)between(2 / (begin.cost + end.cost), DEMAND_LEAST_RATE, DEMAND_MOST_RATE);
}

/** @param group  samples that make a phase, at least */
static void make_phases(const struct recording *recording, struct demand_place *place, double share,
                        size_t group, struct scenario *scenario) {
    static const struct gait_pacerlog_sample start;
    const struct gait_pacerlog_sample *from = &start;
    struct demand_pace pace = {.most = (double)scenario->machine.cpus};
    struct demand_stretch stretch = stretch_from(0, 0, 0);
    size_t taken = 0;
    for (size_t i = 0; i < recording->sample_count; i++) {
        const struct gait_pacerlog_sample *to = &recording->samples[i];
        stretch_add(&stretch, from, to);
        bool whole = stretch_is_whole(&stretch, from, to);
        from = to;
        bool last = i + 1 == recording->sample_count;
        if (last ? scenario->phase_count == 0 || stretch.to > stretch.from
                 : ++taken >= group && whole) {
            struct scenario_phase *phase = &scenario->phases[scenario->phase_count++];
            stretch_phase(&stretch, &pace, place, share, scenario->machine.marking_drag, phase);
            stretch = stretch_from(stretch.to, phase->counted.constant, to->time_ns);
            taken = 0;
        }
    }
}

/* ---- Machine and memory ------------------------------------------------- */

static void make_machine(const struct recording *recording, const struct demand_sums *sums,
                         struct scenario *scenario) {
    const struct gait_pacerlog_sample *last = &recording->samples[recording->sample_count - 1];
    struct scenario_machine *machine = &scenario->machine;
    double count = sums->cycles;
    double sweep_s = seconds(last->cpu_sweep_ns);
    double roots_s = sums->roots / sums_rate(sums);
    machine->touch_rate = DEMAND_TOUCH_RATE;
    machine->release_rate = DEMAND_RELEASE_RATE;
    machine->scan_rate = (int64_t)between(sums_rate(sums), DEMAND_LEAST_RATE, DEMAND_MOST_RATE);
    if (sweep_s > 0)
        machine->sweep_rate =
            (int64_t)between(sums->spans / sweep_s, DEMAND_LEAST_RATE, DEMAND_MOST_RATE);
    machine->cycle_cost = engine_max(seconds(last->cpu_rest_ns) - roots_s, 0) / count;
    machine->pause = sums->pause_s / count;
    machine->cpu_lag = between(2 * sums->lag_s / count, 0, 1);
    scenario->memory.globals = last->globals_bytes;
    if (sums->peaks > 0)
        scenario->memory.fragmentation = between(sums->spans / sums->peaks, 1, 100);
    if (sums->freed_count > 0)
        scenario->memory.holes = 1 - sums->freed_shares / sums->freed_count;
    if (sums->pages > 0)
        scenario->memory.metadata = between(sums->metadata / sums->pages, 0, 1);
}

/** What the costs were on average, and how far the heap had grown. */
static void measure_costs(const struct recording *recording, const struct demand_sums *sums,
                          const struct scenario_machine *machine, struct growth_point *point) {
    const struct gait_pacerlog_sample *last = &recording->samples[recording->sample_count - 1];
    if (sums->reachable > 0)
        point->grown = exp(sums->grown / sums->reachable);
    if (sums->work > 0)
        point->cost[GROWTH_SCAN] = sums->marking / sums->work;
    if (sums->spans > 0)
        point->cost[GROWTH_SWEEP] = seconds(last->cpu_sweep_ns) / sums->spans;
    point->cost[GROWTH_CYCLE] = machine->cycle_cost;
}

/* Do minor cycles pay here? How long the young live a recording does not tell, and the model has
 * them die at once. Where they don't, next to all cycles were full; a try now and then cost as
 * much. */
static bool minors_pay(const struct recording *recording) {
    size_t minors = 0;
    for (size_t i = 0; i < recording->cycle_count; i++)
        minors += (recording->cycles[i].flags & GAIT_PACERLOG_MINOR) != 0;
    return 2 * minors > recording->cycle_count;
}

bool demand_scenario(const struct recording *recording, bool calm, struct demand_cycle *cycles,
                     int32_t room, struct scenario *scenario, struct growth_point *measured) {
    struct demand_sums sums = {0};
    size_t count = read_cycles(recording, calm, cycles, &sums);
    if (count == 0)
        return false;
    struct demand_place place = {.cycles = cycles, .count = count};
    scenario->settings.gogc = (int32_t)recording->header.gogc_percent;
    scenario->settings.memory_limit = scenario_limit(recording->header.limit_bytes);
    scenario->settings.minimum_heap = recording->header.minimum_heap_bytes;
    scenario->settings.min_heap = recording->header.min_heap_bytes;
    scenario->settings.gogc_floor = recording->header.gogc_floor_percent;
    scenario->settings.assists = !recording->header.assists_off;
    scenario->settings.minors = minors_pay(recording);
    scenario->machine.cpus = recording->header.procs;
    struct growth_point point = {0};
    double marking_cpus = measure_work(recording, &point);
    scenario->machine.marking_drag = point.cost[GROWTH_DRAG] > 0 ? point.cost[GROWTH_DRAG] : 1;
    make_phases(recording, &place, scanned_share(&sums), recording->sample_count / (size_t)room + 1,
                scenario);
    for (int32_t i = 0; i < scenario->phase_count; i++)
        scenario->phases[i].marking_cpus = between(marking_cpus, 0, recording->header.procs);
    make_machine(recording, &sums, scenario);
    measure_costs(recording, &sums, &scenario->machine, &point);
    struct growth_law laws[GROWTH_COSTS];
    growth_learn(&point, 1, laws);
    growth_apply(laws, &point, scenario);
    if (measured)
        *measured = point;
    return true;
}
