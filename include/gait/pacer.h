/* SPDX-License-Identifier: MIT */
/**
 * The pacer: when to collect, how hard, and how much memory to keep.
 *
 * Pure policy. Numbers go in, decisions come out: nothing here reads a clock,
 * takes a lock, allocates, keeps a global or points outside the struct that it
 * is given. The structs are plain values: copy, compare and save them freely.
 * The same code paces the runtime, a simulation and a page in a browser.
 *
 * Unlike gait.h's, these structs are no part of what a soversion keeps. So libgait exports none of
 * these functions; a program that calls the pacer itself links a static library of its own, which
 * is nothing else: libgait-pacer (pkg-config: gait-pacer).
 *
 * It computes what Go 1.26 computes (src/runtime/mgcpacer.go, mgclimit.go,
 * mgcscavenge.go, mgcsweep.go), to the last bit; where a function goes beyond
 * Go its comment says so. docs/design/pacer.md has the formulas in one place.
 *
 * It is long since it is the whole contract of the policy, in one place.
 *
 * Thread rule, for every function: calls on one struct must not overlap (hold a
 * lock around each). Different structs are independent.
 *
 * The order of calls over a cycle:
 *
 *     gait_pacer_init
 *     each cycle:
 *         gait_pacer_set_live, gait_pacer_cycle_due      while the program runs
 *         gait_pacer_start_cycle                         marking begins
 *         gait_pacer_revise                              often, while marking
 *         gait_pacer_end_cycle (or _measured)            marking has ended
 *         gait_pacer_set_marked, gait_pacer_commit       the next goal stands
 *         gait_pacer_take_back, gait_pacer_commit        foreign memory was taken back
 *     gait_pacer_set_gogc / _set_memory_limit / _set_memory, then
 *         gait_pacer_commit, at any time.
 */
#ifndef GAIT_PACER_H
#define GAIT_PACER_H

#include <stdbool.h>
#include <stdint.h>

/* Not exported by whatever they are linked into. */
#if defined(__GNUC__)
#define GAIT_PACER_API __attribute__((visibility("hidden")))
#else
#define GAIT_PACER_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

/** GOGC=off: only the memory limit (and a forced collection) starts a cycle. */
#define GAIT_PACER_GOGC_OFF (-1)
/** GOMEMLIMIT=off: a limit that nothing reaches. */
#define GAIT_PACER_NO_LIMIT INT64_MAX
/** In a byte count: there is no such value (no trigger yet, nothing to release). */
#define GAIT_PACER_NONE UINT64_MAX
/** Cycles whose cons/mark ratios are remembered beside the current one. */
#define GAIT_PACER_HISTORY 4

/* ---- What goes in ------------------------------------------------------- */

/**
 * What the heap holds of the OS's memory, for the limit-based goal. Take the
 * three at one moment: a mix in which free + allocated exceeds mapped reads as
 * "no non-heap memory".
 */
struct gait_pacer_memory {
    uint64_t mapped_bytes;    /**< all that the limit applies to: mapped, not released   */
    uint64_t free_bytes;      /**< of these, in no span, kept for later                  */
    uint64_t allocated_bytes; /**< of these, in allocated objects, live or not yet swept */
};

/** Marking done so far in a cycle, by kind. */
struct gait_pacer_work {
    int64_t heap_bytes;    /**< heap bytes scanned           */
    int64_t stack_bytes;   /**< bytes of stacks scanned      */
    int64_t globals_bytes; /**< bytes of static data scanned */
};

/** The state in which marking begins. */
struct gait_pacer_start {
    int64_t now_ns;            /**< monotonic clock                                        */
    int32_t procs;             /**< CPUs that the program may use (GOMAXPROCS), at least 1 */
    bool periodic;             /**< started by the clock, not by growth: no idle helpers   */
    bool stop_the_world;       /**< mutators are stopped: every CPU marks                  */
    uint64_t live_bytes;       /**< marked by the last cycle + allocated since             */
    uint64_t scannable_bytes;  /**< part of it that may hold references                    */
    uint64_t stack_bytes;      /**< upper bound on the stacks to scan                      */
    uint64_t globals_bytes;    /**< static data to scan                                    */
    uint64_t early_goal_bytes; /**< it started early, and is to end at this goal if that is
                                    lower; 0: at any goal. Not Go's                       */
};

