/* SPDX-License-Identifier: MIT */
/*
 * From clocks and counters to the governor, and from its orders to actions. The only part that
 * calls pacer/, and without a rule of its own.
 *
 * The governor is guarded by the lock CONTROL. What allocation looks at on its way is published in
 * atomics after each change: they are read unordered, and a value that is a moment old only moves
 * a trigger or an assist by as much.
 */
#ifndef GAIT_CONTROL_H
#define GAIT_CONTROL_H

#include "../../pacer/governor.h"
#include "../../pacer/governor_waits.h"
#include "../heap/space.h"
#include "../mutator/mutator.h"
#include "../options.h"
#include "../platform/platform.h"
#include "../sweep/sweep.h"
#include "notices.h"

#include <string.h>

/* A double in an atomic word. */
static inline AO_t bits_of(double value) {
    AO_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static inline double double_of(AO_t bits) {
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* What collection spent CPU time on. */
enum cpu_purpose {
    CPU_ASSIST,
    CPU_DEDICATED,
    CPU_FRACTIONAL,
    CPU_IDLE,
    CPU_SWEEP,
    CPU_SCAVENGE,
    CPU_PURPOSES
};

/* One cycle, as it is told by traces and figures. Written by the collector only. */
struct cycle_record {
    uint64_t number;
    int64_t start_ns;             /* monotonic, as are the next three */
    int64_t mark_ns;              /* barrier on, roots asked for: concurrent marking begins */
    int64_t end_ns;               /* marking terminated */
    int64_t stop_ns;              /* length of the pause that ends marking */
    int64_t cpu_ns[CPU_PURPOSES]; /* spent in this cycle */
    uint64_t start_bytes;         /* live heap as it started */
    uint64_t trigger_bytes;
    uint64_t peak_bytes; /* live heap as marking ended */
    uint64_t marked_bytes;
    uint64_t black_bytes; /* of marked_bytes: allocated while it marked */
    uint64_t
        live_bytes; /* of marked_bytes: what a stopped mark finds as it ended; 0: not measured */
    uint64_t goal_bytes;
    uint64_t stack_bytes;
    uint64_t globals_bytes;
    uint64_t foreign_bytes; /* of marked_bytes; as it ended, as are the next two */
    uint64_t arena_bytes;
    uint64_t offheap_bytes;
    uint64_t scannable_bytes;  /* live heap in kinds with references, as it started */
    uint64_t scanned_bytes;    /* heap looked at for references */
    uint64_t expected_bytes;   /* heap, stacks and globals that the last cycle looked at */
    uint64_t start_goal_bytes; /* the goal as it started */
    double assist_ratio;       /* bytes of scanning per byte allocated, as marking began */
    double cons_mark;          /* that its trigger was chosen by */
    double fractional_share;   /* workers, as the pacer divides them */
    int64_t held_back_ns;      /* the collector was preempted, as it is now and then */
    int32_t dedicated;
    int32_t procs;
    bool forced;
    bool minor; /* what was marked before was kept. As control_begin is called: it may be minor */
    bool keeps; /* as it ended: the next one may be minor */
    uint64_t written_pages;  /* watched since the last one, and written */
    uint64_t kept_bytes;     /* of marked_bytes, of a minor one: marked before it began */
    uint64_t dirty_bytes;    /* what it has to look at of the old at least, if it might be minor */
    uint64_t piece_bytes;    /* of ranges, scanned piece by piece */
    struct young_sums young; /* of what was new as it began: what of it lives */
    uint64_t estimate_bytes; /* of marked_bytes, what is taken for live: the next goal's base */
    bool periodic;
    bool by_limit; /* the limit asked for less than GOGC, as it began */
    bool by_floor; /* the CPU that the collector may take gave the goal */
    bool stopped;  /* the world was stopped while it marked */
};

struct control {
    struct lock lock;              /* rank CONTROL */
    struct gait_governor governor; /* lock */
    struct space *space;           /* constant */
    struct sweeper *sweeper;       /* constant */
    struct mark_queue *queue;      /* constant */
    struct notices notices;        /* guarded as notices.h says */
    AO_t procs;                    /* written under the lock; read unordered: may be old */
    AO_t procs_settled;            /* not 0: no quota is to be looked up any more; likewise */

    /* of the tally's scannable_bytes, what its live_bytes does not count, less what marking found:
     * below zero where arenas were scanned */
    AO_t unscannable_bytes;
    AO_t revise_at_bytes;      /* live heap at which the assist ratio is computed anew */
    AO_t heap_work_bytes;      /* scanned in this cycle, heap */
    AO_t expected_bytes;       /* to scan, as the last cycle began; the collector's thread */
    AO_t credit_bytes;         /* work done in the background that assists may use; signed */
    AO_t cpu_ns[CPU_PURPOSES]; /* since the heap was created */
    AO_t cpu_rest_ns;          /* of CPU_DEDICATED: what is not marking in bursts */
    AO_t limiter_ns;           /* time spent limiting */
    AO_t peak_total_bytes;
    AO_t settling_bytes; /* spans may have so much while weak words are settled; by control_end */
    AO_t fresh_bytes;    /* spans taken since all was swept: no swept one had a cell to give */

    AO_t gogc_percent; /* by publish, as what follows: unordered, a stale one only delays; signed */
    AO_t trigger_bytes; /* live heap, here and below: control_live_bytes */
    AO_t goal_bytes;
    AO_t limit_bytes;
    AO_t keep_bytes; /* memory above which free pages go back at once */
    AO_t foreign_marked_bytes;
    AO_t barrier_bytes;         /* live heap at which the limit has mutators wait for the cycle */
    AO_t late_bytes;            /* live heap at which mutators wait for a cycle to begin */
    AO_t relief_bytes;          /* live heap at which a cycle begins where pages pass the limit */
    AO_t large_bytes;           /* the same before a large object that passes the goal as well */
    AO_t assist_work_per_byte;  /* bits of a double */
    AO_t assist_bytes_per_work; /* bits of a double */
    AO_t turn_share;            /* bits of a double: of their time, mutators mark in turns; 0: none.
                                   By the collector's thread; unordered, an old one only delays */
    AO_t turns_ns;              /* CPU time that turns took since the heap was created */
    AO_t marking;               /* not 0: between control_begin and control_end */
    AO_t limiting;              /* not 0: the CPU limiter is */
    AO_t min_heap_bytes;        /* settings, as gogc_percent is */
    AO_t gogc_floor_percent;
    AO_t assists_off;

    uint32_t minors_wanted; /* constant: option gcminor */
    uint32_t minors;        /* since the last full cycle; the collector's */

    int64_t start_ns;      /* constant: when the heap was created */
    AO_t start_process_ns; /* process CPU time then, with what is left out since; signed, written
                              under the lock and read unordered */
    int64_t cycle_cpu_ns[CPU_PURPOSES]; /* of each purpose, as the cycle began; the collector's */
    int64_t last_cycle_ns;              /* when the last cycle ended; the collector's */
    int64_t held_back_ns;               /* in this cycle; the collector's */
};

void control_init(struct control *control, struct space *space, struct sweeper *sweeper,
                  struct mark_queue *queue, struct finalizers *finalizers,
                  const struct options *options);
void control_destroy(struct control *control);

/** All memory that the heap holds and the OS has given, and what counts with it, bytes: what the
 * limit applies to. */
size_t control_total_bytes(struct control *control);

/** Of it, what can be given back without a cycle, bytes. */
size_t control_spare_bytes(const struct control *control);

/** What the governor ordered last. */
struct gait_governor_orders control_orders(const struct control *control);

/** The live heap: objects, and the foreign memory that they stand for. */
static inline size_t control_live_bytes(const struct control *control) {
    return AO_load(&control->space->tally.live_bytes) + foreign_sum(&control->space->foreign);
}

/** Is there a memory limit? unordered, as the next one: a mutator looks again for each run. */
static inline bool control_is_limited(const struct control *control) {
    return (int64_t)AO_load(&control->limit_bytes) != GAIT_NO_LIMIT;
}

/** Has a mutator that takes a cell nothing to ask the governor? takes_pages: it may take pages, and
 * there is a limit that they may pass. */
bool control_lets_go_on(const struct control *control, bool takes_pages);

/** Allocated since the heap was created, bytes. */
static inline size_t control_allocated_bytes(const struct control *control) {
    return tally_allocated(&control->space->tally);
}

/** Part of the live heap that may hold references, bytes. */
static inline size_t control_scannable_bytes(const struct control *control) {
    size_t allocated = AO_load(&control->space->tally.scannable_bytes);
    intptr_t live = (intptr_t)(allocated - AO_load(&control->unscannable_bytes));
    return live > 0 ? (size_t)live : 0; /* read one after the other */
}

/** Count CPU time. Any thread. */
static inline void control_add_cpu(struct control *control, enum cpu_purpose purpose, int64_t ns) {
    counter_add(&control->cpu_ns[purpose], (size_t)ns);
}

/** CPU time of the process since the heap was created, ns, without what is left out. Any thread. */
static inline int64_t control_process_cpu_ns(const struct control *control) {
    return platform_process_cpu_ns() - (intptr_t)AO_load(&control->start_process_ns);
}

/** CPU time of the collector, all purposes, ns. */
int64_t control_gc_cpu_ns(const struct control *control);

/** Memory was handed to a mutator; a step of it is counted. @return whether a cycle is due. */
bool control_allocated(struct control *control, gait_mutator *mutator, size_t bytes,
                       bool scannable);

/** A mutator counted foreign memory, which control_memory_changed is told of after this. While
 * marking, it owes for it. */
void control_foreign_added(struct control *control, gait_mutator *mutator, size_t bytes);

/**
 * Arena, off-heap or foreign memory has changed: under a limit the goal follows at once; less
 * foreign memory than was marked lowers GOGC's goal. Any thread.
 * @return whether a cycle is due.
 */
bool control_memory_changed(struct control *control);

/** A mutator gave memory back that it had not used. What it was handed is counted. */
void control_unallocated(struct control *control, struct cache_rest rest);

/** A mutator's program has freed objects, of which control has not heard: the live heap is so much
 * smaller. Whoever has the mutator. */
void control_freed(struct control *control, gait_mutator *mutator);

/** What a mutator that is about to take memory is told, and its part of it: assist.c. */
struct control_want {
    size_t page_bytes; /* that it needs; 0: some span's */
    bool takes_pages;  /* no cell that is free, or to be swept, will do */
    bool marks;        /* it may mark */
    bool helped;       /* it has helped a late cycle as long as it may */
    bool awaited;      /* it has waited for one as long as it may */
};
enum gait_governor_advice control_advise(struct control *control, gait_mutator *mutator,
                                         const struct control_want *want);

/** Told to mark: have the mutator pay its debt, or a piece of it; until end_ns more than that.
 * @return what it does then. */
enum gait_governor_then control_assist(struct control *control, gait_mutator *mutator,
                                       const struct control_want *want, int64_t end_ns);

/** A mutator that was starved waits until there is something to mark, enough was marked in its
 * place, marking ends, or assists do; most_ns at most. Not by a running mutator.
 * @return whether there is. */
bool control_await_work(struct control *control, int64_t most_ns);

/** How long a mutator may wait, and for which it pays. */
struct gait_governor_patience control_patience(enum gait_governor_wait what,
                                               const struct gait_governor_waited *waited);
int64_t control_pays_ns(size_t want_bytes);
enum gait_governor_wait control_for_start(const struct control *control);
enum gait_governor_wait control_for_dead(bool awaited, bool passes_limit);

/** How a thread that waits looks, and what such a time counts. */
struct gait_governor_looks control_looks(void);
int64_t control_waited_ns(int64_t since_ns, int64_t look_ns);

/** Is so much more memory than the limit allows to be given back in native code? */
bool control_gives_back_aside(size_t excess_bytes);

/** With so many bytes of pages more, would more than a few have been taken since marking ended?
 * They are taken in place of what is dead, until weak words are settled. */
bool control_outgrows_settling(const struct control *control, size_t bytes);

/** Would so many bytes of pages more pass the limit, counted without the free pages that allocation
 * may use or give back? 0: some span's. */
bool control_is_tight(struct control *control, size_t bytes);

/** Spans' pages were taken, though all is swept. */
void control_took_fresh(struct control *control, size_t bytes);

/** Background marking was done: assists may use it, and those that wait are told. */
void control_credit(struct control *control, size_t scanned_bytes);

/** After a burst of it: the assist ratio and the CPU limiter look at what was done. */
void control_marked(struct control *control);

/**
 * Look up the cgroup's quota, unless that was done or the number of CPUs was set. It is put off
 * until the first cycle, or somebody asks: it takes longer than all else that a heap's beginning
 * does, and nothing counts with CPUs before. Reads files; any thread, without locks.
 */
void control_settle_procs(struct control *control);

/** CPUs. May be old; before they are settled, those of the affinity mask as the heap began. */
static inline int32_t control_procs(const struct control *control) {
    return (int32_t)AO_load(&control->procs);
}

/** Does the CPU limiter hold the collector down? */
bool control_is_limiting(struct control *control);

/** Helpers beside the collector's thread, in each cycle. stopped: the world is. */
struct gait_governor_helpers control_helpers(struct control *control, bool stopped);

/** Is a heap of so many bytes to mark worth waking them? */
bool control_wakes_helpers(struct control *control, size_t bytes);

/** How the collector's thread marks, and sweeps. idle: a CPU is beside the mutators; limiting: the
 * limiter holds marking down; stopped: mutators are. */
struct gait_governor_pace control_mark_pace(struct control *control, bool idle, bool limiting,
                                            bool stopped);
struct gait_governor_pace control_sweep_pace(struct control *control, bool idle);

/** Times that all markers have in common. */
struct gait_governor_rhythm control_rhythm(void);

/** The nap after a burst that took so much CPU time; 0: none. */
int64_t control_nap_ns(const struct gait_governor_pace *pace, int64_t spent_ns);

/** What turns had done as the collector's thread looked last; zero: as marking begins. */
struct control_turns {
    int64_t now_ns;
    int64_t turns_ns;
};

/** Have mutators mark in turns, as the pace says. @return whether they do enough that the
 * collector's thread, which alone calls this, need not mark until it looks again. */
bool control_turns_suffice(struct control *control, const struct gait_governor_pace *pace,
                           struct control_turns *seen);

/** A mutator that may mark marks as much as budget_bytes. @return bytes scanned; *starved: less,
 * since others hold all the work there is, or there is none left but to end the cycle. */
size_t assist_mark(gait_mutator *mutator, size_t budget_bytes, bool *starved);

/** A mutator that may mark takes its turn if one is due. Cheap else. */
void control_take_turn(struct control *control, gait_mutator *mutator);

/** Before the program is stopped: is another look at what it writes worth it? */
bool control_looks_again(const struct gait_governor_round *round);

/** The OS had it wait for so long in the middle of a burst, for once. The collector only. */
void control_preempted(struct control *control, int64_t ns);

/**
 * Marking begins; it has ended; its bytes are known and the next goal is set. Of the globals,
 * record->piece_bytes are scanned by markers among other work, which counts as heap's until the
 * end; changed_bytes of them, if the cycle is minor: what they are from then on.
 */
void control_begin(struct control *control, struct cycle_record *record, bool periodic,
                   bool stopped, uint64_t stack_bytes, uint64_t globals_bytes,
                   uint64_t changed_bytes);
void control_end(struct control *control, struct cycle_record *record, uint64_t marked_bytes,
                 uint64_t stack_bytes, uint64_t globals_bytes);

/** Sweeping has ended: the trigger no longer has to leave it room. */
void control_swept(struct control *control);

/** Count CPU time into the limiter's bucket. Often while marking; cheap if it isn't due. */
void control_update_limiter(struct control *control);

/** Is a cycle due as figures are now, between two cycles: has the live heap reached its trigger, or
 * is more in use than the limit allows? For settings that were lowered: allocation asks by itself.
 */
bool control_is_due(struct control *control);

/** Change a setting, if `changes`; else only read it. @return the one before. */
int64_t control_set(struct control *control, enum gait_governor_setting setting, int64_t value,
                    bool changes);

/** The CPUs, if more than 0; else only read them. @return those before. */
int32_t control_set_procs(struct control *control, int32_t procs);

/** In a fork's child, whose process has spent so much less CPU time than the one that forked:
 * figures go on from the parent's. */
void control_process_is_new(struct control *control, int64_t less_ns);

/** So much CPU time, of no purpose above, is to be left out of all figures and rules: a debug
 * option's. The program would never have spent it, so it is taken off as at a fork. */
static inline void control_leave_out(struct control *control, int64_t cpu_ns) {
    control_process_is_new(control, -cpu_ns);
}

/** Is a cycle due since the last one was long ago? */
bool control_periodic_due(struct control *control);

/** How far the sum of memory would be above the limit less a small reserve with so many bytes more,
 * bytes; 0 while the limiter is limiting. */
size_t control_excess_bytes(struct control *control, size_t more_bytes);

/** How much is to be given back at once where so many bytes are to come: down to the limit, or,
 * where the CPU can't hold that, to what the heap takes up to its goal. Bytes; 0 while the limiter
 * is limiting. */
size_t control_return_due(struct control *control, size_t more_bytes);

/** How many bytes the scavenger should give back now in the background; 0: none. */
size_t control_scavenge_due(struct control *control);

/** How long the scavenger sleeps after it has taken so much CPU time, so that its share is small.
 */
int64_t control_scavenge_nap_ns(struct control *control, int64_t spent_ns);

/** How the scavenger works. */
struct gait_governor_stretch control_scavenge_stretch(void);

/** So many bytes of pages are about to be taken back from the OS: give others to it if the limit
 * asks for it. Hook of the space. */
void control_before_grow(struct control *control, size_t bytes);

/** How much memory of ended arenas may wait in quarantine before a cycle is asked for, which ends
 * it, bytes. */
size_t control_quarantine_bytes(const struct control *control);

/** And how much of it the scavenger leaves there until that cycle ends, bytes. */
size_t control_quarantine_most_bytes(const struct control *control);

#endif
