/* SPDX-License-Identifier: MIT */
/*
 * Invariants of all models, over many random programs: sizes in order, CPU time no more than there
 * is, the bucket within its bounds, the books balanced; the same again from the same seed, whatever
 * the slices in which it runs.
 */
#include "program.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>

#define PROGRAMS 300

/** Evenly from least to most; the n-th of the program's random numbers. */
static double pick(uint64_t program, uint64_t *n, double least, double most) {
    return least + (most - least) * (stream_random(program, (*n)++) + 1) / 2;
}

static void random_program(struct program *program, uint64_t number) {
    uint64_t n = 0;
    program_start(program);
    struct scenario *scenario = &program->scenario;
    scenario->seed = (int64_t)number;
    scenario->settings.gogc = (int32_t)pick(number, &n, -20, 300);
    if (scenario->settings.gogc < 0)
        scenario->settings.gogc = GAIT_PACER_GOGC_OFF;
    if (scenario->settings.gogc < 0 || pick(number, &n, 0, 1) < 0.5)
        scenario->settings.memory_limit = (int64_t)(pick(number, &n, 1, 200) * MIB);
    scenario->settings.minors = number % 2 == 0;
    scenario->settings.cpu_limiter = pick(number, &n, 0, 1) < 0.8;
    scenario->machine.cpus = 1 + (int64_t)pick(number, &n, 0, 12);
    scenario->machine.idle_share = pick(number, &n, 0, 0.9);
    scenario->machine.scan_rate = (int64_t)(pick(number, &n, 50, 4000) * MIB);
    scenario->memory.fragmentation = pick(number, &n, 1, 1.5);
    scenario->memory.globals = (int64_t)(pick(number, &n, 0, 4) * MIB);
    scenario->memory.initial_live = (int64_t)(pick(number, &n, 0, 30) * MIB);
    int phases = 1 + (int)pick(number, &n, 0, 4);
    for (int i = 0; i < phases; i++) {
        struct scenario_phase *phase =
            program_phase(program, pick(number, &n, 0.1, 3), pick(number, &n, 0, 500),
                          pick(number, &n, 0, 0.2), pick(number, &n, 0, 1));
        phase->lifetime = pick(number, &n, 0, 0.1);
        phase->scannable.constant = pick(number, &n, 0, 1);
        phase->stacks.constant = pick(number, &n, 0, 2) * MIB;
        phase->off_heap.constant = pick(number, &n, 0, 30) * MIB;
        phase->noise = pick(number, &n, 0, 1);
        phase->burst = (int64_t)(pick(number, &n, 0, 8) * MIB);
        phase->collect_every = number % 3 == 0 ? pick(number, &n, 0.05, 2) : 0;
    }
}

/** What is looked at along a run. */
struct watch {
    const struct model *model;
    int64_t cycles;
    double time_s, cpu_s;
    uint64_t marked;
    uint64_t digest; /* of all figures */
    bool ok;
};

static void add_digest(struct watch *watch, const void *data, size_t size) {
    for (size_t i = 0; i < size; i++)
        watch->digest =
            (watch->digest ^ ((const unsigned char *)data)[i]) * UINT64_C(1099511628211);
}

#define EXPECT(condition)                                                                          \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            cr_expect(false, "%s, at %.6f s", #condition, watch->model->now_s);                    \
            watch->ok = false;                                                                     \
        }                                                                                          \
    } while (0)

