/* SPDX-License-Identifier: MIT */
/*
 * The governor's own policy, in tables of cases: what it takes for live, where the goal lies, and
 * where a cycle begins.
 */
#include "../../pacer/governor.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <math.h>

#define MIB (UINT64_C(1) << 20)
#define NO_LIMIT GAIT_PACER_NO_LIMIT

/* One period of a model program, from flip to flip. */
struct period {
    double base;       /* MiB that are live as marking begins, all with references           */
    double black;      /* MiB allocated while it marks                                       */
    double before;     /* MiB allocated before it begins, since the last one ended            */
    double alloc_rate; /* bytes per ns of the program                                        */
    double mark_rate;  /* bytes per ns of marking                                            */
    double background; /* background marking's share of the CPU while it marks               */
};

struct program {
    struct gait_governor governor;
    struct gait_governor_clocks clocks;
};

static void program_begin(struct program *program, int32_t gogc, int64_t limit) {
    *program = (struct program){.clocks.now_ns = 1};
    struct gait_governor_settings settings = {
        .gogc_percent = gogc, .memory_limit_bytes = limit, .procs = 2};
    gait_governor_init(&program->governor, &settings, &program->clocks);
    gait_governor_swept(&program->governor);
}

static struct gait_governor_cycle program_cycle(struct program *program,
                                                const struct period *period) {
    struct gait_governor *governor = &program->governor;
    uint64_t base = (uint64_t)(period->base * MIB), black = (uint64_t)(period->black * MIB);
    uint64_t live = governor->pacer.marked_bytes + (uint64_t)(period->before * MIB);
    int64_t before_ns = (int64_t)(period->before * MIB / period->alloc_rate);
    int64_t during_ns = (int64_t)(period->black * MIB / period->alloc_rate);
    int64_t mark_ns = (int64_t)(period->base * MIB / period->mark_rate);
    /* of all CPU time while it marks: the rest of marking is assists */
    int64_t background_ns = (int64_t)((double)(during_ns + mark_ns) * period->background);
    background_ns = background_ns < mark_ns ? background_ns : mark_ns;
    struct gait_governor_memory memory = {
        .total_bytes = live + black, .span_bytes = live + black, .objects_bytes = live + black};
    gait_governor_see(governor, &memory);
    program->clocks.process_cpu_ns += before_ns;
    program->clocks.now_ns += before_ns;
    struct gait_governor_start start = {
        .clocks = program->clocks, .live_bytes = live, .scannable_bytes = live};
    struct gait_governor_cycle cycle;
    gait_governor_begin(governor, &start, &cycle);
    program->clocks.process_cpu_ns += during_ns + mark_ns;
    program->clocks.gc_cpu_ns += mark_ns;
    program->clocks.now_ns += during_ns + mark_ns;
    struct gait_governor_end end = {
        .clocks = program->clocks,
        .progress = {live + black, live + black, base},
        .marked_bytes = base + black,
        .black_bytes = black,
        .mutator_cpu_ns = during_ns,
        .assist_cpu_ns = mark_ns - background_ns,
        .background_cpu_ns = background_ns,
    };
    gait_governor_end(governor, &end, &cycle);
    gait_governor_swept(governor);
    return cycle;
}

/* So many such periods. @return orders after them. */
static struct gait_governor_orders settled(struct program *program, const struct period *period,
                                           int periods) {
    for (int i = 0; i < periods; i++)
        program_cycle(program, period);
    return gait_governor_orders(&program->governor);
}

static void expect_mib(uint64_t bytes, double mib, const char *what, size_t row) {
    cr_expect(fabs((double)bytes / MIB - mib) < 0.01 * mib + 0.02, "row %zu: %s %.2f MiB, not %.2f",
              row, what, (double)bytes / MIB, mib);
}

/* What is born while marking runs is garbage, as the rest of what such a program allocates: the
 * goal does not grow with it. */
Test(governor_policy, what_floats_is_not_in_the_goal) {
    static const struct {
        int32_t gogc;
        double black, goal;
    } rows[] = {
        {100, 0, 128}, {100, 16, 128}, {100, 48, 128}, {50, 16, 96}, {400, 16, 320}, {400, 64, 320},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct program program;
        program_begin(&program, rows[i].gogc, NO_LIMIT);
        struct period period = {64, rows[i].black, 64, 0.1, 10, 0.25};
        expect_mib(settled(&program, &period, 8).goal_bytes, rows[i].goal, "goal", i);
    }
}

