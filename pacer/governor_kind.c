/* SPDX-License-Identifier: MIT */
/*
 * Full and minor cycles. A minor one leaves what is marked as it is: it gives back only what died
 * young, and what dies old lies there until the next full one.
 *
 * What a cycle yields is the room that it leaves up to the goal, over what the collector and
 * assists took of the CPU for it. The goal stays that of the last full one, so the more old
 * objects pile up, the less room a minor one leaves. Two questions follow:
 *
 * - Do minor ones pay here at all? If those since the last full one, and that one, do not yield
 *   clearly more than it did alone, they are refused, for some full cycles to come.
 * - Does one more pay? As long as it is cheaper per byte of room than the row so far, that row gets
 *   cheaper by it; the first for which that doesn't hold is full instead, and a new row begins.
 *   As it begins it is known how much of the old it has to scan: if that alone would cost too much,
 *   it is full before anything was paid for.
 *
 * What lives of the young is known before the first is tried, by a sample: where finding that alone
 * would cost too much, none is.
 *
 * Invariant: what somebody forces, the clock brings or a limit asks for is full, and so are the
 * first two cycles.
 */
#include "arith.h"
#include "governor_parts.h"
#include "policy.h"

#include <math.h>

/** How much more a row must yield than its full cycle alone. With minor ones come handshakes,
 * caches that marking empties and cards that stores set, which no clock of the collector's shows.
 * With a goal of twice what is live, that refuses them where a third or more of what is new lives
 * on. Guess. */
#define KIND_CLEARLY 1.2

/** What the first store to a page that is watched costs the program, ns: docs/design/objects.md, By
 * pages. It is no clock's of the collector's. */
#define KIND_WRITTEN_NS 700

/** The longest row. What dies old, and a phase that ends, is seen by the full cycle after it. With
 * minor cycles at a tenth of a full one's cost that is a fifth in all, and twice as many would save
 * another twentieth. */
#define KIND_ROW_MOST 8

/** A row ends when old objects have taken all but this part of the room that the full cycle left.
 * Guess. */
#define KIND_ROOM_DIVISOR 4

/** Full cycles before the next try: as many as have this part of their cost lost to the last one,
 * and one at least; twice as many after each that follows, up to KIND_WAITS_MOST, so that a new
 * phase is seen within ten cycles, or, where tries are dear, KIND_WAITS_DEAR. Guesses. */
#define KIND_TRY_DIVISOR 8
#define KIND_WAITS_MOST 8
#define KIND_WAITS_DEAR 64

/** Where at least so much of what is new lived when they were refused, the longest wait is the one
 * of dear tries: that less lives is seen in any cycle. Guess. */
#define KIND_YOUNG_LIVE 0.25

/** A program has changed, and the next try is no more full cycles away than these, where live or
 * its rate of allocation is more than so many times what it was, or less than that part. Guesses.
 */
#define KIND_CHANGED 1.5 /* and where so much less of the young lives */
#define KIND_WAITS_CHANGED 4

/** Where more than this share of what is allocated stays for good, nothing is tried: a minor cycle
 * would find as much at least. A program that built a table had every second cycle a minor one, and
 * took a tenth more of the CPU (bench-gait documents). Guess. */
#define KIND_GROWTH_MOST 0.25

/** How much of older minor cycles' sums is kept: as of marking's. */
#define KIND_KEEP 0.5
/** And of the samples of what is young: one by itself is off by 0.1 and more. */
#define KIND_KEEP_YOUNG 0.75

static double goal_room(const struct gait_governor *governor) {
    uint64_t goal = governor->full_goal_bytes, marked = governor->pacer.marked_bytes;
    return goal > marked ? (double)(goal - marked) : 0;
}

bool governor_at_limit(const struct gait_governor *governor) {
    const struct gait_governor_memory *memory = &governor->memory;
    struct gait_governor_orders orders = {
        .limit_bytes = (uint64_t)governor->pacer.memory_limit_bytes,
        .limiting = governor->limiting,
    };
    return policy_own_goal(&governor->pacer).goal_bytes < governor->pacer.gogc_goal_bytes ||
           gait_governor_is_tight(&orders, memory->total_bytes, 0, memory->spare_bytes);
}

/* ---- What they yield ---- */

static bool pays(const struct gait_governor_yield *yield) {
    return yield->room_bytes * yield->full_cost_ns >=
           KIND_CLEARLY * yield->full_room_bytes * yield->cost_ns;
}

/* Would one more of this cost, for so much room, make the row cheaper? */
static bool cheapens(const struct gait_governor_yield *yield, double cost_ns, double room_bytes) {
    return cost_ns * yield->room_bytes < yield->cost_ns * room_bytes;
}

