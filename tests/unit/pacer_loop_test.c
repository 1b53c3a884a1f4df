/* SPDX-License-Identifier: MIT */
/*
 * The policy at a memory limit, closed to a loop with a model program: objects of several classes
 * in spans of their own, holes that only their class can use, phases, cycles that come early. From
 * any start, a limit far above the live heap must not give cycles back to back, nor be forgotten. A
 * failure names its seed: with GAIT_SEED=SEED in the environment the test begins with that one.
 */
#include "gait/pacer.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdlib.h>

#define RUNS 200
#define CLASSES 4
#define MIB ((double)(1 << 20))
#define LIMIT (200 * MIB)
#define STEP (MIB / 8)      /* allocated between two looks */
#define ROOMS 100           /* how often the limit is allocated in a run */
#define RESERVE (MIB / 2)   /* what the runtime keeps from the limit for threads that race */
#define METADATA_SHARE 0.02 /* of spans and free pages */

struct model {
    struct gait_pacer pacer;
    uint64_t seed, random;
    double live[CLASSES];    /* survives each cycle */
    double objects[CLASSES]; /* with what has died */
    double spans[CLASSES];
    double hole_share[CLASSES]; /* of dead memory, what stays in spans */
    double free, fill, fresh, peak_total;
    double since_marked; /* allocated since the last cycle */
    bool one_class;      /* only the first one is used */
    unsigned phase;      /* the class that is allocated most */
    unsigned cycles, early;
};

