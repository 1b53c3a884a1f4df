/* SPDX-License-Identifier: MIT */
/*
 * The governor: every rule of Gait's own that decides when the collector works, and how much. It
 * stands on Go's pacer and limiter (gait/pacer.h) and is as pure: figures go in, orders come out;
 * no clock, lock, atomic or allocation. The runtime, the simulator and the page ask the same one.
 *
 * A cycle as the governor sees it:
 *
 *     see       what memory there is; at any time
 *     begin     marking begins
 *     revise    it goes on
 *     end       it has ended; the next goal follows
 *     swept     all is swept: the trigger no longer has to leave room for that
 *     count     CPU time, for the limiter; at any time
 *
 * After each of these, gait_governor_orders says what allocation is to look at. A runtime publishes
 * that where threads can read it; what they ask on their way takes such a copy by value, so that
 * they need not hold what guards the governor.
 *
 * Bytes, ns of CPU or wall time as the names say; shares are from 0 to 1.
 */
#ifndef PACER_GOVERNOR_H
#define PACER_GOVERNOR_H

#include "gait/pacer.h"

/** How much of the heap a cycle looks at. */
enum gait_governor_kind {
    GAIT_GOVERNOR_FULL, /**< all of it: marks are cleared first                             */
    GAIT_GOVERNOR_MINOR /**< the young: what is marked stays so, and is looked at only where
                             something was stored since                                     */
};
#define GAIT_GOVERNOR_KINDS 2

/* ---- What goes in ------------------------------------------------------- */

/** Settings of a heap. */
struct gait_governor_settings {
    int32_t gogc_percent;       /**< negative: off                                            */
    int64_t memory_limit_bytes; /**< GAIT_PACER_NO_LIMIT: none                                */
    int32_t procs;              /**< CPUs; at least 1                                         */
    uint64_t min_heap_bytes;    /**< GOGC's goal is at least so much; 0: off                   */
    int32_t gogc_floor_percent; /**< a limit's goal is at least this GOGC's; 0: off             */
    bool assists_off;           /**< mutators do not mark, and wait at the limit alone          */
    uint64_t helped_bytes;      /**< heaps that are smaller are marked without helpers; 0: 4 MiB,
                                     before which none would be awake                         */
    bool parity;                /**< goal, trigger and runway as Go has them                  */
    bool minors;                /**< cycles may be minor: the program lets them, and the heap has
                                     the barriers that they need                              */
};

/** Memory as it is. */
struct gait_governor_memory {
    uint64_t total_bytes;   /**< all that the limit applies to                              */
    uint64_t span_bytes;    /**< pages in spans                                             */
    uint64_t free_bytes;    /**< free pages that the OS has not got back                    */
    uint64_t spare_bytes;   /**< free pages, and what else can be given back without a cycle */
    uint64_t objects_bytes; /**< allocated, and not swept                                   */
    uint64_t foreign_bytes; /**< memory outside the heap that objects stand for             */
};

/** Clocks. CPU time counts from any moment, the same one at each call. */
struct gait_governor_clocks {
    int64_t now_ns;         /**< monotonic                                       */
    int64_t process_cpu_ns; /**< of all threads                                  */
    int64_t gc_cpu_ns;      /**< of it, the collector's: all purposes, assists too */
};

/** A cycle begins to mark. */
struct gait_governor_start {
    struct gait_governor_clocks clocks;
    enum gait_governor_kind kind; /**< as gait_governor_kind said                       */
    uint64_t dirty_bytes;         /**< as it was told, or 0                                  */
    bool periodic;                /**< since none came for two minutes                      */
    bool forced;                  /**< somebody waits for it                                */
    bool stopped;                 /**< mutators are, while it marks                         */
    uint64_t live_bytes;          /**< marked by the last cycle, and allocated since        */
    uint64_t scannable_bytes;     /**< part of it that may hold references                  */
    uint64_t stack_bytes;         /**< upper bound on the stacks to scan                    */
    uint64_t globals_bytes;       /**< static data to scan                                  */
    uint64_t piece_bytes;         /**< of these, what is scanned among the heap's work      */
};

