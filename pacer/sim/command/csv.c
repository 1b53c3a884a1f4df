/* SPDX-License-Identifier: MIT */
/*
 * Cycles and samples as comma-separated values, with all digits.
 */
#include "record.h"
#include "units.h"

static void put_value(FILE *file, double value) {
    char text[UNITS_TEXT];
    fprintf(file, ",%s", units_double(value, text));
}

void record_cycles_csv(const struct record *record, FILE *file) {
    fputs("model", file);
#define CYCLE(name, value) fputs("," #name, file);
#include "fields.def"
#undef CYCLE
    putc('\n', file);
    for (size_t i = 0; i < record->cycle_count; i++) {
        const struct model_cycle *c = &record->cycles[i];
        fputs(scenario_model_name(record->kind), file);
#define CYCLE(name, value) put_value(file, value);
#include "fields.def"
#undef CYCLE
        putc('\n', file);
    }
}

void record_samples_csv(const struct record *record, FILE *file) {
    fputs("model", file);
#define SAMPLE(name, value) fputs("," #name, file);
#include "fields.def"
#undef SAMPLE
    putc('\n', file);
    for (size_t i = 0; i < record->sample_count; i++) {
        const struct model_sample *s = &record->samples[i];
        fputs(scenario_model_name(record->kind), file);
#define SAMPLE(name, value) put_value(file, value);
#include "fields.def"
#undef SAMPLE
        putc('\n', file);
    }
}
