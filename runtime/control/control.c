/* SPDX-License-Identifier: MIT */
/*
 * Clocks and counters -> governor -> orders. See control.h. One file of some 670 lines: each
 * function takes a snapshot of the same words, asks, and publishes. What mutators do by that is in
 * assist.c and turns.c.
 */
#include "control.h"

#include <string.h>

#include "../../pacer/governor.h"
#include "../heap/chunks.h"
#include "../mark/arenas.h"
#include "../platform/platform.h"

size_t control_total_bytes(struct control *control) {
    struct space *space = control->space;
    return AO_load(&space->used_bytes) + AO_load(&space->free_bytes) +
           AO_load(&space->metadata_bytes) + AO_load(&space->arena_bytes) +
           space_offheap_bytes(space) + foreign_sum(&space->foreign);
}

static size_t foreign_bytes(const struct control *control) {
    return foreign_sum(&control->space->foreign);
}

size_t control_spare_bytes(const struct control *control) {
    const struct space *space = control->space;
    return AO_load(&space->free_bytes) + chunks_pooled_bytes(space) +
           AO_load(&space->arenas->quarantined_bytes);
}

/* ---- Between the governor and atomics ---- */

struct gait_governor_orders control_orders(const struct control *control) {
    return (struct gait_governor_orders){
        .trigger_bytes = AO_load(&control->trigger_bytes),
        .goal_bytes = AO_load(&control->goal_bytes),
        .late_bytes = AO_load(&control->late_bytes),
        .barrier_bytes = AO_load(&control->barrier_bytes),
        .relief_bytes = AO_load(&control->relief_bytes),
        .large_bytes = AO_load(&control->large_bytes),
        .limit_bytes = AO_load(&control->limit_bytes),
        .keep_bytes = AO_load(&control->keep_bytes),
        .foreign_marked_bytes = AO_load(&control->foreign_marked_bytes),
        .assist_work_per_byte = double_of(AO_load(&control->assist_work_per_byte)),
        .assist_bytes_per_work = double_of(AO_load(&control->assist_bytes_per_work)),
        .limiting = AO_load(&control->limiting) != 0,
        .assists_off = AO_load(&control->assists_off) != 0,
    };
}

/* With the lock held, after any change: what allocation looks at. */
static void publish(struct control *control) {
    struct gait_governor_orders orders = gait_governor_orders(&control->governor);
    AO_store(&control->gogc_percent, (AO_t)(intptr_t)control->governor.pacer.gogc_percent);
    AO_store(&control->trigger_bytes, orders.trigger_bytes);
    AO_store(&control->goal_bytes, orders.goal_bytes);
    AO_store(&control->limit_bytes, orders.limit_bytes);
    AO_store(&control->keep_bytes, orders.keep_bytes);
    AO_store(&control->foreign_marked_bytes, orders.foreign_marked_bytes);
    AO_store(&control->late_bytes, orders.late_bytes);
    AO_store(&control->barrier_bytes, orders.barrier_bytes);
    AO_store(&control->relief_bytes, orders.relief_bytes);
    AO_store(&control->large_bytes, orders.large_bytes);
    AO_store(&control->assist_work_per_byte, bits_of(orders.assist_work_per_byte));
    AO_store(&control->assist_bytes_per_work, bits_of(orders.assist_bytes_per_work));
    AO_store(&control->limiting, orders.limiting);
    const struct gait_governor_settings *settings = &control->governor.settings;
    AO_store(&control->min_heap_bytes, settings->min_heap_bytes);
    AO_store(&control->gogc_floor_percent, (AO_t)settings->gogc_floor_percent);
    AO_store(&control->assists_off, orders.assists_off);
    if (orders.limiting || orders.assists_off)
        news_tell_all(&control->queue->news); /* nobody owes any more */
}