/* Would it, as the last ones were? */
static bool one_more_pays(const struct gait_governor *governor) {
    const struct gait_governor_yield *yield = &governor->yield;
    double is_new = goal_room(governor), kept = governor_rate(&yield->kept);
    double room = is_new * (kept < 1 ? 1 - kept : 0);
    return cheapens(yield, governor_rate(&yield->cost) * is_new, room);
}

/* Would the row no longer pay, or get dearer, if the next cycle did no more than scan so much of
 * what is old, at a full one's speed of marking, and gave back all that is new? What it finds and
 * sweeps is not counted, so that none is refused here that would pay. */
static bool is_too_dirty(const struct gait_governor *governor, uint64_t dirty_bytes) {
    const struct gait_governor_lesson *lesson = &governor->learnt.of[GAIT_GOVERNOR_FULL];
    double cost = governor_rate(&lesson->marking) * (double)dirty_bytes;
    double room = goal_room(governor);
    struct gait_governor_yield with = governor->yield;
    with.cost_ns += cost;
    with.room_bytes += room;
    return dirty_bytes > 0 && !(pays(&with) && cheapens(&governor->yield, cost, room));
}

/* Would a first one not pay, did it no more than find what lives of what is new, at a full one's
 * speed of marking? Nothing else is counted here either. */
static bool is_hopeless(const struct gait_governor *governor) {
    const struct gait_governor_lesson *lesson = &governor->learnt.of[GAIT_GOVERNOR_FULL];
    double lives = governor_rate(&governor->yield.young);
    double base = (double)governor->learnt.base_bytes, room = goal_room(governor);
    double scanned = base > lesson->heap_work_bytes ? lesson->heap_work_bytes / base : 1;
    lives = lives < 1 ? lives : 1;
    struct gait_governor_yield with = governor->yield;
    with.cost_ns += governor_rate(&lesson->marking) * scanned * lives * room;
    with.room_bytes += room * (1 - lives);
    return lives > 0 && !pays(&with);
}

/* Of which kind is it, if little of what is old is dirty? */
static enum gait_governor_kind clean_kind(const struct gait_governor *governor, bool forced,
                                          bool periodic) {
    const struct gait_governor_settings *settings = &governor->settings;
    if (!settings->minors || settings->parity)
        return GAIT_GOVERNOR_FULL;
    if (!governor->yield.minor || governor->learnt.of[GAIT_GOVERNOR_FULL].cycles < 2)
        return GAIT_GOVERNOR_FULL;
    if (forced || periodic || settings->gogc_percent < 0 || governor_at_limit(governor))
        return GAIT_GOVERNOR_FULL;
    return goal_room(governor) * KIND_ROOM_DIVISOR < governor->yield.full_room_bytes
               ? GAIT_GOVERNOR_FULL
               : GAIT_GOVERNOR_MINOR;
}

enum gait_governor_kind gait_governor_kind(const struct gait_governor *governor, bool forced,
                                           bool periodic, uint64_t dirty_bytes) {
    return is_too_dirty(governor, dirty_bytes) ? GAIT_GOVERNOR_FULL
                                               : clean_kind(governor, forced, periodic);
}

/* ---- Refused ---- */

static bool differs(double now, double before) {
    return now > before * KIND_CHANGED || now * KIND_CHANGED < before;
}

/* What the row cost beyond what the same room would have by full cycles, in such. */
static double lost_cycles(const struct gait_governor_yield *yield) {
    if (!(yield->full_cost_ns > 0) || !(yield->full_room_bytes > 0))
        return 0;
    double lost = yield->cost_ns / yield->full_cost_ns - yield->room_bytes / yield->full_room_bytes;
    return lost > 0 ? lost : 0;
}

static void refuse(struct gait_governor *governor) {
    struct gait_governor_yield *yield = &governor->yield;
    yield->refused_young = governor_rate(&yield->young);
    yield->row_share = 0;
    double waits = lost_cycles(yield) * KIND_TRY_DIVISOR;
    double most = KIND_TRY_DIVISOR * waits;
    most = most < KIND_WAITS_MOST ? KIND_WAITS_MOST : most;
    if (yield->refused_young >= KIND_YOUNG_LIVE)
        most = KIND_WAITS_DEAR;
    most = most > KIND_WAITS_DEAR ? KIND_WAITS_DEAR : most;
    waits = ldexp(waits < 1 ? 1 : waits, (int)yield->refusals);
    yield->waits = (uint32_t)(waits < most ? waits : most);
    if (yield->refusals < KIND_WAITS_DEAR)
        yield->refusals++;
    yield->refused_live_bytes = (double)governor->learnt.base_bytes;
    yield->refused_allocation = governor_steady_allocation(governor);
}

void governor_note_dirty(struct gait_governor *governor) {
    const struct gait_governor_start *start = &governor->start;
    bool refused = start->kind == GAIT_GOVERNOR_FULL &&
                   clean_kind(governor, start->forced, start->periodic) == GAIT_GOVERNOR_MINOR &&
                   is_too_dirty(governor, start->dirty_bytes);
    if (refused && governor->yield.row == 0) /* else it ends a row that has paid */
        refuse(governor);
}

