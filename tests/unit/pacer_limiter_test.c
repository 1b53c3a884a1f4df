/* SPDX-License-Identifier: MIT */
/*
 * The CPU limiter: both ways to feed it, its edges, and that it holds
 * collection to one half. Agreement with Go is in tests/sim/.
 */
#include "gait/pacer.h"

#include <criterion/criterion.h>
#include <inttypes.h>

#define MS INT64_C(1000000)
#define SECOND (1000 * MS)

static void check_invariants(const struct gait_limiter *limiter) {
    cr_expect(limiter->fill_ns <= limiter->capacity_ns);
    cr_expect(!limiter->limiting || limiter->fill_ns == limiter->capacity_ns);
}

Test(limiter, starts_empty) {
    for (int32_t procs = -1; procs <= 64; procs++) {
        struct gait_limiter limiter;
        gait_limiter_init(&limiter, 123, procs);
        uint64_t cpus = procs < 1 ? 1 : (uint64_t)procs;
        cr_expect(limiter.capacity_ns == cpus * 1000000000);
        cr_expect(limiter.fill_ns == 0 && !limiter.limiting && limiter.last_update_ns == 123);
    }
}

Test(limiter, by_capacity_marking_at_a_quarter_never_limits) {
    struct gait_limiter limiter;
    gait_limiter_init(&limiter, 0, 4);
    gait_limiter_start_transition(&limiter, true, 10 * MS);
    gait_limiter_finish_transition(&limiter, 11 * MS);
    cr_expect(limiter.fill_ns == 4 * (uint64_t)MS, "a pause is the collector's on all CPUs");
    for (int64_t now = 21 * MS; now < 10 * SECOND; now += 10 * MS) {
        gait_limiter_update(&limiter, now);
        cr_expect(!limiter.limiting);
    }
    cr_expect(limiter.fill_ns == 0);
}

Test(limiter, by_capacity_assists_fill_it) {
    struct gait_limiter limiter;
    gait_limiter_init(&limiter, 0, 2);
    gait_limiter_start_transition(&limiter, true, 0);
    gait_limiter_finish_transition(&limiter, 0);
    int64_t now = 0;
    while (!limiter.limiting && now < 100 * SECOND) {
        now += 10 * MS;
        gait_limiter_add_gc(&limiter, 15 * MS); /* of 20 CPU-ms: all but the quarter */
        gait_limiter_update(&limiter, now);
        check_invariants(&limiter);
    }
    cr_expect(now == SECOND, "2 CPU-s at 2 CPU-s per second: full at %" PRId64, now);
    gait_limiter_update(&limiter, now + MS); /* none any more: drains */
    cr_expect(!limiter.limiting && limiter.fill_ns == limiter.capacity_ns - (uint64_t)MS);
}

Test(limiter, idle_time_is_no_mutator_time) {
    struct gait_limiter limiter;
    gait_limiter_init(&limiter, 0, 4);
    gait_limiter_add_gc(&limiter, 20 * MS);
    gait_limiter_add_idle(&limiter, 20 * MS);
    gait_limiter_update(&limiter, 10 * MS); /* 40 CPU-ms: 20 idle, 20 marking, none left */
    cr_expect(limiter.fill_ns == 20 * (uint64_t)MS, "%" PRIu64, limiter.fill_ns);
    cr_expect(limiter.gc_pool_ns == 0 && limiter.idle_pool_ns == 0);
}

