/* SPDX-License-Identifier: MIT */
/*
 * Clocks and counters -> pacer -> actions. See control.h. More than 600 lines: it is the one file
 * that calls the pacer, and nearly all of it works on what the lock CONTROL guards.
 */
#include "control.h"

#include <string.h>

#include "../heap/chunks.h"
#include "../mark/arenas.h"
#include "../platform/platform.h"

/* The assist ratio is computed anew each time that mutators have taken this much. */
#define REVISE_BYTES ((size_t)65536)
/* The longest that an assist marks before it lets the mutator go on. The debt that is left stays.
 */
#define ASSIST_WORK_BYTES ((size_t)65536)
/* How long, and how often, an assist waits for others to share work. With the OS's slack a wait is
 * some 70 us. */
#define ASSIST_WAIT_NS 10000
#define ASSIST_WAITS 3
#define LATE_ASSIST_WAITS 30 /* with the live heap past its goal: half a tick of the scheduler */
/* Marking is held back so often without any allocation: 0.1 s in which a program may only read.
 * Guess. */
#define HELD_IN_VAIN_MOST 25
/* What threads may take between a look at the limit and their pages: a span each, blocks of marking
 * work. Guess: some ten of each. */
#define LIMIT_RESERVE_BYTES ((size_t)524288)
/* The most that the scavenger gives back at a time. */
#define SCAVENGE_BYTES ((size_t)1 << 20)
/* So much of ended arenas waits for a cycle in any case. Guess: some frames of a program that makes
 * an arena for each. */
#define QUARANTINE_BYTES ((size_t)64 << 20)

