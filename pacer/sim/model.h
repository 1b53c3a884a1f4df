/* SPDX-License-Identifier: MIT */
/**
 * The simulator's engine: runs a scenario under the pacer that ships, and reports what became of
 * it.
 *
 * Three models (enum model_kind), one interface:
 *
 *     struct model model;                      // some 2 KiB, no pointers but those given
 *     model_init(&model, MODEL_FULL, &scenario, &sink);
 *     while (model_advance(&model, 1000))      // in slices, to show progress or stay responsive
 *         ...;
 *     use(&model.result);
 *
 * Every decision is that of the governor that ships (pacer/governor.h): goal, trigger, assists,
 * who marks and sweeps, the limiter, what waits at the limit, what is given back. What the models
 * add is the program, the CPUs and the memory that it decides about: docs/simulator.md tells them.
 * The ideal model runs Go's part alone, gait/pacer.h, as the reference vectors do.
 *
 * Pure: no I/O, no clock, no allocation, no global; results leave through the sink and the result.
 * Only + - x /, sqrt and floor on doubles, without contraction: the same scenario gives the same
 * bits on every machine, WebAssembly included. Different models may run in different threads.
 *
 * Units: bytes; seconds of simulated wall time where a name ends in _s, CPU-seconds in cpu_s.
 */
#ifndef SIM_MODEL_H
#define SIM_MODEL_H

#include "../governor.h"
#include "ideal.h"
#include "scenario.h"

/** What the collector's CPU time went to. */
enum model_purpose {
    MODEL_ASSIST,     /**< mutators that mark for what they allocate                      */
    MODEL_DEDICATED,  /**< background marking on CPUs of its own                          */
    MODEL_FRACTIONAL, /**< background marking for a share of the time                     */
    MODEL_IDLE,       /**< marking on CPUs that nothing else wanted                       */
    MODEL_SWEEP,      /**< sweeping                                                       */
    MODEL_SCAVENGE,   /**< giving memory back to the OS                                   */
    MODEL_FIXED,      /**< start and end of a cycle: handshakes, stacks and globals       */
    MODEL_PURPOSES,
};

/** Memory at one moment, bytes. */
struct model_memory {
    double heap; /**< marked by the last cycle + allocated since: what goal and trigger count */
    double reachable; /**< what a cycle would find live now */
    double spans;     /**< in spans: objects, dead ones not swept yet, holes, fragmentation; and
                           what the program counts outside the heap                            */
    double free;     /**< free pages, kept                                                        */
    double metadata; /**< the collector's own                                                     */
    double off_heap;
    double arenas;
    double foreign; /**< not under the limit */
    double total;   /**< all but foreign: what the limit applies to */
};

/** One cycle, told as its marking ends. Figures that a model does not have are 0. */
struct model_cycle {
    int64_t number; /**< from 1                                                      */
    double start_s; /**< marking began                                               */
    double mark_s;  /**< how long it took                                            */
    double pause_s; /**< longest time for which a mutator stood still for it, assists aside */
    uint64_t before_bytes;  /**< marked by the cycle before                                  */
    uint64_t trigger_bytes; /**< trigger as marking began                                    */
    uint64_t start_bytes;   /**< live heap as marking began                                  */
    uint64_t goal_bytes;    /**< goal as marking ended                                       */
    uint64_t peak_bytes;    /**< live heap as marking ended                                  */
    uint64_t marked_bytes;  /**< found live, with what was allocated while marking           */
    uint64_t live_bytes;    /**< of it, reachable as marking began; the rest may float, or has
                                 died since the last full cycle                              */
    uint64_t scanned_bytes; /**< heap bytes looked at for references                         */
    uint64_t total_bytes;   /**< memory under the limit, largest while marking               */
    double cpu_s[MODEL_PURPOSES]; /**< used for this cycle while it marked; sweeping and scavenging
                                       since the cycle before                                   */
    double utilization;        /**< share of all CPUs that marked, idle ones left out, 0..1     */
    double stalled_s;          /**< the program waited for the cycle, at the memory limit        */
    double assist_ratio;       /**< bytes scanned per byte allocated, as marking began          */
    double cons_mark;          /**< learnt: gait_pacer.cons_mark                                */
    bool limited;              /**< the CPU limiter was limiting for a part of it                */
    bool by_limit;             /**< the memory limit asked for less than GOGC, as it began       */
    bool by_floor;             /**< what the collector may take of the CPU gave the goal         */
    bool periodic;             /**< started by the clock                                         */
    bool forced;               /**< a thread of the program asked for it, and waits              */
    bool minor;                /**< what was marked stayed so, and was not looked at             */
    struct ideal_result ideal; /**< MODEL_IDEAL only: as in the reference vectors             */
};

