/* SPDX-License-Identifier: MIT */
/*
 * The full model while a cycle marks: background marking, assists, waiting at the
 * memory limit. Who marks, which threads wait and for how long, the governor says.
 *
 * Within a step all rates are constant. With S the scan rate of a CPU, b the CPUs that mark in the
 * background, M those that the program's threads have, a what the program allocates per second of
 * its own time, c the CPUs that it keeps busy, r the pacer's assist ratio: at speed v the program
 * uses c v CPUs and owes r a v of work per second. The background pays b S of it, credit the rest;
 * when there is none, assists do, on the program's own CPUs:
 *
 *     c v + (r a v - b S) / S = M    =>    v = (M + b) / (c + r a / S)
 *
 * c is the program's own while a cycle marks: marking_drag times what it is otherwise.
 */
#include "engine.h"

/** A cycle's marking is told in so many steps or more; more made no figure better by 0.1 %. */
#define MARK_STEPS 16
#define MARK_STEPS_MOST 64
/** A step is no longer than this, so that the limiter looks in time. */
#define MARK_STEP_MOST_S 0.0101

/** Who marks, in CPUs. */
struct mark_cpus {
    double collector; /* the collector's own thread     */
    double dedicated; /* helpers beside it              */
    double idle;      /* helpers on CPUs that are idle  */
};

static struct mark_cpus mark_cpus(const struct model *model) {
    const struct gait_governor *governor = &model->governor;
    int32_t procs = governor->settings.procs;
    bool limiting =
        governor->limiting && !model->program.collects; /* a thread that waits is served */
    struct gait_governor_helpers helpers = gait_governor_helpers(procs, false);
    double alone = gait_governor_mark_pace(procs, true, limiting, false, 0).share;
    double seen = model->program.rates.background; /* what marking was seen to get */
    if (seen > 0) {
        struct mark_cpus mark = {.collector = engine_min(seen, alone)};
        if (!limiting) {
            mark.dedicated = engine_min(seen - mark.collector, helpers.dedicated);
            mark.idle = seen - mark.collector - mark.dedicated;
        }
        return mark;
    }
    double idle = full_idle_cpus(model);
    double busy = gait_governor_mark_pace(procs, false, limiting, false, 0).share;
    struct mark_cpus mark = {.collector = engine_max(busy, engine_min(idle, alone)),
                             .dedicated = helpers.dedicated};
    idle -= mark.collector + mark.dedicated;
    if (idle > 0 && !limiting &&
        gait_governor_wakes_helpers(governor, model->marking.record.start_bytes))
        mark.idle = engine_min(idle, helpers.idle);
    return mark;
}

/* ---- Begin -------------------------------------------------------------- */

/** Handshakes, and roots: every thread scans its own stacks, the collector what is static. */
static void mark_roots(struct model *model) {
    const struct scenario_machine *machine = &model->scenario->machine;
    const struct model_rates *rates = &model->program.rates;
    double globals = (double)model->scenario->memory.globals;
    double pause = machine->pause + rates->stacks / (rates->scan_rate * engine_max(rates->cpus, 1));
    double cpu = rates->cycle_cost + (rates->stacks + globals) / rates->scan_rate;
    model->marking.record.pause_s = pause;
    model->marking.record.cpu_s[MODEL_FIXED] = cpu;
    ledger_pause(model, pause);
    ledger_gc(model, MODEL_FIXED, cpu);
    full_advance(model, engine_max(pause, ENGINE_STEP_LEAST_S), 0, 0);
}

/** What the last cycle left marked. */
static double mark_kept(const struct model *model) {
    const struct gait_pacer *pacer = &model->governor.pacer;
    double marked = (double)(pacer->marked_bytes - pacer->foreign_marked_bytes);
    return engine_min(marked, model->heap - model->program.rates.counted);
}

/** Of it, what was stored into. */
static double mark_dirty(const struct model *model) {
    double young = model->heap - model->program.rates.counted - mark_kept(model);
    double stored = young * model->program.rates.old_stores;
    return engine_min(stored, (double)model->governor.scannable_bytes);
}