/* Memory is so much, of which more_bytes are about to be taken. */
static void note_total(struct control *control, size_t total_bytes, size_t more_bytes) {
    AO_t peak; /* of threads that note theirs at once the higher stays */
    while (total_bytes > (peak = AO_load(&control->peak_total_bytes)) &&
           !AO_compare_and_swap(&control->peak_total_bytes, peak, total_bytes))
        continue;
    if (notices_differ(&control->notices, total_bytes))
        notices_memory(control, more_bytes);
}

/* With the lock held. */
static void see_memory(struct control *control) {
    size_t total = control_total_bytes(control);
    size_t allocated = control_allocated_bytes(control);
    size_t freed = AO_load(&control->sweeper->freed_bytes);
    struct gait_governor_memory memory = {
        .total_bytes = total,
        .span_bytes = AO_load(&control->space->used_bytes),
        .free_bytes = AO_load(&control->space->free_bytes),
        .spare_bytes = control_spare_bytes(control),
        .objects_bytes = allocated > freed ? allocated - freed : 0,
        .foreign_bytes = foreign_bytes(control),
    };
    gait_governor_see(&control->governor, &memory);
    note_total(control, total, 0);
}

static struct gait_governor_clocks clocks_now(const struct control *control) {
    return (struct gait_governor_clocks){
        .now_ns = platform_now_ns(),
        .process_cpu_ns = platform_process_cpu_ns(),
        .gc_cpu_ns = control_gc_cpu_ns(control),
    };
}

static struct gait_governor_progress progress_now(const struct control *control) {
    return (struct gait_governor_progress){
        .live_bytes = control_live_bytes(control),
        .scannable_bytes = control_scannable_bytes(control),
        .heap_work_bytes = AO_load(&control->heap_work_bytes),
    };
}

static int32_t at_most_procs(int cpus) {
    return cpus < OPTIONS_PROCS_MAX ? cpus : OPTIONS_PROCS_MAX;
}

void control_init(struct control *control, struct space *space, struct sweeper *sweeper,
                  struct mark_queue *queue, struct finalizers *finalizers,
                  const struct options *options) {
    memset(control, 0, sizeof *control);
    lock_init(&control->lock, LOCK_CONTROL, "control");
    control->space = space;
    control->sweeper = sweeper;
    control->queue = queue;
    bool usable = options->max_procs == OPTIONS_PROCS_USABLE;
    int32_t procs = usable ? at_most_procs(platform_affinity_cpus()) : options->max_procs;
    AO_store(&control->procs, (AO_t)procs);
    AO_store(&control->procs_settled, !usable);
    control->minors_wanted = space->cards.bytes && options->minor ? options->gcminor : 0;
    notices_init(&control->notices, finalizers, options->notice_memory_bytes,
                 options->notice_limit_percent);
    struct gait_governor_settings settings = {
        .gogc_percent = options->gogc_percent,
        .memory_limit_bytes = options->memory_limit_bytes,
        .procs = procs,
        .min_heap_bytes = (uint64_t)options->min_heap_bytes,
        .gogc_floor_percent = options->gogc_floor_percent,
        .assists_off = !options->assists,
        .parity = options->parity != 0,
        .minors = space->cards.bytes != NULL && options->minor,
#ifdef GAIT_CHECKS
        .helped_bytes = 1, /* tests have small heaps */
#endif
    };
    struct gait_governor_clocks clocks = clocks_now(control);
    control->start_ns = clocks.now_ns;
    AO_store(&control->start_process_ns, (AO_t)clocks.process_cpu_ns);
    gait_governor_init(&control->governor, &settings, &clocks);
    see_memory(control);
    gait_governor_swept(&control->governor);
    publish(control);
    notices_limit_changed(control, options->memory_limit_bytes);
}

void control_destroy(struct control *control) {
    notices_destroy(&control->notices);
    lock_destroy(&control->lock);
}

int64_t control_gc_cpu_ns(const struct control *control) {
    int64_t sum = 0;
    for (unsigned purpose = 0; purpose < CPU_PURPOSES; purpose++)
        sum += (int64_t)AO_load(&control->cpu_ns[purpose]);
    return sum;
}

/* ---- While the program runs ---- */

