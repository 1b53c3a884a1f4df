/* SPDX-License-Identifier: MIT */
/*
 * Background markers: a quarter of the CPUs, as whole workers where that comes
 * close, with a share of every other CPU's time where it does not.
 *
 * Invariant: dedicated + idle_max <= procs, except for a periodic cycle without a
 * dedicated worker, which needs one idle helper to make progress.
 */
#include "arith.h"
#include "policy.h"

/** Rounding error that dedicated workers alone may leave. */
#define WORKERS_MAX_ERROR 0.3

/** Slack that keeps a fractional worker from being due again at once. */
#define WORKERS_SLACK 1.2

struct gait_pacer_workers gait_pacer_divide(int32_t procs, bool periodic, bool stop_the_world) {
    struct gait_pacer_workers workers = {0};
    procs = procs < 1 ? 1 : procs;
    if (stop_the_world) {
        workers.dedicated = procs;
        return workers;
    }

    double wanted = (double)procs * POLICY_BACKGROUND_SHARE;
    workers.dedicated = (int32_t)(wanted + 0.5);
    double error = (double)workers.dedicated / wanted - 1;
    if (error < -WORKERS_MAX_ERROR || error > WORKERS_MAX_ERROR) {
        if ((double)workers.dedicated > wanted)
            workers.dedicated--;
        workers.fractional_share = (wanted - (double)workers.dedicated) / (double)procs;
    }

    /* A system that only waits gets no helpers, but someone must mark. */
    if (periodic)
        workers.idle_max = workers.dedicated > 0 ? 0 : 1;
    else
        workers.idle_max = procs - workers.dedicated;
    return workers;
}

bool gait_pacer_fractional_due(const struct gait_pacer *pacer, int64_t now_ns, int64_t spent_ns) {
    if (pacer->workers.fractional_share == 0)
        return false;
    int64_t elapsed_ns = arith_sub_i64(now_ns, pacer->mark_start_ns);
    return elapsed_ns <= 0 ||
           (double)spent_ns / (double)elapsed_ns <= pacer->workers.fractional_share;
}

bool gait_pacer_fractional_done(const struct gait_pacer *pacer, int64_t now_ns, int64_t spent_ns) {
    int64_t elapsed_ns = arith_sub_i64(now_ns, pacer->mark_start_ns);
    return elapsed_ns <= 0 ||
           (double)spent_ns / (double)elapsed_ns > WORKERS_SLACK * pacer->workers.fractional_share;
}
