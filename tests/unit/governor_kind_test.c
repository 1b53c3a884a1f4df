/* SPDX-License-Identifier: MIT */
/*
 * Full and minor cycles: which kind comes next, and what each of them teaches.
 */
#include "../../pacer/governor.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <math.h>

#define MIB (UINT64_C(1) << 20)
#define NO_LIMIT GAIT_PACER_NO_LIMIT
#define COUNT(array) (sizeof(array) / sizeof *(array))

/* A program of 2 CPUs, told by its cycles. Bytes are MiB; 1 byte is allocated in 10 ns of the
 * program's, one marked in 1 ns. */
struct program {
    struct gait_governor governor;
    struct gait_governor_clocks clocks;
    struct gait_governor_orders orders;
    struct gait_governor_cycle last;
    double marked;
    double lives;   /* share of what is new, as a sample says; 0: there is none */
    bool stopped;   /* while a cycle marks */
    uint64_t pages; /* watched and written, in each cycle */
};

static void program_begin(struct program *program, int32_t gogc, int64_t limit, bool minors) {
    *program = (struct program){.clocks.now_ns = 1};
    struct gait_governor_settings settings = {
        .gogc_percent = gogc, .memory_limit_bytes = limit, .procs = 2, .minors = minors};
    gait_governor_init(&program->governor, &settings, &program->clocks);
    gait_governor_swept(&program->governor);
    program->orders = gait_governor_orders(&program->governor);
}

/* One cycle. */
struct cycle {
    enum gait_governor_kind kind;
    double allocated; /* since the last one                        */
    double found;     /* marked by this one, newly in a minor one  */
    double black;
    double cards; /* of what was kept, on dirty cards */
    bool forced;
};

static void program_cycle(struct program *program, const struct cycle *cycle) {
    struct gait_governor *governor = &program->governor;
    bool minor = cycle->kind == GAIT_GOVERNOR_MINOR;
    double before = program->marked + cycle->allocated, kept = minor ? program->marked : 0;
    double cards = minor ? cycle->cards : 0, work = cycle->found + cards;
    int64_t before_ns = (int64_t)(cycle->allocated * MIB * 10);
    int64_t during_ns = (int64_t)(cycle->black * MIB * 10), mark_ns = (int64_t)(work * MIB);
    uint64_t peak = (uint64_t)((before + cycle->black) * MIB);
    gait_governor_see(governor, &(struct gait_governor_memory){.total_bytes = peak,
                                                               .span_bytes = peak,
                                                               .objects_bytes = peak});
    program->clocks.now_ns += before_ns;
    program->clocks.process_cpu_ns += before_ns;
    uint64_t scannable = governor->scannable_bytes + (uint64_t)(cycle->allocated * MIB);
    struct gait_governor_start start = {.clocks = program->clocks,
                                        .kind = cycle->kind,
                                        .dirty_bytes = (uint64_t)(cycle->cards * MIB),
                                        .forced = cycle->forced,
                                        .stopped = program->stopped,
                                        .live_bytes = (uint64_t)(before * MIB),
                                        .scannable_bytes = scannable};
    gait_governor_begin(governor, &start, &program->last);
    program->clocks.now_ns += during_ns + mark_ns;
    program->clocks.process_cpu_ns += during_ns + mark_ns;
    program->clocks.gc_cpu_ns += mark_ns;
    program->marked = kept + cycle->found + cycle->black;
    struct gait_governor_end end = {
        .clocks = program->clocks,
        .progress = {peak, scannable + (uint64_t)(cycle->black * MIB), (uint64_t)(work * MIB)},
        .marked_bytes = (uint64_t)(program->marked * MIB),
        .black_bytes = (uint64_t)(cycle->black * MIB),
        .kept_work_bytes = (uint64_t)(cards * MIB),
        .young_seen_bytes = (uint64_t)(program->lives > 0 ? cycle->allocated * MIB : 0),
        .young_live_bytes = (uint64_t)(program->lives * cycle->allocated * MIB),
        .written_pages = program->pages,
        .mutator_cpu_ns = during_ns,
        .background_cpu_ns = mark_ns,
    };
    gait_governor_end(governor, &end, &program->last);
    gait_governor_swept(governor);
    program->orders = gait_governor_orders(governor);
}