/* splitmix64 (Steele, Lea, Flood 2014) */
static uint64_t any_bits(struct model *model) {
    uint64_t z = model->random += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

/* 0 to 1. */
static double any_share(struct model *model) { return (double)(any_bits(model) >> 11) * 0x1p-53; }

static bool one_in(struct model *model, unsigned times) { return any_bits(model) % times == 0; }

/* The least, and no less than nothing. */
static double least(double a, double b) {
    double less = a < b ? a : b;
    return less > 0 ? less : 0;
}

static double sum(const double *values) {
    double total = 0;
    for (int i = 0; i < CLASSES; i++)
        total += values[i];
    return total;
}

static double total_bytes(const struct model *model) {
    return (sum(model->spans) + model->free) * (1 + METADATA_SHARE);
}

static double live_now(const struct model *model) {
    return (double)model->pacer.marked_bytes + model->since_marked;
}

static void look_at_memory(struct model *model) {
    double objects = sum(model->objects), fills = model->fill * sum(model->spans);
    struct gait_pacer_memory memory = {
        .mapped_bytes = (uint64_t)total_bytes(model),
        .free_bytes = (uint64_t)model->free,
        .allocated_bytes = (uint64_t)(objects > fills ? objects : fills),
    };
    gait_pacer_set_memory(&model->pacer, &memory);
    gait_pacer_set_live(&model->pacer, (uint64_t)live_now(model), (uint64_t)live_now(model));
}

/* Pages at the limit are given back before others are taken. */
static void take_pages(struct model *model, unsigned class, double bytes) {
    double reused = bytes < model->free ? bytes : model->free;
    model->free -= reused;
    model->spans[class] += bytes;
    model->fresh += bytes;
    double excess = total_bytes(model) - LIMIT;
    if (excess > 0)
        model->free -= excess < model->free ? excess : model->free;
    if (total_bytes(model) > model->peak_total)
        model->peak_total = total_bytes(model);
}

static void allocate(struct model *model, unsigned class, double bytes) {
    double missing = model->objects[class] + bytes - model->spans[class];
    if (missing > 0)
        take_pages(model, class, missing);
    model->objects[class] += bytes;
    model->since_marked += bytes;
}

static unsigned any_class(struct model *model) {
    if (model->one_class)
        return 0;
    return one_in(model, 8) ? (unsigned)(any_bits(model) % CLASSES) : model->phase;
}

static void cycle(struct model *model) {
    look_at_memory(model);
    double start = live_now(model);
    gait_pacer_start_cycle(&model->pacer, &(struct gait_pacer_start){
                                              .procs = 2,
                                              .live_bytes = (uint64_t)start,
                                              .scannable_bytes = (uint64_t)start,
                                          });
    /* a fast program: it allocates up to the goal, or a thirtieth of the limit; where that takes
     * pages that pass the limit, it waits for the end of the cycle */
    unsigned class = any_class(model);
    double way = (double)gait_pacer_goal(&model->pacer) - start;
    double black = least(way, LIMIT / 30) * any_share(model);
    double pages = model->free + (LIMIT > total_bytes(model) ? LIMIT - total_bytes(model) : 0);
    black = least(black, model->spans[class] - model->objects[class] + pages);
    allocate(model, class, black);
    double peak = live_now(model);
    struct gait_pacer_progress progress = {.live_bytes = (uint64_t)peak,
                                           .scannable_bytes = (uint64_t)peak,
                                           .work = {.heap_bytes = (int64_t)sum(model->live)}};
    gait_pacer_revise(&model->pacer, &progress);
    gait_pacer_end_cycle_measured(
        &model->pacer, &(struct gait_pacer_mark_cpu){.mutator_cpu_ns = 1 + (int64_t)(peak / 2),
                                                     .background_cpu_ns = 1 + (int64_t)(peak / 3)});
    double in_use = sum(model->spans);
    model->fill =
        gait_pacer_fill(model->fill, (uint64_t)peak, (uint64_t)in_use, (uint64_t)model->fresh);
    for (int i = 0; i < CLASSES; i++) {
        double dead = model->spans[i] - model->live[i];
        model->objects[i] = model->live[i];
        model->spans[i] = model->live[i] + dead * model->hole_share[i];
        model->free += dead * (1 - model->hole_share[i]);
    }
    gait_pacer_set_marked(&model->pacer, (uint64_t)(sum(model->live) + black));
    model->since_marked = 0;
    model->fresh = 0;
    look_at_memory(model);
    gait_pacer_commit(&model->pacer, true);
    model->cycles++;
}

/* The runtime's rules: begin at the trigger, or for want of pages, if it is worth it. */
static bool cycle_is_due(struct model *model, unsigned class) {
    look_at_memory(model);
    if ((double)gait_pacer_target_at_limit(&model->pacer).trigger_bytes <= live_now(model))
        return true;
    double missing = model->objects[class] + STEP - model->spans[class];
    double excess = total_bytes(model) + RESERVE - LIMIT;
    return missing > 0 && excess > 0 && excess > model->free &&
           live_now(model) >= (double)gait_pacer_bounds(&model->pacer).relief_bytes;
}

static void model_begin(struct model *model, uint64_t seed) {
    *model = (struct model){.seed = seed, .random = seed};
    gait_pacer_init(&model->pacer, -1, (int64_t)LIMIT);
    model->fill = any_share(model);
    bool holes = one_in(model, 2), one_class = one_in(model, 2);
    double scale = 0.4 + 0.6 * any_share(model); /* up to all of the limit in spans */
    for (int i = 0; i < CLASSES; i++) {
        double part = one_class ? i == 0 : 1.0 / CLASSES;
        model->live[i] = LIMIT / 4 * part * any_share(model);
        model->hole_share[i] = holes ? 1 - any_share(model) / 100 : any_share(model);
        model->objects[i] = model->live[i];
        model->spans[i] = model->live[i] + (LIMIT * part - model->live[i]) * scale;
    }
    model->one_class = one_class;
    gait_pacer_set_marked(&model->pacer, (uint64_t)sum(model->live));
    look_at_memory(model);
    gait_pacer_commit(&model->pacer, true);
}

/* @return bytes allocated. */
static double model_run(struct model *model) {
    double allocated = 0;
    for (; allocated < ROOMS * LIMIT; allocated += STEP) {
        if (one_in(model, 4000)) { /* a forced cycle, or one of a rule that does not exist yet */
            cycle(model);
            model->early++;
        }
        if (one_in(model, 10000))
            model->phase = (unsigned)(any_bits(model) % CLASSES);
        unsigned class = any_class(model);
        if (cycle_is_due(model, class))
            cycle(model);
        allocate(model, class, STEP);
    }
    return allocated;
}

Test(pacer_loop, no_cycles_back_to_back_far_below_the_limit, .timeout = 120) {
    const char *given = getenv("GAIT_SEED");
    uint64_t first = given ? strtoull(given, NULL, 0) : 1;
    double worst = 0, all = 0;
    for (uint64_t seed = first; seed < first + RUNS; seed++) {
        struct model model;
        model_begin(&model, seed);
        double allocated = model_run(&model), room = LIMIT - sum(model.live);
        /* with holes that only one class can use, a cycle may have a part of the room only */
        double cycles_per_room = (model.cycles - model.early) * room / allocated;
        all += cycles_per_room / RUNS;
        worst = cycles_per_room > worst ? cycles_per_room : worst;
        double most_cycles = model.one_class ? 1.25 : 6;
        double most_bytes = LIMIT * (model.one_class ? 17.0 / 16 : 19.0 / 16) + LIMIT / 30;
        cr_expect_lt(cycles_per_room, most_cycles,
                     "%.1f cycles for each time that the room was "
                     "allocated (GAIT_SEED=%" PRIu64 ")",
                     cycles_per_room, seed);
        cr_expect_lt(model.peak_total, most_bytes,
                     "%.1f MiB at a limit of %.0f (GAIT_SEED=%" PRIu64 ")", model.peak_total / MIB,
                     LIMIT / MIB, seed);
    }
    cr_log_info("%.2f cycles a room, at most %.2f", all, worst);
}