static void watch_cycle(void *context, const struct model_cycle *cycle) {
    struct watch *watch = context;
    EXPECT(cycle->number == ++watch->cycles);
    EXPECT(cycle->start_s >= 0 && cycle->mark_s >= 0);
    EXPECT(cycle->start_bytes >= cycle->before_bytes);
    EXPECT(cycle->peak_bytes >= cycle->start_bytes);
    if (watch->model->kind != MODEL_IDEAL) /* whose live heap may grow beyond what there is */
        EXPECT(cycle->marked_bytes <= cycle->peak_bytes + 1);
    EXPECT(cycle->utilization >= 0 && cycle->utilization < 1.0001);
    EXPECT(cycle->before_bytes == watch->marked);
    for (int i = 0; i < MODEL_PURPOSES; i++)
        EXPECT(cycle->cpu_s[i] >= 0);
    if (watch->model->kind == MODEL_FULL)
        EXPECT((double)cycle->total_bytes + 1 >= (double)cycle->peak_bytes);
    watch->marked = cycle->marked_bytes;
    add_digest(watch, &cycle->start_s, sizeof(cycle->start_s));
    add_digest(watch, &cycle->peak_bytes, sizeof(cycle->peak_bytes));
}

static void watch_sample(void *context, const struct model_sample *sample) {
    struct watch *watch = context;
    const struct model_memory *memory = &sample->memory;
    double used = sample->program_cpu;
    EXPECT(sample->time_s >= watch->time_s);
    EXPECT(sample->bucket >= 0 && sample->bucket <= 1);
    EXPECT(!sample->limiting || watch->model->scenario->settings.cpu_limiter);
    EXPECT(memory->reachable >= 0);
    EXPECT(memory->heap >= 0 && memory->free >= 0);
    EXPECT(memory->total >= memory->spans);
    if (watch->model->kind == MODEL_FULL) {
        EXPECT(memory->heap + 1 >= memory->reachable - 0.001 * memory->reachable);
        EXPECT(memory->spans + 1 >= memory->heap);
    }
    for (int i = 0; i < MODEL_PURPOSES; i++) {
        EXPECT(sample->cpu[i] >= 0);
        used += sample->cpu[i];
    }
    watch->cpu_s += used * (sample->time_s - watch->time_s);
    watch->time_s = sample->time_s;
    add_digest(watch, &sample->time_s, sizeof(sample->time_s));
    add_digest(watch, memory, sizeof(*memory));
}

static struct watch run_watched(struct program *program, enum model_kind kind, int64_t steps,
                                struct model_result *result) {
    struct model model;
    struct watch watch = {.model = &model, .ok = true, .digest = UINT64_C(14695981039346656037)};
    watch.marked = (uint64_t)program->scenario.memory.initial_live;
    struct model_sink sink = {&watch, watch_cycle, watch_sample, 0.05};
    model_init(&model, kind, &program->scenario, &sink);
    while (model_advance(&model, steps)) {
        double progress = model_progress(&model);
        cr_assert(progress >= 0 && progress <= 1);
    }
    *result = model.result;
    return watch;
}

static void check_program(uint64_t number, enum model_kind kind) {
    struct program program;
    struct model_result result, again;
    random_program(&program, number);
    if (kind == MODEL_IDEAL) { /* starts empty; below what is live, its assists are endless */
        program.scenario.memory.initial_live = 0;
        program.scenario.settings.memory_limit = GAIT_PACER_NO_LIMIT;
    }
    struct scenario_fault fault;
    cr_assert(scenario_check(&program.scenario, &fault));
    struct watch watch = run_watched(&program, kind, 1000, &result);
    cr_assert(watch.ok, "program %" PRIu64 ", model %s", number, scenario_model_name(kind));
    cr_expect(result.cycles == watch.cycles);
    cr_expect(fabs(result.program_cpu_s + result.gc_cpu_s - watch.cpu_s) < 1e-6 * (watch.cpu_s + 1),
              "program %" PRIu64 ": %g CPU-s, samples have %g", number,
              result.program_cpu_s + result.gc_cpu_s, watch.cpu_s);
    cr_expect((result.limiting_s > 0) == (result.notices_limited > 0));
    cr_expect(result.gc_share >= 0 && result.gc_share <= 1);
    cr_expect(result.wall_s + 1e-9 >= result.program_s);
    cr_expect(result.peak_total_bytes >= result.mean_total_bytes * (1 - 1e-9));

    struct watch other = run_watched(&program, kind, 7, &again);
    cr_expect(other.digest == watch.digest && memcmp(&result, &again, sizeof(result)) == 0,
              "program %" PRIu64 " in other slices", number);
}