static void expect_mib(uint64_t bytes, double mib, const char *what, size_t row) {
    cr_expect(fabs((double)bytes / MIB - mib) < 0.01 * mib + 0.02, "row %zu: %s %.2f MiB, not %.2f",
              row, what, (double)bytes / MIB, mib);
}

/* Minor cycles give back what died young, and leave the goal where the last full one set it. */
Test(governor_kind, the_goal_stays_that_of_the_last_full_cycle) {
    struct program program;
    program_begin(&program, 100, NO_LIMIT, true);
    for (int i = 0; i < 12; i++) /* that all were new is long forgotten */
        program_cycle(&program, &(struct cycle){GAIT_GOVERNOR_FULL, 64, 64, 0, 0, false});
    expect_mib(program.orders.goal_bytes, 128, "goal", 0);
    for (size_t i = 1; i < 4; i++) {
        program_cycle(&program, &(struct cycle){GAIT_GOVERNOR_MINOR, 32, 4, 1, 2, false});
        expect_mib(program.orders.goal_bytes, 128, "goal", i);
        cr_expect_gt(program.orders.trigger_bytes, (uint64_t)(program.marked * MIB));
        /* of what is marked, cards were counted before */
        expect_mib(program.last.scannable_bytes, 64 + 4 * (double)i, "scannable", i);
        cr_expect_eq(program.last.kind, GAIT_GOVERNOR_MINOR);
    }
    program_cycle(&program, &(struct cycle){GAIT_GOVERNOR_FULL, 32, 64, 0, 0, false});
    expect_mib(program.orders.goal_bytes, 128, "goal", 4);
    expect_mib(program.last.scannable_bytes, 64, "scannable", 4);
}

/* What a minor cycle is expected to do follows from what is new, and not from the heap; and a full
 * one's, not from the last minor one's. */
Test(governor_kind, each_kind_foretells_its_own_work) {
    struct program program;
    program_begin(&program, 100, NO_LIMIT, true);
    for (int i = 0; i < 12; i++) /* that all were new is long forgotten */
        program_cycle(&program, &(struct cycle){GAIT_GOVERNOR_FULL, 64, 64, 0, 0, false});
    struct cycle minor = {GAIT_GOVERNOR_MINOR, 32, 4, 0, 2, false};
    for (int i = 0; i < 4; i++)
        program_cycle(&program, &minor);
    expect_mib(program.last.expected_bytes, 6, "expected", 0);
    minor.allocated = 16;
    minor.found = minor.cards = 1;
    program_cycle(&program, &minor);
    expect_mib(program.last.expected_bytes, 3, "expected", 1);
    program_cycle(&program, &(struct cycle){GAIT_GOVERNOR_FULL, 16, 64, 0, 0, false});
    expect_mib(program.last.expected_bytes, 64, "expected", 2);
}

Test(governor_kind, without_minors_all_are_full) {
    struct program program;
    program_begin(&program, 100, NO_LIMIT, false);
    for (int i = 0; i < 8; i++) {
        program_cycle(&program, &(struct cycle){GAIT_GOVERNOR_FULL, 64, 64, 0, 0, false});
        cr_expect_eq(program.orders.kind, GAIT_GOVERNOR_FULL);
    }
}

/* A heap of 64 MiB in which the young die, as the row begins. */
static struct program young_that_die(int64_t limit) {
    struct program program;
    program_begin(&program, 100, limit, true);
    for (int i = 0; i < 12; i++)
        program_cycle(&program, &(struct cycle){GAIT_GOVERNOR_FULL, 64, 64, 0, 0, false});
    return program;
}

/* What somebody forces, the clock brings or a limit asks for is full; so are those of heaps without
 * barriers, of GOGC=off, and with Go's rules. */