/** The state at one moment, and what happened since the sample before. */
struct model_sample {
    double time_s;
    double program_s; /**< how far the program has come: its time without a collector */
    int32_t phase;    /**< index                                                     */
    bool marking;
    bool limiting; /**< the CPU limiter                                           */
    bool high;     /**< the program was told that memory is, and not since that it is low */
    struct model_memory memory;
    double trigger_bytes;
    double goal_bytes;          /**< GAIT_PACER_NONE as a double where there is none           */
    double limit_bytes;         /**< likewise                                                  */
    double notice_bytes;        /**< likewise: memory at which it is told                      */
    double bucket;              /**< how full the limiter's bucket is, 0..1                    */
    double program_cpu;         /**< CPUs that the program used, on average                    */
    double cpu[MODEL_PURPOSES]; /**< CPUs that the collector used, on average                  */
    double pause_s;             /**< longest pause                                             */
};

/** A whole run. */
struct model_result {
    int64_t cycles;
    double wall_s;        /**< how long the program took                                 */
    double program_s;     /**< how far it came: its length without a collector           */
    double program_cpu_s; /**< CPU time of the program's own, first touch of memory included */
    double cpu_s[MODEL_PURPOSES];
    double gc_cpu_s; /**< sum of these                                              */
    double gc_share; /**< gc_cpu_s / all CPU time used, 0..1                        */
    double allocated_bytes;
    double peak_heap_bytes;      /**< largest live heap                                         */
    double peak_reachable_bytes; /**< largest reachable heap                                    */
    double peak_total_bytes;     /**< largest memory under the limit                            */
    double peak_process_bytes;   /**< with foreign memory                                       */
    double mean_total_bytes;     /**< memory under the limit, averaged over wall time           */
    double limiting_s;           /**< time for which the CPU limiter limited                    */
    double stalled_s;            /**< time for which the program waited at the memory limit     */
    int64_t notices_high;        /**< how often the program was told that memory is high          */
    double high_s;               /**< time until it was told that it is low                       */
    int64_t notices_limited;     /**< how often it was told that the CPU limiter limits           */
    double pause_max_s;
    double marked_bytes; /**< sum of all cycles                                         */
    double live_bytes;   /**< of it, reachable as they began                            */
    bool finished;       /**< false: given up, since it would take 100 x its length, 10^7 cycles or
                              MODEL_MOST_STEPS                                            */
};

/** Where results go; any function may be NULL. The structs are gone after the call. */
struct model_sink {
    void *context;
    void (*cycle)(void *context, const struct model_cycle *cycle);
    void (*sample)(void *context, const struct model_sample *sample);
    double sample_s; /**< time between samples; 0: none but at starts and ends of cycles */
};

/* ---- State -------------------------------------------------------------- */

/** What the program does now: rates per second of its own time. program.c. */
struct model_rates {
    double cpus;                              /**< that it keeps busy                    */
    double marking_cpus;                      /**< at most, while a cycle marks          */
    double alloc;                             /**< bytes per second                      */
    double survival;                          /**< share of new memory                   */
    double scannable;                         /**< share of new memory                   */
    double scan_rate, sweep_rate;             /**< bytes per CPU-second                  */
    double cycle_cost;                        /**< CPU-seconds                           */
    double work;                              /**< CPU-seconds per CPU-second of program time */
    double drag;                              /**< of these, times while a cycle marks   */
    double old_stores;                        /**< bytes looked at per byte allocated    */
    double background;                        /**< CPUs for background marking; 0: any   */
    double stacks, off_heap, arenas, foreign; /**< bytes                                 */
    double counted; /**< bytes outside the heap that are part of it, all reachable               */
};

/** The program: program.c. */
struct model_program {
    const struct scenario *scenario;
    int32_t phase;         /**< index; phase_count: it has ended                     */
    double phase_start_s;  /**< program time as the phase began                      */
    double now_s;          /**< program time                                         */
    double next_burst_s;   /**< program time of the next burst; INFINITY: none       */
    double next_collect_s; /**< program time at which it asks for a cycle; INFINITY: it does not */
    bool collects;         /**< a thread has, and waits for it                      */
    double rise;           /**< of what program_advance returned last, outside the heap */
    double survivors;      /**< reachable for long, bytes                            */
    double scannable;      /**< of survivors, what may hold references               */
    double young;          /**< reachable for a short time, bytes                    */
    double fresh_survivors, fresh_scannable, fresh_young; /**< of these, new since the last cycle */
    double deaths_per_s; /**< of survivors, bytes per second of program time       */
    bool varies;         /**< a stream or noise changes within the phase           */
    double grown;        /**< heap over reachable as the last cycle began; 0: none */
    struct model_rates rates;
};

