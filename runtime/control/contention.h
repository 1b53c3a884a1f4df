/* SPDX-License-Identifier: MIT */
/*
 * Who else wants the CPUs: what markers measure in each burst, for the governor's rules of helpers.
 */
#ifndef GAIT_CONTENTION_H
#define GAIT_CONTENTION_H

#include "../../pacer/governor_helpers.h"
#include "../platform/atomic.h"

/* As struct gait_governor_contention. Markers write these and read them unordered, helpers of idle
 * priority without a lock: a value that is lost or old makes one burst more, or one less. */
struct contention {
    AO_t preempted_ns;
    AO_t busy_until_ns;
    AO_t rest_ns;
    AO_t rest_until_ns;
    AO_t idle_ns;
};

/** A burst has ended. @return whether it was preempted, and that was an exception: the time says
 * nothing of how fast marking is. */
bool contention_note(struct contention *contention, const struct gait_governor_burst *burst);

/** Do other threads want the CPUs? */
static inline bool contention_is_busy(const struct contention *contention, int64_t now_ns) {
    return now_ns < (int64_t)AO_load(&contention->busy_until_ns);
}

/** Are helpers of idle priority to rest? */
static inline bool contention_has_rest(const struct contention *contention, int64_t now_ns) {
    return now_ns < (int64_t)AO_load(&contention->rest_until_ns);
}

/** The governor's answers: helpers that may mark now; whether so many markers have CPUs. */
struct gait_governor_marking contention_marking(const struct gait_governor_crew *crew);
bool contention_has_cpu(const struct gait_governor_crew *crew, int32_t markers);

#endif