Test(governor_kind, some_cycles_are_always_full) {
    static const struct {
        bool forced, periodic, no_minors, off, parity;
        uint64_t limit, total; /* MiB */
        enum gait_governor_kind kind;
    } rows[] = {
        {.kind = GAIT_GOVERNOR_MINOR},
        {.forced = true},
        {.periodic = true},
        {.no_minors = true},
        {.off = true},
        {.parity = true},
        {.limit = 1000, .total = 200, .kind = GAIT_GOVERNOR_MINOR},
        {.limit = 120, .total = 100},   /* the limit's goal is below GOGC's */
        {.limit = 200, .total = 200},   /* pages that are needed would pass it */
        {.limit = 1000, .total = 1100}, /* it is passed */
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct program program = young_that_die(NO_LIMIT);
        struct gait_governor *governor = &program.governor;
        if (rows[i].limit > 0)
            gait_governor_set(governor, GAIT_SETTING_LIMIT, (int64_t)(rows[i].limit * MIB), true);
        if (rows[i].off)
            gait_governor_set(governor, GAIT_SETTING_GOGC, GAIT_PACER_GOGC_OFF, true);
        gait_governor_set(governor, GAIT_SETTING_MINORS, !rows[i].no_minors, true);
        governor->settings.parity = rows[i].parity;
        uint64_t total = (rows[i].total > 0 ? rows[i].total : 128) * MIB;
        gait_governor_see(governor, &(struct gait_governor_memory){.total_bytes = total,
                                                                   .span_bytes = total,
                                                                   .objects_bytes = total});
        cr_expect_eq(gait_governor_kind(governor, rows[i].forced, rows[i].periodic, 0),
                     rows[i].kind, "row %zu", i);
    }
}

/* Found of what is new, and what becomes of the next cycles: the kind that is next after each of
 * some minor ones. */
Test(governor_kind, rows_last_as_long_as_they_pay) {
    static const struct {
        double found, cards; /* share of what is new */
        unsigned row;        /* minor cycles until the next full one */
        bool refused;
    } rows[] = {
        {0, 0, 8, false},                             /* never longer */
        {0.02, 0.02, 8, false}, {0.2, 0.1, 7, false}, /* three quarters of the room are taken */
        {0.35, 0.5, 1, true},   {0.5, 0, 1, true},    {1, 0, 1, true},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct program program = young_that_die(NO_LIMIT);
        unsigned row = 0;
        while (program.orders.kind == GAIT_GOVERNOR_MINOR && row < 20) {
            double allocated = 128 - program.marked;
            program_cycle(&program,
                          &(struct cycle){GAIT_GOVERNOR_MINOR, allocated, rows[i].found * allocated,
                                          0, rows[i].cards * allocated, false});
            row++;
        }
        cr_expect_eq(row, rows[i].row, "row %zu: %u", i, row);
        cr_expect_eq(program.governor.yield.refusals > 0, rows[i].refused, "row %zu", i);
    }
}

/* Full ones until a minor one is wanted again. */
/* Where the CPU gives the goal: in a heap that marks with the program stopped it lies in the middle
 * between what rows and what full cycles cost; in others it is what full cycles cost. */
Test(governor_kind, the_floor_of_a_stopped_heap_knows_what_its_rows_cost) {
    for (int stopped = 0; stopped < 2; stopped++) {
        struct program program;
        program_begin(&program, 2, NO_LIMIT, true);
        program.stopped = stopped;
        struct cycle full = {GAIT_GOVERNOR_FULL, 8, 64, 0, 0, false},
                     minor = {GAIT_GOVERNOR_MINOR, 8, 0, 0, 0, false};
        for (int i = 0; i < 30; i++)
            program_cycle(&program, &full);
        double room = (double)program.orders.goal_bytes / MIB - 64;
        cr_assert_gt(room, 64 * 0.02 + 1, "GOGC gives the goal");
        for (int i = 0; i < 8; i++)
            program_cycle(&program, &minor);
        program_cycle(&program, &full);
        double after = (double)program.orders.goal_bytes / MIB - 64;
        if (stopped)
            cr_expect(after > 0.5 * room && after < 0.75 * room, "%.2f MiB, %.2f before", after,
                      room);
        else
            cr_expect(after > 0.9 * room, "%.2f MiB, %.2f before", after, room);
    }
}

