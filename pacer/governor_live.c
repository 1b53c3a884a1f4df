/* SPDX-License-Identifier: MIT */
/*
 * What a heap's cycles teach: what is live, how fast the program allocates, how fast marking is,
 * and what a cycle costs. All by CPU time: what other processes take is in none of it.
 *
 * What is allocated while marking runs is born marked. What is marked less that is what was live
 * as marking began, to the byte: the barrier keeps all that could be reached then.
 *
 * Rates are quotients of sums, in which older cycles count less: a short cycle, whose clocks are
 * coarse, moves them little, and one early or late cycle does no harm.
 *
 * Invariant: every sum is finite and at least 0.
 */
#include "arith.h"
#include "governor_parts.h"

/** How much of the older cycles' sums is kept. Of what a thread's clock measures, half. Guess. */
#define LIVE_KEEP 0.5

/** Of what the whole cycle costs, more: a floor that follows one slow cycle is memory. Guess. */
#define LIVE_KEEP_COST 0.75

/** The process's clock has not yet what other CPUs' threads ran since their last tick, of 1 to 4
 * ms: periods are summed up until they are some ten times as long. */
#define LIVE_PERIOD_NS 40e6

void governor_sum_up(struct gait_governor_rate *rate, double keep, double amount, double per) {
    rate->amount = rate->amount * keep + (amount > 0 ? amount : 0);
    rate->per = rate->per * keep + (per > 0 ? per : 0);
}

double governor_rate(const struct gait_governor_rate *rate) {
    return rate->per > 0 ? rate->amount / rate->per : 0;
}

/* What a period has not yet shown counts as time without allocation: a heap that begins with one
 * array of 64 MiB had a second cycle at 500. */
double governor_steady_allocation(const struct gait_governor *governor) {
    const struct gait_governor_rate *rate = &governor->learnt.allocation;
    return rate->per < LIVE_PERIOD_NS && rate->per > 0 ? rate->amount / LIVE_PERIOD_NS
                                                       : governor_rate(rate);
}

static double work_of(const struct gait_pacer_work *work) {
    return (double)work->heap_bytes + (double)work->stack_bytes + (double)work->globals_bytes;
}

/* How much more there was than before. */
static double more(uint64_t now_bytes, uint64_t before_bytes) {
    return (double)now_bytes - (double)before_bytes;
}

double governor_growth_share(const struct gait_governor *governor) {
    double share = governor_rate(&governor->learnt.growth);
    return share < 1 ? share : 1;
}

uint64_t governor_live_bytes(const struct gait_governor *governor) {
    const struct gait_governor_learnt *learnt = &governor->learnt;
    double black = (double)learnt->black_bytes;
    return learnt->base_bytes + arith_to_u64(governor_growth_share(governor) * black);
}

/* The growth between the starts of the last two cycles: of what was allocated, what stayed. */
static void learn_growth(struct gait_governor_learnt *learnt, uint64_t base_bytes,
                         double allocated) {
    double grown = more(base_bytes, learnt->base_bytes);
    struct gait_governor_rate *growth = &learnt->growth;
    growth->amount = growth->amount * LIVE_KEEP + grown;
    growth->per = growth->per * LIVE_KEEP + allocated;
    if (!(growth->amount > 0))
        growth->amount = 0; /* what died is in base_bytes: it foretells no more deaths */
    if (growth->amount > growth->per)
        growth->amount = growth->per;
}

/* What a full cycle found. allocated: since the last full one ended. */
static void learn_live(struct gait_governor_learnt *learnt, const struct gait_governor_end *end,
                       double allocated, double during) {
    learnt->black_bytes = arith_min_u64(end->black_bytes, end->marked_bytes);
    uint64_t base_bytes = end->marked_bytes - learnt->black_bytes;
    learn_growth(learnt, base_bytes, learnt->during_bytes + allocated);
    learnt->base_bytes = base_bytes;
    learnt->marked_bytes = end->marked_bytes;
    learnt->during_bytes = during;
    learnt->since_bytes = 0;
}

/* What it cost. before: allocated since the last cycle. */
static void learn_cost(struct gait_governor *governor, const struct gait_governor_end *end,
                       double before, double gc_ns) {
    const struct gait_governor_start *start = &governor->start;
    struct gait_governor_lesson *lesson = &governor->learnt.of[start->kind];
    double work = work_of(&governor->pacer.work);
    double background_ns = (double)end->background_cpu_ns;
    double mark_ns = background_ns + (double)end->assist_cpu_ns;
    governor_sum_up(&lesson->marking, LIVE_KEEP, mark_ns, work);
    governor_sum_up(&lesson->collection, LIVE_KEEP_COST, gc_ns, work);
    lesson->work_bytes = work;
    lesson->heap_work_bytes = (double)governor->pacer.work.heap_bytes;
    governor_sum_up(&lesson->young, LIVE_KEEP, lesson->heap_work_bytes, before);
    /* where mutators are stopped, or sleep, background marking has all there is */
    if (!start->stopped && !start->forced && !start->periodic) {
        double busy_ns = (double)end->mutator_cpu_ns + mark_ns;
        double keep = LIVE_PERIOD_NS / (LIVE_PERIOD_NS + (busy_ns > 0 ? busy_ns : 0));
        governor_sum_up(&lesson->background, keep, background_ns, busy_ns);
        governor_sum_up(&governor->learnt.delay, LIVE_KEEP, governor->learnt.delay_bytes, 1);
    }
    lesson->cycles++;
}

void governor_forget(struct gait_governor_learnt *learnt, uint64_t gone_bytes) {
    uint64_t of_base = arith_min_u64(gone_bytes, learnt->base_bytes);
    learnt->base_bytes -= of_base;
    learnt->black_bytes -= arith_min_u64(gone_bytes - of_base, learnt->black_bytes);
    learnt->marked_bytes -= arith_min_u64(gone_bytes, learnt->marked_bytes);
}

void governor_learn(struct gait_governor *governor, const struct gait_governor_end *end,
                    uint64_t marked_before_bytes) {
    struct gait_governor_learnt *learnt = &governor->learnt;
    const struct gait_governor_start *start = &governor->start;
    double before = more(start->live_bytes, marked_before_bytes);
    double during = more(end->progress.live_bytes, start->live_bytes);
    before = before > 0 ? before : 0;
    during = during > 0 ? during : 0;

    learnt->since_bytes += before;
    if (start->kind == GAIT_GOVERNOR_FULL)
        learn_live(learnt, end, learnt->since_bytes, during);
    else
        learnt->since_bytes += during;

    const struct gait_governor_clocks *ended = &learnt->ended;
    double gc_ns = (double)arith_sub_i64(end->clocks.gc_cpu_ns, ended->gc_cpu_ns);
    double mutator_ns =
        (double)arith_sub_i64(end->clocks.process_cpu_ns, ended->process_cpu_ns) - gc_ns;
    double keep = LIVE_PERIOD_NS / (LIVE_PERIOD_NS + (mutator_ns > 0 ? mutator_ns : 0));
    governor_sum_up(&learnt->allocation, keep, before + during, mutator_ns);
    learnt->ended = end->clocks;
    learn_cost(governor, end, before, gc_ns);
    learnt->cycles++;
}