/* With the lock held, while marking. */
static void revise(struct control *control) {
    see_memory(control);
    struct gait_governor_progress progress = progress_now(control);
    gait_governor_revise(&control->governor, &progress);
    publish(control);
}

/* The live heap at which the assist ratio is computed anew, after this. */
static AO_t revise_at(size_t live_bytes) { return (AO_t)gait_governor_revise_at(live_bytes); }

static void revise_if_free(struct control *control) {
    if (!lock_try(&control->lock))
        return; /* whoever has it publishes figures as new as these */
    if (AO_load(&control->marking))
        revise(control);
    lock_release(&control->lock);
}

bool control_outgrows_settling(const struct control *control, size_t bytes) {
    return AO_load(&control->space->used_bytes) + bytes > AO_load(&control->settling_bytes);
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
    see_memory(control);
    publish(control);
    bool due = control_live_bytes(control) >= AO_load(&control->trigger_bytes);
    lock_release(&control->lock);
    return due;
}

bool control_allocated(struct control *control, gait_mutator *mutator, size_t bytes,
                       bool scannable) {
    struct tally_rest *rest = &mutator->tally;
    *(scannable ? &rest->scannable_bytes : &rest->leaf_bytes) += bytes;
    bool marking = AO_load(&control->marking) != 0;
    if (marking) {
        mutator->assist_credit_bytes -= (int64_t)bytes;
        mutator->turn_bytes += bytes;
    }
    /* not by what the sums lack: a thread that goes native adds that to them, and might be told by
     * nobody that a cycle is due */
    mutator->unlooked_bytes += bytes;
    if (mutator->unlooked_bytes < GAIT_GOVERNOR_TALLY_BYTES)
        return false;
    mutator->unlooked_bytes = 0;
    tally_count(&control->space->tally, rest);
    size_t live = control_live_bytes(control);
    if (!marking)
        return live >= AO_load(&control->trigger_bytes) && is_due(control);
    AO_t at = AO_load(&control->revise_at_bytes);
    if (live >= at && AO_compare_and_swap(&control->revise_at_bytes, at, revise_at(live)))
        revise_if_free(control);
    return false;
}

void control_foreign_added(struct control *control, gait_mutator *mutator, size_t bytes) {
    if (AO_load(&control->marking))
        mutator->assist_credit_bytes -= (int64_t)bytes;
}

/* With the lock held: foreign memory that was marked was given back. @return whether it was. */
static bool take_back(struct control *control) {
    return gait_governor_take_back(&control->governor, foreign_bytes(control),
                                   sweep_done(control->sweeper));
}

bool control_memory_changed(struct control *control) {
    if (notices_look(&control->notices))
        note_total(control, control_total_bytes(control), 0);
    size_t limit = AO_load(&control->limit_bytes);
    bool limited = (int64_t)limit != GAIT_NO_LIMIT;
    if (limited || foreign_bytes(control) < AO_load(&control->foreign_marked_bytes)) {
        lock_acquire(&control->lock);
        bool changed = take_back(control) || limited;
        if (changed && AO_load(&control->marking)) {
            AO_store(&control->revise_at_bytes, revise_at(control_live_bytes(control)));
            revise(control);
        } else if (changed) {
            see_memory(control);
            publish(control);
        }
        lock_release(&control->lock);
    }
    return !AO_load(&control->marking) &&
           control_live_bytes(control) >= AO_load(&control->trigger_bytes);
}

/* So many bytes are live no more. The figure ends at 0: .inv.uncounted. */
static void live_less(struct tally *tally, size_t bytes) {
    for (bool told = bytes == 0; !told;) {
        AO_t live = AO_load(&tally->live_bytes);
        told = AO_compare_and_swap(&tally->live_bytes, live, live > bytes ? live - bytes : 0);
    }
}

