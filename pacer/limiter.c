/* SPDX-License-Identifier: MIT */
/*
 * The CPU limiter: a leaky bucket that fills with the collector's CPU time and
 * drains with the program's.
 *
 * Invariants: fill <= capacity; limiting only while fill == capacity. The
 * bucket never goes below empty: an idle day must not pay for a death spiral
 * on the next.
 */
#include "arith.h"
#include "policy.h"

#include <assert.h>
#include <string.h>

/** The bucket's size per CPU; also the window in which one half is enforced. */
#define LIMITER_CAPACITY_NS_PER_PROC (UINT64_C(1000) * 1000 * 1000)

/** Longest time without an update while marking. */
#define LIMITER_UPDATE_PERIOD_NS (INT64_C(10) * 1000 * 1000)

/** How full the bucket is, one part in so many, as limiting by measurement begins and ends. */
#define LIMITER_BEGIN_DIVISOR 2
#define LIMITER_END_DIVISOR 4

static void limiter_accumulate(struct gait_limiter *limiter, int64_t mutator_ns, int64_t gc_ns) {
    uint64_t room_ns = limiter->capacity_ns - limiter->fill_ns;
    int64_t change_ns = arith_sub_i64(gc_ns, mutator_ns);
    if (change_ns == 0)
        return;

    if (change_ns < 0) {
        limiter->fill_ns -= arith_min_u64(limiter->fill_ns, 0 - (uint64_t)change_ns);
        limiter->limiting = false;
    } else if ((uint64_t)change_ns < room_ns) {
        limiter->fill_ns += (uint64_t)change_ns;
    } else {
        limiter->overflow_ns = arith_add_u64(limiter->overflow_ns, (uint64_t)change_ns - room_ns);
        limiter->fill_ns = limiter->capacity_ns;
        if (room_ns > 0)
            limiter->limiting = true; /* a reset can leave it full and not limiting: so it stays */
    }
}

/** CPU time that the program had since the last update, were it all its own. */
static int64_t limiter_window_ns(const struct gait_limiter *limiter, int64_t now_ns) {
    return arith_scale_i64(arith_sub_i64(now_ns, limiter->last_update_ns), limiter->procs);
}

static void limiter_count(struct gait_limiter *limiter, int64_t now_ns) {
    if (now_ns < limiter->last_update_ns)
        return;
    int64_t window_ns = limiter_window_ns(limiter, now_ns);
    int64_t gc_ns = limiter->gc_pool_ns;
    if (limiter->marking)
        gc_ns = arith_add_i64(gc_ns, arith_to_i64((double)window_ns * POLICY_BACKGROUND_SHARE));
    int64_t used_ns = arith_sub_i64(window_ns, limiter->idle_pool_ns);

    limiter->last_update_ns = now_ns;
    limiter->gc_pool_ns = 0;
    limiter->idle_pool_ns = 0;
    limiter_accumulate(limiter, arith_sub_i64(used_ns, gc_ns), gc_ns);
}

void gait_limiter_reset_capacity(struct gait_limiter *limiter, int64_t now_ns, int32_t procs) {
    limiter_count(limiter, now_ns);
    limiter->procs = procs < 1 ? 1 : procs;
    limiter->capacity_ns = (uint64_t)limiter->procs * LIMITER_CAPACITY_NS_PER_PROC;
    if (limiter->fill_ns > limiter->capacity_ns) {
        limiter->fill_ns = limiter->capacity_ns;
        limiter->limiting = true;
    } else if (limiter->fill_ns < limiter->capacity_ns) {
        limiter->limiting = false;
    }
}

void gait_limiter_init(struct gait_limiter *limiter, int64_t now_ns, int32_t procs) {
    memset(limiter, 0, sizeof(*limiter));
    limiter->procs = 1;
    limiter->last_update_ns = now_ns;
    gait_limiter_reset_capacity(limiter, now_ns, procs);
}

void gait_limiter_add_gc(struct gait_limiter *limiter, int64_t cpu_ns) {
    limiter->gc_pool_ns = arith_add_i64(limiter->gc_pool_ns, arith_max_i64(cpu_ns, 0));
}

void gait_limiter_add_idle(struct gait_limiter *limiter, int64_t cpu_ns) {
    limiter->idle_pool_ns = arith_add_i64(limiter->idle_pool_ns, arith_max_i64(cpu_ns, 0));
}

void gait_limiter_update(struct gait_limiter *limiter, int64_t now_ns) {
    assert(!limiter->transitioning && "gait_limiter_update: in a transition");
    limiter_count(limiter, now_ns);
}

void gait_limiter_update_measured(struct gait_limiter *limiter, int64_t now_ns,
                                  int64_t mutator_cpu_ns, int64_t gc_cpu_ns) {
    assert(!limiter->transitioning && "gait_limiter_update_measured: in a transition");
    gait_limiter_add_gc(limiter, gc_cpu_ns);
    int64_t gc_ns = limiter->gc_pool_ns;
    limiter->gc_pool_ns = 0;
    limiter->idle_pool_ns = 0;
    limiter->last_update_ns = arith_max_i64(limiter->last_update_ns, now_ns);
    limiter_accumulate(limiter, arith_max_i64(mutator_cpu_ns, 0), gc_ns);
}

bool gait_limiter_holds(const struct gait_limiter *limiter, bool limiting) {
    uint64_t divisor = limiting ? LIMITER_END_DIVISOR : LIMITER_BEGIN_DIVISOR;
    return limiter->fill_ns >= limiter->capacity_ns / divisor;
}

double policy_limiter_fullness(const struct gait_limiter *limiter) {
    return (double)limiter->fill_ns * LIMITER_BEGIN_DIVISOR / (double)limiter->capacity_ns;
}

bool gait_limiter_need_update(const struct gait_limiter *limiter, int64_t now_ns) {
    return arith_sub_i64(now_ns, limiter->last_update_ns) > LIMITER_UPDATE_PERIOD_NS;
}

void gait_limiter_start_transition(struct gait_limiter *limiter, bool marking, int64_t now_ns) {
    assert(!limiter->transitioning && "gait_limiter_start_transition: already in one");
    assert(limiter->marking != marking && "gait_limiter_start_transition: to the same state");
    limiter_count(limiter, now_ns);
    limiter->marking = marking;
    limiter->transitioning = true;
}

void gait_limiter_finish_transition(struct gait_limiter *limiter, int64_t now_ns) {
    assert(limiter->transitioning && "gait_limiter_finish_transition: none was started");
    if (now_ns >= limiter->last_update_ns)
        limiter_accumulate(limiter, 0, limiter_window_ns(limiter, now_ns));
    limiter->last_update_ns = now_ns;
    limiter->transitioning = false;
}
