/* SPDX-License-Identifier: MIT */
/*
 * The full model between cycles: the program allocates, the sweeper sweeps, the scavenger gives
 * memory back, the limiter counts, until a cycle is due. When, and how much of each, the governor
 * says; here is what the runtime's threads make of that, as a fluid.
 *
 * A step lasts until something changes, at most ENGINE_STEP_MOST_S.
 */
#include "engine.h"

/** Allocation looks whether a cycle is due when it takes a run of cells, of at most this: so much
 * lies between two cycles. */
#define FULL_RUN_BYTES 8192.0
/** The OS's page, and so the least that is given back. */
#define FULL_OS_PAGE_BYTES 4096
/** Least time between two counts for the limiter: gait_governor_count_due. */
#define FULL_LIMITER_STEP_S 0.0101

void full_look_at_memory(struct model *model) {
    struct model_memory memory = ledger_memory(model);
    gait_governor_see(&model->governor,
                      &(struct gait_governor_memory){
                          .total_bytes = engine_u64(memory.total),
                          .span_bytes = engine_u64(pages_in_spans(&model->pages)),
                          .free_bytes = engine_u64(memory.free),
                          .spare_bytes = engine_u64(memory.free + model->pages.holes),
                          .objects_bytes = engine_u64(model->pages.objects),
                          .foreign_bytes = engine_u64(model->program.rates.counted),
                      });
}

struct gait_governor_want full_want(const struct model *model) {
    const struct gait_governor_memory *memory = &model->governor.memory;
    return (struct gait_governor_want){
        .live_bytes = engine_u64(model->heap),
        .total_bytes = memory->total_bytes,
        .spare_bytes = memory->spare_bytes,
        .credit_bytes = model->is_marking && model->marking.credit < 0 ? -1 : 0,
        .takes_pages = true, /* what cells are free counts as spare */
        .marks = model->is_marking,
        .marking = model->is_marking,
        .sweeping = !model->is_marking,
    };
}

/** Would an allocation now go beyond the limit, with no free page left to serve it? */
static bool full_is_tight(const struct model *model) {
    struct gait_governor_orders orders = gait_governor_orders(&model->governor);
    struct gait_governor_want want = full_want(model);
    return gait_governor_is_tight(&orders, want.total_bytes, want.page_bytes, want.spare_bytes);
}

double full_idle_cpus(const struct model *model) {
    const struct scenario_machine *machine = &model->scenario->machine;
    return engine_max((double)machine->cpus - machine->others - program_awake(&model->program), 0);
}

double full_touch_cost(const struct model *model) {
    if (model->pages.free + model->pages.holes > 0)
        return 0;
    return model->program.rates.alloc * model->pages.fragmentation /
           (double)model->scenario->machine.touch_rate;
}

/* ---- The limiter -------------------------------------------------------- */

struct gait_governor_clocks full_clocks(const struct model *model) {
    const struct model_result *result = &model->result;
    return (struct gait_governor_clocks){
        .now_ns = engine_ns(model->now_s),
        .process_cpu_ns = engine_ns(result->program_cpu_s + result->gc_cpu_s),
        .gc_cpu_ns = engine_ns(result->gc_cpu_s),
    };
}

static void full_update_limiter(struct model *model) {
    int64_t now_ns = engine_ns(model->now_s);
    if (model->scenario->settings.cpu_limiter &&
        gait_governor_count_due(&model->governor, now_ns)) {
        struct gait_governor_clocks clocks = full_clocks(model);
        gait_governor_count(&model->governor, &clocks);
    }
}

/* ---- Memory ------------------------------------------------------------- */

/** Give back at once what is over the limit; that costs the program's threads. A step takes as much
 * as many allocations do, each of which gives back its own part. */
static void full_keep_limit(struct model *model) {
    full_look_at_memory(model);
    struct gait_governor_orders orders = gait_governor_orders(&model->governor);
    uint64_t total = model->governor.memory.total_bytes;
    double excess = (double)gait_governor_give_back(&orders, total, total);
    if (excess > 0)
        ledger_gc(model, MODEL_SCAVENGE,
                  pages_release(&model->pages, excess) /
                      (double)model->scenario->machine.release_rate);
}

/** Free memory that the scavenger has to give back in the background. */
static double full_scavenge_due(struct model *model) {
    uint64_t due =
        gait_governor_surplus(&model->governor, engine_ns(model->now_s), FULL_OS_PAGE_BYTES);
    return due < FULL_OS_PAGE_BYTES ? 0 : (double)due;
}

static void full_swept(struct model *model) {
    model->sweeping = false;
    full_keep_limit(model);
    gait_governor_swept(&model->governor);
}

/* ---- A step ------------------------------------------------------------- */

/** The program has allocated so much, of it some outside the heap; scannable: of the rest. */
static void full_allocate(struct model *model, double allocated, double scannable) {
    double inside = allocated - model->program.rise;
    pages_allocate(&model->pages, inside);
    model->heap += allocated;
    model->scannable += inside * scannable;
    model->result.allocated_bytes += allocated;
    if (model->is_marking) {
        model->marking.black += inside;
        model->marking.credit -=
            allocated * gait_governor_orders(&model->governor).assist_work_per_byte;
    }
}

/** It counts so much less outside the heap. */
static void full_take_back(struct model *model, double bytes) {
    if (!(bytes > 0))
        return;
    model->heap = engine_max(model->heap - bytes, 0);
    gait_governor_take_back(&model->governor, engine_u64(model->program.rates.counted),
                            !model->is_marking && !model->sweeping);
}