/** How far marking is; totals since it began. */
struct gait_governor_progress {
    uint64_t live_bytes;      /**< now                       */
    uint64_t scannable_bytes; /**< part of it, now           */
    uint64_t heap_work_bytes; /**< scanned, pieces included  */
};

/** Marking has ended. */
struct gait_governor_end {
    struct gait_governor_clocks clocks;
    struct gait_governor_progress progress; /**< the last: its live bytes are the peak      */
    uint64_t marked_bytes;                  /**< objects and foreign memory                 */
    uint64_t black_bytes;                   /**< of these, allocated while it marked        */
    uint64_t kept_work_bytes;               /**< of the heap work, of what was kept         */
    uint64_t young_seen_bytes;              /**< looked at, of what was new as it began: a sample */
    uint64_t young_live_bytes;              /**< of that, what lived                        */
    uint64_t written_pages; /**< that faulted once since the last cycle, since it was to be known */
    uint64_t stack_bytes;   /**< scanned                                    */
    uint64_t globals_bytes; /**< scanned                                    */
    uint64_t fresh_bytes;   /**< pages taken since all was swept            */
    int64_t mutator_cpu_ns; /**< while it marked, of mutators for themselves */
    int64_t assist_cpu_ns;  /**< of their assists                           */
    int64_t background_cpu_ns; /**< of all others that mark                    */
};

/* ---- What comes out ----------------------------------------------------- */

/** A mutator reports what it was handed, and looks whether a cycle is due, each time that it comes
 * to so much: all figures lag by less than that for each mutator that runs. Twice the longest run,
 * so that a heap without holes is counted half as often as runs are taken; a share of 1/32 of the
 * way to the least goal for eight mutators. */
#define GAIT_GOVERNOR_TALLY_BYTES UINT64_C(16384)

/** What allocation looks at. */
struct gait_governor_orders {
    uint64_t trigger_bytes; /**< live heap at which a cycle begins                              */
    uint64_t goal_bytes;    /**< live heap at which marking should end                          */
    uint64_t late_bytes;    /**< live heap at which a mutator waits for a cycle that is due and
                                 has not begun to mark; GAIT_PACER_NONE: never                  */
    uint64_t barrier_bytes; /**< live heap at which it marks or waits until the cycle has ended,
                                 so as not to pass the limit; GAIT_PACER_NONE: never            */
    uint64_t relief_bytes;  /**< live heap at which a cycle begins since pages that an allocation
                                 needs would pass the limit; GAIT_PACER_NONE: never             */
    uint64_t large_bytes;   /**< live heap at which a cycle begins since a large object would pass
                                 the goal, and the limit                                        */
    uint64_t limit_bytes;   /**< GAIT_PACER_NO_LIMIT: none                                      */
    uint64_t keep_bytes;    /**< memory above which free pages go back at once: the limit, or, where
                                 the CPU can't hold that, what the heap takes up to its goal      */
    uint64_t foreign_marked_bytes; /**< with less than this, the goal is to be computed anew    */
    double assist_work_per_byte;   /**< scanned per byte allocated, while marking               */
    double assist_bytes_per_work;  /**< the inverse                                             */
    bool limiting;                 /**< the CPU limiter holds the collector down                */
    bool assists_off;              /**< mutators do not mark                                    */
    enum gait_governor_kind kind;  /**< of the next cycle, if nobody forces it                  */
};

/** What gives a goal. */
enum gait_governor_rule {
    GAIT_GOVERNOR_BY_GOGC,    /**< what is live                                              */
    GAIT_GOVERNOR_BY_MINIMUM, /**< the least heap                                            */
    GAIT_GOVERNOR_BY_FLOOR,   /**< the CPU: a lower goal would cost more than the collector may
                                   take, or have a cycle follow another at once              */
    GAIT_GOVERNOR_BY_LIMIT    /**< the memory limit                                          */
};

