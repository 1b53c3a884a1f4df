/* SPDX-License-Identifier: MIT */
/*
 * The engine's exports to the page. See web.h.
 *
 * Tables are doubles, row after row; columns are those of the command's JSON, from the same list.
 */
#include "web.h"

#include "../../sim/command/fit.h"
#include "../../sim/command/fit_notes.h"
#include "../../sim/command/record.h"
#include "../../sim/demand.h"
#include "../../sim/model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/** Rows of one table. */
struct rows {
    double *values;
    size_t count; /* of values */
    size_t room;
    int rows;
};

static struct {
    struct scenario scenario;
    struct model model;
    struct rows cycles, samples, summary, recorded;
    char *input;
    size_t input_bytes;
    char notes[FIT_NOTES_TEXT];
} web;

/* ---- Memory: what the command's files ask of command.h ------------------ */

void *command_grow(void *list, size_t count, size_t size);
void *command_allocate(size_t count, size_t size);

void *command_grow(void *list, size_t count, size_t size) {
    void *grown = realloc(list, (count ? count : 1) * size);
    if (!grown)
        __builtin_trap();
    return grown;
}

void *command_allocate(size_t count, size_t size) {
    return memset(command_grow(NULL, count, size), 0, count * size);
}

/* ---- Keys --------------------------------------------------------------- */

int web_key_count(void) { return scenario_key_count; }

const char *web_key_text(int key, enum web_key_text what) {
    const struct scenario_key *is = &scenario_keys[key];
    switch (what) {
    case WEB_KEY_NAME:
        return is->name;
    case WEB_KEY_SECTION:
        return scenario_section_name(is->section);
    case WEB_KEY_UNIT:
        return is->unit;
    default:
        return is->meaning;
    }
}

double web_key_number(int key, enum web_key_number what) {
    const struct scenario_key *is = &scenario_keys[key];
    switch (what) {
    case WEB_KEY_TYPE:
        return is->type;
    case WEB_KEY_LEAST:
        return is->least;
    case WEB_KEY_MOST:
        return is->most;
    default:
        return is->default_value;
    }
}

const char *web_model_name(int model) {
    return model < MODEL_KINDS ? scenario_model_name((enum model_kind)model) : NULL;
}

/* ---- The scenario ------------------------------------------------------- */

static void forget_rows(void) {
    web.cycles.count = web.samples.count = web.summary.count = 0;
    web.cycles.rows = web.samples.rows = web.summary.rows = 0;
}

static void forget_scenario(void) {
    forget_rows();
    free(web.scenario.phases);
    free(web.scenario.nodes);
    scenario_init(&web.scenario);
}

void web_scenario(int phases, int nodes) {
    forget_scenario();
    web.scenario.phases = command_allocate((size_t)phases, sizeof(*web.scenario.phases));
    web.scenario.phase_count = phases;
    web.scenario.nodes = command_allocate((size_t)nodes, sizeof(*web.scenario.nodes));
    web.scenario.node_count = nodes;
    for (int i = 0; i < phases; i++)
        scenario_init_phase(&web.scenario.phases[i]);
}

int web_phase_count(void) { return web.scenario.phase_count; }

static void *field(int key, int phase) {
    return (char *)scenario_fields(&web.scenario, scenario_keys[key].section, phase) +
           scenario_keys[key].offset;
}

static int64_t whole(double value) {
    return value >= (double)GAIT_PACER_NO_LIMIT ? GAIT_PACER_NO_LIMIT : (int64_t)value;
}

void web_set(int key, int phase, double value) {
    void *into = field(key, phase);
    switch (scenario_keys[key].type) {
    case TYPE_TEXT:
        break;
    case TYPE_BOOL:
        *(bool *)into = value != 0;
        break;
    case TYPE_CHOICE:
        *(enum model_kind *)into = (enum model_kind)value;
        break;
    case TYPE_NUMBER:
        *(double *)into = value;
        break;
    case TYPE_GOGC:
        *(int32_t *)into = (int32_t)value;
        break;
    case TYPE_STREAM:
    case TYPE_BYTE_STREAM:
        *(struct stream *)into = (struct stream){value, STREAM_NONE};
        break;
    case TYPE_COUNT:
    case TYPE_BYTES:
    case TYPE_LIMIT:
        *(int64_t *)into = whole(value);
        break;
    }
}