void full_advance(struct model *model, double seconds, double speed, double program_cpu) {
    ledger_time(model, seconds, program_cpu);
    double program_s = engine_min(speed * seconds, program_distance(&model->program));
    if (program_s > 0) {
        double counted = model->program.rates.counted, scannable = model->program.rates.scannable;
        full_allocate(model, program_advance(&model->program, program_s), scannable);
        full_take_back(model, counted - model->program.rates.counted);
        full_keep_limit(model);
    }
    full_update_limiter(model);
    ledger_look(model);
}

/** What else than the program takes CPU time between cycles, in CPUs. */
struct full_background {
    double sweep;
    double scavenge;
    double scavenge_due; /* bytes */
};

static struct full_background full_background(struct model *model, bool due) {
    const struct scenario_machine *machine = &model->scenario->machine;
    struct full_background background = {0};
    if (model->sweeping && full_is_tight(model)) {
        background.sweep = (double)machine->cpus; /* threads sweep for what they allocate */
    } else if (model->sweeping) {
        double busy = gait_governor_sweep_pace(false, due).share;
        double idle = gait_governor_sweep_pace(true, due).share;
        background.sweep = engine_max(busy, engine_min(full_idle_cpus(model), idle));
    }
    background.scavenge_due = full_scavenge_due(model);
    if (background.scavenge_due > 0) {
        int64_t work_ns = gait_governor_scavenge_stretch().work_ns;
        int64_t nap_ns = gait_governor_scavenge_nap_ns((int32_t)machine->cpus, work_ns);
        background.scavenge = (double)work_ns / (double)(work_ns + nap_ns);
    }
    return background;
}

/** How long until something changes, if the program runs at `speed`. */
static double full_distance(const struct model *model, const struct full_background *background,
                            double speed, double trigger) {
    const struct scenario_machine *machine = &model->scenario->machine;
    double seconds = model->governor.limiting ? FULL_LIMITER_STEP_S : ENGINE_STEP_MOST_S;
    double alloc = model->program.rates.alloc * speed;
    if (speed > 0)
        seconds = engine_min(seconds, program_distance(&model->program) / speed);
    if (alloc > 0) {
        if (trigger > model->heap)
            seconds = engine_min(seconds, (trigger - model->heap) / alloc);
        double growth = alloc * model->pages.fragmentation;
        double reused = model->pages.free + model->pages.holes;
        if (reused > 0)
            seconds = engine_min(seconds, reused / growth);
        struct gait_governor_orders orders = gait_governor_orders(&model->governor);
        double room = (double)gait_governor_room(&orders, model->governor.memory.total_bytes);
        if (room > 0)
            seconds = engine_min(seconds, room / (growth * (1 + model->pages.metadata)));
    }
    if (background->sweep > 0)
        seconds = engine_min(seconds, model->pages.sweep_left /
                                          (background->sweep * model->program.rates.sweep_rate));
    if (background->scavenge > 0)
        seconds = engine_min(seconds, background->scavenge_due /
                                          (background->scavenge * (double)machine->release_rate));
    return engine_max(seconds, ENGINE_STEP_LEAST_S);
}

/** The program goes on until something changes. */
static void full_run(struct model *model, bool due, double trigger) {
    const struct scenario_machine *machine = &model->scenario->machine;
    const struct model_rates *rates = &model->program.rates;
    struct full_background background = full_background(model, due);
    double taken = background.sweep + background.scavenge;
    double awake = program_awake(&model->program);
    double cpus = engine_max(engine_min(awake, (double)machine->cpus - taken), 0);
    double speed = cpus / (rates->cpus * rates->work + full_touch_cost(model));
    double seconds = full_distance(model, &background, speed, trigger);

    ledger_gc(model, MODEL_SCAVENGE, background.scavenge * seconds);
    pages_release(&model->pages, background.scavenge * seconds * (double)machine->release_rate);
    bool swept = false;
    if (model->sweeping) {
        ledger_gc(model, MODEL_SWEEP, background.sweep * seconds);
        swept = pages_sweep(&model->pages, background.sweep * seconds * rates->sweep_rate);
    }
    full_advance(model, seconds, speed, cpus);
    if (swept)
        full_swept(model);
}

/* Does a cycle begin since pages would pass the limit, and is it worth it? */
static bool full_wants_pages(const struct model *model) {
    struct gait_governor_orders orders = gait_governor_orders(&model->governor);
    struct gait_governor_want want = full_want(model);
    return gait_governor_advise(&orders, &want) == GAIT_GOVERNOR_AWAIT;
}

void full_step(struct model *model) {
    if (program_ended(&model->program) || model->now_s > model->give_up_s) {
        ledger_close(model, program_ended(&model->program));
        return;
    }
    full_look_at_memory(model);
    double least = (double)model->governor.pacer.marked_bytes + FULL_RUN_BYTES;
    double trigger =
        engine_max((double)gait_governor_orders(&model->governor).trigger_bytes, least);
    bool periodic = gait_governor_periodic_due(&model->governor, engine_ns(model->now_s),
                                               engine_ns(model->last_cycle_s));
    bool looks = model->heap >= least;
    bool forced = model->program.collects;
    bool due = forced || periodic || model->heap >= trigger || (looks && full_wants_pages(model));
    if (due && !model->sweeping)
        mark_begin(model, forced, !forced && periodic && model->heap < trigger);
    else
        full_run(model, due, trigger);
}