/** How far marking has come; each figure is a total, not a difference. */
struct gait_pacer_progress {
    uint64_t live_bytes;         /**< as in gait_pacer_start, now               */
    uint64_t scannable_bytes;    /**< as in gait_pacer_start, now               */
    struct gait_pacer_work work; /**< done since gait_pacer_start_cycle          */
};

/** CPU time of a mark phase as Go reckons it: from wall time and capacity. */
struct gait_pacer_mark_time {
    int64_t now_ns;        /**< end of marking, same clock as gait_pacer_start.now_ns */
    int32_t procs;         /**< as given at the start                                 */
    int64_t assist_cpu_ns; /**< mutators' time spent in assists                       */
    int64_t idle_cpu_ns;   /**< time of markers on CPUs that were otherwise idle      */
};

/** CPU time of a mark phase as measured, per thread. */
struct gait_pacer_mark_cpu {
    int64_t mutator_cpu_ns;    /**< used by mutators, without their assists        */
    int64_t assist_cpu_ns;     /**< used by mutators' assists                      */
    int64_t background_cpu_ns; /**< used by dedicated, fractional and idle markers */
};

/* ---- What comes out ----------------------------------------------------- */

/** Who marks in the background. */
struct gait_pacer_workers {
    int32_t dedicated;       /**< CPUs that do nothing else until marking ends                */
    int32_t idle_max;        /**< most markers on CPUs that have nothing to do                */
    double fractional_share; /**< share of wall time (0..1) that each other CPU gives; 0 none */
};

/** Where the heap stands when a cycle starts, and where it should end. */
struct gait_pacer_target {
    uint64_t trigger_bytes; /**< start when live bytes reach this; never above the goal */
    uint64_t goal_bytes;    /**< marking should end before live bytes pass this         */
};

/** A mutator's debt turned into work: gait_pacer_assist. */
struct gait_pacer_debt {
    int64_t work_bytes;   /**< bytes to scan                              */
    int64_t credit_bytes; /**< bytes of allocation that the work pays for */
};

/** What the scavenger works towards: gait_pacer_scavenge. */
struct gait_pacer_scavenge_goals {
    uint64_t gogc_bytes;  /**< bring span and free memory down to this; GAIT_PACER_NONE: enough */
    uint64_t limit_bytes; /**< bring mapped memory down to this; GAIT_PACER_NONE: enough        */
};

/* ---- The pacer ---------------------------------------------------------- */

/**
 * State of one heap's pacer. Fields may be read between calls; write them
 * through the functions only.
 */
struct gait_pacer {
    /* Settings. */
    int32_t gogc_percent;        /**< heap growth over the marked bytes, percent; -1 off */
    int64_t memory_limit_bytes;  /**< soft limit on memory.mapped_bytes                  */
    uint64_t heap_minimum_bytes; /**< least GOGC goal at GOGC=100, in proportion at others */
    uint64_t min_heap_bytes;     /**< least GOGC goal at any GOGC but off; 0: none         */
    int32_t gogc_floor_percent;  /**< a limit's goal is not below this GOGC's; 0: off      */

    /* Measured now. */
    struct gait_pacer_memory memory; /**< for the limit-based goal              */
    uint64_t live_bytes;             /**< marked + allocated since              */
    uint64_t scannable_bytes;        /**< part of live that may hold references */
    uint64_t stack_bytes;            /**< upper bound on stacks to scan         */
    uint64_t globals_bytes;          /**< static data to scan                   */