/* A setting that is set to what it was leaves the goal where it is. */
Test(governor_policy, settings_leave_the_goal_to_what_is_live) {
    struct program program;
    program_begin(&program, 100, NO_LIMIT);
    struct period period = {64, 16, 64, 0.1, 10, 0.25};
    settled(&program, &period, 8);
    struct gait_governor *governor = &program.governor;
    const struct gait_governor_settings settings = governor->settings;
    for (size_t i = 0; i < 5; i++) {
        if (i == 0)
            gait_governor_set(governor, GAIT_SETTING_GOGC, settings.gogc_percent, true);
        else if (i == 1)
            gait_governor_set(governor, GAIT_SETTING_LIMIT, settings.memory_limit_bytes, true);
        else if (i == 2)
            gait_governor_set(governor, GAIT_SETTING_MIN_HEAP, (int64_t)settings.min_heap_bytes,
                              true);
        else if (i == 3)
            gait_governor_set(governor, GAIT_SETTING_GOGC_FLOOR, settings.gogc_floor_percent, true);
        else
            gait_governor_set_heap_minimum(governor, governor->pacer.heap_minimum_bytes, true);
        expect_mib(gait_governor_orders(governor).goal_bytes, 128, "goal", i);
    }
}

/* Of what a program allocates, a part stays: of what is born black too. */
Test(governor_policy, what_grows_is_in_the_goal) {
    static const double stays[] = {0, 0.25, 0.5, 1};
    for (size_t i = 0; i < sizeof stays / sizeof *stays; i++) {
        struct program program;
        program_begin(&program, 100, NO_LIMIT);
        struct period period = {16, 8, 16, 0.1, 10, 0.25};
        for (int k = 0; k < 12; k++, period.base += stays[i] * (period.black + period.before))
            program_cycle(&program, &period);
        period.base -= stays[i] * (period.black + period.before);
        double live = period.base + stays[i] * period.black;
        expect_mib(gait_governor_orders(&program.governor).goal_bytes, 2 * live, "goal", i);
    }
    /* what shrinks foretells no shrinking: live is at least what was found */
    struct program program;
    program_begin(&program, 100, NO_LIMIT);
    struct period period = {64, 8, 16, 0.1, 10, 0.25};
    for (int k = 0; k < 6; k++, period.base -= 8)
        program_cycle(&program, &period);
    expect_mib(gait_governor_orders(&program.governor).goal_bytes, 2 * (period.base + 8), "goal",
               0);
}

/* A goal so low that the collector would take more than 45 % of the CPU is not taken. */
Test(governor_policy, the_cpu_is_a_floor_under_the_goal) {
    static const struct {
        int32_t gogc;
        double alloc_rate, mark_rate, goal;
        enum gait_governor_rule rule;
    } rows[] = {
        {100, 0.1, 1, 128, GAIT_GOVERNOR_BY_GOGC},
        {10, 0.1, 1, 80 + 64 * 0.1 * 55 / 45, GAIT_GOVERNOR_BY_FLOOR},
        {10, 1, 1, 80 + 64.0 * 55 / 45, GAIT_GOVERNOR_BY_FLOOR},
        {25, 1, 1, 80 + 64.0 * 55 / 45, GAIT_GOVERNOR_BY_FLOOR},
        {100, 1, 1, 80 + 64.0 * 55 / 45, GAIT_GOVERNOR_BY_FLOOR},
        {400, 1, 1, 320, GAIT_GOVERNOR_BY_GOGC},
        {100, 2, 1, 80 + 128.0 * 55 / 45, GAIT_GOVERNOR_BY_FLOOR},
        {100, 2, 4, 128, GAIT_GOVERNOR_BY_GOGC},
        {0, 0.01, 10, 85, GAIT_GOVERNOR_BY_FLOOR}, /* no cycle follows another at once */
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct program program;
        program_begin(&program, rows[i].gogc, NO_LIMIT);
        struct period period = {64, 16, 64, rows[i].alloc_rate, rows[i].mark_rate, 0.25};
        expect_mib(settled(&program, &period, 8).goal_bytes, rows[i].goal, "goal", i);
        cr_expect_eq(program.governor.ruled_by, rows[i].rule, "row %zu: ruled by %d", i,
                     (int)program.governor.ruled_by);
    }
}

/* Traces, recordings, statistics and the simulator say of a cycle what gave its goal, all by this:
 * of the limit only where that did, and not the CPU. */
