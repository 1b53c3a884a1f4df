/* SPDX-License-Identifier: MIT */
/*
 * How many helpers mark, and when those of idle priority rest. See governor_helpers.h.
 */
#include "governor_helpers.h"

#include "arith.h"

/** A burst that lost less was interrupted by the OS itself. Another thread takes the CPU for a tick
 * of the scheduler: 1 to 4 ms. */
#define HELPERS_PREEMPTED_NS INT64_C(500000)

/** Where nothing else runs, a marker is preempted a few times a second: that is chance. Where three
 * other processes run, it happens as often as it is not avoided. So the second time within this
 * time says that CPUs are busy. Measured on 2 CPUs. */
#define HELPERS_AGAIN_NS INT64_C(200000000)

/** So many times what was lost, markers keep away: what looking anew costs is a 25th of the time at
 * most. Guess. */
#define HELPERS_REST_PER_LOST 25

/** CPUs count as busy for a second at most: other processes come and go. Guess. */
#define HELPERS_BUSY_NS_MOST INT64_C(1000000000)

/** A helper of idle priority that lost so much had the cycle wait for it. Shorter is a tick that a
 * mutator took, which it is to have. */
#define HELPERS_STRANDED_NS INT64_C(5000000)

/** The longest rest of such helpers. Beside three busy processes one is kept off its CPU for 0.7 s,
 * each time that it is let in. */
#define HELPERS_REST_NS_MOST INT64_C(10000000000)

/** A rest is so many times the last one where helpers lost more than they were given since. */
#define HELPERS_REST_GROWTH 4

static int32_t at_least_0(int32_t count) { return count > 0 ? count : 0; }

struct gait_governor_marking gait_governor_marking(const struct gait_governor_crew *crew) {
    int32_t free = at_least_0(crew->procs - 1 - crew->running);
    struct gait_governor_marking marking = {.normal = crew->dedicated};
    if (crew->stopped) {
        marking.normal = at_least_0(crew->procs - 1);
        return marking;
    }
    if (crew->limited)
        return marking;
    /* a thread that waits has its CPU free, and is served sooner; where no mutator runs, none is
     * disturbed */
    if ((crew->awaited || crew->running == 0) && free > marking.normal)
        marking.normal = free;
    if (!crew->busy || crew->running == 0)
        marking.idle = at_least_0(free - marking.normal);
    return marking;
}

bool gait_governor_has_cpu(const struct gait_governor_crew *crew, int32_t markers) {
    return crew->running + markers <= crew->procs && (crew->running == 0 || !crew->busy);
}

bool gait_governor_was_preempted(const struct gait_governor_burst *burst) {
    return burst->lost_ns > (burst->idle ? HELPERS_STRANDED_NS : HELPERS_PREEMPTED_NS);
}

static int64_t rest_for(int64_t lost_ns, int64_t most_ns) {
    return arith_min_i64(lost_ns, most_ns / HELPERS_REST_PER_LOST) * HELPERS_REST_PER_LOST;
}

/* A hypervisor, or a daemon, takes a CPU now and then: a rest of some 0.1 s. Where other processes
 * keep the CPUs busy, a helper is stranded again before it has marked for as long: then rests grow
 * until they are the longest. */
static void stranded(struct gait_governor_contention *contention,
                     const struct gait_governor_burst *burst) {
    int64_t rest_ns = rest_for(burst->lost_ns, HELPERS_REST_NS_MOST);
    if (contention->rest_ns > 0 && contention->idle_ns < burst->lost_ns) {
        int64_t longer_ns =
            arith_min_i64(contention->rest_ns, HELPERS_REST_NS_MOST) * HELPERS_REST_GROWTH;
        rest_ns = arith_min_i64(arith_max_i64(rest_ns, longer_ns), HELPERS_REST_NS_MOST);
    }
    contention->rest_ns = rest_ns;
    contention->rest_until_ns = arith_add_i64(burst->now_ns, rest_ns);
    contention->idle_ns = 0;
}

bool gait_governor_preempted(struct gait_governor_contention *contention,
                             const struct gait_governor_burst *burst) {
    if (!gait_governor_was_preempted(burst))
        return false;
    if (burst->idle) {
        stranded(contention, burst);
        return false;
    }
    int64_t since_ns = arith_sub_i64(burst->now_ns, contention->preempted_ns);
    bool again = contention->preempted_ns > 0 && since_ns - burst->lost_ns < HELPERS_AGAIN_NS;
    contention->preempted_ns = burst->now_ns;
    if (again) {
        int64_t until_ns =
            arith_add_i64(burst->now_ns, rest_for(burst->lost_ns, HELPERS_BUSY_NS_MOST));
        contention->busy_until_ns = arith_max_i64(contention->busy_until_ns, until_ns);
    }
    return !again;
}