    /* Measured by the last cycle. */
    uint64_t marked_bytes;          /**< found live                                   */
    uint64_t foreign_marked_bytes;  /**< of it, foreign memory: gait_pacer_set_foreign */
    uint64_t foreign_kept_bytes;    /**< that was left of it as the next cycle ended    */
    uint64_t last_heap_work_bytes;  /**< heap bytes scanned                           */
    uint64_t last_stack_work_bytes; /**< stack bytes scanned                          */
    uint64_t last_goal_bytes;       /**< its goal as it ended; 0 before the first     */
    double recent_cons_mark[GAIT_PACER_HISTORY]; /**< of the last four, newest last */
    double cons_mark; /**< bytes allocated per CPU-ns over bytes scanned per CPU-ns: largest
                           of the last five cycles; no dimension                              */

    /* Derived by gait_pacer_commit. */
    uint64_t gogc_goal_bytes;         /**< goal that GOGC asks for; GAIT_PACER_NONE if off       */
    uint64_t floor_goal_bytes;        /**< goal that the floor of GOGC asks for; 0 if off        */
    uint64_t sweep_min_trigger_bytes; /**< room that sweeping needs; 0 once swept                */
    uint64_t runway_bytes;            /**< expected to be allocated while the next cycle marks   */

    /* The cycle that is marking. */
    uint64_t triggered_bytes;  /**< live bytes as it started; GAIT_PACER_NONE: not marking */
    uint64_t early_goal_bytes; /**< goal of one that started early; 0: as of any other. Not Go's */
    int64_t mark_start_ns;     /**< when it started                                        */
    struct gait_pacer_work work; /**< done so far                                            */
    struct gait_pacer_workers workers; /**< who marks */
    double assist_work_per_byte;  /**< bytes a mutator scans per byte that it allocates       */
    double assist_bytes_per_work; /**< the inverse: bytes allocated per byte scanned      */
};

/**
 * Start with an empty heap.
 *
 * @param gogc_percent        as gait_pacer_set_gogc
 * @param memory_limit_bytes  as gait_pacer_set_memory_limit; negative: no limit
 */
GAIT_PACER_API void gait_pacer_init(struct gait_pacer *pacer, int32_t gogc_percent,
                                    int64_t memory_limit_bytes);

/**
 * Set how far the heap may grow over what the last cycle marked. Takes effect
 * with the next gait_pacer_commit.
 *
 * @param gogc_percent  any negative value is GAIT_PACER_GOGC_OFF; 0 collects all the time
 * @return the value before.
 */
GAIT_PACER_API int32_t gait_pacer_set_gogc(struct gait_pacer *pacer, int32_t gogc_percent);

/**
 * Set the soft limit on memory.mapped_bytes. Commit afterwards.
 *
 * @param memory_limit_bytes  GAIT_PACER_NO_LIMIT removes it; negative only reads it
 * @return the value before.
 */
GAIT_PACER_API int64_t gait_pacer_set_memory_limit(struct gait_pacer *pacer,
                                                   int64_t memory_limit_bytes);

/**
 * Set the least GOGC goal at GOGC=100, in place of Go's 4 MiB. Commit afterwards.
 *
 * @return the value before.
 */
GAIT_PACER_API uint64_t gait_pacer_set_heap_minimum(struct gait_pacer *pacer,
                                                    uint64_t heap_minimum_bytes);

/**
 * Set the least GOGC goal, whatever GOGC is, except off. Commit afterwards. Gait's own.
 *
 * @return the value before.
 */
GAIT_PACER_API uint64_t gait_pacer_set_min_heap(struct gait_pacer *pacer, uint64_t min_heap_bytes);

/**
 * Set a floor of GOGC under a limit: where the limit's goal is below the goal of that GOGC, the
 * latter counts, unless GOGC's own is lower still, and nobody waits at the limit. Commit
 * afterwards. Gait's own.
 *
 * @param gogc_floor_percent  0 or less: off
 * @return the value before.
 */
GAIT_PACER_API int32_t gait_pacer_set_gogc_floor(struct gait_pacer *pacer,
                                                 int32_t gogc_floor_percent);

/** Say what the heap holds now. The limit-based goal follows at once. */
GAIT_PACER_API void gait_pacer_set_memory(struct gait_pacer *pacer,
                                          const struct gait_pacer_memory *memory);