Test(governor_policy, a_cycle_says_what_gave_its_goal) {
    static const struct {
        int32_t gogc;
        double limit_mib, alloc_rate;
        enum gait_governor_rule rule;
        bool by_limit;
    } rows[] = {
        {100, 0, 0.1, GAIT_GOVERNOR_BY_GOGC, false},
        {100, 0, 2, GAIT_GOVERNOR_BY_FLOOR, false},
        {100, 1000, 0.1, GAIT_GOVERNOR_BY_GOGC, false},
        {100, 100, 0.1, GAIT_GOVERNOR_BY_LIMIT, true},
        {100, 150, 1.2, GAIT_GOVERNOR_BY_LIMIT, true}, /* the CPU would, without the limit */
        {100, 90, 20, GAIT_GOVERNOR_BY_FLOOR, true},
        {-1, 100, 0.1, GAIT_GOVERNOR_BY_LIMIT, true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct program program;
        double limit = rows[i].limit_mib * MIB;
        program_begin(&program, rows[i].gogc, limit > 0 ? (int64_t)limit : NO_LIMIT);
        struct period period = {64, 4, 16, rows[i].alloc_rate, 1, 0.25};
        settled(&program, &period, 8);
        struct gait_governor_cycle cycle = program_cycle(&program, &period);
        cr_expect_eq(cycle.ruled_by, rows[i].rule, "row %zu: %d", i, (int)cycle.ruled_by);
        cr_expect_eq(cycle.by_limit, rows[i].by_limit, "row %zu", i);
    }
}

/* A smaller GOGC never asks for a larger heap. */
Test(governor_policy, the_goal_grows_with_gogc) {
    static const int32_t gogc[] = {0, 5, 10, 25, 50, 100, 200, 400, 1600, 100000};
    for (double rate = 0.01; rate < 20; rate *= 3) {
        uint64_t before = 0;
        for (size_t i = 0; i < sizeof gogc / sizeof *gogc; i++) {
            struct program program;
            program_begin(&program, gogc[i], NO_LIMIT);
            struct period period = {8, 3, 8, rate, 1, 0.25};
            uint64_t goal = settled(&program, &period, 8).goal_bytes;
            cr_expect_geq(goal, before, "GOGC=%d, %g bytes/ns", (int)gogc[i], rate);
            before = goal;
        }
    }
}

/* The least heap is in proportion to GOGC, and above what is marked. */
Test(governor_policy, a_small_heap_has_the_least_goal) {
    static const struct {
        int32_t gogc;
        double base, goal;
        enum gait_governor_rule rule;
    } rows[] = {
        {100, 0.5, 4, GAIT_GOVERNOR_BY_MINIMUM},   {50, 0.5, 2, GAIT_GOVERNOR_BY_MINIMUM},
        {400, 1, 16, GAIT_GOVERNOR_BY_MINIMUM},    {100, 3, 6, GAIT_GOVERNOR_BY_GOGC},
        {10, 0.5, 0.6875, GAIT_GOVERNOR_BY_FLOOR}, /* 0.625 marked, and 64 KiB */
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct program program;
        program_begin(&program, rows[i].gogc, NO_LIMIT);
        struct period period = {rows[i].base, 0.125, 1, 0.001, 10, 0.25};
        expect_mib(settled(&program, &period, 8).goal_bytes, rows[i].goal, "goal", i);
        cr_expect_eq(program.governor.ruled_by, rows[i].rule, "row %zu", i);
    }
}

/* A quarter of what is live may float; less where background marking is fast, more where even
 * three quarters of the CPU can't keep up with the program. */
Test(governor_policy, the_runway_is_what_may_float) {
    static const struct {
        int32_t gogc;
        double alloc_rate, mark_rate, background, runway;
    } rows[] = {
        {400, 1, 4, 0.25, 16},      /* 48 by itself: a quarter of 64 */
        {400, 1, 4, 0.6, 10.667},   /* by itself */
        {1600, 1, 1, 0.25, 21.333}, /* at three quarters of the CPU */
        {3200, 4, 1, 0.25, 85.333}, /* likewise */
        {400, 4, 1, 0.25, 28.444},  /* at nine tenths, where the floor gives the goal */
        {100, 0.2, 1, 0.25, 16},    /* 38 by itself */
        {50, 0.2, 1, 0.5, 8},       /* a quarter of the way, and floats beside it */
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct program program;
        program_begin(&program, rows[i].gogc, NO_LIMIT);
        /* so long that background marking's share is what the row says: no assists */
        double mark = 64 / rows[i].mark_rate * rows[i].alloc_rate;
        double black = mark * (1 - rows[i].background) / rows[i].background;
        struct period period = {
            64, black, 64, rows[i].alloc_rate, rows[i].mark_rate, rows[i].background};
        for (int k = 0; k < 8; k++) {
            /* each begins where it was told to, so that nothing is late */
            struct gait_governor_orders orders = gait_governor_orders(&program.governor);
            uint64_t marked = program.governor.pacer.marked_bytes;
            period.before = (double)(orders.trigger_bytes - marked) / MIB;
            program_cycle(&program, &period);
        }
        struct gait_governor_orders orders = gait_governor_orders(&program.governor);
        expect_mib(orders.goal_bytes - orders.trigger_bytes, rows[i].runway, "runway", i);
    }
}

/* Under a limit that can't be held within half of the CPU, the goal is the least heap at which the
 * collector takes that; as long as the limiter's bucket has room, it may take more. */
Test(governor_policy, a_limit_does_not_ask_for_more_than_half_of_the_cpu) {
    static const struct {
        double full; /* of what has limiting begin */
        double goal; /* MiB */
    } rows[] = {{0, 68 + 64 / 9.0},
                {0.375, 68 + 64 * 3 / 7.0},
                {0.75, 68 + 64},
                {1, 68 + 64 * 0.5625 / 0.4375},
                {1.75, 68 + 64 * 3}};
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct program program;
        program_begin(&program, 400, 70 * MIB);
        struct period period = {64, 4, 64, 1, 1, 0.25};
        settled(&program, &period, 8);
        struct gait_limiter *limiter = &program.governor.limiter;
        limiter->fill_ns = (uint64_t)(rows[i].full * (double)limiter->capacity_ns / 2);
        gait_governor_swept(&program.governor);
        struct gait_governor_orders orders = gait_governor_orders(&program.governor);
        expect_mib(orders.goal_bytes, rows[i].goal, "goal", i);
        cr_expect_eq(orders.barrier_bytes, GAIT_PACER_NONE, "nobody waits at the limit");
    }
}

