/* SPDX-License-Identifier: MIT */
/*
 * The table of keys, defaults and validation: all from scenario.def.
 */
#include "scenario.h"

#include <string.h>

#define IN_ROOT struct scenario
#define IN_SETTINGS struct scenario_settings
#define IN_MACHINE struct scenario_machine
#define IN_MEMORY struct scenario_memory
#define IN_PHASE struct scenario_phase
const struct scenario_key scenario_keys[] = {
#define KEY(section, type, name, unit, least, most, default_value, meaning)                        \
    {SECTION_##section,                                                                            \
     TYPE_##type,                                                                                  \
     #name,                                                                                        \
     unit,                                                                                         \
     least,                                                                                        \
     most,                                                                                         \
     (double)(default_value),                                                                      \
     meaning,                                                                                      \
     offsetof(IN_##section, name)},
#include "scenario.def"
#undef KEY
};
const int scenario_key_count = (int)(sizeof(scenario_keys) / sizeof(*scenario_keys));

const char *scenario_section_name(enum scenario_section section) {
    static const char *const names[SECTIONS] = {
        [SECTION_ROOT] = "",         [SECTION_SETTINGS] = "settings", [SECTION_MACHINE] = "machine",
        [SECTION_MEMORY] = "memory", [SECTION_PHASE] = "phase",
    };
    return names[section];
}

const char *scenario_model_name(enum model_kind kind) {
    static const char *const names[MODEL_KINDS] = {
        [MODEL_FULL] = "full", [MODEL_IDEAL] = "ideal", [MODEL_STW] = "stw"};
    return names[kind];
}

void *scenario_fields(struct scenario *scenario, enum scenario_section section, int32_t phase) {
    switch (section) {
    case SECTION_SETTINGS:
        return &scenario->settings;
    case SECTION_MACHINE:
        return &scenario->machine;
    case SECTION_MEMORY:
        return &scenario->memory;
    case SECTION_PHASE:
        return &scenario->phases[phase];
    default:
        return scenario;
    }
}

/* ---- Defaults ----------------------------------------------------------- */

#define SET_TEXT(field, value) ((field)[0] = '\0')
#define SET_BOOL(field, value) ((field) = (value))
#define SET_CHOICE(field, value) ((field) = (value))
#define SET_COUNT(field, value) ((field) = (value))
#define SET_NUMBER(field, value) ((field) = (value))
#define SET_BYTES(field, value) ((field) = (value))
#define SET_GOGC(field, value) ((field) = (value))
#define SET_LIMIT(field, value) ((field) = (value))
#define SET_STREAM(field, value) ((field) = (struct stream){(value), STREAM_NONE})
#define SET_BYTE_STREAM(field, value) SET_STREAM(field, value)
#define SCENARIO_SET(type, field, value) SET_##type(field, value);
#define SCENARIO_LEAVE(type, field, value)

#define KEY(section, type, name, unit, least, most, default_value, meaning)                        \
    DEFAULT_##section(type, name, default_value)

void scenario_init(struct scenario *scenario) {
    memset(scenario, 0, sizeof(*scenario));
#define DEFAULT_ROOT(type, name, value) SCENARIO_SET(type, scenario->name, value)
#define DEFAULT_SETTINGS(type, name, value) SCENARIO_SET(type, scenario->settings.name, value)
#define DEFAULT_MACHINE(type, name, value) SCENARIO_SET(type, scenario->machine.name, value)
#define DEFAULT_MEMORY(type, name, value) SCENARIO_SET(type, scenario->memory.name, value)
#define DEFAULT_PHASE SCENARIO_LEAVE
#include "scenario.def"
#undef DEFAULT_ROOT
#undef DEFAULT_SETTINGS
#undef DEFAULT_MACHINE
#undef DEFAULT_MEMORY
#undef DEFAULT_PHASE
}

void scenario_init_phase(struct scenario_phase *phase) {
    memset(phase, 0, sizeof(*phase));
#define DEFAULT_ROOT SCENARIO_LEAVE
#define DEFAULT_SETTINGS SCENARIO_LEAVE
#define DEFAULT_MACHINE SCENARIO_LEAVE
#define DEFAULT_MEMORY SCENARIO_LEAVE
#define DEFAULT_PHASE(type, name, value) SCENARIO_SET(type, phase->name, value)
#include "scenario.def"
}

/* ---- Validation --------------------------------------------------------- */

int64_t scenario_limit(int64_t limit_bytes) {
    for (int i = 0; i < scenario_key_count; i++)
        if (scenario_keys[i].type == TYPE_LIMIT && (double)limit_bytes > scenario_keys[i].most)
            return GAIT_PACER_NO_LIMIT;
    return limit_bytes;
}

bool scenario_accepts(const struct scenario_key *key, double value) {
    if (key->type == TYPE_GOGC && value == GAIT_PACER_GOGC_OFF)
        return true;
    if (key->type == TYPE_LIMIT && value == (double)GAIT_PACER_NO_LIMIT)
        return true;
    return value >= key->least && value <= key->most; /* NaN is not */
}

/** The field as a number. @return false for what is none. */
static bool scenario_number(const struct scenario_key *key, const void *field, double *value) {
    switch (key->type) {
    case TYPE_NUMBER:
        *value = *(const double *)field;
        return true;
    case TYPE_COUNT:
    case TYPE_BYTES:
    case TYPE_LIMIT:
        *value = (double)*(const int64_t *)field;
        return true;
    case TYPE_GOGC:
        *value = *(const int32_t *)field;
        return true;
    case TYPE_STREAM:
    case TYPE_BYTE_STREAM:
        *value = ((const struct stream *)field)->constant;
        return ((const struct stream *)field)->root == STREAM_NONE;
    default:
        return false;
    }
}

static bool scenario_field_ok(const struct scenario *scenario, const struct scenario_key *key,
                              const void *section) {
    const void *field = (const char *)section + key->offset;
    double value;
    if (scenario_number(key, field, &value))
        return scenario_accepts(key, value);
    switch (key->type) {
    case TYPE_TEXT:
        return ((const char *)field)[SCENARIO_TEXT - 1] == '\0';
    case TYPE_CHOICE:
        return (unsigned)*(const enum model_kind *)field < MODEL_KINDS;
    case TYPE_STREAM:
    case TYPE_BYTE_STREAM:
        return stream_check(scenario->nodes, scenario->node_count,
                            ((const struct stream *)field)->root);
    default:
        return true;
    }
}

bool scenario_check(const struct scenario *scenario, struct scenario_fault *fault) {
    *fault = (struct scenario_fault){0};
    if (scenario->phase_count < 1 || scenario->phase_count > SCENARIO_MOST_PHASES)
        return false;
    for (int i = 0; i < scenario_key_count; i++) {
        const struct scenario_key *key = &scenario_keys[i];
        int32_t times = key->section == SECTION_PHASE ? scenario->phase_count : 1;
        for (int32_t phase = 0; phase < times; phase++) {
            const void *section = scenario_fields((struct scenario *)scenario, key->section, phase);
            if (!scenario_field_ok(scenario, key, section)) {
                *fault = (struct scenario_fault){key, phase};
                return false;
            }
        }
    }
    return true;
}

double scenario_duration(const struct scenario *scenario) {
    double sum = 0;
    for (int32_t i = 0; i < scenario->phase_count; i++)
        sum += scenario->phases[i].duration;
    return sum;
}