Test(limiter, by_measurement_counts_what_was_used) {
    struct gait_limiter limiter;
    gait_limiter_init(&limiter, 0, 2);
    /* one busy thread on two CPUs; the collector takes 80 % of what is used */
    gait_limiter_update_measured(&limiter, 100 * MS, 20 * MS, 80 * MS);
    cr_expect(limiter.fill_ns == 60 * (uint64_t)MS);
    gait_limiter_add_gc(&limiter, 5 * MS);
    gait_limiter_update_measured(&limiter, 200 * MS, 30 * MS, 25 * MS);
    cr_expect(limiter.fill_ns == 60 * (uint64_t)MS, "half and half changes nothing");
    cr_expect(!gait_limiter_need_update(&limiter, 210 * MS));
    cr_expect(gait_limiter_need_update(&limiter, 210 * MS + 1));
    gait_limiter_update_measured(&limiter, 300 * MS, -5, -7);
    cr_expect(limiter.fill_ns == 60 * (uint64_t)MS, "negative time is none");
    gait_limiter_update_measured(&limiter, 400 * MS, SECOND, 0);
    cr_expect(limiter.fill_ns == 0);
}

Test(limiter, by_measurement_holds_one_half) {
    /* A collector that would take all it gets: 90 % of the CPU unless limited, 10 % then. */
    struct gait_limiter limiter;
    gait_limiter_init(&limiter, 0, 2);
    int64_t gc_ns = 0, total_ns = 0;
    for (int64_t now = 10 * MS; now <= 60 * SECOND; now += 10 * MS) {
        int64_t gc = limiter.limiting ? 2 * MS : 18 * MS;
        gait_limiter_update_measured(&limiter, now, 20 * MS - gc, gc);
        check_invariants(&limiter);
        gc_ns += gc;
        total_ns += 20 * MS;
    }
    double share = (double)gc_ns / (double)total_ns;
    cr_expect(share > 0.49 && share < 0.53, "%g", share);
}

Test(limiter, fewer_cpus_shrink_the_bucket) {
    struct gait_limiter limiter;
    gait_limiter_init(&limiter, 0, 4);
    gait_limiter_update_measured(&limiter, 0, 0, 3 * SECOND);
    gait_limiter_reset_capacity(&limiter, 0, 2);
    cr_expect(limiter.limiting && limiter.fill_ns == 2 * (uint64_t)SECOND);
    gait_limiter_reset_capacity(&limiter, 0, 8);
    cr_expect(!limiter.limiting && limiter.fill_ns == 2 * (uint64_t)SECOND);
    check_invariants(&limiter);
}

Test(limiter, full_after_a_reset_is_not_limiting_until_it_drains) {
    /* As in Go: only filling up starts to limit, and a full bucket can't fill up. */
    struct gait_limiter limiter;
    gait_limiter_init(&limiter, 0, 3);
    gait_limiter_update_measured(&limiter, 0, 0, 2 * SECOND);
    gait_limiter_reset_capacity(&limiter, 0, 2);
    cr_expect(limiter.fill_ns == limiter.capacity_ns && !limiter.limiting);
    gait_limiter_update_measured(&limiter, 0, 0, MS);
    cr_expect(!limiter.limiting && limiter.overflow_ns == (uint64_t)MS);
    gait_limiter_update_measured(&limiter, 0, 1, 0);
    gait_limiter_update_measured(&limiter, 0, 0, 1);
    cr_expect(limiter.limiting);
}

Test(limiter, absurd_times_stay_within_the_bucket) {
    static const int64_t edges[] = {INT64_MIN, -1, 0, 1, SECOND, INT64_MAX};
    const size_t count = sizeof(edges) / sizeof(*edges);
    for (size_t i = 0; i < count * count * count; i++) {
        struct gait_limiter limiter;
        gait_limiter_init(&limiter, edges[i % count], INT32_MAX);
        gait_limiter_add_gc(&limiter, edges[i / count % count]);
        gait_limiter_add_idle(&limiter, edges[i / count / count]);
        gait_limiter_update(&limiter, edges[i / count % count]);
        check_invariants(&limiter);
        gait_limiter_update_measured(&limiter, edges[i / count / count], edges[i % count],
                                     edges[i / count % count]);
        check_invariants(&limiter);
        gait_limiter_start_transition(&limiter, true, edges[i / count / count]);
        gait_limiter_finish_transition(&limiter, edges[i % count]);
        check_invariants(&limiter);
        (void)gait_limiter_need_update(&limiter, edges[i / count % count]);
    }
}