static AO_t bits_of(double value) {
    AO_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static double double_of(AO_t bits) {
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

size_t control_total_bytes(struct control *control) {
    struct space *space = control->space;
    return AO_load(&space->used_bytes) + AO_load(&space->free_bytes) +
           AO_load(&space->metadata_bytes) + AO_load(&space->arena_bytes) +
           space_offheap_bytes(space) + foreign_sum(&space->foreign);
}

static size_t foreign_bytes(const struct control *control) {
    return foreign_sum(&control->space->foreign);
}

/* With the lock held, after any change: what allocation looks at. */
static void publish(struct control *control) {
    struct gait_pacer_target target = gait_pacer_target_at_limit(&control->pacer);
    struct gait_pacer_bounds bounds = gait_pacer_bounds(&control->pacer);
    AO_store(&control->gogc_percent, (AO_t)(intptr_t)control->pacer.gogc_percent);
    AO_store(&control->trigger_bytes, target.trigger_bytes);
    AO_store(&control->goal_bytes, target.goal_bytes);
    AO_store(&control->limit_bytes, (AO_t)control->pacer.memory_limit_bytes);
    AO_store(&control->foreign_marked_bytes, control->pacer.foreign_marked_bytes);
    AO_store(&control->late_bytes, bounds.goal_bytes);
    AO_store(&control->barrier_bytes, bounds.limit_bytes);
    AO_store(&control->relief_bytes, bounds.relief_bytes);
    AO_store(&control->assist_work_per_byte, bits_of(control->pacer.assist_work_per_byte));
    AO_store(&control->assist_bytes_per_work, bits_of(control->pacer.assist_bytes_per_work));
}

/* With the lock held. Spans count as far as allocation can fill them: the rest is what it could not
 * use. What is free in them now, it will; were it counted against the heap,
 * the goal that a limit allows would lie a few bytes beyond what is live. Foreign memory counts as
 * objects do; arenas and off-heap memory are what the heap has to leave room for. */
static void look_at_memory(struct control *control) {
    size_t total = control_total_bytes(control);
    size_t allocated = control_allocated_bytes(control);
    size_t freed = AO_load(&control->sweeper->freed_bytes);
    size_t fills = (size_t)(control->span_fill * (double)AO_load(&control->space->used_bytes));
    allocated = allocated > freed ? allocated - freed : 0;
    struct gait_pacer_memory memory = {
        .mapped_bytes = total,
        .free_bytes = AO_load(&control->space->free_bytes),
        .allocated_bytes = (allocated > fills ? allocated : fills) + foreign_bytes(control),
    };
    gait_pacer_set_memory(&control->pacer, &memory);
    if (total > AO_load(&control->peak_total_bytes))
        AO_store(&control->peak_total_bytes, total);
}

void control_init(struct control *control, struct space *space, struct sweeper *sweeper,
                  int32_t gogc_percent, int64_t memory_limit_bytes, int32_t procs) {
    memset(control, 0, sizeof *control);
    lock_init(&control->lock, LOCK_CONTROL, "control");
    control->space = space;
    control->sweeper = sweeper;
    AO_store(&control->procs, (AO_t)procs);
    gait_pacer_init(&control->pacer, gogc_percent, memory_limit_bytes);
    control->span_fill = 1;
    control->start_ns = platform_now_ns();
    gait_limiter_init(&control->limiter, control->start_ns, procs);
    control->start_process_ns = control->limiter_process_ns = platform_process_cpu_ns();
    look_at_memory(control);
    gait_pacer_commit(&control->pacer, true);
    publish(control);
}

void control_destroy(struct control *control) { lock_destroy(&control->lock); }

int64_t control_gc_cpu_ns(const struct control *control) {
    int64_t sum = 0;
    for (unsigned purpose = 0; purpose < CPU_PURPOSES; purpose++)
        sum += (int64_t)AO_load(&control->cpu_ns[purpose]);
    return sum;
}

/* ---- While the program runs ---- */

/* With the lock held, while marking. */
static void revise(struct control *control) {
    look_at_memory(control);
    struct gait_pacer_progress progress = {
        .live_bytes = control_live_bytes(control),
        .scannable_bytes = control_scannable_bytes(control),
        .work = {.heap_bytes = (int64_t)AO_load(&control->heap_work_bytes),
                 .stack_bytes = control->pacer.work.stack_bytes,
                 .globals_bytes = control->pacer.work.globals_bytes},
    };
    gait_pacer_revise(&control->pacer, &progress);
    publish(control);
}

static void revise_if_free(struct control *control) {
    if (!lock_try(&control->lock))
        return; /* whoever has it publishes figures as new as these */
    if (AO_load(&control->marking))
        revise(control);
    lock_release(&control->lock);
}

size_t control_excess_bytes(struct control *control, size_t more_bytes) {
    size_t total = control_total_bytes(control) + LIMIT_RESERVE_BYTES + more_bytes;
    size_t limit = AO_load(&control->limit_bytes);
    return total > limit && !AO_load(&control->limiting) ? total - limit : 0;
}

/* What can be given back without a cycle. */
static size_t spare_bytes(const struct control *control) {
    const struct space *space = control->space;
    return AO_load(&space->free_bytes) + chunks_pooled_bytes(space) +
           AO_load(&space->arenas->quarantined_bytes);
}

bool control_is_tight(struct control *control, size_t bytes) {
    size_t excess = control_excess_bytes(control, bytes);
    return excess > 0 && excess > spare_bytes(control);
}

void control_took_fresh(struct control *control, size_t bytes) {
    counter_add(&control->fresh_bytes, bytes);
}

/* The published trigger was reached. Under a limit it moves: what spans had free counted against
 * the heap, and is allocated now. */
static bool is_due(struct control *control) {
    if ((int64_t)AO_load(&control->limit_bytes) == GAIT_NO_LIMIT)
        return true;
    if (!lock_try(&control->lock))
        return false; /* the next run looks again */
    look_at_memory(control);
    publish(control);
    bool due = control_live_bytes(control) >= AO_load(&control->trigger_bytes);
    lock_release(&control->lock);
    return due;
}

bool control_allocated(struct control *control, gait_mutator *mutator, size_t bytes,
                       bool scannable) {
    counter_add(scannable ? &control->allocated_scannable_bytes : &control->allocated_leaf_bytes,
                bytes);
    size_t live = AO_fetch_and_add(&control->live_bytes, bytes) + bytes + foreign_bytes(control);
    if (!AO_load(&control->marking))
        return live >= AO_load(&control->trigger_bytes) && is_due(control);
    mutator->assist_credit_bytes -= (int64_t)bytes;
    size_t revise_at = AO_load(&control->revise_at_bytes);
    if (live >= revise_at &&
        AO_compare_and_swap(&control->revise_at_bytes, revise_at, live + REVISE_BYTES))
        revise_if_free(control);
    return false;
}

void control_foreign_added(struct control *control, gait_mutator *mutator, size_t bytes) {
    if (AO_load(&control->marking))
        mutator->assist_credit_bytes -= (int64_t)bytes;
}

/* With the lock held: foreign memory that was marked was given back. @return whether it was. */
static bool take_back(struct control *control) {
    if (!gait_pacer_take_back(&control->pacer, foreign_bytes(control)))
        return false;
    gait_pacer_commit(&control->pacer, sweep_done(control->sweeper));
    return true;
}

bool control_memory_changed(struct control *control) {
    size_t limit = AO_load(&control->limit_bytes);
    bool limited = (int64_t)limit != GAIT_NO_LIMIT;
    if (limited || foreign_bytes(control) < AO_load(&control->foreign_marked_bytes)) {
        lock_acquire(&control->lock);
        bool changed = take_back(control) || limited;
        if (changed && AO_load(&control->marking)) {
            AO_store(&control->revise_at_bytes, control_live_bytes(control) + REVISE_BYTES);
            revise(control);
        } else if (changed) {
            look_at_memory(control);
            publish(control);
        }
        lock_release(&control->lock);
    }
    return !AO_load(&control->marking) &&
           control_live_bytes(control) >= AO_load(&control->trigger_bytes);
}

void control_unallocated(struct control *control, struct cache_rest rest) {
    if (rest.bytes == 0)
        return;
    counter_sub(&control->allocated_leaf_bytes, rest.bytes - rest.scannable_bytes);
    counter_sub(&control->live_bytes, rest.live_bytes);
    counter_sub(&control->allocated_scannable_bytes, rest.scannable_bytes);
    counter_sub(&control->unscannable_bytes, rest.scannable_bytes - rest.live_scannable_bytes);
}

/* Take up to want bytes of work from what the background did ahead. */
static size_t credit_take(struct control *control, size_t want) {
    for (;;) {
        AO_t credit = AO_load(&control->credit_bytes);
        if ((intptr_t)credit <= 0)
            return 0;
        size_t take = credit < want ? credit : want;
        if (AO_compare_and_swap(&control->credit_bytes, credit, credit - take))
            return take;
    }
}

/* Mark as much as budget_bytes. Where others hold all the work there is, or there is none left but
 * to end the cycle, wait: a mutator that went on for free would leave the goal behind while the OS
 * has the collector set aside.
 * @return bytes scanned. */
static size_t assist_mark(gait_mutator *mutator, size_t budget_bytes, unsigned most_waits) {
    struct marker *marker = &mutator->marker;
    struct mark_queue *queue = marker->queue;
    size_t before = marker->scanned_bytes, done = 0;
    if (budget_bytes > ASSIST_WORK_BYTES)
        budget_bytes = ASSIST_WORK_BYTES;
    for (unsigned waits = 0;; waits++) {
        marker_begin(marker);
        bool out = marker_drain(marker, budget_bytes - done);
        marker_end(marker);
        done = marker->scanned_bytes - before;
        if (!out || done >= budget_bytes || waits == most_waits || AO_int_load(&mutator->head.poll))
            return done;
        AO_fetch_and_add1_full(&queue->hungry);
        platform_sleep_ns(ASSIST_WAIT_NS);
        AO_fetch_and_sub1_full(&queue->hungry);
    }
}

/* Has the live heap passed what the limit allows, or would it, in a cycle that can still keep it?
 */
static bool is_beyond_limit(struct control *control, bool passes_limit) {
    size_t barrier = AO_load(&control->barrier_bytes);
    return (control_live_bytes(control) > barrier || (barrier != SIZE_MAX && passes_limit)) &&
           AO_load(&control->marking) && !AO_load(&control->limiting);
}

/* How far the live heap is from the goal. */
static uint64_t distance(const struct control *control) {
    size_t goal = AO_load(&control->goal_bytes), live = control_live_bytes(control);
    return goal > live ? goal - live : 0;
}

static void credit_mutator(const struct control *control, gait_mutator *mutator, size_t work_bytes,
                           double bytes_per_work) {
    mutator->assist_credit_bytes = gait_pacer_earn(
        mutator->assist_credit_bytes, (int64_t)work_bytes, bytes_per_work, distance(control));
}

bool control_is_late(struct control *control, bool marks) {
    return !marks && control_live_bytes(control) >= AO_load(&control->late_bytes) &&
           !AO_load(&control->limiting);
}

bool control_awaits_cycle(struct control *control, bool marks) {
    if (AO_load(&control->barrier_bytes) == SIZE_MAX || marks)
        return false;
    return AO_load(&control->marking) || !sweep_is_open(control->sweeper) ||
           control_live_bytes(control) >= AO_load(&control->relief_bytes);
}

bool control_assist(struct control *control, gait_mutator *mutator, bool passes_limit) {
    bool beyond = is_beyond_limit(control, passes_limit);
    if (mutator->assist_credit_bytes >= 0 && !beyond)
        return false;
    if (AO_load(&control->limiting)) {
        mutator->assist_credit_bytes = 0;
        return false;
    }
    double bytes_per_work = double_of(AO_load(&control->assist_bytes_per_work));
    struct gait_pacer_debt debt =
        gait_pacer_assist_ahead(double_of(AO_load(&control->assist_work_per_byte)), bytes_per_work,
                                -mutator->assist_credit_bytes, distance(control));
    size_t work = debt.work_bytes > 0 ? (size_t)debt.work_bytes : 0;
    if (beyond && work < ASSIST_WORK_BYTES)
        work = ASSIST_WORK_BYTES;
    size_t taken = beyond ? 0 : credit_take(control, work);
    credit_mutator(control, mutator, taken, bytes_per_work);
    if (taken >= work) {
        return false;
    }
    int64_t begin_ns = platform_thread_cpu_ns();
    bool late = control_live_bytes(control) >= AO_load(&control->late_bytes);
    size_t done = assist_mark(mutator, work - taken, late ? LATE_ASSIST_WAITS : ASSIST_WAITS);
    counter_add(&control->heap_work_bytes, done);
    credit_mutator(control, mutator, done, bytes_per_work);
    int64_t spent_ns = platform_thread_cpu_ns() - begin_ns;
    control_add_cpu(control, CPU_ASSIST, spent_ns);
    counter_add(&mutator->assist_cpu_ns, (size_t)spent_ns);
    return beyond && is_beyond_limit(control, passes_limit);
}

void control_credit(struct control *control, size_t scanned_bytes) {
    counter_add(&control->heap_work_bytes, scanned_bytes);
    counter_add(&control->credit_bytes, scanned_bytes);
}

void control_marked(struct control *control) {
    revise_if_free(control);
    control_update_limiter(control);
}

bool control_idle_cpu(struct control *control, size_t running) {
    return running < AO_load(&control->procs);
}

bool control_is_limiting(struct control *control) { return AO_load(&control->limiting) != 0; }

int32_t control_dedicated(struct control *control, bool stopped) {
    return gait_pacer_divide((int32_t)AO_load(&control->procs), false, stopped).dedicated;
}

double control_fraction(struct control *control) {
    lock_acquire(&control->lock);
    int32_t procs = (int32_t)AO_load(&control->procs);
    struct gait_pacer_workers workers = gait_pacer_divide(procs, false, false);
    double share = workers.dedicated > 0 ? 1 : workers.fractional_share * procs;
    lock_release(&control->lock);
    return share;
}

/* ---- Holding back ---- */

int64_t control_ahead_ns(struct control *control) {
    size_t start = control->mark_start_bytes, live = control_live_bytes(control);
    if (AO_load(&control->limiting) || control->held_in_vain == HELD_IN_VAIN_MOST)
        return 0;
    double elapsed_ns = (double)(platform_now_ns() - control->mark_start_ns);
    struct gait_pacer_lead lead = {
        .start_bytes = start,
        .live_bytes = live,
        .goal_bytes = AO_load(&control->goal_bytes),
        .expected_bytes = control->expected_work_bytes,
        .done_bytes = AO_load(&control->heap_work_bytes),
        .credit_bytes = (int64_t)(intptr_t)AO_load(&control->credit_bytes),
        .alloc_bytes_per_ns = ((double)live - (double)start + 1) / (elapsed_ns + 1),
    };
    int64_t wait_ns = gait_pacer_hold_ns(&lead);
    if (wait_ns > 0) {
        control->held_in_vain = live == control->held_live_bytes ? control->held_in_vain + 1 : 0;
        control->held_live_bytes = live;
    }
    return wait_ns;
}

void control_held_back(struct control *control, int64_t ns, size_t allocated_bytes) {
    control->held_back_ns += ns;
    control->held_back_bytes += allocated_bytes;
}

/* ---- A cycle ---- */

void control_begin(struct control *control, struct cycle_record *record, bool periodic,
                   bool stopped, uint64_t stack_bytes, uint64_t globals_bytes,
                   uint64_t piece_bytes) {
    control_update_limiter(control);
    lock_acquire(&control->lock);
    record->start_ns = platform_now_ns();
    record->start_bytes = control_live_bytes(control);
    record->trigger_bytes = AO_load(&control->trigger_bytes);
    record->procs = (int32_t)AO_load(&control->procs);
    control->cycle_process_ns = platform_process_cpu_ns();
    for (unsigned purpose = 0; purpose < CPU_PURPOSES; purpose++)
        control->cycle_cpu_ns[purpose] = (int64_t)AO_load(&control->cpu_ns[purpose]);
    AO_store(&control->heap_work_bytes, 0);
    AO_store(&control->credit_bytes, 0);
    look_at_memory(control);
    struct gait_pacer_start start = {
        .now_ns = record->start_ns,
        .procs = record->procs,
        .periodic = periodic,
        .stop_the_world = stopped,
        .live_bytes = record->start_bytes,
        .scannable_bytes = control_scannable_bytes(control),
        .stack_bytes = stack_bytes,
        .globals_bytes = globals_bytes,
    };
    gait_pacer_start_cycle(&control->pacer, &start);
    control->pacer.work.stack_bytes = (int64_t)stack_bytes;
    control->piece_bytes = piece_bytes < globals_bytes ? piece_bytes : globals_bytes;
    control->pacer.work.globals_bytes = (int64_t)(globals_bytes - control->piece_bytes);
    record->scannable_bytes = start.scannable_bytes;
    record->start_goal_bytes = gait_pacer_goal(&control->pacer);
    record->assist_ratio = control->pacer.assist_work_per_byte;
    control->mark_start_ns = record->start_ns;
    control->mark_start_bytes = record->start_bytes;
    control->held_in_vain = 0;
    control->held_live_bytes = 0;
    control->held_back_ns = 0;
    control->held_back_bytes = 0;
    bool by_limit = gait_pacer_limit_goal(&control->pacer) < control->pacer.gogc_goal_bytes;
    record->by_limit = by_limit;
    control->expected_work_bytes = stopped || periodic || record->forced || by_limit ||
                                           control->pacer.last_heap_work_bytes == 0
                                       ? 0
                                       : control->pacer.last_heap_work_bytes + control->piece_bytes;
    record->dedicated = control->pacer.workers.dedicated;
    record->fractional_share = control->pacer.workers.fractional_share;
    AO_store(&control->revise_at_bytes, record->start_bytes + REVISE_BYTES);
    AO_store(&control->marking, 1);
    publish(control);
    lock_release(&control->lock);
}

/* Of what was allocated while it marked. A cycle that takes idle runs back may end with less than
 * it began with. */
static double held_back_share(const struct control *control, const struct cycle_record *record) {
    if (record->peak_bytes <= record->start_bytes)
        return 0;
    return (double)control->held_back_bytes / (double)(record->peak_bytes - record->start_bytes);
}

void control_end(struct control *control, struct cycle_record *record, uint64_t marked_bytes,
                 uint64_t stack_bytes, uint64_t globals_bytes) {
    lock_acquire(&control->lock);
    uint64_t heap_work = AO_load(&control->heap_work_bytes);
    if (control->piece_bytes > heap_work) /* ranges were removed meanwhile */
        control->piece_bytes = heap_work;
    counter_sub(&control->heap_work_bytes, control->piece_bytes);
    control->pacer.work.globals_bytes += (int64_t)control->piece_bytes;
    gait_pacer_set_roots(&control->pacer, stack_bytes, globals_bytes);
    /* what was scanned, in place of what was expected: the next goal grows by it */
    control->pacer.work.stack_bytes = (int64_t)stack_bytes;
    revise(control);
    record->end_ns = platform_now_ns();
    uint64_t objects_bytes = AO_load(&control->live_bytes), foreign = foreign_bytes(control);
    record->peak_bytes = objects_bytes + foreign;
    record->goal_bytes = AO_load(&control->goal_bytes);
    record->marked_bytes = marked_bytes + foreign;
    record->foreign_bytes = foreign;
    record->arena_bytes = AO_load(&control->space->arena_bytes);
    record->offheap_bytes = space_offheap_bytes(control->space);
    record->scanned_bytes = AO_load(&control->heap_work_bytes);
    record->expected_bytes =
        control->pacer.last_heap_work_bytes + control->pacer.last_stack_work_bytes + globals_bytes;
    record->cons_mark = control->pacer.cons_mark;
    record->held_back_ns = control->held_back_ns;
    record->stack_bytes = stack_bytes;
    record->globals_bytes = globals_bytes;
    for (unsigned purpose = 0; purpose < CPU_PURPOSES; purpose++)
        record->cpu_ns[purpose] =
            (int64_t)AO_load(&control->cpu_ns[purpose]) - control->cycle_cpu_ns[purpose];
    int64_t background =
        record->cpu_ns[CPU_DEDICATED] + record->cpu_ns[CPU_FRACTIONAL] + record->cpu_ns[CPU_IDLE];
    int64_t process = platform_process_cpu_ns() - control->cycle_process_ns;
    struct gait_pacer_mark_cpu cpu = {
        .mutator_cpu_ns = process - background - record->cpu_ns[CPU_ASSIST],
        .assist_cpu_ns = record->cpu_ns[CPU_ASSIST],
        .background_cpu_ns = background,
        .held_back_share = held_back_share(control, record),
    };
    gait_pacer_end_cycle_measured(&control->pacer, &cpu);
    gait_pacer_set_marked(&control->pacer, record->marked_bytes);
    gait_pacer_set_foreign(&control->pacer, foreign);
    AO_store(&control->marking, 0);
    AO_store(&control->live_bytes, marked_bytes);
    AO_store(&control->unscannable_bytes,
             AO_load(&control->allocated_scannable_bytes) - AO_load(&control->heap_work_bytes));
    size_t in_use = AO_load(&control->space->used_bytes);
    control->last_in_use_bytes =
        gait_pacer_in_use_at_goal(in_use + foreign, record->peak_bytes, record->goal_bytes);
    gait_pacer_retain(&control->retain, record->end_ns, in_use);
    control->span_fill =
        gait_pacer_fill(control->span_fill, objects_bytes, in_use, AO_load(&control->fresh_bytes));
    AO_store(&control->fresh_bytes, 0);
    gait_pacer_commit(&control->pacer, false);
    publish(control);
    AO_nop_full(); /* who took foreign memory back meanwhile, and compared with the old figure */
    if (take_back(control))
        publish(control);
    lock_release(&control->lock);
    control->last_cycle_ns = record->end_ns;
    control_update_limiter(control);
}

void control_swept(struct control *control) {
    lock_acquire(&control->lock);
    look_at_memory(control);
    gait_pacer_commit(&control->pacer, true);
    publish(control);
    lock_release(&control->lock);
}

void control_update_limiter(struct control *control) {
    int64_t now_ns = platform_now_ns();
    lock_acquire(&control->lock);
    if (gait_limiter_need_update(&control->limiter, now_ns)) {
        int64_t process = platform_process_cpu_ns(), gc = control_gc_cpu_ns(control);
        int64_t gc_spent = gc - control->limiter_gc_ns;
        int64_t spent = process - control->limiter_process_ns;
        gait_limiter_update_measured(&control->limiter, now_ns, spent - gc_spent, gc_spent);
        control->limiter_process_ns = process;
        control->limiter_gc_ns = gc;
        if (control->limiting_since_ns)
            counter_add(&control->limiter_ns, (size_t)(now_ns - control->limiting_since_ns));
        bool limiting = gait_limiter_holds(&control->limiter, control->limiting_since_ns != 0);
        control->limiting_since_ns = limiting ? now_ns : 0;
        AO_store(&control->limiting, limiting);
    }
    lock_release(&control->lock);
}

bool control_periodic_due(struct control *control) {
    lock_acquire(&control->lock);
    bool due = gait_pacer_periodic_due(&control->pacer, platform_now_ns(), control->last_cycle_ns);
    lock_release(&control->lock);
    return due;
}

void control_process_is_new(struct control *control, int64_t less_ns) {
    lock_acquire(&control->lock);
    control->start_process_ns -= less_ns;
    control->cycle_process_ns -= less_ns;
    control->limiter_process_ns -= less_ns;
    lock_release(&control->lock);
}

/* ---- Settings ---- */

/* With the lock held. */
static void settings_changed(struct control *control) {
    look_at_memory(control);
    gait_pacer_commit(&control->pacer, sweep_done(control->sweeper));
    if (AO_load(&control->marking))
        revise(control);
    else
        publish(control);
}

int32_t control_set_gogc(struct control *control, int32_t percent) {
    lock_acquire(&control->lock);
    int32_t before = control->pacer.gogc_percent;
    if (percent != GAIT_KEEP) {
        gait_pacer_set_gogc(&control->pacer, percent);
        settings_changed(control);
    }
    lock_release(&control->lock);
    return before;
}

int64_t control_set_limit(struct control *control, int64_t bytes) {
    lock_acquire(&control->lock);
    int64_t before = gait_pacer_set_memory_limit(&control->pacer, bytes);
    if (bytes >= 0)
        settings_changed(control);
    lock_release(&control->lock);
    return before;
}

int32_t control_set_procs(struct control *control, int32_t procs) {
    control_update_limiter(control);
    lock_acquire(&control->lock);
    int32_t before = (int32_t)AO_load(&control->procs);
    if (procs > 0) {
        AO_store(&control->procs, (AO_t)procs);
        gait_limiter_reset_capacity(&control->limiter, platform_now_ns(), procs);
    }
    lock_release(&control->lock);
    return before;
}

/* ---- Memory ---- */

int64_t control_scavenge_nap_ns(struct control *control, int64_t spent_ns) {
    return gait_pacer_scavenge_sleep_ns(spent_ns, (int32_t)AO_load(&control->procs));
}

size_t control_scavenge_due(struct control *control) {
    struct space *space = control->space;
    lock_acquire(&control->lock);
    look_at_memory(control);
    size_t retained = AO_load(&space->used_bytes) + AO_load(&space->free_bytes);
    size_t total = control_total_bytes(control), due = 0, foreign = foreign_bytes(control);
    /* goals are those of the heap with its foreign memory: so is what is compared with them */
    struct gait_pacer_scavenge_goals goals = gait_pacer_scavenge(
        &control->pacer, retained + foreign, control->last_in_use_bytes, platform_page_bytes());
    uint64_t keep = goals.gogc_bytes == GAIT_PACER_NONE ? retained
                    : goals.gogc_bytes > foreign        ? goals.gogc_bytes - foreign
                                                        : 0;
    keep = gait_pacer_retain(&control->retain, platform_now_ns(), keep);
    if (retained > keep)
        due = retained - keep;
    if (goals.limit_bytes != GAIT_PACER_NONE && total > goals.limit_bytes &&
        total - goals.limit_bytes > due)
        due = total - goals.limit_bytes;
    lock_release(&control->lock);
    size_t free_bytes = AO_load(&space->free_bytes);
    due = due < free_bytes ? due : free_bytes;
    return due < SCAVENGE_BYTES ? due : SCAVENGE_BYTES;
}

size_t control_quarantine_bytes(const struct control *control) {
    size_t half = AO_load(&control->live_bytes) / 2;
    return half > QUARANTINE_BYTES ? half : QUARANTINE_BYTES;
}

void control_before_grow(struct control *control, size_t bytes) {
    size_t total = control_total_bytes(control) + bytes, limit = AO_load(&control->limit_bytes);
    struct arenas *arenas = control->space->arenas;
    if (total > limit && !AO_load(&control->limiting) && spare_bytes(control) > 0) {
        int64_t begin_ns = platform_thread_cpu_ns();
        size_t most = bytes > SCAVENGE_BYTES ? bytes : SCAVENGE_BYTES;
        /* first what nobody may use before the next cycle */
        size_t given = arenas_release(arenas, total - limit < most ? total - limit : most);
        total -= given < total ? given : total;
        if (total > limit && total - limit > AO_load(&control->space->free_bytes))
            chunks_drain(control->space);
        if (total > limit)
            total -= space_scavenge(control->space, total - limit < most ? total - limit : most);
        control_add_cpu(control, CPU_SCAVENGE, platform_thread_cpu_ns() - begin_ns);
    }
    if (total > AO_load(&control->peak_total_bytes))
        AO_store(&control->peak_total_bytes, total);
}