/* Where a limit gives the goal, what floats takes no room that the CPU needs: it is a quarter of
 * the way, or of what is live, only where that leaves as much above the least heap. */
Test(governor_policy, what_floats_at_a_limit_leaves_the_cpu_its_room) {
    /* what is allocated in as much CPU time as a cycle costs, and the least heap at 45 % */
    const double cost = 100.0 / 3 * 2, least = 100 + cost * 0.55 / 0.45;
    static const double limits[] = {160, 190, 210, 220, 240, 400};
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
        struct program program;
        program_begin(&program, 400, (int64_t)limits[i] * (int64_t)MIB);
        struct period period = {100, 10, 60, 2, 3, 0.25};
        struct gait_governor_orders orders = settled(&program, &period, 1);
        for (int k = 0; k < 8; k++) { /* each begins where it was told to */
            uint64_t marked = program.governor.pacer.marked_bytes;
            period.before = (double)(orders.trigger_bytes - marked) / MIB;
            orders = settled(&program, &period, 1);
        }
        double goal = (double)orders.goal_bytes / MIB;
        double floats = fmin(100 / 4.0, fmin((goal - 100) / 4, (goal - least) / 2));
        bool by_cpu = gait_pacer_floor_rules(&program.governor.pacer);
        double runway = fmax(by_cpu ? 0 : floats, cost / 9);
        double is = (double)(orders.goal_bytes - orders.trigger_bytes) / MIB;
        cr_expect(fabs(is - runway) < 0.02 * runway, "row %zu: %.2f MiB, not %.2f", i, is, runway);
    }
}

/* A cycle that begins early since pages are wanted at a limit: what floats is no more than in one
 * that is due. */
Test(governor_policy, an_early_cycle_at_the_limit_is_as_short_as_one_that_is_due) {
    static const struct {
        int64_t limit; /* MiB */
        double before; /* MiB allocated since the last one */
        bool early;
    } rows[] = {
        {128, 5, true}, {128, 1, true}, {128, 22, false}, {1024, 5, false}, {1024, 40, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct program program;
        program_begin(&program, 100, rows[i].limit * (int64_t)MIB);
        struct period period = {100, 2, 18, 0.1, 10, 0.25};
        struct gait_governor_orders due = settled(&program, &period, 8);
        uint64_t marked = program.governor.pacer.marked_bytes;
        period.before = rows[i].before;
        struct gait_governor_cycle cycle = program_cycle(&program, &period);
        uint64_t length = due.goal_bytes - due.trigger_bytes;
        double goal = (double)(marked + length) / MIB + rows[i].before;
        expect_mib(cycle.goal_bytes, rows[i].early ? goal : (double)due.goal_bytes / MIB, "goal",
                   i);
    }
}

/* Go's rules, where they are wanted. */
Test(governor_policy, parity_is_the_pacer_alone) {
    struct program program;
    program_begin(&program, 100, NO_LIMIT);
    program.governor.settings.parity = true;
    struct period period = {64, 16, 64, 1, 1, 0.25};
    struct gait_governor_orders orders = settled(&program, &period, 8);
    struct gait_pacer_target target = gait_pacer_target(&program.governor.pacer);
    cr_expect_eq(orders.goal_bytes, 160 * MIB);
    cr_expect_eq(orders.goal_bytes, target.goal_bytes);
    cr_expect_eq(orders.trigger_bytes, target.trigger_bytes);
}
