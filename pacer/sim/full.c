/* SPDX-License-Identifier: MIT */
/*
 * The full model between cycles: the program allocates, the sweeper sweeps, the scavenger gives
 * memory back, the limiter counts, until a cycle is due. It does with CPUs and memory what
 * runtime/control/control.c and runtime/collect/background.c do; docs/design/control.md has the
 * reasons.
 *
 * A step lasts until something changes, at most ENGINE_STEP_MOST_S.
 */
#include "engine.h"

/* What the runtime does, in figures: constants of the same meaning in runtime/. */
/** Kept below the limit for what threads take at once (control.c). */
#define FULL_LIMIT_RESERVE_BYTES 524288.0
/** Share of a CPU that sweeping takes while none is idle: bursts of 100 us, naps of 60
 * (background.c). */
#define FULL_SWEEP_SHARE (100.0 / 160.0)
/** What the scavenger leaves alone, being less than it gives back at a time (control.c). */
#define FULL_SCAVENGE_LEAST_BYTES 4096.0
/** Allocation looks whether a cycle is due when it takes a run of cells, of at most this: so much
 * lies between two cycles. */
#define FULL_RUN_BYTES 8192.0
/** The OS's page. */
#define FULL_OS_PAGE_BYTES 4096
/** Least time between two looks of the limiter: gait_limiter_need_update. */
#define FULL_LIMITER_STEP_S 0.0101

void full_look_at_memory(struct model *model) {
    struct model_memory memory = ledger_memory(model);
    /* spans count as far as allocation can fill them */
    double fills = model->pages.fill * memory.spans;
    gait_pacer_set_memory(
        &model->pacer, &(struct gait_pacer_memory){
                           .mapped_bytes = engine_u64(memory.total),
                           .free_bytes = engine_u64(memory.free),
                           .allocated_bytes = engine_u64(engine_max(model->pages.objects, fills)),
                       });
}

bool full_is_tight(const struct model *model) {
    if (model->limiting || model->pacer.memory_limit_bytes == GAIT_PACER_NO_LIMIT)
        return false;
    double excess = ledger_memory(model).total + FULL_LIMIT_RESERVE_BYTES -
                    (double)model->pacer.memory_limit_bytes;
    return excess > 0 && excess > model->pages.free + model->pages.holes;
}

double full_idle_cpus(const struct model *model) {
    const struct scenario_machine *machine = &model->scenario->machine;
    return engine_max((double)machine->cpus - machine->others - model->program.rates.cpus, 0);
}

double full_touch_cost(const struct model *model) {
    if (model->pages.free + model->pages.holes > 0)
        return 0;
    return model->program.rates.alloc * model->pages.fragmentation /
           (double)model->scenario->machine.touch_rate;
}

/* ---- The limiter -------------------------------------------------------- */

static void full_update_limiter(struct model *model) {
    int64_t now_ns = engine_ns(model->now_s);
    if (!model->scenario->settings.cpu_limiter ||
        !gait_limiter_need_update(&model->limiter, now_ns))
        return;
    double program = model->result.program_cpu_s, gc = model->result.gc_cpu_s;
    gait_limiter_update_measured(&model->limiter, now_ns,
                                 engine_ns(program - model->limiter_program_s),
                                 engine_ns(gc - model->limiter_gc_s));
    model->limiter_program_s = program;
    model->limiter_gc_s = gc;
    model->limiting = gait_limiter_holds(&model->limiter, model->limiting);
}

/* ---- Memory ------------------------------------------------------------- */

/** Give back at once what is over the limit; that costs the program's threads. */
static void full_keep_limit(struct model *model) {
    if (model->limiting)
        return;
    full_look_at_memory(model);
    double excess = (double)gait_pacer_limit_excess(&model->pacer, 0);
    if (excess > 0)
        ledger_gc(model, MODEL_SCAVENGE,
                  pages_release(&model->pages, excess) /
                      (double)model->scenario->machine.release_rate);
}