/** A minor cycle: of what the last one left marked, it looks at what was stored into alone. */
static void mark_what_is_new(struct model *model) {
    struct model_marking *marking = &model->marking;
    marking->kept = mark_kept(model);
    double young = model->heap - model->program.rates.counted - marking->kept;
    marking->found = engine_min(program_found(&model->program), young);
    marking->kept_work = mark_dirty(model);
    marking->work = program_found_scannable(&model->program) + marking->kept_work;
}

void mark_begin(struct model *model, bool forced, bool periodic) {
    const struct model_rates *rates = &model->program.rates;
    struct model_marking *marking = &model->marking;
    ledger_sample(model);
    program_see_heap(&model->program, model->heap);
    struct gait_governor_orders orders = gait_governor_orders(&model->governor);
    uint64_t dirty = engine_u64(mark_dirty(model));
    enum gait_governor_kind kind = gait_governor_kind(&model->governor, forced, periodic, dirty);
    struct gait_governor_start start = {
        .clocks = full_clocks(model),
        .kind = kind,
        .dirty_bytes = dirty,
        .periodic = periodic,
        .forced = forced,
        .live_bytes = engine_u64(model->heap),
        .scannable_bytes = engine_u64(model->scannable),
        .stack_bytes = engine_u64(rates->stacks),
        .globals_bytes = engine_u64((double)model->scenario->memory.globals),
    };
    uint64_t before = model->governor.pacer.marked_bytes;
    struct gait_governor_cycle cycle;
    gait_governor_begin(&model->governor, &start, &cycle);
    *marking = (struct model_marking){
        .work = program_scannable(&model->program),
        .reachable = program_reachable(&model->program),
        .found = program_reachable(&model->program) - rates->counted,
        .stacks = rates->stacks,
        .workers = cycle.workers,
        .record = {.start_s = model->now_s,
                   .before_bytes = before,
                   .trigger_bytes = orders.trigger_bytes,
                   .start_bytes = start.live_bytes,
                   .assist_ratio = cycle.assist_ratio,
                   .limited = model->governor.limiting,
                   .by_limit = cycle.by_limit,
                   .periodic = periodic,
                   .forced = forced,
                   .minor = kind == GAIT_GOVERNOR_MINOR},
    };
    marking->young_seen = engine_max(model->heap - mark_kept(model), 0);
    marking->young_live = engine_min(program_found(&model->program), marking->young_seen);
    if (marking->record.minor)
        mark_what_is_new(model);
    model->is_marking = true;
    struct mark_cpus cpus = mark_cpus(model);
    marking->estimate_s =
        marking->work / ((cpus.collector + cpus.dedicated + cpus.idle) * rates->scan_rate);
    mark_roots(model);
}

/* ---- End ---------------------------------------------------------------- */

/** What the pacer takes for the program's CPU time while the cycle marked, and was before. */
static double mark_lag_s(const struct model *model) {
    uint64_t seed = (uint64_t)model->scenario->seed;
    double part = (stream_random(seed, (uint64_t)model->result.cycles) + 1) / 2;
    return model->scenario->machine.cpu_lag * part;
}

static struct gait_governor_progress mark_progress(const struct model *model) {
    return (struct gait_governor_progress){
        .live_bytes = engine_u64(model->heap),
        .scannable_bytes = engine_u64(model->scannable),
        .heap_work_bytes = engine_u64(model->marking.done),
    };
}

static void mark_revise(struct model *model) {
    full_look_at_memory(model);
    struct gait_governor_progress progress = mark_progress(model);
    gait_governor_revise(&model->governor, &progress);
}