Test(model, invariants) {
    for (uint64_t number = 1; number <= PROGRAMS; number++)
        for (int kind = 0; kind < MODEL_KINDS; kind++)
            check_program(number, (enum model_kind)kind);
}

/* Sums over the cycles of a run. */
struct kinds {
    double marked, kept; /* bytes that minor cycles left marked, and that had been before */
    int minors, row, longest;
};

static void look_at_kinds(void *context, const struct model_cycle *cycle) {
    struct kinds *kinds = context;
    kinds->row = cycle->minor ? kinds->row + 1 : 0;
    kinds->longest = kinds->row > kinds->longest ? kinds->row : kinds->longest;
    if (!cycle->minor)
        return;
    kinds->minors++;
    kinds->marked += (double)cycle->marked_bytes;
    kinds->kept += (double)cycle->before_bytes;
}

/** 64 MiB live, of what is new a part survives, and as much dies: run with minor cycles or not. */
static struct model_result run_kinds(bool minors, double survival, double stores,
                                     struct kinds *kinds) {
    struct program program;
    program_start(&program);
    program.scenario.settings.minors = minors;
    program.scenario.memory.initial_live = (int64_t)(64 * MIB);
    for (int i = 0; i < 8; i++) {
        struct scenario_phase *phase =
            program_phase(&program, 1, 200, survival, 200 * survival / 64);
        phase->cpus = 1;
        phase->lifetime = 0.005;
        phase->old_stores = stores;
    }
    *kinds = (struct kinds){0};
    struct model model;
    struct model_sink sink = {.context = kinds, .cycle = look_at_kinds};
    model_init(&model, MODEL_FULL, &program.scenario, &sink);
    while (model_advance(&model, 1000))
        ;
    return model.result;
}

/** Where the young die, minor cycles make the collector's part small and memory no larger; where
 * they don't pay, there are few, and they cost little. What was marked stays so in them. */
Test(model, minor_cycles_where_they_pay) {
    static const struct {
        double survival, stores, cost;
        int minors; /* of ten cycles, at least; below 0: at most */
    } rows[] = {{0, 0.02, 0.4, 8}, {0.05, 0.1, 0.6, 8}, {0.2, 1, 1.05, -2}, {0, 4, 1.05, -2}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct kinds kinds, none;
        struct model_result with = run_kinds(true, rows[i].survival, rows[i].stores, &kinds);
        struct model_result without = run_kinds(false, rows[i].survival, rows[i].stores, &none);
        cr_expect(none.minors == 0);
        cr_expect(with.gc_cpu_s < rows[i].cost * without.gc_cpu_s, "row %zu: %.3f s, without %.3f",
                  i, with.gc_cpu_s, without.gc_cpu_s);
        cr_expect(with.peak_total_bytes < 1.05 * without.peak_total_bytes,
                  "row %zu: %.1f MiB, without %.1f", i, with.peak_total_bytes / MIB,
                  without.peak_total_bytes / MIB);
        double of_ten = 10.0 * kinds.minors / (double)with.cycles;
        cr_expect(rows[i].minors < 0 ? of_ten <= -rows[i].minors : of_ten >= rows[i].minors,
                  "row %zu: %.1f of ten cycles", i, of_ten);
        cr_expect(kinds.longest <= 8 && kinds.marked >= kinds.kept, "row %zu", i);
    }
}

/* What forced cycles came to. */
struct forced {
    int count, others;
    double mark_s, born; /* sums: time, and bytes allocated meanwhile */
    double peak;         /* of the live heap as they began */
    bool minor;
};

