/* SPDX-License-Identifier: MIT */
/**
 * What the engine's files share: the program, its pages, the books, and one step of each model.
 * Internal to pacer/sim/; others use model.h.
 */
#ifndef SIM_ENGINE_H
#define SIM_ENGINE_H

#include "model.h"

#include <math.h>

/** Longest step of simulated time: samples are no further apart. */
#define ENGINE_STEP_MOST_S 0.1
/** Shortest: every step makes headway, whatever the figures. */
#define ENGINE_STEP_LEAST_S 1e-6

static inline double engine_min(double a, double b) { return a < b ? a : b; }
static inline double engine_max(double a, double b) { return a > b ? a : b; }

/** Most bytes that a stream may give, as a key's own range. */
#define ENGINE_MOST_BYTES 1125899906842624.0 /* 2^50 */
/** Where bytes and ns saturate: sums of a few still fit the pacer's integers. */
#define ENGINE_MOST_WHOLE 1152921504606846976.0 /* 2^60 */

/** Bytes and ns as the pacer takes them: whole, from 0 to 2^60. */
static inline int64_t engine_i64(double value) {
    return value > 0 ? (int64_t)engine_min(value, ENGINE_MOST_WHOLE) : 0;
}
static inline uint64_t engine_u64(double value) { return (uint64_t)engine_i64(value); }
static inline int64_t engine_ns(double seconds) { return engine_i64(seconds * 1e9); }

/* ---- program.c ---------------------------------------------------------- */

/** The program before its first phase's first instruction. */
void program_init(struct model_program *program, const struct scenario *scenario);

bool program_ended(const struct model_program *program);

/** The longest step in which the program's rates hold in a phase. @param key  what bounds it */
double program_step(const struct scenario_phase *phase, const char **key);

/** Program time for which the rates hold; enough for program_advance to get on. */
double program_distance(const struct model_program *program);

/**
 * Run for `seconds` of program time, at most program_distance. Rates follow.
 * @return bytes allocated, with the burst that is due at the end of it, and with `rise`: what of
 * memory outside the heap is counted from then on.
 */
double program_advance(struct model_program *program, double seconds);

/** CPUs that it keeps busy, without that of a thread which waits for a cycle that it asked for. */
double program_awake(const struct model_program *program);

/** A cycle begins with such a live heap: costs grow with it. */
void program_see_heap(struct model_program *program, double heap);

/** Bytes that a cycle would find live now; and of these, what may hold references. */
double program_reachable(const struct model_program *program);
double program_scannable(const struct model_program *program);

/** Of both, what is new since program_flip, which a cycle calls as it ends. */
double program_found(const struct model_program *program);
double program_found_scannable(const struct model_program *program);
void program_flip(struct model_program *program);

/* ---- pages.c ------------------------------------------------------------ */

void pages_init(struct model_pages *pages, const struct scenario_memory *memory);

double pages_in_spans(const struct model_pages *pages);

/** Spans, free pages and metadata. */
double pages_total(const struct model_pages *pages);

/** Allocate objects. @return bytes of fresh memory that this took from the OS. */
double pages_allocate(struct model_pages *pages, double bytes);

/** Marking found `live` bytes of objects; the others are to be swept. */
void pages_marked(struct model_pages *pages, double live);

/** Sweep `bytes` of spans: what was dead in them becomes free. @return whether all are swept. */
bool pages_sweep(struct model_pages *pages, double bytes);

/** Give back up to `bytes` of free pages. @return how many were. */
double pages_release(struct model_pages *pages, double bytes);

/* ---- ledger.c ----------------------------------------------------------- */

/** Memory as of now. */
struct model_memory ledger_memory(const struct model *model);

/** Account for `seconds` in which the program used `program_cpu` CPUs. */
void ledger_time(struct model *model, double seconds, double program_cpu);

/** Account for CPU time of the collector. */
void ledger_gc(struct model *model, enum model_purpose purpose, double cpu_s);

/** Account for a time in which the program stood still. */
void ledger_pause(struct model *model, double seconds);

/** Note peaks, and what the program is told of; emit a sample if one is due, or in any case. */
void ledger_look(struct model *model);
void ledger_sample(struct model *model);

/** Emit a cycle. */
void ledger_cycle(struct model *model, struct model_cycle *cycle);

/** The run is over. */
void ledger_close(struct model *model, bool finished);

/* ---- One step of each model --------------------------------------------- */

void ideal_run_init(struct model *model);
void ideal_run_step(struct model *model); /* ideal_run.c */

void stw_step(struct model *model); /* stw.c */

/** full.c: between cycles. */
void full_step(struct model *model);
/** Tell the governor what memory there is. */
void full_look_at_memory(struct model *model);
/** What a mutator that is about to allocate knows, and clocks, as the governor asks for them. */
struct gait_governor_want full_want(const struct model *model);
struct gait_governor_clocks full_clocks(const struct model *model);
/** Account for a step, move the program, let the limiter look. */
void full_advance(struct model *model, double seconds, double speed, double program_cpu);
/** CPUs that neither the program nor other processes use. */
double full_idle_cpus(const struct model *model);
/** CPU-seconds per second of program time that touching fresh memory costs now. */
double full_touch_cost(const struct model *model);

/** mark.c: a cycle. */
void mark_begin(struct model *model, bool forced, bool periodic);
void mark_step(struct model *model);

#endif