/** Spans and free pages: pages.c. */
struct model_pages {
    double fragmentation; /**< bytes in spans per byte of objects                     */
    double hole_share;    /**< of dead memory, what becomes holes                     */
    double metadata;      /**< bytes of tables per byte of spans and free pages       */
    double objects;       /**< bytes of objects in spans, dead ones not swept included */
    double unswept;       /**< of these, dead                                         */
    double sweep_left;    /**< bytes of spans that the sweeper has not visited        */
    double holes;         /**< bytes of spans that are free for new objects           */
    double fresh;         /**< bytes of pages that became spans since the last sweep   */
    double free;          /**< bytes of free pages, kept                              */
};

/** The cycle that is marking: mark.c. */
struct model_marking {
    double work;          /**< heap bytes to scan                                             */
    double done;          /**< of these                                                       */
    double credit;        /**< bytes scanned in the background and not used by assists; below 0:
                               what mutators owe                                              */
    double black;         /**< allocated in the heap since it began                           */
    double reachable;     /**< as it began                                                    */
    double estimate_s;    /**< how long it would take in the background                       */
    double program_cpu_s; /**< the program's, since it began                                  */
    double stacks;        /**< bytes                                                          */
    double found;         /**< what it finds in the heap: a full one, all that is reachable   */
    double young_seen;    /**< new in the heap as it began                                    */
    double young_live;    /**< of that, reachable                                             */
    double kept;          /**< of the heap: marked before it began, and kept so; 0: a full one */
    double kept_work;     /**< of `work`, of what is kept                                     */
    struct gait_pacer_workers workers;
    struct model_cycle record;
};

/** A run. Fields may be read between calls. */
struct model {
    const struct scenario *scenario;
    enum model_kind kind;
    struct model_sink sink;
    struct gait_governor governor;
    struct ideal ideal; /**< MODEL_IDEAL: has a pacer of its own */
    struct model_program program;
    struct model_pages pages;
    struct model_marking marking;
    struct model_result result;
    double now_s;
    double give_up_s;      /**< when the run counts as hopeless                          */
    int64_t steps;         /**< taken                                                    */
    double heap;           /**< as in model_memory                                       */
    double scannable;      /**< of it                                                    */
    double last_cycle_s;   /**< end of the last cycle; 0: none                           */
    double total_integral; /**< of memory under the limit over wall time                 */
    double next_sample_s;
    double swept_cpu_s, scavenged_cpu_s; /**< as the last cycle ended                       */
    struct model_result sampled;         /**< as of the last sample                         */
    double pause_s;                      /**< longest since the last sample                 */
    int64_t notice_at_bytes;             /**< memory that is high; GAIT_PACER_NO_LIMIT: none  */
    bool high, limited;                  /**< of what the program was told last               */
    bool is_marking;
    bool sweeping;
    bool done;
};

/**
 * Start a run.
 *
 * @param scenario  stays unchanged until the run ends; scenario_check has accepted it
 * @param sink      copied; NULL: none
 */
void model_init(struct model *model, enum model_kind kind, const struct scenario *scenario,
                const struct model_sink *sink);

/**
 * Run on, for at most `steps` steps of simulated time (a step is some 50 to 500 ns of real time).
 *
 * @return whether there is more to come; result is complete when there is not.
 */
bool model_advance(struct model *model, int64_t steps);

/** Run to the end. */
void model_run(struct model *model, enum model_kind kind, const struct scenario *scenario,
               const struct model_sink *sink);

/** What its cycles marked over what was live as they began; 1 without any. */
double model_float(const struct model_result *result);

/** What a cycle marked over what was live as it began; 0 where nothing was. */
double model_cycle_float(const struct model_cycle *cycle);

/** How far the program has come, 0..1. */
double model_progress(const struct model *model);

/* ---- Bounds ------------------------------------------------------------- */

/**
 * No run goes on without end: whatever makes a run longer is bounded by what is accepted of a
 * scenario, and by MODEL_MOST_STEPS where it only shows on the way. A step takes some 50 to 500 ns.
 */
#define MODEL_MOST_PLANNED 1e9
#define MODEL_MOST_STEPS INT64_C(2000000000)

/** The steps that a scenario takes at least: model_work. */
struct model_work {
    double steps;    /**< of all phases                                          */
    int32_t phase;   /**< that takes most of them                                */
    const char *key; /**< of it: what makes them so many                         */
    double step_s;   /**< how long a step of it is at most                       */
};

/** How much work would a run be, whatever its collector does? More than MODEL_MOST_PLANNED is not
 * to be begun. */
struct model_work model_work(const struct scenario *scenario);

#endif