/** The governor learns, and sets the next goal. */
static void mark_govern_end(struct model *model) {
    struct model_marking *marking = &model->marking;
    struct model_cycle *record = &marking->record;
    const double *cpu_s = record->cpu_s;
    double background = cpu_s[MODEL_DEDICATED] + cpu_s[MODEL_FRACTIONAL] + cpu_s[MODEL_IDLE];
    struct gait_governor_end end = {
        .clocks = full_clocks(model),
        .progress = mark_progress(model),
        .marked_bytes = record->marked_bytes,
        .black_bytes = engine_u64(marking->black),
        .kept_work_bytes = engine_u64(engine_min(marking->kept_work, marking->done)),
        .young_seen_bytes = engine_u64(marking->young_seen),
        .young_live_bytes = engine_u64(marking->young_live),
        .stack_bytes = engine_u64(marking->stacks),
        .globals_bytes = engine_u64((double)model->scenario->memory.globals),
        .fresh_bytes = engine_u64(model->pages.fresh),
        .mutator_cpu_ns = engine_ns(marking->program_cpu_s + mark_lag_s(model)),
        .assist_cpu_ns = engine_ns(cpu_s[MODEL_ASSIST]),
        .background_cpu_ns = engine_ns(background),
    };
    struct gait_governor_cycle cycle;
    full_look_at_memory(model);
    gait_governor_end(&model->governor, &end, &cycle);
    model->scannable = (double)cycle.scannable_bytes;
    record->goal_bytes = cycle.goal_bytes;
    record->by_floor = cycle.ruled_by == GAIT_GOVERNOR_BY_FLOOR;
    record->cons_mark = model->governor.pacer.cons_mark;
}

static void mark_end(struct model *model) {
    struct model_marking *marking = &model->marking;
    struct model_cycle *record = &marking->record;
    mark_revise(model);
    record->mark_s = model->now_s - record->start_s;
    record->peak_bytes = engine_u64(model->heap);
    double inside = marking->found + marking->kept + marking->black;
    double marked = inside + model->program.rates.counted;
    record->marked_bytes = engine_u64(marked);
    record->live_bytes = engine_u64(marking->reachable);
    record->scanned_bytes = engine_u64(marking->done);
    double spent = record->cpu_s[MODEL_ASSIST] + record->cpu_s[MODEL_DEDICATED] +
                   record->cpu_s[MODEL_FRACTIONAL];
    record->utilization = spent / (record->mark_s * (double)model->scenario->machine.cpus);
    record->limited |= model->governor.limiting;
    ledger_sample(model);

    mark_govern_end(model);
    model->heap = marked;
    program_flip(&model->program);
    pages_marked(&model->pages, inside);
    model->is_marking = false;
    if (record->forced)
        model->program.collects = false;
    model->sweeping = true;
    model->last_cycle_s = model->now_s;
    ledger_cycle(model, record);
    ledger_sample(model);
}

/* ---- On the way --------------------------------------------------------- */

/** May the program's threads not go on until the cycle has ended? */
static bool mark_stalls(const struct model *model, const struct gait_governor_orders *orders) {
    struct gait_governor_want want = full_want(model);
    return gait_governor_is_beyond(orders, &want);
}

/** What the program's work takes now, in CPUs at full speed. */
static double mark_busy(const struct model *model) {
    const struct model_rates *rates = &model->program.rates;
    return rates->cpus * rates->work * rates->drag + full_touch_cost(model);
}

/** How long the rates may be taken as constant, with so much background and program. */
static double mark_distance(const struct model *model, const struct gait_governor_orders *orders,
                            double background, double speed) {
    const struct model_marking *marking = &model->marking;
    const struct model_rates *rates = &model->program.rates;
    double shortest = engine_max(marking->estimate_s / MARK_STEPS_MOST, ENGINE_STEP_LEAST_S * 10);
    double longest = engine_max(marking->estimate_s / MARK_STEPS, shortest);
    double seconds = engine_min(longest, MARK_STEP_MOST_S);
    double alloc = rates->alloc * speed;
    if (alloc > 0) {
        /* the nearer the goal, the faster the ratio changes */
        double room = (double)orders->goal_bytes - model->heap;
        if (room > 0)
            seconds = engine_min(seconds, room / alloc / 4);
    }
    seconds = engine_max(seconds, engine_min(shortest, MARK_STEP_MOST_S));
    if (speed > 0)
        seconds = engine_min(seconds, program_distance(&model->program) / speed);
    if (background > 0)
        seconds =
            engine_min(seconds, (marking->work - marking->done) / (background * rates->scan_rate));
    return engine_max(seconds, ENGINE_STEP_LEAST_S);
}

