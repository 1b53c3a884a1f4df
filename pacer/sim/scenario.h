/* SPDX-License-Identifier: MIT */
/**
 * A scenario: a program as the simulator sees it, the machine that it runs on, and the settings of
 * its collector. The keys, with units, ranges and defaults, stand in scenario.def.
 *
 * Plain data. The caller owns the arrays of phases and of nodes; both stay unchanged while a model
 * runs. Pure: nothing here allocates or does I/O.
 */
#ifndef SIM_SCENARIO_H
#define SIM_SCENARIO_H

#include "gait/pacer.h"
#include "stream.h"

#include <stddef.h>

/** Size of a text, with its end; the last byte is always 0. */
#define SCENARIO_TEXT 80

/** How a scenario is run: model.h. */
enum model_kind {
    MODEL_FULL,  /**< concurrent cycles on a machine with CPUs and memory      */
    MODEL_IDEAL, /**< the model of the reference vectors: ideal.h              */
    MODEL_STW,   /**< the program stands still while a cycle runs: Go's GC guide */
    MODEL_KINDS,
};

#define SCENARIO_FIELD_TEXT(name) char name[SCENARIO_TEXT];
#define SCENARIO_FIELD_BOOL(name) bool name;
#define SCENARIO_FIELD_CHOICE(name) enum model_kind name;
#define SCENARIO_FIELD_COUNT(name) int64_t name;
#define SCENARIO_FIELD_NUMBER(name) double name;
#define SCENARIO_FIELD_BYTES(name) int64_t name;
#define SCENARIO_FIELD_GOGC(name) int32_t name;
#define SCENARIO_FIELD_LIMIT(name) int64_t name;
#define SCENARIO_FIELD_STREAM(name) struct stream name;
#define SCENARIO_FIELD_BYTE_STREAM(name) struct stream name;

/* Each section's struct takes its own keys from the table, and nothing of the others. */
#define SCENARIO_TAKE(type, name) SCENARIO_FIELD_##type(name)
#define SCENARIO_SKIP(type, name)

/** [settings] */
struct scenario_settings {
#define IN_ROOT SCENARIO_SKIP
#define IN_SETTINGS SCENARIO_TAKE
#define IN_MACHINE SCENARIO_SKIP
#define IN_MEMORY SCENARIO_SKIP
#define IN_PHASE SCENARIO_SKIP
#define KEY(section, type, name, unit, least, most, default_value, meaning) IN_##section(type, name)
#include "scenario.def"
#undef IN_SETTINGS
#undef IN_MACHINE
#define IN_SETTINGS SCENARIO_SKIP
#define IN_MACHINE SCENARIO_TAKE
};

/** [machine] */
struct scenario_machine {
#include "scenario.def"
#undef IN_MACHINE
#undef IN_MEMORY
#define IN_MACHINE SCENARIO_SKIP
#define IN_MEMORY SCENARIO_TAKE
};

/** [memory] */
struct scenario_memory {
#include "scenario.def"
#undef IN_MEMORY
#undef IN_PHASE
#define IN_MEMORY SCENARIO_SKIP
#define IN_PHASE SCENARIO_TAKE
};

/** [[phase]] */
struct scenario_phase {
#include "scenario.def"
#undef IN_PHASE
#undef IN_ROOT
#define IN_PHASE SCENARIO_SKIP
#define IN_ROOT SCENARIO_TAKE
};

/** All of it. */
struct scenario {
#include "scenario.def"
#undef KEY
#undef IN_ROOT
#undef IN_SETTINGS
#undef IN_MACHINE
#undef IN_MEMORY
#undef IN_PHASE
    struct scenario_settings settings;
    struct scenario_machine machine;
    struct scenario_memory memory;
    struct scenario_phase *phases;
    int32_t phase_count;
    struct stream_node *nodes; /**< of all streams; NULL if there are none */
    int32_t node_count;
};

/* ---- The table of keys -------------------------------------------------- */

enum scenario_section {
    SECTION_ROOT,
    SECTION_SETTINGS,
    SECTION_MACHINE,
    SECTION_MEMORY,
    SECTION_PHASE,
    SECTIONS,
};

enum scenario_type {
    TYPE_TEXT,
    TYPE_BOOL,
    TYPE_CHOICE,
    TYPE_COUNT,
    TYPE_NUMBER,
    TYPE_BYTES,
    TYPE_GOGC,
    TYPE_LIMIT,
    TYPE_STREAM,
    TYPE_BYTE_STREAM,
};

/** One key: a row of scenario.def. */
struct scenario_key {
    enum scenario_section section;
    enum scenario_type type;
    const char *name;
    const char *unit;
    double least; /**< accepted, inclusive */
    double most;
    double default_value;
    const char *meaning;
    size_t offset; /**< of the field in its section's struct */
};

extern const struct scenario_key scenario_keys[];
extern const int scenario_key_count;

/** Name of a section as in a file: "settings" ...; "" for the root. */
const char *scenario_section_name(enum scenario_section section);

/** Name of a model as in a file: "full" ... */
const char *scenario_model_name(enum model_kind kind);

/** The struct that holds a section; of a phase, its element. `phase` counts in PHASE only. */
void *scenario_fields(struct scenario *scenario, enum scenario_section section, int32_t phase);

/* ---- Values ------------------------------------------------------------- */

/** All defaults, no phase, no node. */
void scenario_init(struct scenario *scenario);

/** All defaults of a phase. */
void scenario_init_phase(struct scenario_phase *phase);

/** A limit as a scenario has it: one above all that its key accepts limits nothing. */
int64_t scenario_limit(int64_t limit_bytes);

/** May the key have this value, as a number in its unit? */
bool scenario_accepts(const struct scenario_key *key, double value);

/** Most phases, wherever they come from: keeps sums of durations and indexes far from their ends. A
 * recording of a day has as many. */
#define SCENARIO_MOST_PHASES 1000000

/** What is wrong with a scenario: scenario_check. */
struct scenario_fault {
    const struct scenario_key *key; /**< NULL: the scenario has no phase, or too many */
    int32_t phase;                  /**< which, counted from 0, where key is a phase's */
};

/**
 * Is every value in range, is there a phase, are streams trees?
 *
 * @param fault  set where the answer is no
 */
bool scenario_check(const struct scenario *scenario, struct scenario_fault *fault);

/** Length of the program without a collector, seconds. */
double scenario_duration(const struct scenario *scenario);

#endif