static bool has_changed(const struct gait_governor *governor) {
    const struct gait_governor_yield *yield = &governor->yield;
    return differs((double)governor->learnt.base_bytes, yield->refused_live_bytes) ||
           differs(governor_steady_allocation(governor), yield->refused_allocation) ||
           governor_rate(&yield->young) * KIND_CHANGED < yield->refused_young;
}

/* ---- A cycle has ended ---- */

static void full_ended(struct gait_governor *governor) {
    struct gait_governor_yield *yield = &governor->yield;
    const struct gait_governor_lesson *lesson = &governor->learnt.of[GAIT_GOVERNOR_FULL];
    yield->row = 0;
    yield->room_bytes = yield->full_room_bytes = goal_room(governor);
    yield->cost_ns = yield->full_cost_ns = governor_rate(&lesson->collection) * lesson->work_bytes;
    if (yield->waits > 0)
        yield->waits--;
    if (yield->waits > KIND_WAITS_CHANGED && has_changed(governor))
        yield->waits = KIND_WAITS_CHANGED;
    yield->minor = yield->waits == 0 && governor_growth_share(governor) <= KIND_GROWTH_MOST &&
                   !is_hopeless(governor);
}

static void minor_ended(struct gait_governor *governor, double new_bytes, double kept_bytes,
                        double gc_ns) {
    struct gait_governor_yield *yield = &governor->yield;
    yield->row++;
    yield->room_bytes += goal_room(governor);
    yield->cost_ns += gc_ns > 0 ? gc_ns : 0;
    governor_sum_up(&yield->cost, KIND_KEEP, gc_ns, new_bytes);
    governor_sum_up(&yield->kept, KIND_KEEP, kept_bytes, new_bytes);
    yield->minor = false;
    if (!pays(yield))
        refuse(governor);
    else {
        yield->refusals = 0;
        if (yield->room_bytes * yield->full_cost_ns > 0)
            yield->row_share =
                yield->cost_ns * yield->full_room_bytes / (yield->room_bytes * yield->full_cost_ns);
        yield->minor = yield->row < KIND_ROW_MOST && one_more_pays(governor);
    }
}

void governor_plan_kind(struct gait_governor *governor, const struct gait_governor_end *end,
                        uint64_t marked_before_bytes, int64_t gc_ns) {
    governor_sum_up(&governor->yield.young, KIND_KEEP_YOUNG, (double)end->young_live_bytes,
                    (double)end->young_seen_bytes);
    if (governor->start.kind == GAIT_GOVERNOR_FULL) {
        full_ended(governor);
        return;
    }
    double is_new = (double)governor->start.live_bytes - (double)marked_before_bytes;
    double kept = (double)end->marked_bytes - (double)marked_before_bytes;
    double faults_ns = (double)end->written_pages * KIND_WRITTEN_NS;
    minor_ended(governor, is_new, kept, (double)gc_ns + faults_ns);
}

/* ---- What they are expected to do ---- */

const struct gait_governor_lesson *governor_lesson(const struct gait_governor *governor,
                                                   enum gait_governor_kind kind) {
    const struct gait_governor_lesson *of = governor->learnt.of;
    return &of[of[kind].cycles > 0 ? kind : GAIT_GOVERNOR_FULL];
}

double governor_try_factor(const struct gait_governor *governor) {
    const struct gait_governor_yield *yield = &governor->yield;
    double lives = governor_rate(&yield->young), lived = yield->refused_young;
    if (governor->learnt.of[GAIT_GOVERNOR_MINOR].cycles == 0)
        return INFINITY;
    if (yield->refusals == 0 || lives <= lived)
        return 1;
    return lived > 0 ? lives / lived : INFINITY;
}

uint64_t governor_scannable(const struct gait_governor *governor, uint64_t scannable_bytes) {
    if (governor->start.kind == GAIT_GOVERNOR_FULL)
        return scannable_bytes;
    /* what is new, and of what was kept no more than what was expected */
    uint64_t kept = arith_min_u64(governor->scannable_bytes, scannable_bytes);
    uint64_t most = arith_add_u64(scannable_bytes - kept, governor->pacer.last_heap_work_bytes);
    return arith_min_u64(most, scannable_bytes);
}

void governor_count_scannable(struct gait_governor *governor, uint64_t kept_work_bytes) {
    uint64_t work = arith_to_u64((double)governor->pacer.work.heap_bytes);
    if (governor->start.kind == GAIT_GOVERNOR_FULL)
        governor->scannable_bytes = work;
    else
        governor->scannable_bytes =
            arith_add_u64(governor->scannable_bytes, work - arith_min_u64(work, kept_work_bytes));
}