/** What the program's threads do in a step. */
struct mark_program {
    double speed;  /* program time per time           */
    double own;    /* CPUs for itself                 */
    double assist; /* CPUs for assists                */
};

/** Divide `cpus` between the program and its assists, for a step of `seconds`. */
static struct mark_program mark_divide(const struct model *model,
                                       const struct gait_governor_orders *orders, double cpus,
                                       double background, double seconds) {
    const struct model_rates *rates = &model->program.rates;
    double busy = mark_busy(model);
    double fastest = cpus / busy;
    double ratio = orders->assist_work_per_byte * rates->alloc / rates->scan_rate;
    double paid = background + model->marking.credit / seconds / rates->scan_rate;
    if (model->governor.limiting || model->governor.settings.assists_off || ratio * fastest <= paid)
        return (struct mark_program){fastest, cpus, 0};
    double speed = engine_min(engine_max((cpus + paid) / (busy + ratio), 0), fastest);
    double left = (model->marking.work - model->marking.done) / rates->scan_rate / seconds;
    double assist = engine_min(cpus - speed * busy, engine_max(left - background, 0));
    return (struct mark_program){speed, speed * busy, assist};
}

static void mark_account(struct model *model, const struct mark_cpus *cpus,
                         const struct mark_program *program, double seconds) {
    struct model_marking *marking = &model->marking;
    double scan = seconds * model->program.rates.scan_rate;
    double own_s = cpus->collector * seconds;
    enum model_purpose purpose =
        model->marking.workers.dedicated > 0 ? MODEL_DEDICATED : MODEL_FRACTIONAL;
    double spent[MODEL_PURPOSES] = {[MODEL_ASSIST] = program->assist * seconds,
                                    [MODEL_DEDICATED] = cpus->dedicated * seconds,
                                    [MODEL_IDLE] = cpus->idle * seconds};
    spent[purpose] += own_s;
    for (int i = 0; i < MODEL_PURPOSES; i++) {
        marking->record.cpu_s[i] += spent[i];
        ledger_gc(model, (enum model_purpose)i, spent[i]);
    }
    double background = (cpus->collector + cpus->dedicated + cpus->idle) * scan;
    double assist = program->assist * scan;
    marking->done = engine_min(marking->done + background + assist, marking->work);
    marking->credit += background + assist;
    marking->program_cpu_s += program->own * seconds;
}

void mark_step(struct model *model) {
    struct model_marking *marking = &model->marking;
    const struct model_rates *rates = &model->program.rates;
    if (program_ended(&model->program) || model->now_s > model->give_up_s) {
        ledger_close(model, program_ended(&model->program));
        return;
    }
    if (marking->work - marking->done < 1) {
        mark_end(model);
        return;
    }
    mark_revise(model);
    marking->record.limited |= model->governor.limiting;
    struct mark_cpus cpus = mark_cpus(model);
    double machine = (double)model->scenario->machine.cpus;
    double background = cpus.collector + cpus.dedicated + cpus.idle;
    double busy = engine_min(program_awake(&model->program), rates->marking_cpus);
    double threads = engine_max(engine_min(busy, machine - background), 0);
    double speed = threads / mark_busy(model);
    struct gait_governor_orders orders = gait_governor_orders(&model->governor);
    bool stalls = mark_stalls(model, &orders);

    double seconds =
        mark_distance(model, &orders, background + (stalls ? threads : 0), stalls ? 0 : speed);
    struct mark_program program = stalls
                                      ? (struct mark_program){0, 0, threads}
                                      : mark_divide(model, &orders, threads, background, seconds);
    if (stalls) {
        marking->record.stalled_s += seconds;
        model->result.stalled_s += seconds;
    }
    mark_account(model, &cpus, &program, seconds);
    full_advance(model, seconds, program.speed, program.own);
}
