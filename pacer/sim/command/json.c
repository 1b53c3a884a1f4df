/* SPDX-License-Identifier: MIT */
/*
 * A run as JSON, through Jansson: {scenario, model, summary, cycles: [...], samples: [...]}.
 */
#include "command.h"
#include "record.h"

#include <jansson.h>

/** 17 digits name one double. */
#define JSON_FLAGS (JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(17))

/** Whole numbers as such: counts and bytes. */
static json_t *number(double value) {
    if (value >= -9007199254740992.0 && value <= 9007199254740992.0 &&
        (double)(json_int_t)value == value)
        return json_integer((json_int_t)value);
    return json_real(value);
}

/** Write a value, and forget it: a run has many, and not all at once need to be in memory. That the
 * file can't be written is told when it is closed. */
static void put(FILE *file, json_t *value) {
    if (!value || (json_dumpf(value, file, JSON_FLAGS) != 0 && !ferror(file)))
        command_fail("the run could not be written as JSON");
    json_decref(value);
}

static void put_cycles(FILE *file, const struct record *record) {
    for (size_t i = 0; i < record->cycle_count; i++) {
        const struct model_cycle *c = &record->cycles[i];
        json_t *object = json_object();
#define CYCLE(name, value) json_object_set_new(object, #name, number(value));
#include "fields.def"
#undef CYCLE
        fputs(i ? ",\n" : "\n", file);
        put(file, object);
    }
}

static void put_samples(FILE *file, const struct record *record) {
    for (size_t i = 0; i < record->sample_count; i++) {
        const struct model_sample *s = &record->samples[i];
        json_t *object = json_object();
#define SAMPLE(name, value) json_object_set_new(object, #name, number(value));
#include "fields.def"
#undef SAMPLE
        fputs(i ? ",\n" : "\n", file);
        put(file, object);
    }
}

static json_t *summary_of(const struct model_result *result) {
    struct summary_line lines[RECORD_SUMMARY];
    int count = record_summary(result, lines);
    json_t *summary = json_object();
    for (int i = 0; i < count; i++)
        json_object_set_new(summary, lines[i].name, number(lines[i].value));
    return summary;
}

void record_json(const struct record *record, FILE *file) {
    fputs("{\"title\": ", file);
    put(file, json_string(record->scenario->title));
    fprintf(file, ",\n\"model\": \"%s\",\n\"summary\": ", scenario_model_name(record->kind));
    put(file, summary_of(&record->result));
    fputs(",\n\"cycles\": [", file);
    put_cycles(file, record);
    fputs("],\n\"samples\": [", file);
    put_samples(file, record);
    fputs("]}\n", file);
}