/* Faults of stores to pages that are watched are part of what a minor cycle costs. */
Test(governor_kind, pages_that_are_written_count) {
    for (int many = 0; many < 2; many++) {
        struct program program = young_that_die(NO_LIMIT);
        program.pages = many ? 100000 : 100;
        struct cycle minor = {GAIT_GOVERNOR_MINOR, 32, 1, 0, 0, false};
        program_cycle(&program, &minor);
        cr_expect_eq(program.governor.yield.minor, !many, "%d", many);
    }
}

static unsigned fulls_until_a_try(struct program *program, const struct cycle *full) {
    unsigned fulls = 0;
    do
        program_cycle(program, full);
    while (++fulls < 200 && program->orders.kind == GAIT_GOVERNOR_FULL);
    return fulls;
}

/* Where minor cycles don't pay, the next try comes after more and more full ones; where they are
 * dear, after many, unless what is live, or how fast the program allocates, has changed. */
Test(governor_kind, tries_come_more_and_more_seldom) {
    static const struct {
        double found, cards; /* MiB, by a minor cycle */
        unsigned waits[5];
    } rows[] = {{32, 0, {1, 2, 4, 8, 8}}, {48, 48, {10, 20, 40, 64, 64}}};
    for (size_t row = 0; row < COUNT(rows); row++) {
        struct program program = young_that_die(NO_LIMIT);
        struct cycle full = {GAIT_GOVERNOR_FULL, 64, 64, 0, 0, false};
        struct cycle minor = {GAIT_GOVERNOR_MINOR, 64, rows[row].found, 0, rows[row].cards, false};
        for (size_t i = 0; i < COUNT(rows[row].waits); i++) {
            program_cycle(&program, &minor);
            unsigned fulls = fulls_until_a_try(&program, &full);
            cr_expect_eq(fulls, rows[row].waits[i], "row %zu: %u in place of %u", row, fulls,
                         rows[row].waits[i]);
        }
        program_cycle(&program, &minor);
        full.found = 24;
        cr_expect_leq(fulls_until_a_try(&program, &full), 5, "row %zu", row);
    }
}

/* A sample tells what lives of the young: where to find that alone would be too dear, nothing is
 * tried; and when less lives, minor cycles come soon. */
Test(governor_kind, what_lives_of_the_young_is_foreseen) {
    static const struct {
        double lives;
        enum gait_governor_kind kind;
    } rows[] = {{0.02, GAIT_GOVERNOR_MINOR},
                {0.3, GAIT_GOVERNOR_MINOR},
                {0.5, GAIT_GOVERNOR_FULL},
                {0.9, GAIT_GOVERNOR_FULL}};
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct program program;
        program_begin(&program, 100, NO_LIMIT, true);
        program.lives = rows[i].lives;
        struct cycle full = {GAIT_GOVERNOR_FULL, 64, 64, 0, 0, false};
        for (int k = 0; k < 30; k++)
            program_cycle(&program, &full);
        cr_expect_eq(program.orders.kind, rows[i].kind, "row %zu", i);
        program.lives = 0.02;
        unsigned fulls = fulls_until_a_try(&program, &full);
        cr_expect_leq(fulls, 10, "row %zu: %u full cycles", i, fulls);
    }
}