/** Say how large the live heap is now, outside of marking (while marking: gait_pacer_revise). */
GAIT_PACER_API void gait_pacer_set_live(struct gait_pacer *pacer, uint64_t live_bytes,
                                        uint64_t scannable_bytes);

/** Say how much there is to scan outside the heap. Commit, or revise, afterwards. */
GAIT_PACER_API void gait_pacer_set_roots(struct gait_pacer *pacer, uint64_t stack_bytes,
                                         uint64_t globals_bytes);

/**
 * Compute the goal that GOGC asks for, the room that sweeping needs, and the
 * runway, from the marked bytes, the roots and cons/mark. While marking, call
 * gait_pacer_revise afterwards.
 *
 *     gogc goal = marked + (marked + stacks scanned + globals) x GOGC / 100,
 *                 at least 4 MiB x GOGC / 100; saturates instead of wrapping round;
 *                 at least min_heap_bytes; the floor's goal likewise, without that
 *     runway    = cons_mark x 0.75 / 0.25 x (heap + stack work of the last cycle + globals)
 *
 * @param sweep_done  false: sweeping goes on as the program allocates, and gets
 *                    1 MiB beyond the live bytes before the next cycle may start
 *
 * Source: gcControllerState.commit.
 */
GAIT_PACER_API void gait_pacer_commit(struct gait_pacer *pacer, bool sweep_done);

/**
 * The goal of the cycle that comes, or of the one that is marking: the GOGC
 * goal or the limit-based goal, whichever is lower (where the floor's goal is
 * above the limit's, it stands for it). Under the GOGC goal, never
 * below what sweeping needs nor within 64 KiB of the point where marking began.
 *
 * Source: gcControllerState.heapGoalInternal.
 */
GAIT_PACER_API uint64_t gait_pacer_goal(const struct gait_pacer *pacer);

/**
 * The goal that the memory limit alone asks for:
 *
 *     non-heap = mapped - free - allocated,  overage = max(mapped - limit, 0)
 *     goal     = limit - non-heap - overage, less max(3 %, 1 MiB),
 *                at least the marked bytes (which are all there is to say when
 *                non-heap and overage leave nothing)
 *
 * Source: gcControllerState.memoryLimitHeapGoal.
 */
GAIT_PACER_API uint64_t gait_pacer_limit_goal(const struct gait_pacer *pacer);

/**
 * The least GOGC goal, whatever is live: heap_minimum_bytes x GOGC / 100; 0 if GOGC is off.
 */
GAIT_PACER_API uint64_t gait_pacer_heap_minimum(const struct gait_pacer *pacer);

/**
 * Trigger and goal as of now. The trigger lies `runway_bytes` below the goal,
 * but between 45/64 and 61/64 of the way from the marked bytes to the goal (or
 * at most 4 MiB below the goal, if that is further), and not before sweeping
 * had its room.
 *
 * Source: gcControllerState.trigger.
 */
GAIT_PACER_API struct gait_pacer_target gait_pacer_target(const struct gait_pacer *pacer);

/** Have the live bytes reached the trigger? */
GAIT_PACER_API bool gait_pacer_cycle_due(const struct gait_pacer *pacer);

/**
 * Is a cycle due because none has run for two minutes? Never with GOGC off.
 *
 * @param last_cycle_ns  when the last cycle ended; 0: none has run, so none is due
 *
 * Source: gcTrigger.test, forcegcperiod in proc.go.
 */
GAIT_PACER_API bool gait_pacer_periodic_due(const struct gait_pacer *pacer, int64_t now_ns,
                                            int64_t last_cycle_ns);

/**
 * Marking begins: choose the workers and the first assist ratio.
 *
 * Precondition: the barrier is on; sweeping has ended.
 * Source: gcControllerState.startCycle.
 */
GAIT_PACER_API void gait_pacer_start_cycle(struct gait_pacer *pacer,
                                           const struct gait_pacer_start *start);

/**
 * Marking goes on: compute the assist ratio anew, from the work left and the
 * distance to the goal. If there was more work than in the last cycle, the
 * whole scannable heap is expected to be live and the goal moves out in
 * proportion, up to (1 + GOGC / 100) x goal (at once, if the last cycle scanned nothing); past
 * that, 10 % more.
 *
 * Source: gcControllerState.revise.
 */