void control_unallocated(struct control *control, struct cache_rest rest) {
    if (rest.bytes == 0)
        return;
    struct tally *tally = &control->space->tally;
    counter_sub(&tally->leaf_bytes, rest.bytes - rest.scannable_bytes);
    live_less(tally, rest.live_bytes);
    counter_sub(&tally->scannable_bytes, rest.scannable_bytes);
    counter_sub(&control->unscannable_bytes, rest.scannable_bytes - rest.live_scannable_bytes);
}

/* While a cycle marks its figures only grow: the pacer takes differences. It counts what is live
 * anew as it ends. */
void control_freed(struct control *control, gait_mutator *mutator) {
    size_t bytes = mutator->freed_bytes;
    if (bytes == 0)
        return;
    counter_add(&control->sweeper->freed_bytes, bytes);
    struct tally *tally = &control->space->tally;
    tally_count(tally, &mutator->tally); /* what was freed was handed out before */
    lock_acquire(&control->lock);        /* no cycle begins meanwhile */
    if (!AO_load(&control->marking)) {
        counter_add(&control->unscannable_bytes, mutator->freed_scannable_bytes);
        live_less(tally, bytes);
    }
    lock_release(&control->lock);
    mutator->freed_bytes = mutator->freed_scannable_bytes = 0;
}

struct gait_governor_patience control_patience(enum gait_governor_wait what,
                                               const struct gait_governor_waited *waited) {
    return gait_governor_patience(what, waited);
}

int64_t control_pays_ns(size_t want_bytes) { return gait_governor_pays_ns(want_bytes); }

enum gait_governor_wait control_for_start(const struct control *control) {
    return gait_governor_for_start(AO_load(&control->marking) != 0,
                                   sweep_is_open(control->sweeper));
}

enum gait_governor_wait control_for_dead(bool awaited, bool passes_limit) {
    return gait_governor_for_dead(awaited, passes_limit);
}

struct gait_governor_looks control_looks(void) {
    return gait_governor_looks();
}

int64_t control_waited_ns(int64_t since_ns, int64_t look_ns) {
    return gait_governor_waited_ns(since_ns, look_ns);
}

bool control_gives_back_aside(size_t excess_bytes) {
    return gait_governor_gives_back_aside(excess_bytes);
}

void control_credit(struct control *control, size_t scanned_bytes) {
    counter_add(&control->heap_work_bytes, scanned_bytes);
    counter_add(&control->credit_bytes, scanned_bytes);
    if (gait_governor_credit_pays((intptr_t)AO_load(&control->credit_bytes)))
        news_tell(&control->queue->news);
}

void control_marked(struct control *control) {
    revise_if_free(control);
    control_update_limiter(control);
}

bool control_is_limiting(struct control *control) { return AO_load(&control->limiting) != 0; }

struct gait_governor_helpers control_helpers(struct control *control, bool stopped) {
    return gait_governor_helpers(control_procs(control), stopped);
}

bool control_wakes_helpers(struct control *control, size_t bytes) {
    lock_acquire(&control->lock);
    bool wakes = gait_governor_wakes_helpers(&control->governor, bytes);
    lock_release(&control->lock);
    return wakes;
}

struct gait_governor_pace control_mark_pace(struct control *control, bool idle, bool limiting,
                                            bool stopped) {
    return gait_governor_mark_pace(control_procs(control), idle, limiting, stopped,
                                   AO_load(&control->expected_bytes));
}

struct gait_governor_pace control_sweep_pace(struct control *control, bool idle) {
    bool due = control_live_bytes(control) >= AO_load(&control->trigger_bytes);
    return gait_governor_sweep_pace(idle, due);
}

struct gait_governor_rhythm control_rhythm(void) {
    return gait_governor_rhythm();
}

int64_t control_nap_ns(const struct gait_governor_pace *pace, int64_t spent_ns) {
    return gait_governor_nap_ns(pace, spent_ns);
}

bool control_looks_again(const struct gait_governor_round *round) {
    return gait_governor_looks_again(round);
}

void control_preempted(struct control *control, int64_t ns) { control->held_back_ns += ns; }

/* ---- A cycle ---- */

