/* SPDX-License-Identifier: MIT */
/*
 * Who marks and sweeps, and for how long at a stretch. See governor.h.
 */
#include "arith.h"
#include "governor_parts.h"

/** One burst of marking or sweeping while CPUs are busy, and the least nap after it: a thread that
 * wakes is let in at once, one that is always runnable costs somebody a tick of the scheduler.
 * Measured on 2 CPUs with two busy mutators: bursts of 100 us keep an iteration's p99.9 at 150. */
#define WORKERS_BURST_NS INT64_C(100000)
#define WORKERS_NAP_LEAST_NS INT64_C(60000)

/** One burst where a CPU is idle. Guess. */
#define WORKERS_LONG_BURST_NS INT64_C(400000)

/** Share of an idle CPU that the collector's thread takes while limiting: beside one busy mutator a
 * little less than half of all, so that the limiter's bucket drains. */
#define WORKERS_LIMITED_SHARE 0.9

/** Fewer bytes are marked before a helper is awake. Guess. */
#define WORKERS_HELPED_BYTES (UINT64_C(4) << 20)

/** Marking is held back so often without any allocation: 0.1 s in which a program may only read.
 * Guess. */
#define WORKERS_HELD_IN_VAIN_MOST 25

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

struct gait_governor_pace gait_governor_mark_pace(int32_t procs, bool idle, bool limiting,
                                                  bool stopped) {
    struct gait_pacer_workers workers = gait_pacer_divide(procs, false, false);
    double share = workers.dedicated > 0 ? 1 : workers.fractional_share * procs;
    if (stopped)
        share = 1;
    else if (idle && share < 1)
        share = limiting ? WORKERS_LIMITED_SHARE : 1;
    return (struct gait_governor_pace){
        .share = share,
        .burst_ns = idle ? WORKERS_LONG_BURST_NS : WORKERS_BURST_NS,
        .dedicated = workers.dedicated > 0,
    };
}

struct gait_governor_pace gait_governor_sweep_pace(bool idle, bool due) {
    const double busy = (double)WORKERS_BURST_NS / (WORKERS_BURST_NS + WORKERS_NAP_LEAST_NS);
    return (struct gait_governor_pace){.share = idle || due ? 1 : busy,
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

/* ---- Holding back ---- */

void governor_hold_begin(struct gait_governor *governor, bool by_limit) {
    const struct gait_governor_start *start = &governor->start;
    uint64_t work = governor->pacer.last_heap_work_bytes;
    bool never = start->stopped || start->periodic || start->forced || by_limit || work == 0;
    governor->expected_work_bytes = never ? 0 : arith_add_u64(work, start->piece_bytes);
    governor->held_live_bytes = 0;
    governor->held_in_vain = 0;
    governor->held_back_bytes = 0;
}

int64_t gait_governor_hold_ns(struct gait_governor *governor, int64_t now_ns, uint64_t live_bytes,
                              uint64_t done_bytes, int64_t credit_bytes, int64_t nap_ns,
                              bool awaited) {
    const struct gait_governor_start *start = &governor->start;
    if (!governor->settings.parity || awaited || governor->limiting ||
        governor->held_in_vain == WORKERS_HELD_IN_VAIN_MOST)
        return 0;
    double elapsed_ns = (double)arith_sub_i64(now_ns, start->clocks.now_ns);
    struct gait_pacer_lead lead = {
        .start_bytes = start->live_bytes,
        .live_bytes = live_bytes,
        .goal_bytes = gait_pacer_target_at_limit(&governor->pacer).goal_bytes,
        .expected_bytes = governor->expected_work_bytes,
        .done_bytes = done_bytes,
        .credit_bytes = credit_bytes,
        .alloc_bytes_per_ns =
            ((double)live_bytes - (double)start->live_bytes + 1) / (elapsed_ns + 1),
    };
    int64_t wait_ns = gait_pacer_hold_ns(&lead);
    if (wait_ns > 0) {
        bool in_vain = live_bytes == governor->held_live_bytes;
        governor->held_in_vain = in_vain ? governor->held_in_vain + 1 : 0;
        governor->held_live_bytes = live_bytes;
    }
    return wait_ns > nap_ns && wait_ns >= WORKERS_BURST_NS ? wait_ns : 0;
}

void gait_governor_held_back(struct gait_governor *governor, uint64_t allocated_bytes) {
    governor->held_back_bytes = arith_add_u64(governor->held_back_bytes, allocated_bytes);
}

/* A cycle that takes idle runs back may end with less than it began with. */
double governor_held_back_share(const struct gait_governor *governor,
                                const struct gait_governor_progress *progress) {
    uint64_t live = progress->live_bytes, began = governor->start.live_bytes;
    return live > began ? (double)governor->held_back_bytes / (double)(live - began) : 0;
}