GAIT_PACER_API void gait_pacer_revise(struct gait_pacer *pacer,
                                      const struct gait_pacer_progress *progress);

/**
 * Marking has ended: learn cons/mark from capacity, as Go does.
 *
 *     u = 0.25 + assist / (elapsed x procs),  i = idle / (elapsed x procs)
 *     cons/mark = allocated x (u + i) / (work x (1 - u))
 *
 * A cycle in which nothing was allocated or scanned teaches nothing.
 * Precondition: the last gait_pacer_revise has the final figures.
 * Source: gcControllerState.endCycle.
 */
GAIT_PACER_API void gait_pacer_end_cycle(struct gait_pacer *pacer,
                                         const struct gait_pacer_mark_time *time);

/**
 * Marking has ended: learn cons/mark from CPU time that threads really used.
 *
 * Go takes for granted that background marking gets 25 % of all CPUs and the
 * program the rest. With fewer runnable mutators than CPUs, or with idle
 * helpers, that is far from true and the trigger comes too early. So the ratio
 * is learnt under the division b : m + a that was seen (b background, m
 * mutators, a assists), and stored as the one that gives the same runway under
 * the division 1 : 3 that gait_pacer_commit assumes:
 *
 *     cons/mark = allocated / work x (1 + a/b) x (1 + a/m) / 3
 *
 * Without assists the next runway is then just what this cycle allocated per
 * byte that it scanned. With b = 0 the division is taken as 1 : 3.
 * A cycle without mutator time, allocation or work teaches nothing.
 */
GAIT_PACER_API void gait_pacer_end_cycle_measured(struct gait_pacer *pacer,
                                                  const struct gait_pacer_mark_cpu *cpu);

/**
 * Take over what the cycle found live; marking is over for the pacer. Call
 * between end_cycle and commit.
 *
 * @param marked_bytes  found live, with what was allocated (black) while marking
 *
 * Source: gcControllerState.resetLive.
 */
GAIT_PACER_API void gait_pacer_set_marked(struct gait_pacer *pacer, uint64_t marked_bytes);

/**
 * Say how much of what gait_pacer_set_marked was given is foreign: memory that the program has
 * outside the heap, and gives back itself, as a rule when a cycle has shown that an object is dead.
 * Call after it. Gait's own.
 *
 * @param foreign_bytes  held as marking ended; more than was marked counts as all of it
 */
GAIT_PACER_API void gait_pacer_set_foreign(struct gait_pacer *pacer, uint64_t foreign_bytes);

/**
 * What is foreign now. A mark phase can't know what of it will be given back because of what it
 * found: all counts as marked at first. What is marked is no more than what there still is, and the
 * marked and the live bytes fall by the difference. Gait's own.
 *
 * @param foreign_bytes  held now
 * @return whether they fell: then the goal is to be computed anew by gait_pacer_commit
 */
GAIT_PACER_API bool gait_pacer_take_back(struct gait_pacer *pacer, uint64_t foreign_bytes);

/* ---- Marking by many ---------------------------------------------------- */

/**
 * Divide background marking, 25 % of the CPUs, among them: as many dedicated
 * workers as come closest; where that is more than 30 % off (1, 2, 3 and 6
 * CPUs), one less or none, and a share of the others' time.
 *
 * @param procs  at least 1 (less counts as 1)
 *
 * Source: gcControllerState.startCycle.
 */
GAIT_PACER_API struct gait_pacer_workers gait_pacer_divide(int32_t procs, bool periodic,
                                                           bool stop_the_world);

/**
 * Should a CPU without dedicated worker mark now?
 *
 * @param spent_ns  time that its fractional worker has marked in this cycle
 *
 * Source: gcControllerState.findRunnableGCWorker.
 */
GAIT_PACER_API bool gait_pacer_fractional_due(const struct gait_pacer *pacer, int64_t now_ns,
                                              int64_t spent_ns);

/**
 * Has a running fractional worker done its share, with a fifth for slack?
 *
 * Source: pollFractionalWorkerExit in mgc.go.
 */
