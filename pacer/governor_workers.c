/* SPDX-License-Identifier: MIT */
/*
 * Who marks and sweeps, and for how long at a stretch. See governor.h.
 */
#include "arith.h"
#include "governor_parts.h"

/** One burst of marking or sweeping, and the least nap after it while CPUs are busy: a thread that
 * wakes is let in at once, one that is always runnable costs somebody a tick of the scheduler.
 *
 * Each burst keeps one mutator off its CPU for as long. A cycle has some 200 of them, at 1 ns per
 * byte of work: fewer would end a short cycle late, by a nap. Many that are short keep more than
 * one in a thousand of a program's requests waiting. Measured on 2 CPUs with two busy mutators, 1
 * GiB live, 300,000 iterations a second, p99.9 and p99.99 of one in us: bursts of 25 us have 76
 * and 209, 100: 145 and 205, 300: 340 and 385, 500: 70 and 575, 1000: 48 and 1064. */
#define WORKERS_BURST_NS INT64_C(100000)
#define WORKERS_BURST_MOST_NS INT64_C(500000)
#define WORKERS_BURST_WORK_PER_NS 200
#define WORKERS_NAP_LEAST_NS INT64_C(60000)

/** A turn of a mutator's: so much is scanned, some 12 us, and one comes every so many bytes that it
 * allocates at the most. Measured as the bursts above, sweeping in short bursts, medians of five:
 * with 4 KiB p99.9 is 91 us, with 8 KiB 79, with 16 KiB 78; p99 40, 36 and 36. */
#define WORKERS_TURN_BYTES UINT64_C(8192)
#define WORKERS_TURN_LOOK_BYTES UINT64_C(4096)

/** A turn is timed by the clock, since asking for CPU time twice would be a tenth of it. One that
 * took longer than this, 8 ns a byte, was preempted. */
#define WORKERS_TURN_MOST_NS INT64_C(65536)

/** A mutator that did not allocate for a while is behind with its turns by so much at most, and
 * makes up for that turn by turn. Guess. */
#define WORKERS_TURN_BEHIND_NS INT64_C(200000)

/** The collector's thread marks unless turns come to this part of its share: to one half where one
 * of two CPUs has a thread that does not allocate. What they lack, assists do. Guess. */
#define WORKERS_TURNS_LEAST 0.35

/** Share of a CPU that sweeping takes while CPUs are busy. Guess. */
#define WORKERS_SWEEP_SHARE 0.625

/** Share of an idle CPU that the collector's thread takes while limiting: beside one busy mutator a
 * little less than half of all, so that the limiter's bucket drains. */
#define WORKERS_LIMITED_SHARE 0.9

/** Bytes scanned between two looks at the clock: some 20 us. As often, assists hear of the work
 * that was done. */
#define WORKERS_LOOK_BYTES UINT64_C(16384)

/** A marker that finds no work looks so often, some 2 us: work in others' hands is shared within a
 * batch, if whoever has it runs. Then it naps; with the OS's slack some 70 us. */
#define WORKERS_HUNGRY_LOOKS 100
#define WORKERS_HUNGRY_NAP_NS INT64_C(20000)

/** How long a helper naps while no CPU is free for it: a tick of the scheduler. */
#define WORKERS_BUSY_NAP_NS INT64_C(4000000)

/** After so long without work, while others hold some, the collector has mutators give way for a
 * burst: a helper of idle priority got work while a CPU was free, and now none is. Naps are some
 * 70 us, so this is no chance; and it is less than the tick for which such a helper would wait.
 * Guess. */
#define WORKERS_STARVED_NS INT64_C(1000000)

/** Fewer bytes are marked before a helper is awake. Guess. */
#define WORKERS_HELPED_BYTES (UINT64_C(4) << 20)

struct gait_governor_helpers gait_governor_helpers(int32_t procs, bool stopped) {
    int32_t dedicated = gait_pacer_divide(procs, false, stopped).dedicated;
    int32_t own = dedicated > 1 ? dedicated : 1; /* with the collector's thread, the first */
    return (struct gait_governor_helpers){
        .dedicated = own - 1,
        .idle = procs > own ? procs - own : 0,
    };
}