/** Free memory that the scavenger has to give back in the background. */
static double full_scavenge_due(struct model *model) {
    struct model_memory memory = ledger_memory(model);
    double retained = memory.spans + memory.free, due = 0;
    struct gait_pacer_scavenge_goals goals =
        gait_pacer_scavenge(&model->pacer, engine_u64(retained),
                            engine_u64(model->pages.last_in_use), FULL_OS_PAGE_BYTES);
    uint64_t keep = gait_pacer_retain(&model->pages.retain, engine_ns(model->now_s),
                                      goals.gogc_bytes == GAIT_PACER_NONE ? engine_u64(retained)
                                                                          : goals.gogc_bytes);
    due = engine_max(due, retained - (double)keep);
    if (goals.limit_bytes != GAIT_PACER_NONE)
        due = engine_max(due, memory.total - (double)goals.limit_bytes);
    due = engine_min(due, memory.free);
    return due < FULL_SCAVENGE_LEAST_BYTES ? 0 : due;
}

static void full_swept(struct model *model) {
    model->sweeping = false;
    full_keep_limit(model);
    gait_pacer_commit(&model->pacer, true);
}

/* ---- A step ------------------------------------------------------------- */

void full_advance(struct model *model, double seconds, double speed, double program_cpu) {
    ledger_time(model, seconds, program_cpu);
    double program_s = engine_min(speed * seconds, program_distance(&model->program));
    double scannable = model->program.rates.scannable;
    if (program_s > 0) {
        double allocated = program_advance(&model->program, program_s);
        pages_allocate(&model->pages, allocated);
        model->heap += allocated;
        model->scannable += allocated * scannable;
        model->result.allocated_bytes += allocated;
        if (model->is_marking) {
            model->marking.black += allocated;
            model->marking.credit -= allocated * model->pacer.assist_work_per_byte;
        }
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
    double cpus = (double)machine->cpus, idle = full_idle_cpus(model);
    struct full_background background = {0};
    if (model->sweeping && full_is_tight(model))
        background.sweep = cpus; /* threads sweep for what they want to allocate */
    else if (model->sweeping)
        background.sweep = due || idle >= 1 ? 1 : engine_max(FULL_SWEEP_SHARE, idle);
    background.scavenge_due = full_scavenge_due(model);
    if (background.scavenge_due > 0) {
        int64_t nap_ns = gait_pacer_scavenge_sleep_ns(1000000, (int32_t)machine->cpus);
        background.scavenge = 1e6 / (1e6 + (double)nap_ns);
    }
    return background;
}

/** How long until something changes, if the program runs at `speed`. */
static double full_distance(const struct model *model, const struct full_background *background,
                            double speed, double trigger) {
    const struct scenario_machine *machine = &model->scenario->machine;
    double seconds = model->limiting ? FULL_LIMITER_STEP_S : ENGINE_STEP_MOST_S;
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
        double room = (double)model->pacer.memory_limit_bytes - FULL_LIMIT_RESERVE_BYTES -
                      ledger_memory(model).total;
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
    double cpus = engine_max(engine_min(rates->cpus, (double)machine->cpus - taken), 0);
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
    struct gait_pacer_bounds bounds = gait_pacer_bounds(&model->pacer);
    return bounds.limit_bytes != GAIT_PACER_NONE && model->heap >= (double)bounds.relief_bytes &&
           full_is_tight(model);
}

void full_step(struct model *model) {
    if (program_ended(&model->program) || model->now_s > model->give_up_s) {
        ledger_close(model, program_ended(&model->program));
        return;
    }
    full_look_at_memory(model);
    gait_pacer_set_live(&model->pacer, engine_u64(model->heap), engine_u64(model->scannable));
    double trigger = engine_max((double)gait_pacer_target_at_limit(&model->pacer).trigger_bytes,
                                (double)model->pacer.marked_bytes + FULL_RUN_BYTES);
    bool periodic = gait_pacer_periodic_due(&model->pacer, engine_ns(model->now_s),
                                            engine_ns(model->last_cycle_s));
    bool looks = model->heap >= (double)model->pacer.marked_bytes + FULL_RUN_BYTES;
    bool due = periodic || model->heap >= trigger || (looks && full_wants_pages(model));
    if (due && !model->sweeping)
        mark_begin(model, periodic && model->heap < trigger);
    else
        full_run(model, due, trigger);
}
