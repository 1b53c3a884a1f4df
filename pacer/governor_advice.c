/* SPDX-License-Identifier: MIT */
/*
 * What a mutator is told before it takes memory. See governor.h.
 */
#include "arith.h"
#include "governor_parts.h"

/** The longest that an assist marks before it lets the mutator go on. The debt that is left stays.
 */
#define ADVICE_PIECE_BYTES INT64_C(65536)

/** An assist that owes less marks so much in any case: some 10 us, ten times what the assist itself
 * costs. With twice as much one iteration in a thousand took 51 us in place of 33, at the same CPU
 * time (churn, 64 MiB, two threads, work_ns=500, GOGC=400; four pairs). */
#define ADVICE_LEAST_BYTES INT64_C(16384)

static bool is_tight(const struct gait_governor_orders *orders,
                     const struct gait_governor_want *want) {
    return want->takes_pages &&
           gait_governor_is_tight(orders, want->total_bytes, want->page_bytes, want->spare_bytes);
}

/* Would a large object by itself take the heap past its goal, and memory past the limit? Where the
 * CPU can't hold the limit the goal is what bounds memory: two objects of a fifteenth of it each
 * would be most of what it is passed by. Only if a cycle is worth it. */
static bool large_is_late(const struct gait_governor_orders *orders,
                          const struct gait_governor_want *want) {
    return want->page_bytes > 0 && want->live_bytes >= orders->large_bytes &&
           arith_add_u64(want->live_bytes, want->page_bytes) >= orders->late_bytes &&
           is_tight(orders, want);
}

/* Has the live heap reached its goal before the mutator can do anything for the cycle that is due?
 */
static bool is_late(const struct gait_governor_orders *orders,
                    const struct gait_governor_want *want) {
    return !want->marks && !want->helped && !orders->limiting &&
           (want->live_bytes >= orders->late_bytes || large_is_late(orders, want));
}

/* A large object is paid for before it is taken, a cell after. While marking goes on the object
 * would be born marked, and float until the next cycle; one that pays first as a rule has marking
 * end first.
 */
int64_t gait_governor_debt(const struct gait_governor_want *want) {
    return arith_sub_i64(arith_i64_of_u64(want->page_bytes), want->credit_bytes);
}

bool gait_governor_is_beyond(const struct gait_governor_orders *orders,
                             const struct gait_governor_want *want) {
    if (!want->marking || orders->limiting)
        return false;
    return want->live_bytes > orders->barrier_bytes ||
           (orders->barrier_bytes != GAIT_PACER_NONE && is_tight(orders, want));
}

/* Can a cycle bring the heap below the limit: is one on already, or was enough allocated since the
 * last? */
static bool awaits_cycle(const struct gait_governor_orders *orders,
                         const struct gait_governor_want *want) {
    if (orders->barrier_bytes == GAIT_PACER_NONE || want->marks || want->awaited ||
        !is_tight(orders, want))
        return false;
    return want->marking || !want->sweeping || want->live_bytes >= orders->relief_bytes;
}

enum gait_governor_advice gait_governor_advise(const struct gait_governor_orders *orders,
                                               const struct gait_governor_want *want) {
    if (is_late(orders, want))
        return GAIT_GOVERNOR_HELP;
    if (awaits_cycle(orders, want))
        return GAIT_GOVERNOR_AWAIT;
    if (!want->marks || orders->limiting)
        return GAIT_GOVERNOR_GO;
    bool beyond = gait_governor_is_beyond(orders, want);
    /* without assists it waits at the limit for others to mark: what else bounds memory? */
    if (orders->assists_off)
        return beyond && !want->awaited ? GAIT_GOVERNOR_AWAIT : GAIT_GOVERNOR_GO;
    return beyond || gait_governor_debt(want) > 0 ? GAIT_GOVERNOR_MARK : GAIT_GOVERNOR_GO;
}

bool gait_governor_lets_go_on(uint64_t live_bytes, uint64_t late_bytes, bool takes_pages) {
    return live_bytes < late_bytes && !takes_pages;
}

/** How far the live heap is from the goal. */
static uint64_t distance(const struct gait_governor_orders *orders, uint64_t live_bytes) {
    return orders->goal_bytes > live_bytes ? orders->goal_bytes - live_bytes : 0;
}

struct gait_governor_assist gait_governor_assist(const struct gait_governor_orders *orders,
                                                 const struct gait_governor_want *want) {
    bool beyond = gait_governor_is_beyond(orders, want);
    int64_t debt_bytes = gait_governor_debt(want);
    struct gait_pacer_debt debt =
        gait_pacer_assist_ahead(orders->assist_work_per_byte, orders->assist_bytes_per_work,
                                debt_bytes, distance(orders, want->live_bytes));
    int64_t work = arith_max_i64(debt.work_bytes, 0);
    int64_t owed =
        arith_to_i64((double)arith_max_i64(debt_bytes, 0) * orders->assist_work_per_byte);
    int64_t least = beyond ? ADVICE_PIECE_BYTES : ADVICE_LEAST_BYTES;
    return (struct gait_governor_assist){
        .work_bytes = beyond ? arith_max_i64(work, ADVICE_PIECE_BYTES) : work,
        .piece_bytes = (uint64_t)arith_min_i64(arith_max_i64(owed, least), ADVICE_PIECE_BYTES),
        .at_limit = beyond,
    };
}

bool gait_governor_credit_pays(int64_t credit_bytes) { return credit_bytes >= ADVICE_PIECE_BYTES; }

int64_t gait_governor_earn(const struct gait_governor_orders *orders, int64_t credit_bytes,
                           uint64_t live_bytes, int64_t work_bytes) {
    return gait_pacer_earn(credit_bytes, work_bytes, orders->assist_bytes_per_work,
                           distance(orders, live_bytes));
}
