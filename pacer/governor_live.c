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

static void sum_up(struct gait_governor_rate *rate, double keep, double amount, double per) {
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
    double black = more(governor->pacer.marked_bytes, learnt->base_bytes);
    return learnt->base_bytes +
           arith_to_u64(governor_growth_share(governor) * (black > 0 ? black : 0));
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

void governor_learn(struct gait_governor *governor, const struct gait_governor_end *end,
                    uint64_t marked_before_bytes) {
    struct gait_governor_learnt *learnt = &governor->learnt;
    const struct gait_governor_start *start = &governor->start;
    double before = more(start->live_bytes, marked_before_bytes);
    double during = more(end->progress.live_bytes, start->live_bytes);
    before = before > 0 ? before : 0;
    during = during > 0 ? during : 0;

    uint64_t black = arith_min_u64(end->black_bytes, end->marked_bytes);
    uint64_t base_bytes = end->marked_bytes - black;
    learn_growth(learnt, base_bytes, learnt->during_bytes + before);
    learnt->base_bytes = base_bytes;
    learnt->during_bytes = during;

    const struct gait_governor_clocks *ended = &learnt->ended;
    double gc_ns = (double)arith_sub_i64(end->clocks.gc_cpu_ns, ended->gc_cpu_ns);
    double mutator_ns =
        (double)arith_sub_i64(end->clocks.process_cpu_ns, ended->process_cpu_ns) - gc_ns;
    double keep = LIVE_PERIOD_NS / (LIVE_PERIOD_NS + (mutator_ns > 0 ? mutator_ns : 0));
    sum_up(&learnt->allocation, keep, before + during, mutator_ns);
    learnt->ended = end->clocks;

    double work = work_of(&governor->pacer.work);
    double background_ns = (double)end->background_cpu_ns;
    double mark_ns = background_ns + (double)end->assist_cpu_ns;
    sum_up(&learnt->marking, LIVE_KEEP, mark_ns, work);
    sum_up(&learnt->collection, LIVE_KEEP_COST, gc_ns, work);
    learnt->work_bytes = work;
    /* where mutators are stopped, or sleep, background marking has all there is */
    if (!start->stopped && !start->forced && !start->periodic) {
        double busy_ns = (double)end->mutator_cpu_ns + mark_ns;
        keep = LIVE_PERIOD_NS / (LIVE_PERIOD_NS + (busy_ns > 0 ? busy_ns : 0));
        sum_up(&learnt->background, keep, background_ns, busy_ns);
        sum_up(&learnt->delay, LIVE_KEEP, learnt->delay_bytes, 1);
    }
    learnt->cycles++;
}