/* With the lock held: of which kind the next cycle is, or the one that begins. dirty_bytes: of old
 * objects, on dirty cards; 0: nobody knows yet. */
static enum gait_governor_kind next_kind(const struct control *control, bool forced, bool periodic,
                                         uint64_t dirty_bytes) {
    if (control->minors_wanted && !forced && !periodic)
        return control->minors < control->minors_wanted ? GAIT_GOVERNOR_MINOR : GAIT_GOVERNOR_FULL;
    return gait_governor_kind(&control->governor, forced, periodic, dirty_bytes);
}

void control_begin(struct control *control, struct cycle_record *record, bool periodic,
                   bool stopped, uint64_t stack_bytes, uint64_t globals_bytes,
                   uint64_t changed_bytes) {
    control_update_limiter(control);
    lock_acquire(&control->lock);
    for (unsigned purpose = 0; purpose < CPU_PURPOSES; purpose++)
        control->cycle_cpu_ns[purpose] = (int64_t)AO_load(&control->cpu_ns[purpose]);
    AO_store(&control->heap_work_bytes, 0);
    AO_store(&control->credit_bytes, 0);
    control->held_back_ns = 0;
    see_memory(control);
    if (record->minor)
        record->minor = next_kind(control, record->forced, periodic, record->dirty_bytes) ==
                        GAIT_GOVERNOR_MINOR;
    if (record->minor)
        record->piece_bytes = changed_bytes;
    else
        record->kept_bytes = 0;
    control->minors = record->minor ? control->minors + 1 : 0;
    struct gait_governor_start start = {
        .clocks = clocks_now(control),
        .kind = record->minor ? GAIT_GOVERNOR_MINOR : GAIT_GOVERNOR_FULL,
        .dirty_bytes = record->dirty_bytes,
        .periodic = periodic,
        .forced = record->forced,
        .stopped = stopped,
        .live_bytes = control_live_bytes(control),
        .scannable_bytes = control_scannable_bytes(control),
        .stack_bytes = stack_bytes,
        .globals_bytes = globals_bytes,
        .piece_bytes = record->piece_bytes,
    };
    struct gait_governor_cycle cycle;
    record->trigger_bytes = AO_load(&control->trigger_bytes);
    gait_governor_begin(&control->governor, &start, &cycle);
    record->procs = control_procs(control);
    record->start_ns = start.clocks.now_ns;
    record->start_bytes = start.live_bytes;
    record->scannable_bytes = start.scannable_bytes;
    record->start_goal_bytes = cycle.goal_bytes;
    record->assist_ratio = cycle.assist_ratio;
    record->by_limit = cycle.by_limit;
    record->dedicated = cycle.workers.dedicated;
    record->fractional_share = cycle.workers.fractional_share;
    AO_store(&control->expected_bytes, cycle.expected_bytes);
    AO_store(&control->revise_at_bytes, revise_at(start.live_bytes));
    AO_store(&control->marking, 1);
    publish(control);
    lock_release(&control->lock);
}

/* CPU time since the cycle began, of each purpose. */
static void count_cycle_cpu(const struct control *control, struct cycle_record *record) {
    for (unsigned purpose = 0; purpose < CPU_PURPOSES; purpose++)
        record->cpu_ns[purpose] =
            (int64_t)AO_load(&control->cpu_ns[purpose]) - control->cycle_cpu_ns[purpose];
}

