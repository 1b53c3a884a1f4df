/* SPDX-License-Identifier: MIT */
/*
 * A model program under the governor, closed to a loop: what the governor orders is what the
 * program, its markers and its memory do, and what they do is what the governor is told. Some
 * twenty steps a cycle, so that a test can run thousands of cycles.
 *
 * A step moves CPU time by rates: mutators allocate, markers scan, assists pay for what the orders
 * ask, on the CPUs that there are. What a cycle finds live is what was reachable as it began, and
 * all that was allocated while it marked. The process's CPU clock lags by up to a tick a thread, as
 * the OS's does. It is made without a look at the simulator's model, so that each checks the other.
 */
#ifndef TESTS_GOVERNOR_LOOP_H
#define TESTS_GOVERNOR_LOOP_H

#include "../../pacer/governor.h"
#include "emulated.h"

#include <math.h>
#include <stdlib.h>

#define LOOP_MIB 1048576.0
/* What a mutator takes at a time. */
#define LOOP_RUN_BYTES 8192.0
/* Handshakes at a cycle's start. */
#define LOOP_PAUSE_NS 50e3
/* Sweeping, bytes of spans per ns: 100 GB/s. */
#define LOOP_SWEEP_RATE 100.0
/* Pages per byte of objects. */
#define LOOP_FRAGMENTATION 1.1

/* Tables of programs and settings go by this step. Where an emulator runs them all takes ten times
 * as long: every fifth row shows whether the machine's arithmetic does the same. */
static inline size_t loop_step(void) { return is_emulated() ? 5 : 1; }

/* What the program is like; tests fill it in. */
struct loop_program {
    int32_t cpus;
    double threads;  /* mutators, each wants a CPU                                    */
    double others;   /* CPUs that other processes want                                */
    double alloc;    /* bytes per ns of a mutator's CPU                               */
    double mark;     /* bytes per ns of a marker's CPU                                */
    double live;     /* bytes that stay reachable                                     */
    double young;    /* of what was allocated last, bytes that are reachable still    */
    double growth;   /* share of what is allocated that joins live                    */
    double survival; /* share of what is allocated that survives a cycle, for a while */
    double tenure;   /* bytes allocated until 1/e of such is left                     */
    double cards;    /* bytes of old objects to look at, per byte allocated           */
    bool minors;
    double leaf;           /* share of all memory that has no references                    */
    double stack, globals; /* bytes                                                   */
    double noise;          /* share by which the allocation rate of a cycle is off          */
    double lag_ns;         /* CPU time of before a cycle that is counted in it, a thread    */
    double off_heap;       /* bytes under the limit                                         */
};

/* How a cycle went, bytes. */
struct loop_cycle {
    enum gait_governor_kind kind;
    double live; /* reachable as it began                                           */
    double start, goal, peak, marked, total;
    double mark_ns, gc_share; /* of all CPU time since the last cycle's end           */
    bool limiting;
    bool floor; /* the CPU gave the goal */
};

struct loop {
    struct loop_program program;
    struct gait_governor governor;
    struct loop_cycle last;
    uint64_t random;
    uint64_t cycles;
    double start_at; /* share of the way from marked to trigger where the next cycle begins; 1 */
    double now_ns, mutator_ns, gc_ns;   /* clocks                                                */
    double last_mutator_ns, last_gc_ns; /* as the last cycle ended                             */
    double heap, marked, fresh, spans, free, peak_total;
    double allocated, given;           /* ever; given: back to the OS       */
    double base;                       /* of what is marked, what belongs to live     */
    double survivors, young_survivors; /* what lives for a while: marked, and not yet */
    bool swept, marking;
};