GAIT_PACER_API bool gait_pacer_fractional_done(const struct gait_pacer *pacer, int64_t now_ns,
                                               int64_t spent_ns);

/**
 * Turn allocation that was not paid for into work, at least 64 KiB of it so
 * that assists are few. Takes the ratios by value: threads may use a copy.
 *
 * Source: gcAssistAlloc in mgcmark.go.
 */
GAIT_PACER_API struct gait_pacer_debt gait_pacer_assist(double work_per_byte, double bytes_per_work,
                                                        int64_t debt_bytes);

/* ---- Beside Go's policy -------------------------------------------------- */

/**
 * gait_pacer_assist, for mutators that keep what they paid too much: at most a 64th of the way from
 * the live bytes to the goal is paid for ahead, or 1 MiB. Where little work seems left for a long
 * way, the least work of an assist would pay for many times the heap, and what else turns up in
 * this cycle would find the mutator paid up.
 *
 * @param distance_bytes  from the live bytes to the goal
 */
GAIT_PACER_API struct gait_pacer_debt gait_pacer_assist_ahead(double work_per_byte,
                                                              double bytes_per_work,
                                                              int64_t debt_bytes,
                                                              uint64_t distance_bytes);

/**
 * A mutator's credit, or its debt, after so much work of its own or of the background's: with the
 * last byte that rounding leaves, and with the same bound.
 */
GAIT_PACER_API int64_t gait_pacer_earn(int64_t credit_bytes, int64_t work_bytes,
                                       double bytes_per_work, uint64_t distance_bytes);

/**
 * Trigger and goal for a runtime whose mutators wait at the limit: those of gait_pacer_target, but
 * where the limit gives the goal and the runway is longer than all the way from the marked bytes to
 * it, the trigger leaves a twentieth of that way. Mutators mark in any case then; what they
 * allocate meanwhile is born marked, and the cycle would give back that much less.
 *
 * And where more is in use than the limit allows, though not that much is marked: since off-heap
 * memory has grown at once, say, and what is live lies in more spans than it needs. Go's goal
 * counts the overage against the heap, is soon at what is marked, and then nothing asks mutators
 * to stop. Here it takes half of the room at most that the limit leaves to the heap.
 */
GAIT_PACER_API struct gait_pacer_target gait_pacer_target_at_limit(const struct gait_pacer *pacer);

/** Has the floor of GOGC the limit passed: is the limit's goal (that of a runtime whose mutators
 * wait at the limit) below the floor's? */
GAIT_PACER_API bool gait_pacer_floor_rules(const struct gait_pacer *pacer);

/** Live bytes at which mutators wait for a cycle rather than allocate; GAIT_PACER_NONE: never. */
struct gait_pacer_bounds {
    uint64_t goal_bytes;   /**< for a cycle that is due and has not begun to mark     */
    uint64_t limit_bytes;  /**< for the end of the cycle, so as not to pass the limit */
    uint64_t relief_bytes; /**< for a cycle that begins since pages that an allocation needs would
                                pass the limit                                        */
};

/**
 * The bounds: the goal and the limit's goal, each unless it is within a sixteenth of the marked
 * bytes, where a cycle gives back too little to wait for; and a sixteenth of the way from the
 * marked bytes to the limit, or down to half of that by as much as memory is above the limit: with
 * less allocated since the last cycle, the next one would give back too little, and the limit is
 * passed instead. Not while the limiter is limiting. Where the floor of GOGC rules nobody waits at
 * the limit; where it does not, no cycle begins for want of pages below the floor's goal.
 *
 * Of foreign memory that was marked, no more counts as marked here than was left of it the last
 * time: what is about to be given back is room.
 */
GAIT_PACER_API struct gait_pacer_bounds gait_pacer_bounds(const struct gait_pacer *pacer);