static void look_at_forced(void *context, const struct model_cycle *cycle) {
    struct forced *forced = context;
    forced->others += !cycle->forced;
    if (!cycle->forced)
        return;
    forced->count++;
    forced->mark_s += cycle->mark_s;
    forced->born += (double)(cycle->peak_bytes - cycle->start_bytes);
    forced->minor |= cycle->minor;
    forced->peak = fmax(forced->peak, (double)cycle->start_bytes);
}

/** 64 MiB live, 10 MiB/s, ten seconds on 4 CPUs, with GOGC so high that no other cycle comes. */
static struct model_result run_forced(enum model_kind kind, double busy, double every_s,
                                      struct forced *forced) {
    struct program program;
    program_start(&program);
    program.scenario.settings.gogc = 1000;
    program.scenario.settings.minors = true;
    program.scenario.machine.cpus = 4;
    program.scenario.memory.initial_live = (int64_t)(64 * MIB);
    struct scenario_phase *phase = program_phase(&program, 10.5, 10, 0, 0);
    phase->cpus = busy;
    phase->collect_every = every_s;
    *forced = (struct forced){0};
    struct model_sink sink = {.context = forced, .cycle = look_at_forced};
    struct model model;
    model_run(&model, kind, &program.scenario, &sink);
    return model.result;
}

/** A cycle for each time that the program asks, full, on all CPUs but those of threads that don't
 * wait; these go on. One that waits has garbage collected that it made until then. */
Test(model, the_program_asks_for_cycles) {
    static const struct {
        enum model_kind kind;
        double busy, cpus; /* that the program keeps busy; that mark */
    } rows[] = {{MODEL_FULL, 1, 4}, {MODEL_FULL, 3, 2}, {MODEL_STW, 4, 4}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct forced forced;
        struct model_result result = run_forced(rows[i].kind, rows[i].busy, 1, &forced);
        cr_expect(forced.count == 10 && forced.others == 0 && !forced.minor,
                  "row %zu: %d forced, %d others", i, forced.count, forced.others);
        double each_s = forced.mark_s / forced.count, expected_s = 64.0 / 1024 / rows[i].cpus;
        cr_expect(fabs(each_s / expected_s - 1) < 0.05, "row %zu: %.6f s, not %.6f", i, each_s,
                  expected_s);
        cr_expect(fabs(forced.peak / MIB - 74) < 0.5, "row %zu: %.2f MiB", i, forced.peak / MIB);
        bool goes_on = rows[i].kind == MODEL_FULL && rows[i].busy > 1;
        double born = goes_on ? 10 * MIB * forced.mark_s * 2 / 3 : 0; /* two of three threads */
        cr_expect(fabs(forced.born - born) <= 0.05 * born, "row %zu: %.0f bytes, not %.0f", i,
                  forced.born, born);
        double waits_s = goes_on ? forced.mark_s / 3 : forced.mark_s;
        cr_expect(fabs(result.wall_s - 10.5 - waits_s) < 0.05 * waits_s + 0.005, "row %zu: %.4f s",
                  i, result.wall_s);
        run_forced(rows[i].kind, rows[i].busy, 0, &forced);
        cr_expect(forced.count + forced.others == 0, "row %zu", i);
    }
}

/** The CPU limiter holds marking back, but not that for which a thread waits. */
Test(model, who_waits_is_not_held_back) {
    struct program program;
    program_start(&program);
    program.scenario.settings.parity = true; /* as Go has it, forced cycles have it limit */
    program.scenario.machine.cpus = 2;
    program.scenario.memory.initial_live = (int64_t)(64 * MIB);
    program_phase(&program, 20, 1, 0, 0)->cpus = 1;
    program.phases[0].collect_every = 0.01;
    struct forced forced = {0};
    struct model_sink sink = {.context = &forced, .cycle = look_at_forced};
    struct model model;
    model_run(&model, MODEL_FULL, &program.scenario, &sink);
    cr_expect(model.result.limiting_s > 1, "limiting for %.3f s", model.result.limiting_s);
    double each_s = forced.mark_s / forced.count;
    cr_expect(fabs(each_s - 64.0 / 1024 / 2) < 0.002, "%.6f s", each_s);
}