double web_get(int key, int phase) {
    const void *from = field(key, phase);
    switch (scenario_keys[key].type) {
    case TYPE_TEXT:
        return 0;
    case TYPE_BOOL:
        return *(const bool *)from;
    case TYPE_CHOICE:
        return *(const enum model_kind *)from;
    case TYPE_NUMBER:
        return *(const double *)from;
    case TYPE_GOGC:
        return *(const int32_t *)from;
    case TYPE_STREAM:
    case TYPE_BYTE_STREAM:
        return ((const struct stream *)from)->constant;
    default:
        return (double)*(const int64_t *)from;
    }
}

void web_set_stream(int key, int phase, int node) {
    *(struct stream *)field(key, phase) = (struct stream){0, node};
}

void web_set_node(int node, int kind, double amount, double length, double turn, double delay,
                  double least, double most, double seed, int first, int next) {
    web.scenario.nodes[node] = (struct stream_node){
        .kind = (enum stream_kind)kind,
        .amount = amount,
        .length = length,
        .phase = turn,
        .delay = delay,
        .least = least,
        .most = most,
        .seed = (uint64_t)seed,
        .first = first,
        .next = next,
    };
}

int web_fault(void) {
    struct scenario_fault fault;
    if (scenario_check(&web.scenario, &fault))
        return -1;
    return fault.key ? (int)(fault.key - scenario_keys) : -2;
}

int web_endless(void) {
    struct model_work work = model_work(&web.scenario);
    if (work.steps > MODEL_MOST_PLANNED)
        for (int i = 0; i < scenario_key_count; i++)
            if (scenario_keys[i].section == SECTION_PHASE &&
                strcmp(scenario_keys[i].name, work.key) == 0)
                return i;
    return -1;
}

double web_duration(void) { return scenario_duration(&web.scenario); }

/* ---- A run -------------------------------------------------------------- */

static void add_value(struct rows *rows, double value) {
    if (rows->count == rows->room) {
        rows->room = rows->room * 2 + 4096;
        rows->values = command_grow(rows->values, rows->room, sizeof(*rows->values));
    }
    rows->values[rows->count++] = value;
}

static void add_cycle(void *context, const struct model_cycle *c) {
    (void)context;
    web.cycles.rows++;
#define CYCLE(name, value) add_value(&web.cycles, value);
#include "../../sim/command/fields.def"
#undef CYCLE
}

static void add_sample(void *context, const struct model_sample *s) {
    (void)context;
    web.samples.rows++;
#define SAMPLE(name, value) add_value(&web.samples, value);
#include "../../sim/command/fields.def"
#undef SAMPLE
}

static void add_summary(void) {
    struct summary_line lines[RECORD_SUMMARY];
    int count = record_summary(&web.model.result, lines);
    web.summary.count = 0;
    web.summary.rows = 1;
    for (int i = 0; i < count; i++)
        add_value(&web.summary, lines[i].value);
}

void web_start(double sample_s) {
    struct model_sink sink = {.cycle = add_cycle, .sample = add_sample, .sample_s = sample_s};
    forget_rows();
    model_init(&web.model, web.scenario.model, &web.scenario, &sink);
}

bool web_run(int steps) {
    bool more = model_advance(&web.model, steps);
    add_summary();
    return more;
}

double web_progress(void) { return model_progress(&web.model); }

/** Names of the summary's lines, put together once. */
static const char *summary_columns(void) {
    static char names[RECORD_SUMMARY * 32];
    struct summary_line lines[RECORD_SUMMARY];
    int count = record_summary(&web.model.result, lines);
    names[0] = '\0';
    for (int i = 0; i < count; i++) {
        strcat(names, lines[i].name);
        strcat(names, ",");
    }
    return names;
}

