/* SPDX-License-Identifier: MIT */
/*
 * Which GOGC and which memory limit gave the goals of a trace. See fit_goals.h.
 *
 * GOGC's goal follows what was marked before; a limit's stays where it is while that changes, and
 * ends at what was marked; the lower one holds. So pairs of both are tried, and that is taken from
 * which most goals follow. A pair with a limit has to explain more than GOGC alone does, since
 * where as much is live all the time, goals of both kinds stay where they are.
 *
 * Goals of forced cycles and of the first ones, which follow from the least heap,
 * say nothing; nor do those behind a gap.
 */
#include "fit_goals.h"

#include "command.h"
#include "gctrace_line.h"

#include <math.h>
#include <stdlib.h>

/** GOGC is taken for a multiple of this where that explains as much: people choose such. */
#define GOGC_STEP 25.0
#define GOGC_MOST 1e6
/** Goals up to so much, times GOGC / 100, follow from the least heap. */
#define LEAST_GOAL_BYTES (8 * GCTRACE_MIB)
/** How far a goal may be from what follows from GOGC, beside what rounding to MB does; and from a
 * limit's, which moves with the holes in the heap (traces of Scheme programs: 5 %). */
#define GOGC_TOLERANCE 0.03
#define LIMIT_TOLERANCE 0.08
/** Values that are tried, of each kind, and goals that they are tried on. */
#define MOST_TRIED 48
#define MOST_GOALS 2000
/** Shares of the goals: so many more or less are chance; so much less is as much. Guesses. */
#define FEW 0.08
#define AS_MUCH 0.97
#define SAME_SPREAD 0.002
#define DEFAULT_GOGC 100
/** So many of Gait's goals may be let out while a cycle marks, on a busy machine. Seen: 12 %. */
#define LET_OUT 0.25
/** What grows while a cycle marks is in Gait's estimate of what is live, and not in ours: so far
 * off may a GOGC come out. Seen: 0.7 %. */
#define NEAR_STEP 0.02
/** Nobody sets a GOGC below this: goals so near to what was marked are a limit's. */
#define LEAST_GOGC 5.0
/** A goal no further above what was marked is pinned to it. */
#define PINNED 1.05

/** A goal, and what it followed from. */
struct goal {
    double bytes, marked_bytes;
    double base_bytes, growing_bytes; /* what GOGC is a share of, without and with roots */
    double others_bytes;              /* arenas, off-heap memory */
    double rounded_bytes;             /* how far each size may be off */
    int64_t number;
};

struct goals {
    struct goal *goals;
    size_t count;
    bool of_live; /* as collect has it */
};

/** A pair that is tried. */
struct pair {
    double gogc, limit_goal; /* FIT_GOALS_OFF; 0 */
};

/** Bytes that a cycle's start found live. */
static double live_of(const struct gctrace_cycle *cycle) {
    double black = cycle->peak_bytes - cycle->start_bytes;
    return black > 0 && black < cycle->marked_bytes ? cycle->marked_bytes - black
                                                    : cycle->marked_bytes;
}

/** What of the allocation stayed, as Gait estimates it: of older cycles half as much counts. */
struct growth {
    double grown, allocated;
};

static void see_growth(struct growth *growth, const struct gctrace_cycle *before,
                       const struct gctrace_cycle *cycle) {
    double allocated =
        before->peak_bytes - before->start_bytes + cycle->start_bytes - before->marked_bytes;
    growth->grown = growth->grown / 2 + live_of(cycle) - live_of(before);
    growth->allocated = growth->allocated / 2 + (allocated > 0 ? allocated : 0);
    growth->grown = growth->grown > 0 ? growth->grown : 0;
}

/** of_live: GOGC is a share of what was live as the cycle before began, as Gait has it; else of all
 * that it marked, as Go has it. */