/** A limit that its own cycles hold for four tenths of the CPU holds beside others that the program
 * asks for, as many again: what these take gives no reason to pass it. */
Test(model, cycles_that_are_asked_for_do_not_lift_the_limit) {
    struct program program;
    program_start(&program);
    program.scenario.settings.gogc = -1;
    program.scenario.settings.memory_limit = (int64_t)(48 * MIB);
    program.scenario.machine.scan_rate = (int64_t)(24 * MIB);
    program.scenario.memory.initial_live = (int64_t)(7 * MIB);
    struct scenario_phase *phase = program_phase(&program, 100, 100, 0, 0);
    phase->cpus = 1;
    phase->collect_every = 0.5;
    struct forced forced = {0};
    struct model_sink sink = {.context = &forced, .cycle = look_at_forced};
    struct model model;
    model_run(&model, MODEL_FULL, &program.scenario, &sink);
    cr_expect(model.result.finished && forced.count > 50 && forced.others > 50,
              "%d forced, %d others", forced.count, forced.others);
    cr_expect(model.result.gc_share > 0.5, "%.3f", model.result.gc_share);
    cr_expect(model.result.peak_total_bytes <= 49 * MIB, "%.2f MiB, %.3f s limiting",
              model.result.peak_total_bytes / MIB, model.result.limiting_s);
}

/** Off-heap memory that comes and goes passes the threshold twice; a seventh less is not low. */
Test(model, the_program_is_told_of_memory) {
    static const struct {
        double bytes, percent, limit; /* MiB; 0: none */
        int64_t times;
    } rows[] = {{50, 0, 0, 2}, {0, 25, 200, 2}, {50, 75, 200, 2}, {150, 25, 200, 2},
                {0, 25, 0, 0}, {101, 0, 0, 0},  {0, 0, 200, 0}};
    static const double off_heap[] = {10, 60, 45, 30, 100, 0};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct program program;
        program_start(&program);
        struct scenario_settings *settings = &program.scenario.settings;
        if (rows[i].bytes > 0)
            settings->notice_memory = (int64_t)(rows[i].bytes * MIB);
        if (rows[i].limit > 0)
            settings->memory_limit = (int64_t)(rows[i].limit * MIB);
        settings->notice_percent = rows[i].percent;
        for (size_t k = 0; k < sizeof off_heap / sizeof *off_heap; k++)
            program_phase(&program, 1, 0, 0, 0)->off_heap.constant = off_heap[k] * MIB;
        struct model model;
        model_run(&model, MODEL_FULL, &program.scenario, NULL);
        cr_expect(model.result.notices_high == rows[i].times, "row %zu: %" PRId64, i,
                  model.result.notices_high);
        double high_s = rows[i].times > 0 ? 3 : 0; /* 60 and 45, and 100 */
        cr_expect(fabs(model.result.high_s - high_s) < 0.11, "row %zu: %.3f s", i,
                  model.result.high_s);
    }
}

/** What the program counts outside the heap is live while it keeps it: goals have room for it, as
 * for objects of that size; when it is taken back they fall at once, and no page is left of it. */