/**
 * How much of its spans a program can fill, as a share (0..1): what a limit's goal counts as room.
 *
 * The share that was filled as a cycle ended says it only where allocation had met spans that it
 * could not use, and had taken pages (a 64th of the spans, at least). A cycle that came early, for
 * whatever reason, shows no more than a lower bound; the share goes up by a quarter of what is
 * missing then. Were each cycle believed, one that came early would make the next goal as low, and
 * all that follow.
 *
 * @param fill          the share before; 1 at first
 * @param live_bytes    as the cycle ended
 * @param in_use_bytes  in spans then
 * @param fresh_bytes   of these, taken since everything was swept
 */
GAIT_PACER_API double gait_pacer_fill(double fill, uint64_t live_bytes, uint64_t in_use_bytes,
                                      uint64_t fresh_bytes);

/* ---- Sweeping and scavenging -------------------------------------------- */

/**
 * Pages to sweep per byte allocated from now on, so that all are swept 1 MiB
 * before the trigger; 0 if all are swept.
 *
 * @param page_bytes  least distance in which the rest is swept
 *
 * Source: gcPaceSweeper in mgcsweep.go.
 */
GAIT_PACER_API double gait_pacer_sweep_ratio(const struct gait_pacer *pacer, uint64_t pages_in_use,
                                             uint64_t pages_swept, uint64_t page_bytes);

/**
 * How much memory to keep.
 *
 *     GOGC goal  = in use as the last cycle ended x goal / last goal, plus 10 %,
 *                  rounded up to OS pages; holds for spans + free
 *     limit goal = 0.95 x limit; holds for memory.mapped_bytes
 *
 * @param retained_bytes     memory in spans and free, not released, now
 * @param last_in_use_bytes  memory in spans as the last cycle ended
 * @param os_page_bytes      a power of two
 *
 * Source: gcPaceScavenger in mgcscavenge.go.
 */
GAIT_PACER_API struct gait_pacer_scavenge_goals gait_pacer_scavenge(const struct gait_pacer *pacer,
                                                                    uint64_t retained_bytes,
                                                                    uint64_t last_in_use_bytes,
                                                                    uint64_t os_page_bytes);

/**
 * Bytes to release before the heap may map `growth_bytes` more within the
 * limit; 0 if it fits. Don't ask while the limiter is limiting: progress comes
 * first.
 *
 * Source: mheap.allocSpan in mheap.go.
 */
GAIT_PACER_API uint64_t gait_pacer_limit_excess(const struct gait_pacer *pacer,
                                                uint64_t growth_bytes);

/**
 * What was in use as a cycle ended, for gait_pacer_scavenge, which takes it for
 * what belongs to the cycle's goal: less where the heap passed the goal. Gait's
 * own; in Go a late cycle has the next ones keep as much more.
 *
 * @param in_use_bytes  in spans then; peak_bytes: live heap; goal_bytes: its goal
 */
GAIT_PACER_API uint64_t gait_pacer_in_use_at_goal(uint64_t in_use_bytes, uint64_t peak_bytes,
                                                  uint64_t goal_bytes);

/** What of a heap's memory is kept for the heap that it was a moment ago. All zero at first. */
struct gait_pacer_retain {
    uint64_t most_bytes[2]; /**< most that was asked for, in this period and the one before */
    int64_t since_ns;       /**< when this period began                                     */
};

/**
 * What to keep, that a heap that swings need not fault in again what it gave
 * back: what the largest goal of the last one or two seconds asks for. Gait's
 * own.
 *
 * @param bytes  what is to be kept now
 * @return what is to be kept, at least that
 */
GAIT_PACER_API uint64_t gait_pacer_retain(struct gait_pacer_retain *retain, int64_t now_ns,
                                          uint64_t bytes);

/**
 * How long a background scavenger sleeps after a batch of work, so that it
 * takes 1 % of `procs` CPUs. A batch under 1 ms counts as 1 ms. (Go steers the
 * same share with a PI controller on what timers really do.)
 */
GAIT_PACER_API int64_t gait_pacer_scavenge_sleep_ns(int64_t worked_ns, int32_t procs);

/* ---- The CPU limiter ---------------------------------------------------- */