void control_end(struct control *control, struct cycle_record *record, uint64_t marked_bytes,
                 uint64_t stack_bytes, uint64_t globals_bytes) {
    lock_acquire(&control->lock);
    see_memory(control);
    count_cycle_cpu(control, record);
    uint64_t foreign = control->governor.memory.foreign_bytes;
    int64_t assist_ns = record->cpu_ns[CPU_ASSIST];
    int64_t background_ns =
        record->cpu_ns[CPU_DEDICATED] + record->cpu_ns[CPU_FRACTIONAL] + record->cpu_ns[CPU_IDLE];
    struct gait_governor_end end = {
        .clocks = clocks_now(control),
        .progress = progress_now(control),
        .marked_bytes = marked_bytes + foreign,
        .black_bytes = record->black_bytes,
        .kept_work_bytes = AO_load(&control->space->cards.work_bytes),
        .young_seen_bytes = record->young.seen_bytes,
        .young_live_bytes = record->young.live_bytes,
        .written_pages = record->written_pages,
        .stack_bytes = stack_bytes,
        .globals_bytes = globals_bytes,
        .fresh_bytes = AO_load(&control->fresh_bytes),
        .assist_cpu_ns = assist_ns,
        .background_cpu_ns = background_ns,
    };
    end.mutator_cpu_ns = end.clocks.process_cpu_ns - control->governor.start.clocks.process_cpu_ns -
                         background_ns - assist_ns;
    struct gait_governor_cycle cycle;
    gait_governor_end(&control->governor, &end, &cycle);
    /* pieces of globals were scanned as the heap's work */
    counter_sub(&control->heap_work_bytes, end.progress.heap_work_bytes - cycle.scanned_bytes);
    record->end_ns = end.clocks.now_ns;
    record->peak_bytes = end.progress.live_bytes;
    record->goal_bytes = cycle.goal_bytes;
    record->marked_bytes = end.marked_bytes;
    record->foreign_bytes = foreign;
    record->arena_bytes = AO_load(&control->space->arena_bytes);
    record->offheap_bytes = space_offheap_bytes(control->space);
    record->scanned_bytes = cycle.scanned_bytes;
    record->expected_bytes = cycle.expected_bytes;
    record->cons_mark = cycle.cons_mark;
    record->estimate_bytes = cycle.estimate_bytes;
    record->by_floor = cycle.ruled_by == GAIT_GOVERNOR_BY_FLOOR;
    record->held_back_ns = control->held_back_ns;
    record->keeps =
        control->space->cards.bytes && next_kind(control, false, false, 0) == GAIT_GOVERNOR_MINOR;
    record->stack_bytes = stack_bytes;
    record->globals_bytes = globals_bytes;
    AO_store(&control->marking, 0);
    AO_store(&control->space->tally.live_bytes, marked_bytes);
    AO_store(&control->unscannable_bytes,
             AO_load(&control->space->tally.scannable_bytes) - cycle.scannable_bytes);
    AO_store(&control->fresh_bytes, 0);
    AO_store(&control->settling_bytes,
             gait_governor_settling_bytes(AO_load(&control->space->used_bytes)));
    publish(control);
    AO_nop_full(); /* for threads that took foreign memory back meanwhile, and compared with the old
                      figure */
    if (take_back(control))
        publish(control);
    lock_release(&control->lock);
    control->last_cycle_ns = record->end_ns;
    control_update_limiter(control);
}

void control_swept(struct control *control) {
    lock_acquire(&control->lock);
    see_memory(control);
    gait_governor_swept(&control->governor);
    publish(control);
    lock_release(&control->lock);
}

void control_update_limiter(struct control *control) {
    lock_acquire(&control->lock);
    if (gait_governor_count_due(&control->governor, platform_now_ns())) {
        struct gait_governor_clocks clocks = clocks_now(control);
        bool changed = gait_governor_count(&control->governor, &clocks);
        AO_store(&control->limiter_ns, (AO_t)control->governor.limiting_ns);
        if (changed) {
            publish(control);
            notices_limiter(control, control->governor.limiting,
                            control->governor.learnt.cycles + 1);
        }
    }
    lock_release(&control->lock);
}

bool control_periodic_due(struct control *control) {
    lock_acquire(&control->lock);
    bool due =
        gait_governor_periodic_due(&control->governor, platform_now_ns(), control->last_cycle_ns);
    lock_release(&control->lock);
    return due;
}

void control_process_is_new(struct control *control, int64_t less_ns) {
    lock_acquire(&control->lock);
    counter_sub(&control->start_process_ns, (size_t)less_ns);
    gait_governor_process_is_new(&control->governor, less_ns);
    lock_release(&control->lock);
}