/** A cycle as it began, and as it ended, for traces. */
struct gait_governor_cycle {
    enum gait_governor_kind kind;
    uint64_t scannable_bytes; /**< as it ended: part of what is marked that may hold references,
                                   what is born meanwhile not included                         */
    uint64_t goal_bytes;      /**< now                                                      */
    uint64_t expected_bytes;  /**< heap, stacks and globals that the last cycle looked at   */
    uint64_t scanned_bytes;   /**< heap work, pieces of globals not included                */
    uint64_t estimate_bytes;  /**< as it ended: what GOGC is a share of until the next does */
    double assist_ratio;      /**< bytes of scanning per byte allocated                     */
    double cons_mark;         /**< that the trigger was chosen by                           */
    struct gait_pacer_workers workers;
    enum gait_governor_rule ruled_by; /**< what gives the goal                              */
    bool by_limit; /**< the limit asks for less than GOGC's; it gives the goal, or the CPU does */
};

/* ---- The governor ------------------------------------------------------- */

/** A quotient of two sums, in which older cycles count less. 0 while nothing is known. */
struct gait_governor_rate {
    double amount;
    double per;
};

/** What cycles of one kind have taught. */
struct gait_governor_lesson {
    uint64_t cycles;
    double work_bytes;      /**< that the last one scanned                                    */
    double heap_work_bytes; /**< of it, in the heap                                           */
    struct gait_governor_rate marking;    /**< ns per byte of work                            */
    struct gait_governor_rate collection; /**< ns per byte of work, all that the collector does */
    struct gait_governor_rate background; /**< of the CPU while marking, without assists      */
    struct gait_governor_rate young; /**< work in the heap per byte that was new as it began  */
};

/** What its cycles have taught, by CPU time (governor_live.c). Base, black and marked bytes are of
 * the last full one: what lies in a heap that only minor ones have looked at since, nobody knows.
 */
struct gait_governor_learnt {
    uint64_t cycles;
    struct gait_governor_lesson of[GAIT_GOVERNOR_KINDS];
    uint64_t base_bytes;   /**< live as it began: marked less black            */
    uint64_t black_bytes;  /**< born while it marked                           */
    uint64_t marked_bytes; /**< both                                           */
    double during_bytes;   /**< allocated while it marked                      */
    double since_bytes;    /**< allocated from its end to that of the last one */
    uint64_t delay_bytes;  /**< allocated from the last one's trigger to its beginning */
    struct gait_governor_clocks ended;    /**< as the last one ended                          */
    struct gait_governor_rate growth;     /**< live, per byte allocated                       */
    struct gait_governor_rate allocation; /**< bytes per ns of the program                    */
    struct gait_governor_rate delay;      /**< delay_bytes, per cycle                         */
};

/** What minor cycles give and cost, against full ones (governor_kind.c). */
struct gait_governor_yield {
    bool minor;                      /**< the next cycle may be                                */
    uint32_t row;                    /**< minor cycles since the last full one                 */
    uint32_t refusals;               /**< one after the other                                  */
    uint32_t waits;                  /**< full cycles to come before a minor one is tried      */
    double full_room_bytes;          /**< what the last full one left up to its goal           */
    double full_cost_ns;             /**< what it took of the CPU, or the mean of such         */
    double room_bytes;               /**< the sum over it and the minor ones since             */
    double cost_ns;                  /**< likewise                                             */
    struct gait_governor_rate cost;  /**< of minor ones, ns per byte that was new              */
    struct gait_governor_rate kept;  /**< what they found or was born meanwhile, likewise      */
    struct gait_governor_rate young; /**< what lives of what is new, as cycles of either kind saw */
    double refused_live_bytes;       /**< as minor ones were refused last                      */
    double refused_young;            /**< what lived of what was new, likewise               */
    double refused_allocation;       /**< bytes per ns of the program, likewise                */
    double row_share; /**< of what the same room costs by full cycles, what a row that paid took;
                           0: the last one didn't */
};