/**
 * A leaky bucket that keeps collection from eating the program: it fills with
 * CPU time of the collector and drains with that of the program, so what it
 * holds is time spent beyond one half. It holds 1 CPU-second per CPU. While it
 * is full, the limiter is limiting: no assists, and the memory limit is
 * overshot.
 *
 * Feed it in one of two ways, not both:
 *  - by capacity, as Go does: gait_limiter_update and the transitions count
 *    procs x elapsed time, 25 % of it as the collector's while marking;
 *  - by measurement: gait_limiter_update_measured counts CPU time that was used.
 *
 * Source: gcCPULimiterState in mgclimit.go.
 */
struct gait_limiter {
    uint64_t fill_ns;       /**< CPU-ns in the bucket, 0..capacity                         */
    uint64_t capacity_ns;   /**< procs x 1 s                                               */
    uint64_t overflow_ns;   /**< CPU-ns of the collector that found no room, ever          */
    int64_t gc_pool_ns;     /**< CPU-ns of the collector since the last update             */
    int64_t idle_pool_ns;   /**< CPU-ns since the last update that nobody wanted           */
    int64_t last_update_ns; /**< monotonic clock                                           */
    int32_t procs;          /**< CPUs that the program may use                             */
    bool marking;           /**< background marking takes its 25 %                         */
    bool transitioning;     /**< between gait_limiter_start_ and _finish_transition        */
    bool limiting;          /**< the bucket is full                                        */
};

/** An empty bucket for `procs` CPUs (less than 1 counts as 1). */
GAIT_PACER_API void gait_limiter_init(struct gait_limiter *limiter, int64_t now_ns, int32_t procs);

/** Change the number of CPUs. Counts the time until now by capacity first. */
GAIT_PACER_API void gait_limiter_reset_capacity(struct gait_limiter *limiter, int64_t now_ns,
                                                int32_t procs);

/**
 * Add CPU time of the collector to the next update: by capacity, assists and
 * releasing memory on allocation (background marking is counted by itself); by
 * measurement, any. Negative time counts as none.
 */
GAIT_PACER_API void gait_limiter_add_gc(struct gait_limiter *limiter, int64_t cpu_ns);

/** Take idle CPU time, and idle markers' time, out of the next update's capacity. */
GAIT_PACER_API void gait_limiter_add_idle(struct gait_limiter *limiter, int64_t cpu_ns);

/**
 * Count the time since the last update by capacity. A clock that went back
 * changes nothing.
 * Precondition: not in a transition.
 */
GAIT_PACER_API void gait_limiter_update(struct gait_limiter *limiter, int64_t now_ns);

/**
 * Count CPU time used since the last update: what mutators used for themselves,
 * and what the collector used, idle markers included (Go leaves those out),
 * beside what gait_limiter_add_gc brought. Negative time counts as none.
 * Precondition: not in a transition.
 */
GAIT_PACER_API void gait_limiter_update_measured(struct gait_limiter *limiter, int64_t now_ns,
                                                 int64_t mutator_cpu_ns, int64_t gc_cpu_ns);

/**
 * Should the collector be limited, given whether it is now? For a limiter that is fed by
 * measurement: limiting begins with half of the bucket full and ends with a quarter of it. Where Go
 * toggles at the brim, what is spent between two looks overflows and is never paid back.
 */
GAIT_PACER_API bool gait_limiter_holds(const struct gait_limiter *limiter, bool limiting);

/** Is an update overdue (over 10 ms since the last)? */
GAIT_PACER_API bool gait_limiter_need_update(const struct gait_limiter *limiter, int64_t now_ns);

/**
 * A pause begins in which marking turns on or off. Only by capacity.
 * Precondition: `marking` differs from the state now, and no transition is
 * under way.
 */
GAIT_PACER_API void gait_limiter_start_transition(struct gait_limiter *limiter, bool marking,
                                                  int64_t now_ns);

/**
 * That pause ends: all of it, on all CPUs, was the collector's.
 * Precondition: gait_limiter_start_transition came before.
 */
GAIT_PACER_API void gait_limiter_finish_transition(struct gait_limiter *limiter, int64_t now_ns);

#ifdef __cplusplus
}
#endif

#endif