Test(model, counted_memory_is_live_while_it_is_kept) {
    struct program program, objects;
    program_start(&program);
    program.scenario.memory.initial_live = (int64_t)(16 * MIB);
    for (int i = 0; i < 3; i++)
        program_phase(&program, 5, 100, 0, 0)->counted.constant = i == 1 ? 48 * MIB : 0;
    struct model model;
    model_run(&model, MODEL_FULL, &program.scenario, NULL);
    cr_expect(fabs(model.result.peak_reachable_bytes - 64 * MIB) < MIB, "%.2f MiB",
              model.result.peak_reachable_bytes / MIB);
    cr_expect(fabs(model.result.allocated_bytes - 1548 * MIB) < MIB, "the rise is allocated");
    cr_expect(model.heap < 40 * MIB, "%.2f MiB are left", model.heap / MIB);
    cr_expect(model.result.peak_total_bytes < 64 * MIB * 2.2, "%.2f MiB",
              model.result.peak_total_bytes / MIB);
    int64_t cycles = model.result.cycles;
    /* 2 x 500 MiB in cycles of some 16, 500 in cycles of 64 */
    cr_expect(cycles > 45 && cycles < 90, "%" PRId64 " cycles", cycles);

    /* all the time: as often as with as many objects, which are marked besides */
    int64_t counts[2];
    for (int sort = 0; sort < 2; sort++) {
        program_start(&objects);
        objects.scenario.memory.initial_live = (int64_t)((sort ? 64 : 16) * MIB);
        program_phase(&objects, 20, 100, 0, 0)->counted.constant = sort ? 0 : 48 * MIB;
        model_run(&model, MODEL_FULL, &objects.scenario, NULL);
        counts[sort] = model.result.cycles;
    }
    cr_expect(counts[0] >= counts[1] * 0.7 && counts[0] <= counts[1] * 1.1,
              "%" PRId64 " and %" PRId64 " cycles", counts[0], counts[1]);
}

/** And it counts under the limit: beside it objects have the rest. */
Test(model, counted_memory_is_under_the_limit) {
    struct program program;
    program_start(&program);
    program.scenario.settings.gogc = -1;
    program.scenario.settings.memory_limit = (int64_t)(100 * MIB);
    program.scenario.memory.initial_live = (int64_t)(16 * MIB);
    program_phase(&program, 20, 100, 0, 0)->counted.constant = 48 * MIB;
    struct model model;
    model_run(&model, MODEL_FULL, &program.scenario, NULL);
    cr_expect(model.result.peak_total_bytes <= 101 * MIB, "%.2f MiB",
              model.result.peak_total_bytes / MIB);
    cr_expect(model.result.peak_total_bytes >= 90 * MIB, "%.2f MiB",
              model.result.peak_total_bytes / MIB);
}

Test(model, seed_makes_the_difference) {
    struct program program;
    struct model_result first, second;
    program_start(&program);
    program_phase(&program, 10, 100, 0.01, 0)->noise = 0.5;
    struct watch one = run_watched(&program, MODEL_FULL, 1000, &first);
    program.scenario.seed++;
    struct watch two = run_watched(&program, MODEL_FULL, 1000, &second);
    cr_expect(one.digest != two.digest);
    program.scenario.seed--;
    struct watch three = run_watched(&program, MODEL_FULL, 1000, &second);
    cr_expect(one.digest == three.digest);
}

Test(model, samples_change_nothing) {
    struct program program;
    random_program(&program, 5);
    struct model_result with;
    run_watched(&program, MODEL_FULL, 1000, &with);
    struct model model;
    model_run(&model, MODEL_FULL, &program.scenario, NULL);
    cr_expect(memcmp(&with, &model.result, sizeof(with)) == 0);
}

Test(model, check_finds_what_is_out_of_range) {
    struct program program;
    struct scenario_fault fault;
    program_start(&program);
    cr_expect(!scenario_check(&program.scenario, &fault) && !fault.key);
    program_phase(&program, 1, 1, 0, 0);
    program_phase(&program, 1, 1, 0, 0);
    cr_expect(scenario_check(&program.scenario, &fault));
    program.phases[1].survival.constant = 1.5;
    cr_expect(!scenario_check(&program.scenario, &fault) && fault.phase == 1);
    cr_expect(fault.key && strcmp(fault.key->name, "survival") == 0);
    program.phases[1].survival.constant = NAN;
    cr_expect(!scenario_check(&program.scenario, &fault));
    program.phases[1].survival = (struct stream){.root = 3};
    cr_expect(!scenario_check(&program.scenario, &fault));
    program.phases[1].survival = (struct stream){.root = STREAM_NONE};
    program.scenario.machine.cpus = 0;
    cr_expect(!scenario_check(&program.scenario, &fault));
    cr_expect(fault.key && strcmp(fault.key->name, "cpus") == 0);
}