struct gait_governor {
    struct gait_pacer pacer;
    struct gait_limiter limiter;
    struct gait_governor_settings settings;
    struct gait_governor_memory memory; /**< as seen last                                    */
    bool marking;                       /**< between begin and end                           */

    struct gait_governor_learnt learnt;
    struct gait_governor_yield yield;
    enum gait_governor_rule ruled_by; /**< what gives GOGC's goal                          */
    uint64_t full_goal_bytes;         /**< that goal as the last full cycle left it: if minor ones
                                           have left more than that marked, the goal is above it */

    /* The limiter. */
    struct gait_governor_clocks counted; /**< up to which the limiter has counted            */
    int64_t forced_ns;         /**< CPU time that cycles which somebody forced have taken so far */
    int64_t counted_forced_ns; /**< of it, up to which the limiter has counted                   */
    int64_t limiting_ns;       /**< time spent limiting, ever                      */
    bool limiting;             /**< now                                            */

    /* Memory. */
    double span_fill;           /**< share of the spans that allocation can fill        */
    uint64_t last_in_use_bytes; /**< spans and foreign as the last cycle ended, up to its goal */
    struct gait_pacer_retain retain; /**< memory that the scavenger keeps                    */
    struct gait_pacer_retain beyond; /**< what the heap takes up to its goals                 */
    uint64_t beyond_bytes;           /**< of these, the most of the last one or two seconds   */

    /* The cycle that is marking. */
    struct gait_governor_start start; /**< as it began                                       */
    uint64_t scannable_bytes;         /**< of what the last one left marked, may hold references */
};

/** An empty heap. clocks: as at all later calls. */
void gait_governor_init(struct gait_governor *governor,
                        const struct gait_governor_settings *settings,
                        const struct gait_governor_clocks *clocks);

/** Of a heap that is not the first of its program: so much of it is live as it begins, as if a
 * cycle had found it. Before the first cycle. */
void gait_governor_assume(struct gait_governor *governor, uint64_t live_bytes);

/** Say what memory there is. The limit's goal follows; orders are to be published anew. */
void gait_governor_see(struct gait_governor *governor, const struct gait_governor_memory *memory);

/** Marking begins. cycle: as it begins. */
void gait_governor_begin(struct gait_governor *governor, const struct gait_governor_start *start,
                         struct gait_governor_cycle *cycle);

/** It goes on: the assist ratio is computed anew. */
void gait_governor_revise(struct gait_governor *governor,
                          const struct gait_governor_progress *progress);

/** It has ended, with the memory that was seen last: the next goal is computed, with room for
 * sweeping. cycle: as it ended, under the goal that it had. */
void gait_governor_end(struct gait_governor *governor, const struct gait_governor_end *end,
                       struct gait_governor_cycle *cycle);

/** All is swept. */
void gait_governor_swept(struct gait_governor *governor);

/** Foreign memory is so much now. swept: all is. @return whether the goal has changed. */
bool gait_governor_take_back(struct gait_governor *governor, uint64_t foreign_bytes, bool swept);

/** Is it time to count? Cheap. */
bool gait_governor_count_due(const struct gait_governor *governor, int64_t now_ns);

/** Count CPU time into the limiter's bucket. @return whether limiting began or ended. */
bool gait_governor_count(struct gait_governor *governor, const struct gait_governor_clocks *clocks);

/** In a fork's child, whose process has spent so much less CPU time than the one that forked. */
void gait_governor_process_is_new(struct gait_governor *governor, int64_t less_ns);

/* A setting that changes while the heap lives, and what its value is. */
enum gait_governor_setting {
    GAIT_SETTING_GOGC,       /* percent; negative: off            */
    GAIT_SETTING_LIMIT,      /* bytes, or GAIT_PACER_NO_LIMIT     */
    GAIT_SETTING_MIN_HEAP,   /* bytes                             */
    GAIT_SETTING_GOGC_FLOOR, /* percent                           */
    GAIT_SETTING_ASSISTS,    /* 1, or 0: mutators do not assist   */
    GAIT_SETTING_MINORS      /* 1: cycles may be minor; 0         */
};

