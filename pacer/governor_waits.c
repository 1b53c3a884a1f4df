/* SPDX-License-Identifier: MIT */
/*
 * How long mutators wait. See governor_waits.h.
 */
#include "governor_waits.h"

#include "arith.h"

#define WAITS_MS INT64_C(1000000)

/** Two ticks of the scheduler, in which a thread that was preempted has its turn. */
#define WAITS_TICKS (8 * WAITS_MS)

/** Where the program is to go on in any case. Of threads that the OS keeps off their CPUs for
 * longer than that nobody knows when they come back: a helper of idle priority beside busy
 * processes was seen to take 0.7 s. Guess. */
#define WAITS_START_IN_ALL (500 * WAITS_MS)

/** At a limit: marking of some 8 GiB by half of two CPUs. Guess. */
#define WAITS_LIMIT_IN_ALL (2000 * WAITS_MS)

/** What takes the heap far past its goal by itself waits until the cycle has come, or been paid
 * for. Guess. */
#define WAITS_FAR_BYTES (UINT64_C(8) << 20)
#define WAITS_FAR (100 * WAITS_MS)

/** A mutator that has not answered for so long does not poll, or is preempted for several ticks.
 * Guess: three ticks. */
#define WAITS_HELD_UP (12 * WAITS_MS)

/** Nobody asks why a cycle takes less. Guesses. */
#define WAITS_TELL (100 * WAITS_MS)
#define WAITS_TELL_AGAIN 10

/** A thread that has nothing to do wakes so often. */
#define WAITS_IDLE_LOOK (1000 * WAITS_MS)

/** In which a marker scans some ten times what 512 weak words lead to, as a rule. Guess. */
#define WAITS_READS INT64_C(100000)

/** Between two looks; with the OS's slack some 70 us. */
#define WAITS_NAP INT64_C(20000)

static const struct rule {
    int64_t once_ns;
    int64_t in_all_ns;
    int64_t nap_ns;
    int64_t idle_ns;
} rules[GAIT_GOVERNOR_WAITS] = {
    [GAIT_GOVERNOR_FOR_START] = {WAITS_TICKS, WAITS_START_IN_ALL, WAITS_NAP, 0},
    /* settling may take long, and the program can use fresh pages meanwhile. Guess. */
    [GAIT_GOVERNOR_FOR_START_IN_SETTLING] = {3 * WAITS_MS, WAITS_START_IN_ALL, WAITS_NAP, 0},
    /* A thread that waits is woken when there is something. If it is not for two ticks, whoever
     * holds the work is kept off its CPU, and the mutator's own CPU was free for it so long: then
     * it looks anew.
     */
    [GAIT_GOVERNOR_FOR_WORK] = {WAITS_TICKS, WAITS_START_IN_ALL, 0, 0},
    [GAIT_GOVERNOR_FOR_WORK_AT_LIMIT] = {WAITS_TICKS, WAITS_LIMIT_IN_ALL, 0, 0},
    /* settling itself is short as a rule; where it is long, the program goes on in fresh pages */
    [GAIT_GOVERNOR_FOR_DEAD] = {WAITS_TICKS, WAITS_TICKS, WAITS_NAP, 0},
    [GAIT_GOVERNOR_FOR_DEAD_AT_LIMIT] = {WAITS_LIMIT_IN_ALL, WAITS_LIMIT_IN_ALL, WAITS_NAP, 0},
    [GAIT_GOVERNOR_FOR_END] = {WAITS_LIMIT_IN_ALL, WAITS_LIMIT_IN_ALL, 0, 0},
    /* a thread that takes no job for so long is busy otherwise: a cleanup is short. Guesses. */
    [GAIT_GOVERNOR_FOR_CLEANUPS] = {100 * WAITS_MS, WAITS_LIMIT_IN_ALL, 50000, 5 * WAITS_MS},
};

struct gait_governor_patience gait_governor_patience(enum gait_governor_wait what,
                                                     const struct gait_governor_waited *waited) {
    const struct rule *rule = &rules[what];
    int64_t once_ns = rule->once_ns;
    if (what == GAIT_GOVERNOR_FOR_START && waited->want_bytes >= WAITS_FAR_BYTES)
        once_ns = WAITS_FAR;
    int64_t here_ns = arith_sub_i64(once_ns, waited->here_ns);
    int64_t left_ns = arith_min_i64(here_ns, arith_sub_i64(rule->in_all_ns, waited->in_all_ns));
    return (struct gait_governor_patience){
        .most_ns = arith_max_i64(left_ns, 0),
        .nap_ns = rule->nap_ns,
        .idle_ns = rule->idle_ns,
    };
}

enum gait_governor_wait gait_governor_for_start(bool marking, bool sweeping) {
    return marking || sweeping ? GAIT_GOVERNOR_FOR_START : GAIT_GOVERNOR_FOR_START_IN_SETTLING;
}

enum gait_governor_wait gait_governor_for_dead(bool awaited, bool passes_limit) {
    return awaited && passes_limit ? GAIT_GOVERNOR_FOR_DEAD_AT_LIMIT : GAIT_GOVERNOR_FOR_DEAD;
}

int64_t gait_governor_pays_ns(uint64_t want_bytes) {
    return want_bytes >= WAITS_FAR_BYTES ? WAITS_FAR : 0;
}

enum gait_governor_then gait_governor_after_marking(const struct gait_governor_marked *marked) {
    bool owes = marked->debt_bytes > 0;
    if (marked->at_limit && marked->beyond)
        return marked->starved ? GAIT_GOVERNOR_THEN_WAIT_AT_LIMIT : GAIT_GOVERNOR_THEN_ASK;
    if (!marked->at_limit && marked->starved && owes)
        return GAIT_GOVERNOR_THEN_WAIT;
    return owes && marked->pays_ns > 0 ? GAIT_GOVERNOR_THEN_ASK : GAIT_GOVERNOR_THEN_TAKE;
}

struct gait_governor_looks gait_governor_looks(void) {
    return (struct gait_governor_looks){
        .answer_ns = WAITS_MS,
        .held_up_ns = WAITS_HELD_UP,
        .tell_ns = WAITS_TELL,
        .tell_again = WAITS_TELL_AGAIN,
        .cycle_ns = 10 * WAITS_MS,
        .closing_ns = WAITS_TICKS,
        .reads_ns = WAITS_READS,
        .reads_nap_ns = WAITS_NAP,
        .forced_ns = 100 * WAITS_MS,
        .held_ns = WAITS_MS,
        .collector_ns = WAITS_IDLE_LOOK,
        .scavenger_ns = WAITS_IDLE_LOOK,
    };
}

int64_t gait_governor_waited_ns(int64_t since_ns, int64_t look_ns) {
    int64_t most_ns = arith_scale_i64(look_ns, 2);
    return arith_max_i64(arith_min_i64(since_ns, most_ns), 0);
}