static struct goals collect(const struct gctrace *trace, bool of_live) {
    struct goals goals = {.goals = command_allocate(trace->count, sizeof(*goals.goals)),
                          .of_live = of_live};
    struct growth growth = {0};
    for (size_t i = 1; i < trace->count; i++) {
        const struct gctrace_cycle *before = &trace->cycles[i - 1], *cycle = &trace->cycles[i];
        if (i > 1)
            see_growth(&growth, before - 1, before);
        if (cycle->number != before->number + 1 || cycle->forced || cycle->by_floor ||
            cycle->goal_bytes <= LEAST_GOAL_BYTES)
            continue;
        if ((before->minor || cycle->minor) && !(before->estimate_bytes > 0))
            continue; /* what it follows from, full cycles alone tell */
        double share = growth.allocated > 0 ? growth.grown / growth.allocated : 0;
        double base = before->marked_bytes;
        if (of_live && before->estimate_bytes > 0)
            base = before->estimate_bytes;
        else if (of_live)
            base = live_of(before) + (share < 1 ? share : 1) * (base - live_of(before));
        goals.goals[goals.count++] = (struct goal){
            .bytes = cycle->goal_bytes,
            .marked_bytes = before->marked_bytes,
            .base_bytes = base,
            .growing_bytes = base + before->stack_bytes + before->globals_bytes,
            .others_bytes = before->arena_bytes + before->offheap_bytes,
            .rounded_bytes = cycle->exact && before->exact ? 0 : GCTRACE_MIB / 2,
            .number = cycle->number,
        };
    }
    if (goals.count > MOST_GOALS) { /* evenly, from all of the trace */
        for (size_t i = 0; i < MOST_GOALS; i++)
            goals.goals[i] = goals.goals[i * goals.count / MOST_GOALS];
        goals.count = MOST_GOALS;
    }
    return goals;
}

/* ---- One goal ----------------------------------------------------------- */

static double goal_of_gogc(const struct goal *goal, double gogc) {
    return gogc == FIT_GOALS_OFF ? INFINITY : goal->base_bytes + goal->growing_bytes * gogc / 100;
}

static double goal_of_limit(const struct goal *goal, double limit_goal) {
    if (limit_goal == 0)
        return INFINITY;
    double left = limit_goal - goal->others_bytes;
    return left > goal->marked_bytes ? left : goal->marked_bytes;
}

/** The goal that a pair gives. */
static double goal_of_pair(const struct goal *goal, const struct pair *pair) {
    double by_gogc = goal_of_gogc(goal, pair->gogc);
    double by_limit = goal_of_limit(goal, pair->limit_goal);
    return by_gogc < by_limit ? by_gogc : by_limit;
}

static double gogc_of(const struct goal *goal) {
    double gogc = (goal->bytes - goal->base_bytes) / goal->growing_bytes * 100;
    return gogc > 0 ? gogc < GOGC_MOST ? gogc : GOGC_MOST : 0;
}

enum giver { GIVEN_BY_GOGC, GIVEN_BY_LIMIT, GIVEN_BY_NEITHER };

static enum giver giver_of(const struct goal *goal, const struct pair *pair) {
    double by_gogc = goal_of_gogc(goal, pair->gogc);
    double by_limit = goal_of_limit(goal, pair->limit_goal);
    double least = goal_of_pair(goal, pair);
    if (isinf(goal->bytes) || isinf(least))
        return isinf(goal->bytes) && isinf(least) ? GIVEN_BY_GOGC : GIVEN_BY_NEITHER;
    double slope = pair->gogc == FIT_GOALS_OFF ? 1 : 1 + pair->gogc / 100;
    double rounded = goal->rounded_bytes * (1 + slope);
    if (by_gogc <= by_limit * (1 + LIMIT_TOLERANCE) &&
        fabs(goal->bytes - by_gogc) <= GOGC_TOLERANCE * goal->bytes + rounded)
        return GIVEN_BY_GOGC;
    if (by_limit <= by_gogc * (1 + GOGC_TOLERANCE) + rounded &&
        fabs(goal->bytes - by_limit) <= LIMIT_TOLERANCE * goal->bytes + rounded)
        return GIVEN_BY_LIMIT;
    return GIVEN_BY_NEITHER;
}

/* ---- Trying ------------------------------------------------------------- */

/** How well a pair does: goals that it explains, less a little for how far they are off. */
struct outcome {
    size_t by_gogc, by_limit;
    double score;
};