int64_t gait_governor_setting(const struct gait_governor *governor,
                              enum gait_governor_setting setting);

/** swept: all is. Revise, or publish, afterwards. */
void gait_governor_set(struct gait_governor *governor, enum gait_governor_setting setting,
                       int64_t value, bool swept);

/** The CPUs; and the least goal at GOGC=100, which no user sets. */
void gait_governor_set_procs(struct gait_governor *governor, int64_t now_ns, int32_t procs);
void gait_governor_set_heap_minimum(struct gait_governor *governor, uint64_t bytes, bool swept);

/** What allocation is to look at now. */
struct gait_governor_orders gait_governor_orders(const struct gait_governor *governor);

/** Of which kind a cycle is that begins now; ask when memory has been seen. What somebody forces,
 * the clock brings or a limit asks for is full (governor_kind.c). dirty_bytes: what a minor one has
 * to scan of what is old, since something was stored there, or may have been; 0: nobody knows. */
enum gait_governor_kind gait_governor_kind(const struct gait_governor *governor, bool forced,
                                           bool periodic, uint64_t dirty_bytes);

/** Is a cycle due since none came for long? last_cycle_ns: when one ended; 0: none has. */
bool gait_governor_periodic_due(const struct gait_governor *governor, int64_t now_ns,
                                int64_t last_cycle_ns);

/* ---- Memory (governor_memory.c) ----------------------------------------- */

/** How far total_bytes of memory and more_bytes to come are above the limit less a small reserve;
 * 0 while limiting. */
uint64_t gait_governor_excess(const struct gait_governor_orders *orders, uint64_t total_bytes,
                              uint64_t more_bytes);

/** How much memory may come until there is an excess; GAIT_PACER_NONE while limiting. */
uint64_t gait_governor_room(const struct gait_governor_orders *orders, uint64_t total_bytes);

/** Is the excess more than can be given back without a cycle (spare_bytes)? */
bool gait_governor_is_tight(const struct gait_governor_orders *orders, uint64_t total_bytes,
                            uint64_t more_bytes, uint64_t spare_bytes);

/** How much free memory lies above what is to be kept. Bytes.
 * @param os_page_bytes  a power of two */
uint64_t gait_governor_surplus(struct gait_governor *governor, int64_t now_ns,
                               uint64_t os_page_bytes);

/** How much of it the scavenger should give back now, in the background: 1 MiB at most; 0: none. */
uint64_t gait_governor_scavenge_due(struct gait_governor *governor, int64_t now_ns,
                                    uint64_t os_page_bytes);

/** How much is to be given back at once where total_bytes of memory are held, and more_bytes are to
 * come, less a small reserve; 0 while limiting. */
uint64_t gait_governor_return_due(const struct gait_governor_orders *orders, uint64_t total_bytes,
                                  uint64_t more_bytes);

/** How the scavenger works: so long at a stretch in the background, so that a nap's length is
 * right; what is to go at once, in pieces of so many bytes. */
struct gait_governor_stretch {
    int64_t work_ns;
    uint64_t piece_bytes;
};

struct gait_governor_stretch gait_governor_scavenge_stretch(void);

/** What is given back at once when pages are taken that the OS had, and total_bytes, these
 * included, pass what is kept. Bytes; 0: nothing. */
uint64_t gait_governor_give_back(const struct gait_governor_orders *orders, uint64_t total_bytes,
                                 uint64_t taken_bytes);

/** Does it take so long to give so much back that a mutator leaves its heap alone meanwhile? */
bool gait_governor_gives_back_aside(uint64_t excess_bytes);

/** How large spans may grow while weak words are settled, from span_bytes as marking ended, before
 * a mutator waits: until then they grow in place of what is dead. */
uint64_t gait_governor_settling_bytes(uint64_t span_bytes);