bool gait_governor_wakes_helpers(const struct gait_governor *governor, uint64_t bytes) {
    uint64_t least = governor->settings.helped_bytes;
    return bytes >= (least > 0 ? least : WORKERS_HELPED_BYTES);
}

static int64_t burst_ns(bool idle, uint64_t work_bytes) {
    int64_t ns = arith_i64_of_u64(work_bytes / WORKERS_BURST_WORK_PER_NS);
    return idle || ns > WORKERS_BURST_MOST_NS ? WORKERS_BURST_MOST_NS
                                              : arith_max_i64(ns, WORKERS_BURST_NS);
}

struct gait_governor_pace gait_governor_mark_pace(int32_t procs, bool idle, bool limiting,
                                                  bool stopped, uint64_t work_bytes) {
    struct gait_pacer_workers workers = gait_pacer_divide(procs, false, false);
    double share = workers.dedicated > 0 ? 1 : workers.fractional_share * procs;
    if (stopped)
        share = 1;
    else if (idle && share < 1)
        share = limiting ? WORKERS_LIMITED_SHARE : 1;
    return (struct gait_governor_pace){
        .share = share,
        .burst_ns = burst_ns(idle, work_bytes),
        .dedicated = workers.dedicated > 0,
    };
}

struct gait_governor_turns gait_governor_turns(void) {
    return (struct gait_governor_turns){.piece_bytes = WORKERS_TURN_BYTES,
                                        .look_bytes = WORKERS_TURN_LOOK_BYTES};
}

double gait_governor_turn_share(const struct gait_governor_orders *orders,
                                const struct gait_governor_pace *pace, int32_t procs) {
    if (pace->share >= 1 || orders->limiting || orders->assists_off)
        return 0;
    return pace->share / (procs > 1 ? procs : 1);
}

int64_t gait_governor_turn_ns(int64_t elapsed_ns) {
    return arith_max_i64(arith_min_i64(elapsed_ns, WORKERS_TURN_MOST_NS), 0);
}

int64_t gait_governor_turn_due_ns(double share, int64_t due_ns, int64_t now_ns, int64_t turn_ns) {
    int64_t from_ns = arith_max_i64(due_ns, arith_sub_i64(now_ns, WORKERS_TURN_BEHIND_NS));
    return share > 0 ? arith_add_i64(from_ns, arith_to_i64((double)turn_ns / share)) : from_ns;
}

bool gait_governor_turns_suffice(const struct gait_governor_pace *pace, int64_t elapsed_ns,
                                 int64_t turns_ns) {
    return (double)turns_ns >= (double)elapsed_ns * pace->share * WORKERS_TURNS_LEAST;
}

struct gait_governor_rhythm gait_governor_rhythm(void) {
    return (struct gait_governor_rhythm){
        .burst_ns = WORKERS_BURST_NS,
        .look_bytes = WORKERS_LOOK_BYTES,
        .hungry_looks = WORKERS_HUNGRY_LOOKS,
        .hungry_nap_ns = WORKERS_HUNGRY_NAP_NS,
        .busy_nap_ns = WORKERS_BUSY_NAP_NS,
        .starved_ns = WORKERS_STARVED_NS,
    };
}

struct gait_governor_pace gait_governor_sweep_pace(bool idle, bool due) {
    return (struct gait_governor_pace){.share = idle || due ? 1 : WORKERS_SWEEP_SHARE,
                                       .burst_ns = WORKERS_BURST_NS};
}

int64_t gait_governor_nap_ns(const struct gait_governor_pace *pace, int64_t spent_ns) {
    if (pace->share >= 1)
        return 0;
    int64_t nap_ns = arith_to_i64((double)spent_ns * (1 / pace->share - 1));
    return arith_max_i64(nap_ns, WORKERS_NAP_LEAST_NS);
}

int64_t gait_governor_scavenge_nap_ns(int32_t procs, int64_t spent_ns) {
    return gait_pacer_scavenge_sleep_ns(spent_ns, procs);
}