/** Fields of struct recording_total. */
#define RECORDED_TOTALS(X)                                                                         \
    X(cycles)                                                                                      \
    X(wall_s)                                                                                      \
    X(program_cpu_s)                                                                               \
    X(gc_cpu_s)                                                                                    \
    X(gc_share)                                                                                    \
    X(allocated_bytes)                                                                             \
    X(peak_heap_bytes)                                                                             \
    X(peak_total_bytes)                                                                            \
    X(limiting_s)                                                                                  \
    X(forced_cycles)

const char *web_columns(enum web_table table) {
    static const char cycles[] =
#define CYCLE(name, value) #name ","
#include "../../sim/command/fields.def"
#undef CYCLE
        ;
    static const char samples[] =
#define SAMPLE(name, value) #name ","
#include "../../sim/command/fields.def"
#undef SAMPLE
        ;
    static const char recorded[] =
#define TOTAL(name) #name ","
        RECORDED_TOTALS(TOTAL)
#undef TOTAL
        ;
    switch (table) {
    case WEB_CYCLES:
        return cycles;
    case WEB_SAMPLES:
        return samples;
    case WEB_SUMMARY:
        return summary_columns();
    default:
        return recorded;
    }
}

static const struct rows *rows_of(enum web_table table) {
    switch (table) {
    case WEB_CYCLES:
        return &web.cycles;
    case WEB_SAMPLES:
        return &web.samples;
    case WEB_SUMMARY:
        return &web.summary;
    default:
        return &web.recorded;
    }
}

int web_row_count(enum web_table table) { return rows_of(table)->rows; }

const double *web_rows(enum web_table table) { return rows_of(table)->values; }

/* ---- Traces and recordings ---------------------------------------------- */

char *web_input(int bytes) {
    web.input_bytes = (size_t)bytes;
    web.input = command_grow(web.input, web.input_bytes + 1, 1);
    web.input[bytes] = '\0';
    return web.input;
}

int web_fit_gctrace(int phases) {
    struct gctrace trace = {0};
    struct fit_goals goals;
    gctrace_feed(&trace, web.input, web.input_bytes);
    bool found = gctrace_end(&trace, 0);
    int cycles = found ? (int)trace.count : 0;
    if (found) {
        forget_scenario();
        const char *why =
            fit_scenario(&trace, &(struct fit_wish){.phases = phases}, &goals, &web.scenario);
        fit_notes(&trace, &goals, web.notes);
        if (why) {
            snprintf(web.notes, sizeof(web.notes), "%s\n", why);
            cycles = -cycles;
        }
    } else {
        fit_notes(&trace, NULL, web.notes);
    }
    gctrace_free(&trace);
    return cycles;
}

const char *web_notes(void) { return web.notes; }

static void add_recorded(const struct recording *recording) {
    struct recording_total total = recording_total(recording);
    web.recorded.count = 0;
    web.recorded.rows = 1;
#define TOTAL(name) add_value(&web.recorded, total.name);
    RECORDED_TOTALS(TOTAL)
#undef TOTAL
}

int web_fit_recording(int phases) {
    const unsigned char *bytes = (const unsigned char *)web.input;
    struct recording recording;
    size_t fault_at;
    size_t size = web.input_bytes;
    enum recording_fault fault = recording_check(bytes, size, &recording, &fault_at);
    web.notes[0] = '\0';
    if (!recording_is_usable(fault, fault_at))
        return -(int)fault;
    if (fault == RECORDING_CUT) {
        snprintf(web.notes, sizeof(web.notes),
                 "cut off inside a record: used up to byte %zu of %zu\n", fault_at, size);
        size = fault_at;
    }
    recording.samples = command_allocate(recording.sample_count, sizeof(*recording.samples));
    recording.cycles = command_allocate(recording.cycle_count, sizeof(*recording.cycles));
    recording_read(bytes, size, &recording);
    add_recorded(&recording);
    struct demand_cycle *cycles = command_allocate(recording.cycle_count, sizeof(*cycles));
    forget_scenario();
    web.scenario.phases = command_allocate((size_t)phases + 1, sizeof(*web.scenario.phases));
    int count = 0;
    if (demand_scenario(&recording, true, cycles, phases, &web.scenario, NULL))
        count = (int)recording.cycle_count;
    free(cycles);
    free(recording.samples);
    free(recording.cycles);
    return count;
}