/** How much memory of ended arenas may wait in quarantine before a cycle is asked for. */
uint64_t gait_governor_quarantine_bytes(uint64_t live_bytes);

/** And how much of it the scavenger leaves there until that cycle ends. */
uint64_t gait_governor_quarantine_most_bytes(uint64_t live_bytes);

/* ---- Who marks (governor_workers.c) ------------------------------------- */

/** Helpers beside the collector's own thread. */
struct gait_governor_helpers {
    int32_t dedicated; /**< mark whenever there is work        */
    int32_t idle;      /**< only while a CPU is idle           */
};

struct gait_governor_helpers gait_governor_helpers(int32_t procs, bool stopped);

/** Is a heap of so many bytes to mark worth waking helpers? */
bool gait_governor_wakes_helpers(const struct gait_governor *governor, uint64_t bytes);

/** How the collector's own thread works. */
struct gait_governor_pace {
    double share;     /**< of one CPU; 1: without naps                           */
    int64_t burst_ns; /**< then it looks again                                   */
    bool dedicated;   /**< one CPU is its by right, not only since one is idle   */
};

/** procs: CPUs; idle: one of them is beside the mutators; stopped: mutators are; work_bytes: what
 * the cycle expected to scan as it began. */
struct gait_governor_pace gait_governor_mark_pace(int32_t procs, bool idle, bool limiting,
                                                  bool stopped, uint64_t work_bytes);
/** The same for sweeping. due: a cycle is, and waits for it. */
struct gait_governor_pace gait_governor_sweep_pace(bool idle, bool due);

/** Times that all markers have in common. */
struct gait_governor_rhythm {
    int64_t burst_ns;      /**< a helper marks so long at a stretch; a mutator that gives way sleeps
                                as long                                                         */
    uint64_t look_bytes;   /**< scanned between two looks at the clock                          */
    uint32_t hungry_looks; /**< for work in others' hands, before a nap                         */
    int64_t hungry_nap_ns;
    int64_t busy_nap_ns; /**< of a helper that has no CPU                                      */
    int64_t starved_ns;  /**< without work, while others hold some: mutators give way          */
};

struct gait_governor_rhythm gait_governor_rhythm(void);

/** Turns: where mutators keep the CPUs busy, those that take memory mark a little now and then in
 * place of the collector's thread, which would keep one of them off its CPU for a whole burst. */
struct gait_governor_turns {
    uint64_t piece_bytes; /**< scanned in one                                 */
    uint64_t look_bytes;  /**< allocated between two looks whether one is due */
};

struct gait_governor_turns gait_governor_turns(void);

/** Of its time, what each mutator that allocates is to spend on turns; 0: there are none, since the
 * collector's thread has a CPU beside them, or mutators are not to mark. */
double gait_governor_turn_share(const struct gait_governor_orders *orders,
                                const struct gait_governor_pace *pace, int32_t procs);

/** What a turn counts as, CPU time, that took so long by the clock. */
int64_t gait_governor_turn_ns(int64_t elapsed_ns);

/** When a mutator's next turn is due. due_ns: when the last one was; now_ns: it has ended; turn_ns:
 * it counts as. */
int64_t gait_governor_turn_due_ns(double share, int64_t due_ns, int64_t now_ns, int64_t turn_ns);

/** Did turns do enough of late that the collector's thread need not mark?
 * @param turns_ns  what they count as, in elapsed_ns by the clock */
bool gait_governor_turns_suffice(const struct gait_governor_pace *pace, int64_t elapsed_ns,
                                 int64_t turns_ns);

/** The nap after a burst that took so much CPU time; 0: none. */
int64_t gait_governor_nap_ns(const struct gait_governor_pace *pace, int64_t spent_ns);

/** How long the scavenger sleeps after so much work. */
int64_t gait_governor_scavenge_nap_ns(int32_t procs, int64_t spent_ns);

/* ---- How a cycle ends (governor_rounds.c) --------------------------------- */

/** Where the program stores plainly, a cycle looks beside it at what was written since it looked
 * last, and at the rest with the program stopped. */
