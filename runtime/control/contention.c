/* SPDX-License-Identifier: MIT */
/*
 * From measured bursts to the governor, and back. See contention.h.
 */
#include "contention.h"

bool contention_note(struct contention *contention, const struct gait_governor_burst *burst) {
    if (burst->idle)
        counter_add(&contention->idle_ns, (size_t)burst->cpu_ns);
    if (!gait_governor_was_preempted(burst))
        return false;
    struct gait_governor_contention known = {
        .preempted_ns = (int64_t)AO_load(&contention->preempted_ns),
        .busy_until_ns = (int64_t)AO_load(&contention->busy_until_ns),
        .rest_ns = (int64_t)AO_load(&contention->rest_ns),
        .rest_until_ns = (int64_t)AO_load(&contention->rest_until_ns),
        .idle_ns = (int64_t)AO_load(&contention->idle_ns),
    };
    bool exception = gait_governor_preempted(&known, burst);
    AO_store(&contention->preempted_ns, (AO_t)known.preempted_ns);
    AO_store(&contention->busy_until_ns, (AO_t)known.busy_until_ns);
    AO_store(&contention->rest_ns, (AO_t)known.rest_ns);
    AO_store(&contention->rest_until_ns, (AO_t)known.rest_until_ns);
    AO_store(&contention->idle_ns, (AO_t)known.idle_ns);
    return exception;
}

struct gait_governor_marking contention_marking(const struct gait_governor_crew *crew) {
    return gait_governor_marking(crew);
}

bool contention_has_cpu(const struct gait_governor_crew *crew, int32_t markers) {
    return gait_governor_has_cpu(crew, markers);
}