static struct outcome try_pair(const struct goals *goals, const struct pair *pair) {
    struct outcome outcome = {0};
    for (size_t i = 0; i < goals->count; i++) {
        const struct goal *goal = &goals->goals[i];
        enum giver giver = giver_of(goal, pair);
        if (giver == GIVEN_BY_NEITHER)
            continue;
        double told = giver == GIVEN_BY_GOGC ? goal_of_gogc(goal, pair->gogc)
                                             : goal_of_limit(goal, pair->limit_goal);
        double off = isinf(told) ? 0 : fabs(told - goal->bytes) / goal->bytes;
        outcome.by_gogc += giver == GIVEN_BY_GOGC;
        outcome.by_limit += giver == GIVEN_BY_LIMIT;
        outcome.score += 1 - (off < 0.1 ? off : 0.1);
    }
    return outcome;
}

static int compare_doubles(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/** Sort, and leave at most MOST_TRIED values, spread over all. @return how many */
static size_t thin(double *values, size_t count) {
    qsort(values, count, sizeof(*values), compare_doubles);
    if (count <= MOST_TRIED)
        return count;
    for (size_t i = 0; i < MOST_TRIED; i++)
        values[i] = values[(2 * i + 1) * count / (2 * MOST_TRIED)];
    return MOST_TRIED;
}

/** Values of GOGC that one of the goals follows from, and off. `only`: of goals that this pair
 * does not explain; NULL: of all. */
static size_t gogcs_of(const struct goals *goals, const struct pair *only, double *gogcs) {
    size_t count = 0;
    for (size_t i = 0; i < goals->count; i++)
        if (isfinite(goals->goals[i].bytes) && goals->goals[i].growing_bytes > 0 &&
            (!only || giver_of(&goals->goals[i], only) == GIVEN_BY_NEITHER))
            gogcs[count++] = gogc_of(&goals->goals[i]);
    return thin(gogcs, count);
}

static size_t limits_of(const struct goals *goals, double *limits) {
    size_t count = 0;
    for (size_t i = 0; i < goals->count; i++)
        if (isfinite(goals->goals[i].bytes))
            limits[count++] = goals->goals[i].bytes + goals->goals[i].others_bytes;
    return thin(limits, count);
}

/** Room for as many values as there are goals, and some. */
static double *room_of(const struct goals *goals) {
    return command_allocate(goals->count + MOST_TRIED, sizeof(double));
}

static struct pair best_gogc(const struct goals *goals, const struct pair *only,
                             const struct fit_known *known) {
    struct pair best = {.gogc = FIT_GOALS_OFF};
    if (known->has_gogc) {
        best.gogc = known->gogc_percent < 0 ? FIT_GOALS_OFF : known->gogc_percent;
        return best;
    }
    double *gogcs = room_of(goals), score = try_pair(goals, &best).score;
    size_t count = gogcs_of(goals, only, gogcs);
    for (size_t i = 0; i < count; i++) {
        struct pair pair = {.gogc = gogcs[i]};
        struct outcome outcome = try_pair(goals, &pair);
        if (outcome.score > score) {
            score = outcome.score;
            best = pair;
        }
    }
    free(gogcs);
    return best;
}

/** The best pair with a limit. */
static struct pair best_pair(const struct goals *goals, const struct fit_known *known) {
    double *gogcs = room_of(goals), *limits = room_of(goals), score = -1;
    size_t gogc_count = 0, limit_count = limits_of(goals, limits);
    struct pair best = {.gogc = FIT_GOALS_OFF};
    if (known->has_gogc) {
        gogcs[gogc_count++] = known->gogc_percent < 0 ? FIT_GOALS_OFF : known->gogc_percent;
    } else {
        gogc_count = gogcs_of(goals, NULL, gogcs);
        gogcs[gogc_count++] = DEFAULT_GOGC; /* which few of the goals may follow from */
        gogcs[gogc_count++] = FIT_GOALS_OFF;
    }
    for (size_t i = gogc_count; i-- > 0;) /* off first: it is taken where nothing is better */
        for (size_t j = 0; j < limit_count; j++) {
            struct pair pair = {gogcs[i], limits[j]};
            struct outcome outcome = try_pair(goals, &pair);
            if (outcome.score > score + 0.01) {
                score = outcome.score;
                best = pair;
            }
        }
    free(gogcs);
    free(limits);
    return best;
}

/* ---- Which it was ------------------------------------------------------- */

static size_t explained(const struct goals *goals, const struct pair *pair) {
    struct outcome outcome = try_pair(goals, pair);
    return outcome.by_gogc + outcome.by_limit;
}

/** GOGC as people choose it, if that explains as much. */
static double rounded_gogc(const struct goals *goals, const struct pair *pair) {
    if (pair->gogc == FIT_GOALS_OFF)
        return pair->gogc;
    double most = (double)explained(goals, pair), below = floor(pair->gogc / GOGC_STEP) * GOGC_STEP;
    double nearer = pair->gogc - below <= GOGC_STEP / 2 ? below : below + GOGC_STEP;
    double tried[] = {nearer, below + GOGC_STEP - (nearer - below)};
    for (size_t i = 0; i < 2; i++) {
        struct pair round = {tried[i], pair->limit_goal};
        if (round.gogc > 0 && (double)explained(goals, &round) >= AS_MUCH * most)
            return round.gogc;
    }
    return floor(pair->gogc + 0.5);
}

/** Mean distance of goals from what a pair gives, beyond that of rounding, as a share of them. */
static double spread(const struct goals *goals, const struct pair *pair) {
    double sum = 0;
    size_t count = 0;
    for (size_t i = 0; i < goals->count; i++) {
        const struct goal *goal = &goals->goals[i];
        double told = goal_of_pair(goal, pair);
        if (!isfinite(told) || !isfinite(goal->bytes))
            continue;
        double slope = told < goal_of_gogc(goal, pair->gogc) ? 0 : 1 + pair->gogc / 100;
        double off = fabs(told - goal->bytes) - goal->rounded_bytes * (1 + slope);
        sum += off > 0 ? off / goal->bytes : 0;
        count++;
    }
    return count > 0 ? sum / (double)count : 0;
}

static bool is_pinned(const struct goals *goals, const struct pair *pair) {
    size_t pinned = 0, free_of_it = 0;
    for (size_t i = 0; i < goals->count; i++) {
        const struct goal *goal = &goals->goals[i];
        if (giver_of(goal, pair) != GIVEN_BY_LIMIT)
            continue;
        bool is = goal->bytes <= goal->marked_bytes * PINNED + 2 * goal->rounded_bytes;
        pinned += is;
        free_of_it += !is;
    }
    return pinned > 0 && free_of_it == 0;
}

/** Is another GOGC behind the goals that the first does not explain? */
static void look_for_other(const struct goals *goals, const struct pair *first,
                           struct fit_goals *found) {
    struct pair other = best_gogc(goals, first, &(struct fit_known){0});
    size_t count = 0;
    if (other.gogc == FIT_GOALS_OFF)
        return;
    for (size_t i = 0; i < goals->count; i++) {
        const struct goal *goal = &goals->goals[i];
        if (giver_of(goal, first) != GIVEN_BY_NEITHER || giver_of(goal, &other) != GIVEN_BY_GOGC)
            continue;
        if (count++ == 0)
            found->other_first = goal->number;
        found->other_last = goal->number;
    }
    if ((double)count > FEW * (double)goals->count && count > 2)
        found->other_gogc = rounded_gogc(goals, &other);
}

/** The best pair with a limit. GOGC is what gave some of the goals; if none, it is the default
 * where goals allow that, and else off. */
static struct pair with_limit(const struct goals *goals, const struct fit_known *known) {
    struct pair pair = best_pair(goals, known);
    struct pair off = {FIT_GOALS_OFF, pair.limit_goal}, usual = {DEFAULT_GOGC, pair.limit_goal};
    if (known->has_gogc)
        return pair;
    double few = FEW * (double)goals->count, by_off = (double)explained(goals, &off);
    if (by_off >= (double)explained(goals, &pair) - (few > 2 ? few : 2))
        return (double)explained(goals, &usual) >= AS_MUCH * by_off ? usual : off;
    pair.gogc = rounded_gogc(goals, &pair);
    return pair;
}

/** The pair that the goals follow from. */
static struct pair choose(const struct goals *goals, const struct fit_known *known,
                          bool *may_be_limit) {
    struct pair alone = best_gogc(goals, NULL, known), both;
    if (!known->has_gogc)
        alone.gogc = rounded_gogc(goals, &alone);
    double step = round(alone.gogc / GOGC_STEP) * GOGC_STEP;
    if (goals->of_live && !known->has_gogc && fabs(alone.gogc - step) < NEAR_STEP * step)
        alone.gogc = step;
    if (known->has_limit && known->limit_bytes == INT64_MAX)
        return alone;
    double few = FEW * (double)goals->count, by_alone = (double)explained(goals, &alone);
    if (!known->has_gogc && alone.gogc != FIT_GOALS_OFF && alone.gogc < LEAST_GOGC &&
        by_alone >= (double)goals->count - few)
        return (struct pair){FIT_GOALS_OFF, 1}; /* wherever below what was marked */
    both = with_limit(goals, known);
    double by_both = (double)explained(goals, &both);
    if (both.limit_goal == 0 || (double)try_pair(goals, &both).by_limit <= few)
        return alone;
    /* a cycle that found more than was expected let its goal out, which a constant explains */
    double let_out = goals->of_live ? LET_OUT * (double)goals->count : few;
    if (by_both - by_alone > let_out && by_both - by_alone > 2)
        return both;
    if (by_alone - by_both > few)
        return alone;
    /* Both explain as much. Nobody sets GOGC to 43; else a limit has to be nearer by far. Goals
     * that follow what is live stay as long as that does, as a limit's would: there nearness says
     * nothing. */
    bool is_odd = !known->has_gogc && fmod(alone.gogc, GOGC_STEP) != 0;
    double off = spread(goals, &alone), limit_off = spread(goals, &both);
    if (is_odd ? limit_off <= off + SAME_SPREAD
               : !goals->of_live && off > 2 * limit_off + SAME_SPREAD)
        return both;
    *may_be_limit =
        !known->has_gogc && alone.gogc != DEFAULT_GOGC && limit_off <= off + SAME_SPREAD;
    return alone;
}

static struct fit_goals goals_by(const struct gctrace *trace, const struct fit_known *known,
                                 bool of_live) {
    struct goals goals = collect(trace, of_live);
    struct fit_goals found = {
        .known = *known, .gogc = DEFAULT_GOGC, .count = goals.count, .parity = !of_live};
    if (known->has_gogc)
        found.gogc = known->gogc_percent < 0 ? FIT_GOALS_OFF : known->gogc_percent;
    if (goals.count > 0) {
        struct pair chosen = choose(&goals, known, &found.may_be_limit);
        struct outcome outcome = try_pair(&goals, &chosen);
        found.gogc = chosen.gogc;
        found.limit_goal = chosen.limit_goal;
        found.by_gogc = outcome.by_gogc;
        found.by_limit = outcome.by_limit;
        found.unexplained = goals.count - outcome.by_gogc - outcome.by_limit;
        found.is_pinned = chosen.limit_goal > 0 && is_pinned(&goals, &chosen);
        look_for_other(&goals, &chosen, &found);
    }
    free(goals.goals);
    return found;
}

/* Does each cycle tell what the next goal follows from? */
static bool is_told(const struct gctrace *trace) {
    for (size_t i = 0; i < trace->count; i++)
        if (!(trace->cycles[i].estimate_bytes > 0))
            return false;
    return trace->count > 0;
}

/* Is that all that was marked, by Go's rules? */
static bool is_parity(const struct gctrace *trace) {
    for (size_t i = 0; i < trace->count; i++)
        if (trace->cycles[i].estimate_bytes < trace->cycles[i].marked_bytes)
            return false;
    return true;
}

/* Goals follow from what was marked (Go) or from what was live (Gait). Where both explain as many,
 * the one that needs no limit for it is right, and then exact sizes show that it is Gait's trace.
 * Where the trace tells what goals follow from, there is nothing to choose. */
struct fit_goals fit_goals(const struct gctrace *trace, const struct fit_known *known) {
    struct fit_goals of_marked = goals_by(trace, known, false);
    struct fit_goals of_live = goals_by(trace, known, true);
    if (is_told(trace)) {
        of_live.parity = is_parity(trace);
        return of_live;
    }
    double marked = (double)of_marked.unexplained, live = (double)of_live.unexplained;
    bool is_exact = trace->count > 0 && trace->cycles[trace->count - 1].exact;
    double few = (is_exact ? LET_OUT : FEW) * (double)of_marked.count;
    if (fabs(live - marked) <= few && (of_live.limit_goal > 0) != (of_marked.limit_goal > 0))
        return of_live.limit_goal > 0 ? of_marked : of_live;
    return (is_exact ? live <= marked + few : live + few < marked) ? of_live : of_marked;
}