struct gait_governor_round {
    uint32_t rounds;     /**< so far                                                    */
    uint64_t bytes;      /**< looked at in this one, or written since the one before it */
    uint64_t last_bytes; /**< in the one before; UINT64_MAX: there was none             */
    bool by_pages;       /**< the kernel says what was written, not the program         */
};

/** Is another round worth it before the stop? */
bool gait_governor_looks_again(const struct gait_governor_round *round);

/* ---- What allocation is told (governor_advice.c) ------------------------ */

/** What a mutator that is about to take memory knows. */
struct gait_governor_want {
    uint64_t live_bytes;  /**< of the heap, now                                             */
    uint64_t total_bytes; /**< of memory, now                                               */
    uint64_t spare_bytes; /**< of it, what can be given back without a cycle                */
    uint64_t page_bytes;  /**< of a large object, or memory outside the heap, that it is about to
                               take; 0: a cell, for which a span's may be needed            */
    int64_t credit_bytes; /**< its own; negative: it owes marking for so much allocation    */
    bool takes_pages;     /**< no cell that is free, or to be swept, will do                */
    bool marks;           /**< it may mark                                                  */
    bool helped;          /**< it has helped a late cycle for as long as it may             */
    bool awaited;         /**< it has waited for one's end for as long as it may            */
    bool marking;         /**< a cycle marks                                                */
    bool sweeping;        /**< dead objects of the last cycle can be swept, or are swept    */
};

/** What it is to do. */
enum gait_governor_advice {
    GAIT_GOVERNOR_GO,   /**< take the memory                                                   */
    GAIT_GOVERNOR_HELP, /**< a cycle is due and has not come to marking: ask for it, sweep, or
                             leave the collector the CPU; a bounded time, then go              */
    GAIT_GOVERNOR_MARK, /**< mark for what was allocated, then ask again                       */
    GAIT_GOVERNOR_AWAIT /**< wait for the end of a cycle, which gives room below the limit; a
                             bounded time, then go                                             */
};

/** What it owes marking for, bytes of allocation: what it took, and the large object that it is
 * about to take. At most 0: nothing. */
int64_t gait_governor_debt(const struct gait_governor_want *want);

enum gait_governor_advice gait_governor_advise(const struct gait_governor_orders *orders,
                                               const struct gait_governor_want *want);

/** Is that advice to go on, whatever else is known of a mutator that does not mark? takes_pages: as
 * in gait_governor_want, or, without a look at what memory there is, that it may. Without a limit
 * there is none to pass. The common case, by few figures. */
bool gait_governor_lets_go_on(uint64_t live_bytes, uint64_t late_bytes, bool takes_pages);

/** Of a mutator told to mark: would it pass the limit, or has the heap passed what the limit
 * allows? Then it marks, or waits, until the cycle has ended. */
bool gait_governor_is_beyond(const struct gait_governor_orders *orders,
                             const struct gait_governor_want *want);

/** The work of an assist of a mutator told to mark, at most 64 KiB scanned at a time, and half of
 * that if it owes no more. */
struct gait_governor_assist {
    int64_t work_bytes;   /**< to scan, of its own or taken from what the background did ahead   */
    uint64_t piece_bytes; /**< the most of it at a time                                        */
    bool at_limit;        /**< paid or not, it is to come again while that would pass the limit */
};

struct gait_governor_assist gait_governor_assist(const struct gait_governor_orders *orders,
                                                 const struct gait_governor_want *want);

/** Is so much work of the background, that no assist has used, worth waking one that waits for it?
 */
bool gait_governor_credit_pays(int64_t credit_bytes);

/** A mutator's credit, bytes of allocation, after so much work. */
int64_t gait_governor_earn(const struct gait_governor_orders *orders, int64_t credit_bytes,
                           uint64_t live_bytes, int64_t work_bytes);

/** The live heap at which the assist ratio is computed anew, from now on. */
uint64_t gait_governor_revise_at(uint64_t live_bytes);

#endif
