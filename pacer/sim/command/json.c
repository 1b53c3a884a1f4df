/* SPDX-License-Identifier: MIT */
/*
 * A run as JSON, through Jansson: {scenario, model, summary, cycles: [...], samples: [...]}.
 */
#include "command.h"
#include "record.h"

#include <jansson.h>

/** 17 digits name one double. */
#define JSON_FLAGS (JSON_INDENT(1) | JSON_REAL_PRECISION(17))

/** Whole numbers as such: counts and bytes. */
static json_t *number(double value) {
    if (value >= -9007199254740992.0 && value <= 9007199254740992.0 &&
        (double)(json_int_t)value == value)
        return json_integer((json_int_t)value);
    return json_real(value);
}

static json_t *cycles_of(const struct record *record) {
    json_t *list = json_array();
    for (size_t i = 0; i < record->cycle_count; i++) {
        const struct model_cycle *c = &record->cycles[i];
        json_t *object = json_object();
#define CYCLE(name, value) json_object_set_new(object, #name, number(value));
#include "fields.def"
#undef CYCLE
        json_array_append_new(list, object);
    }
    return list;
}

static json_t *samples_of(const struct record *record) {
    json_t *list = json_array();
    for (size_t i = 0; i < record->sample_count; i++) {
        const struct model_sample *s = &record->samples[i];
        json_t *object = json_object();
#define SAMPLE(name, value) json_object_set_new(object, #name, number(value));
#include "fields.def"
#undef SAMPLE
        json_array_append_new(list, object);
    }
    return list;
}

void record_json(const struct record *record, FILE *file) {
    struct summary_line lines[RECORD_SUMMARY];
    int count = record_summary(&record->result, lines);
    json_t *root = json_object(), *summary = json_object();
    json_object_set_new(root, "title", json_string(record->scenario->title));
    json_object_set_new(root, "model", json_string(scenario_model_name(record->kind)));
    for (int i = 0; i < count; i++)
        json_object_set_new(summary, lines[i].name, number(lines[i].value));
    json_object_set_new(root, "summary", summary);
    json_object_set_new(root, "cycles", cycles_of(record));
    json_object_set_new(root, "samples", samples_of(record));
    if (json_dumpf(root, file, JSON_FLAGS) != 0)
        command_fail("the run could not be written as JSON");
    putc('\n', file);
    json_decref(root);
}