bool control_is_due(struct control *control) {
    lock_acquire(&control->lock);
    see_memory(control);
    publish(control);
    bool due = control_live_bytes(control) >= AO_load(&control->trigger_bytes);
    lock_release(&control->lock);
    return due || control_is_tight(control, 0);
}

/* ---- Settings ---- */

/* With the lock held. */
static void settings_changed(struct control *control) {
    see_memory(control);
    if (AO_load(&control->marking))
        revise(control);
    else
        publish(control);
}

int64_t control_set(struct control *control, enum gait_governor_setting setting, int64_t value,
                    bool changes) {
    lock_acquire(&control->lock);
    int64_t before = gait_governor_setting(&control->governor, setting);
    if (changes) {
        gait_governor_set(&control->governor, setting, value, sweep_done(control->sweeper));
        settings_changed(control);
        if (setting == GAIT_SETTING_LIMIT)
            notices_limit_changed(control, value);
    }
    lock_release(&control->lock);
    return before;
}

/* With the lock held. */
static void set_procs(struct control *control, int32_t procs) {
    AO_store(&control->procs, (AO_t)procs);
    gait_governor_set_procs(&control->governor, platform_now_ns(), procs);
}

void control_settle_procs(struct control *control) {
    if (AO_load(&control->procs_settled))
        return;
    int32_t procs = platform_quota_cpus(control_procs(control));
    control_update_limiter(control);
    lock_acquire(&control->lock);
    if (!AO_load(&control->procs_settled)) /* else another thread found as much */
        set_procs(control, procs);
    AO_store(&control->procs_settled, 1);
    lock_release(&control->lock);
}

int32_t control_set_procs(struct control *control, int32_t procs) {
    control_settle_procs(control); /* a program that sets none asks what there is */
    control_update_limiter(control);
    lock_acquire(&control->lock);
    int32_t before = (int32_t)AO_load(&control->procs);
    if (procs > 0)
        set_procs(control, procs);
    lock_release(&control->lock);
    return before;
}

/* ---- Memory ---- */

int64_t control_scavenge_nap_ns(struct control *control, int64_t spent_ns) {
    return gait_governor_scavenge_nap_ns(control_procs(control), spent_ns);
}

size_t control_scavenge_due(struct control *control) {
    control_update_limiter(control); /* where no cycle looks: its end is told of */
    lock_acquire(&control->lock);
    see_memory(control);
    uint64_t due =
        gait_governor_scavenge_due(&control->governor, platform_now_ns(), platform_page_bytes());
    lock_release(&control->lock);
    return (size_t)due;
}

size_t control_quarantine_bytes(const struct control *control) {
    return (size_t)gait_governor_quarantine_bytes(AO_load(&control->space->tally.live_bytes));
}

size_t control_quarantine_most_bytes(const struct control *control) {
    uint64_t live = AO_load(&control->space->tally.live_bytes);
    return (size_t)gait_governor_quarantine_most_bytes(live);
}

struct gait_governor_stretch control_scavenge_stretch(void) {
    return gait_governor_scavenge_stretch();
}

void control_before_grow(struct control *control, size_t bytes) {
    size_t total = control_total_bytes(control) + bytes;
    struct gait_governor_orders orders = control_orders(control);
    size_t due = (size_t)gait_governor_give_back(&orders, total, bytes);
    if (due > 0 && control_spare_bytes(control) > 0) {
        int64_t begin_ns = platform_thread_cpu_ns();
        /* first what nobody may use before the next cycle */
        size_t given = arenas_release(control->space->arenas, due);
        total -= given < total ? given : total;
        due = (size_t)gait_governor_give_back(&orders, total, bytes);
        if (due > 0 && total - orders.keep_bytes > AO_load(&control->space->free_bytes))
            chunks_drain(control->space);
        if (due > 0)
            total -= space_scavenge(control->space, due);
        control_add_cpu(control, CPU_SCAVENGE, platform_thread_cpu_ns() - begin_ns);
    }
    note_total(control, total, bytes);
}