/* splitmix64 (Steele, Lea, Flood 2014) */
static inline uint64_t loop_bits(struct loop *loop) {
    uint64_t z = loop->random += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

/* 0 to 1. */
static inline double loop_share(struct loop *loop) {
    return (double)(loop_bits(loop) >> 11) * 0x1p-53;
}

static inline double loop_min(double a, double b) { return a < b ? a : b; }
static inline double loop_max(double a, double b) { return a > b ? a : b; }

static inline struct gait_governor_clocks loop_clocks(const struct loop *loop) {
    return (struct gait_governor_clocks){
        .now_ns = (int64_t)loop->now_ns,
        .process_cpu_ns = (int64_t)(loop->mutator_ns + loop->gc_ns),
        .gc_cpu_ns = (int64_t)loop->gc_ns,
    };
}

static inline double loop_total(const struct loop *loop) {
    return (loop->spans + loop->free) * 1.02 + loop->program.off_heap;
}

static inline void loop_see(struct loop *loop) {
    gait_governor_see(&loop->governor, &(struct gait_governor_memory){
                                           .total_bytes = (uint64_t)loop_total(loop),
                                           .span_bytes = (uint64_t)loop->spans,
                                           .free_bytes = (uint64_t)loop->free,
                                           .spare_bytes = (uint64_t)loop->free,
                                           .objects_bytes = (uint64_t)loop->heap,
                                       });
    loop->peak_total = loop_max(loop->peak_total, loop_total(loop));
}

static inline void loop_give_back(struct loop *loop, double bytes) {
    double given = loop_min(bytes, loop->free);
    loop->free -= given;
    loop->given += given;
    loop_see(loop);
}

/* Memory for a heap that has grown: holes of spans first, then free pages, then fresh ones; what
 * passes the limit is given back. */
static inline void loop_take_pages(struct loop *loop) {
    double missing = loop->heap * LOOP_FRAGMENTATION - loop->spans;
    if (missing > 0) {
        loop->free = loop_max(loop->free - missing, 0);
        loop->spans += missing;
        loop->fresh += loop->swept ? missing : 0;
    }
    loop_see(loop);
    struct gait_governor_orders orders = gait_governor_orders(&loop->governor);
    uint64_t total = loop->governor.memory.total_bytes;
    loop_give_back(loop, (double)gait_governor_give_back(&orders, total, total));
}

/* Time goes by: the mutators had so many CPUs and allocated for themselves, the collector others.
 */
static inline void loop_pass(struct loop *loop, double ns, double mutators, double collectors) {
    loop->now_ns += ns;
    loop->mutator_ns += mutators * ns;
    loop->gc_ns += collectors * ns;
    if (gait_governor_count_due(&loop->governor, (int64_t)loop->now_ns)) {
        struct gait_governor_clocks clocks = loop_clocks(loop);
        gait_governor_count(&loop->governor, &clocks);
    }
}

/* CPUs that mutators get beside so many that mark: those that other processes want are shared. */
static inline double loop_mutators(const struct loop *loop, double markers) {
    const struct loop_program *program = &loop->program;
    double left = loop_max(program->cpus - markers, 0);
    double wanted = program->threads + program->others;
    return wanted <= left ? program->threads : program->threads * left / wanted;
}

static inline double loop_idle(const struct loop *loop) {
    return loop_max(loop->program.cpus - loop->program.threads - loop->program.others, 0);
}

/* Would a mutator that takes pages now be told this? */
static inline struct gait_governor_want loop_want(const struct loop *loop, double debt) {
    return (struct gait_governor_want){
        .live_bytes = (uint64_t)loop->heap,
        .total_bytes = loop->governor.memory.total_bytes,
        .spare_bytes = loop->governor.memory.spare_bytes,
        .credit_bytes = (int64_t)-loop_min(debt, 1e18),
        .takes_pages = loop->heap * LOOP_FRAGMENTATION >= loop->spans,
        .marks = loop->marking,
        .marking = loop->marking,
        .sweeping = !loop->marking,
    };
}

/* Start with what `program` has live. */
static inline void loop_init(struct loop *loop, const struct loop_program *program,
                             int32_t gogc_percent, int64_t limit_bytes, uint64_t seed) {
    *loop = (struct loop){.program = *program, .random = seed, .start_at = 1, .swept = true};
    gait_governor_init(&loop->governor,
                       &(struct gait_governor_settings){.gogc_percent = gogc_percent,
                                                        .memory_limit_bytes = limit_bytes,
                                                        .procs = program->cpus,
                                                        .minors = program->minors},
                       &(struct gait_governor_clocks){0});
    loop_see(loop);
}

/* Of what was allocated since the last cycle, what is reachable: what joined live, what lives for a
 * while, and what was allocated last. */
static inline double loop_young(const struct loop *loop) {
    double is_new = loop->heap - loop->marked;
    double joined = loop_max(loop->program.live - loop->base, 0);
    return loop_min(joined + loop->young_survivors + loop->program.young, is_new);
}

/* What is reachable if the heap holds what it does. */
static inline double loop_reachable(const struct loop *loop) {
    double old = loop_min(loop->base, loop->program.live) + loop->survivors;
    return loop_min(old + loop_young(loop), loop->heap);
}

static inline void loop_allocate(struct loop *loop, double bytes) {
    const struct loop_program *program = &loop->program;
    loop->heap += bytes;
    loop->allocated += bytes;
    loop->program.live += bytes * program->growth;
    if (program->survival > 0) {
        double left = exp(-bytes / program->tenure);
        loop->survivors *= left;
        loop->young_survivors *= left;
        loop->young_survivors += program->survival * program->tenure * (1 - left);
    }
    loop_take_pages(loop);
}

/* The program runs until a cycle is due, and sweeping is done. */
static inline void loop_run(struct loop *loop, double alloc) {
    double to_sweep = loop->swept ? 0 : loop->spans;
    for (;;) {
        loop_see(loop);
        struct gait_governor_orders orders = gait_governor_orders(&loop->governor);
        struct gait_governor_want want = loop_want(loop, 0);
        double trigger =
            loop->marked +
            (loop_min((double)orders.trigger_bytes, 1e18) - loop->marked) * loop->start_at;
        trigger = loop_max(trigger, loop->marked + LOOP_RUN_BYTES);
        enum gait_governor_advice advice = gait_governor_advise(&orders, &want);
        bool grown = loop->heap >= loop->marked + LOOP_RUN_BYTES;
        bool due = loop->heap >= trigger || (grown && advice == GAIT_GOVERNOR_AWAIT);
        if (due && loop->swept)
            return;
        double busy = gait_governor_sweep_pace(false, due).share;
        double sweeper = loop->swept ? 0 : loop_max(busy, loop_min(loop_idle(loop), 1));
        if (due && advice != GAIT_GOVERNOR_GO) /* mutators that wait sweep */
            sweeper = loop->program.cpus;
        double mutators = sweeper < loop->program.cpus ? loop_mutators(loop, sweeper) : 0;
        double ns = 100e6;
        if (!due)
            ns = loop_min(ns, loop_max(trigger - loop->heap, LOOP_RUN_BYTES) /
                                  loop_max(mutators * alloc, 1e-9) / 2);
        if (sweeper > 0)
            ns = loop_min(ns, to_sweep / (sweeper * LOOP_SWEEP_RATE));
        ns = loop_max(ns, 1000);
        loop_pass(loop, ns, mutators, sweeper);
        loop_allocate(loop, mutators * alloc * ns);
        to_sweep -= sweeper * LOOP_SWEEP_RATE * ns;
        if (!loop->swept && to_sweep <= 1) {
            loop->swept = true;
            gait_governor_swept(&loop->governor);
        }
    }
}

/* Who marks, in CPUs. */
static inline double loop_markers(const struct loop *loop) {
    const struct gait_governor *governor = &loop->governor;
    int32_t procs = loop->program.cpus;
    double idle = loop_idle(loop);
    struct gait_governor_helpers helpers = gait_governor_helpers(procs, false);
    double busy = gait_governor_mark_pace(procs, false, governor->limiting, false, 0).share;
    double alone = gait_governor_mark_pace(procs, true, governor->limiting, false, 0).share;
    double markers = loop_max(busy, loop_min(idle, alone)) + helpers.dedicated;
    if (idle > markers && !governor->limiting &&
        gait_governor_wakes_helpers(governor, (uint64_t)loop->last.start))
        markers += loop_min(idle - markers, helpers.idle);
    return loop_min(markers, procs);
}

/* A step of a cycle that has so much work left, and so much credit. @return work done. */
static inline double loop_mark_step(struct loop *loop, double alloc, double left, double *credit,
                                    double *assist_ns) {
    const struct loop_program *program = &loop->program;
    struct gait_governor_orders orders = gait_governor_orders(&loop->governor);
    struct gait_governor_want want = loop_want(loop, loop_max(-*credit, 0));
    double markers = loop_markers(loop), mutators = loop_mutators(loop, markers);
    bool beyond = gait_governor_is_beyond(&orders, &want);
    double fastest = beyond ? 0 : mutators; /* CPUs for the program itself */
    double way = loop_max((double)orders.goal_bytes - loop->heap, LOOP_RUN_BYTES);
    double whole_ns = left / (program->mark * (markers + mutators));
    double ns = loop_min(whole_ns / 8, way / loop_max(mutators * alloc, 1e-9) / 4);
    ns = loop_max(ns, loop_max(whole_ns / 32, 5000));
    ns = loop_min(ns, 10e6);
    double ratio = orders.assist_work_per_byte * alloc; /* work owed per ns of a mutator's CPU */
    double paid = markers * program->mark + loop_max(*credit, 0) / ns;
    double own = fastest;
    if (!orders.limiting &&
        ratio * fastest > paid) /* own x ratio = paid + (mutators - own) x mark */
        own = loop_min(fastest, (paid + mutators * program->mark) / (ratio + program->mark));
    double assists = mutators - own;
    double done = ns * program->mark * (markers + assists);
    if (done > left && !beyond) { /* one that owes more than there is waits for the end */
        ns *= left / done;
        done = left;
    }
    *credit += done - ns * own * ratio;
    *assist_ns += assists * ns;
    loop_pass(loop, ns, own, markers + assists);
    loop_allocate(loop, own * alloc * ns);
    return loop_min(done, left);
}

/* Mark: what was reachable, and what is allocated meanwhile. */
static inline void loop_mark(struct loop *loop, double alloc) {
    const struct loop_program *program = &loop->program;
    struct loop_cycle *cycle = &loop->last;
    double scannable = 1 - program->leaf, live = loop_reachable(loop);
    double is_new = loop->heap - loop->marked, found = loop_young(loop);
    loop_see(loop);
    double dirty = loop_min(program->cards * is_new, loop->marked * scannable);
    enum gait_governor_kind kind =
        gait_governor_kind(&loop->governor, false, false, (uint64_t)dirty);
    bool minor = kind == GAIT_GOVERNOR_MINOR;
    *cycle = (struct loop_cycle){.kind = kind, .live = live, .start = loop->heap};
    double cards = minor ? dirty : 0;
    struct gait_governor_start start = {
        .clocks = loop_clocks(loop),
        .kind = kind,
        .dirty_bytes = (uint64_t)dirty,
        .live_bytes = (uint64_t)loop->heap,
        .scannable_bytes = (uint64_t)(loop->heap * scannable),
        .stack_bytes = (uint64_t)program->stack,
        .globals_bytes = (uint64_t)program->globals,
    };
    struct gait_governor_cycle told;
    gait_governor_begin(&loop->governor, &start, &told);
    loop->marking = true;
    double start_ns = loop->now_ns, mutator_ns = loop->mutator_ns, gc_ns = loop->gc_ns;
    double roots = program->stack + program->globals;
    loop_pass(loop, LOOP_PAUSE_NS + roots / program->mark, 0, 1);
    double work = loop_max((minor ? found : live) * scannable + cards, 1);
    double done = 0, credit = 0, assist_ns = 0;
    loop->base = loop_min(program->live, loop->base + found); /* as far as it joined */
    loop->survivors += loop->young_survivors;
    loop->young_survivors = 0;
    struct gait_governor_progress progress = {.live_bytes = start.live_bytes};
    while (done < work) {
        done += loop_mark_step(loop, alloc, work - done, &credit, &assist_ns);
        progress = (struct gait_governor_progress){
            .live_bytes = (uint64_t)loop->heap,
            .scannable_bytes = (uint64_t)(loop->heap * scannable),
            .heap_work_bytes = (uint64_t)done,
        };
        gait_governor_revise(&loop->governor, &progress);
    }
    double black = loop->heap - cycle->start;
    loop->base = loop_min(loop->program.live, loop->base + black);
    loop->survivors += loop->young_survivors;
    loop->young_survivors = 0;
    cycle->marked = (minor ? loop->marked + found : live) + black;
    cycle->peak = loop->heap;
    cycle->mark_ns = loop->now_ns - start_ns;
    double lag_ns = loop_share(loop) * program->lag_ns * program->threads;
    struct gait_governor_end end = {
        .clocks = loop_clocks(loop),
        .progress = progress,
        .marked_bytes = (uint64_t)cycle->marked,
        .black_bytes = (uint64_t)black,
        .kept_work_bytes = (uint64_t)cards,
        .young_seen_bytes = (uint64_t)is_new,
        .young_live_bytes = (uint64_t)loop_min(found, is_new),
        .stack_bytes = start.stack_bytes,
        .globals_bytes = start.globals_bytes,
        .fresh_bytes = (uint64_t)loop->fresh,
        .mutator_cpu_ns = (int64_t)(loop->mutator_ns - mutator_ns + lag_ns),
        .assist_cpu_ns = (int64_t)assist_ns,
        .background_cpu_ns = (int64_t)(loop->gc_ns - gc_ns - assist_ns),
    };
    gait_governor_end(&loop->governor, &end, &told);
    cycle->goal = (double)told.goal_bytes;
    cycle->floor = told.ruled_by == GAIT_GOVERNOR_BY_FLOOR;
    loop->marking = false;
}

/* Run to the end of the next cycle. */
static inline const struct loop_cycle *loop_cycle(struct loop *loop) {
    double off = 1 + loop->program.noise * (2 * loop_share(loop) - 1);
    double alloc = loop->program.alloc * off;
    loop_run(loop, alloc);
    loop->start_at = 1;
    loop_mark(loop, alloc);
    struct loop_cycle *cycle = &loop->last;
    cycle->total = loop->peak_total;
    cycle->limiting = loop->governor.limiting;
    double gc = loop->gc_ns - loop->last_gc_ns, own = loop->mutator_ns - loop->last_mutator_ns;
    cycle->gc_share = gc / loop_max(gc + own, 1);
    loop->last_gc_ns = loop->gc_ns;
    loop->last_mutator_ns = loop->mutator_ns;
    loop->peak_total = 0;

    /* of the room in spans, sweeping leaves half as holes: the other half lies in empty spans,
     * which become free pages */
    double empty = (loop->spans - cycle->marked * LOOP_FRAGMENTATION) / 2;
    loop->spans -= empty;
    loop->free += empty;
    loop->heap = loop->marked = cycle->marked;
    loop->fresh = 0;
    loop->swept = false;
    loop_see(loop);
    loop_give_back(loop,
                   (double)gait_governor_surplus(&loop->governor, (int64_t)loop->now_ns, 4096));
    loop->cycles++;
    return cycle;
}

/* What GOGC says a heap should be as a cycle ends: by what was live as it began. */
static inline double loop_ideal(const struct loop *loop) {
    double gogc = loop->governor.settings.gogc_percent / 100.0;
    double roots = loop->program.stack + loop->program.globals;
    double ideal = loop->last.live * (1 + gogc) + roots * gogc;
    return loop_max(ideal, 4 * LOOP_MIB * gogc);
}

#endif