Test(model, a_run_of_too_many_steps_is_given_up) {
    struct program program;
    program_start(&program);
    program_phase(&program, 100, 100, 0.01, 0);
    for (int kind = 0; kind < MODEL_KINDS; kind++) {
        struct model model;
        model_init(&model, (enum model_kind)kind, &program.scenario, NULL);
        model_advance(&model, 10);
        model.steps = MODEL_MOST_STEPS - 1;
        model_advance(&model, 1000);
        cr_expect(model.done && !model.result.finished, "model %d", kind);
        cr_expect(model.result.program_s < 100);
    }
}

Test(model, work_is_told_by_what_makes_it) {
    struct program program;
    program_start(&program);
    program_phase(&program, 10, 100, 0, 0);
    struct scenario_phase *phase = program_phase(&program, 100, 100, 0, 0);
    struct model_work work = model_work(&program.scenario);
    cr_expect(fabs(work.steps - 1100) < 1e-6 && strcmp(work.key, "duration") == 0);
    phase->burst_every = 0.05; /* but there are none */
    cr_expect(model_work(&program.scenario).steps == work.steps);
    phase->burst = 1;
    phase->noise = 0.1;
    phase->noise_every = 0.01;
    work = model_work(&program.scenario);
    cr_expect(fabs(work.steps - 10100) < 1e-6 && work.phase == 1);
    cr_expect(strcmp(work.key, "noise_every") == 0);
    phase->noise = 0;
    work = model_work(&program.scenario);
    cr_expect(fabs(work.steps - 2100) < 1e-6 && strcmp(work.key, "burst_every") == 0);
    phase->collect_every = 0.02;
    work = model_work(&program.scenario);
    cr_expect(fabs(work.steps - 5100) < 1e-6 && strcmp(work.key, "collect_every") == 0);
}

Test(model, limits_above_what_a_key_accepts_are_none) {
    cr_expect(scenario_limit(INT64_MAX) == INT64_MAX && scenario_limit(INT64_MAX - 1) == INT64_MAX);
    cr_expect(scenario_limit(INT64_C(1) << 50) == INT64_C(1) << 50);
    cr_expect(scenario_limit((INT64_C(1) << 50) + 1) == INT64_MAX);
    cr_expect(scenario_limit(0) == 0);
}

/** The longest share of a CPU that a cycle marked in the background while the limiter limited. */
static void look_at_limited(void *context, const struct model_cycle *cycle) {
    double *most = context;
    double background_s = cycle->cpu_s[MODEL_FRACTIONAL] + cycle->cpu_s[MODEL_DEDICATED];
    if (cycle->limited && cycle->cpu_s[MODEL_ASSIST] == 0 && background_s / cycle->mark_s > *most)
        *most = background_s / cycle->mark_s;
}

/* What a recorded program's marking got of the CPUs it gets while the limiter limits, too. */
Test(model, marking_while_limited_is_no_faster_than_it_was_seen) {
    struct program program;
    struct model model;
    double most = 0;
    struct model_sink sink = {.context = &most, .cycle = look_at_limited};
    program_start(&program);
    program.scenario.settings.gogc = GAIT_PACER_GOGC_OFF;
    program.scenario.settings.parity = true; /* else the goal rises before the limiter limits */
    program.scenario.settings.memory_limit = (int64_t)(40 * MIB);
    program.scenario.memory.initial_live = (int64_t)(60 * MIB);
    struct scenario_phase *phase = program_phase(&program, 10, 200, 0, 0);
    phase->cpus = 1;
    phase->background = 0.3;
    model_run(&model, MODEL_FULL, &program.scenario, &sink);
    cr_assert(model.result.limiting_s > 1, "%g", model.result.limiting_s);
    cr_assert(most > 0.2 && most < 0.31, "%g", most);
}