/* Tried in vain while a good part lives, they come as seldom as dear ones, until less lives. */
Test(governor_kind, tries_come_seldom_where_the_young_live) {
    static const unsigned waits[] = {1, 2, 4, 8, 16, 32, 64, 64};
    struct program program = young_that_die(NO_LIMIT);
    struct cycle full = {GAIT_GOVERNOR_FULL, 64, 64, 0, 0, false};
    struct cycle minor = {GAIT_GOVERNOR_MINOR, 64, 32, 0, 0, false};
    program.lives = 0.3;
    for (size_t i = 0; i < COUNT(waits); i++) {
        program_cycle(&program, &minor);
        unsigned fulls = fulls_until_a_try(&program, &full);
        cr_expect_eq(fulls, waits[i], "%u in place of %u", fulls, waits[i]);
    }
    program_cycle(&program, &minor);
    program.lives = 0.05;
    cr_expect_leq(fulls_until_a_try(&program, &full), 10);
}

/* What lies on dirty cards is told as a cycle begins: where that alone is two thirds of a full
 * cycle's work, or dearer than the row so far, the cycle is full, and nothing was tried. */
Test(governor_kind, what_would_be_too_much_is_not_begun) {
    static const struct {
        int row;      /* minor cycles so far */
        double dirty; /* MiB, of 64          */
        enum gait_governor_kind kind;
    } rows[] = {
        {0, 0, GAIT_GOVERNOR_MINOR},  {0, 1, GAIT_GOVERNOR_MINOR}, {0, 42, GAIT_GOVERNOR_MINOR},
        {0, 44, GAIT_GOVERNOR_FULL},  {0, 64, GAIT_GOVERNOR_FULL}, {3, 0, GAIT_GOVERNOR_MINOR},
        {3, 16, GAIT_GOVERNOR_MINOR}, {3, 32, GAIT_GOVERNOR_FULL}, {3, 64, GAIT_GOVERNOR_FULL},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct program program = young_that_die(NO_LIMIT);
        struct gait_governor *governor = &program.governor;
        for (int k = 0; k < rows[i].row; k++)
            program_cycle(&program, &(struct cycle){GAIT_GOVERNOR_MINOR, 64, 0, 0, 4, false});
        uint64_t dirty = (uint64_t)(rows[i].dirty * MIB);
        enum gait_governor_kind kind = gait_governor_kind(governor, false, false, dirty);
        cr_expect_eq(kind, rows[i].kind, "row %zu", i);
        cr_expect_eq(gait_governor_kind(governor, true, false, dirty), GAIT_GOVERNOR_FULL);
        if (kind == GAIT_GOVERNOR_MINOR)
            continue;
        /* a row that has paid only ends; with none, cards stay off for a while */
        struct cycle full = {GAIT_GOVERNOR_FULL, 64, 64, 0, rows[i].dirty, false};
        program_cycle(&program, &full);
        cr_expect_eq(governor->yield.refusals, rows[i].row == 0, "row %zu", i);
        cr_expect_eq(program.orders.kind, GAIT_GOVERNOR_MINOR, "row %zu", i);
        full.cards = 64;
        for (unsigned waits = rows[i].row == 0 ? 2 : 1; waits < 16; waits *= 2) {
            unsigned fulls = fulls_until_a_try(&program, &full);
            unsigned wanted = waits < 8 ? waits : 8;
            cr_expect_eq(fulls, wanted, "row %zu: %u in place of %u", i, fulls, wanted);
        }
    }
}

/* A heap in which much of what is new stays has full cycles alone. */
Test(governor_kind, nothing_is_tried_while_a_heap_grows) {
    static const double stays[] = {0, 0.1, 0.4, 1};
    for (size_t i = 0; i < COUNT(stays); i++) {
        struct program program;
        program_begin(&program, 100, NO_LIMIT, true);
        struct cycle full = {GAIT_GOVERNOR_FULL, 32, 32, 0, 0, false};
        for (int k = 0; k < 12; k++, full.found += stays[i] * full.allocated)
            program_cycle(&program, &full);
        cr_expect_eq(program.orders.kind,
                     stays[i] > 0.25 ? GAIT_GOVERNOR_FULL : GAIT_GOVERNOR_MINOR, "row %zu", i);
    }
}
