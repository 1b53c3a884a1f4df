/* SPDX-License-Identifier: MIT */
/*
 * Writes scenarios as TOML: each section's keys in the order of the table, those that differ from
 * their defaults.
 */
#include "scenario.h"
#include "scenario_file.h"
#include "units.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

/** TOML's basic string. */
static void write_text(FILE *file, const char *text) {
    putc('"', file);
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;
        if (c == '"' || c == '\\')
            fprintf(file, "\\%c", c);
        else if (c < ' ' || c == 127)
            fprintf(file, "\\u%04x", c);
        else
            putc(c, file);
    }
    putc('"', file);
}

/** A number; bytes with a unit where that is shorter. */
static void write_number(FILE *file, double value, bool as_bytes) {
    char text[UNITS_TEXT];
    value += 0.0; /* -0 is 0: the same is written of both */
    if (as_bytes)
        units_bytes(value, text);
    else
        units_double(value, text);
    bool quoted = text[strlen(text) - 1] == 'B';
    fprintf(file, quoted ? "\"%s\"" : "%s", text);
}

static void write_pair(FILE *file, const char *name, double value, double left_out, bool as_bytes) {
    if (value == left_out)
        return;
    fprintf(file, ", %s = ", name);
    write_number(file, value, as_bytes);
}

static void write_node(FILE *file, const struct stream_node *nodes, const struct stream_node *node,
                       bool as_bytes) {
    static const char *const kinds[] = {"constant", "ramp", "unit", "oscillate", "random", "sum"};
    static const char *const lengths[] = {"", "length", "length", "period", "every", ""};
    fprintf(file, "{ %s = ", kinds[node->kind]);
    if (node->kind == STREAM_SUM) {
        fputs("[", file);
        for (int32_t i = node->first; i != STREAM_NONE; i = nodes[i].next) {
            if (i != node->first)
                fputs(", ", file);
            write_node(file, nodes, &nodes[i], as_bytes);
        }
        fputs("]", file);
    } else {
        write_number(file, node->amount, as_bytes);
    }
    write_pair(file, lengths[node->kind], node->length, 1, false);
    write_pair(file, "phase", node->phase, 0, false);
    write_pair(file, "seed", (double)node->seed, 0, false);
    write_pair(file, "delay", node->delay, 0, false);
    write_pair(file, "min", node->least, -INFINITY, as_bytes);
    write_pair(file, "max", node->most, INFINITY, as_bytes);
    fputs(" }", file);
}

static void write_stream(FILE *file, const struct scenario *scenario, const struct stream *stream,
                         bool as_bytes) {
    if (stream_varies(stream))
        write_node(file, scenario->nodes, &scenario->nodes[stream->root], as_bytes);
    else
        write_number(file, stream->constant, as_bytes);
}

static void write_value(FILE *file, const struct scenario *scenario, const struct scenario_key *key,
                        const void *field) {
    char text[UNITS_TEXT];
    switch (key->type) {
    case TYPE_TEXT:
        write_text(file, field);
        break;
    case TYPE_BOOL:
        fputs(*(const bool *)field ? "true" : "false", file);
        break;
    case TYPE_CHOICE:
        write_text(file, scenario_model_name(*(const enum model_kind *)field));
        break;
    case TYPE_COUNT:
        fprintf(file, "%" PRId64, *(const int64_t *)field);
        break;
    case TYPE_NUMBER:
        write_number(file, *(const double *)field, false);
        break;
    case TYPE_BYTES:
        write_number(file, (double)*(const int64_t *)field, true);
        break;
    case TYPE_GOGC:
        units_gogc(*(const int32_t *)field, text);
        fprintf(file, strcmp(text, "off") == 0 ? "\"%s\"" : "%s", text);
        break;
    case TYPE_LIMIT:
        if ((double)*(const int64_t *)field >= (double)GAIT_PACER_NO_LIMIT)
            fputs("\"off\"", file);
        else
            write_number(file, (double)*(const int64_t *)field, true);
        break;
    case TYPE_STREAM:
    case TYPE_BYTE_STREAM:
        write_stream(file, scenario, field, key->type == TYPE_BYTE_STREAM);
        break;
    }
}

static bool is_default(const struct scenario_key *key, const void *field, const void *standard) {
    static const size_t sizes[] = {
        [TYPE_TEXT] = SCENARIO_TEXT,
        [TYPE_BOOL] = sizeof(bool),
        [TYPE_CHOICE] = sizeof(enum model_kind),
        [TYPE_COUNT] = sizeof(int64_t),
        [TYPE_BYTES] = sizeof(int64_t),
        [TYPE_GOGC] = sizeof(int32_t),
        [TYPE_LIMIT] = sizeof(int64_t),
    };
    if (key->type == TYPE_TEXT)
        return *(const char *)field == '\0';
    if (key->type == TYPE_NUMBER) /* 0 and -0 are one */
        return *(const double *)field == *(const double *)standard;
    if (key->type != TYPE_STREAM && key->type != TYPE_BYTE_STREAM)
        return memcmp(field, standard, sizes[key->type]) == 0;
    const struct stream *stream = field, *other = standard;
    return !stream_varies(stream) && stream->constant == other->constant;
}

static void write_section(FILE *file, const struct scenario *scenario,
                          enum scenario_section section, const void *from, const void *standard,
                          const char *heading) {
    bool headed = heading == NULL;
    if (section == SECTION_PHASE) {
        fprintf(file, "\n%s\n", heading);
        headed = true;
    }
    for (int i = 0; i < scenario_key_count; i++) {
        const struct scenario_key *key = &scenario_keys[i];
        if (key->section != section ||
            is_default(key, (const char *)from + key->offset, (const char *)standard + key->offset))
            continue;
        if (!headed)
            fprintf(file, "\n%s\n", heading);
        headed = true;
        fprintf(file, "%s = ", key->name);
        write_value(file, scenario, key, (const char *)from + key->offset);
        putc('\n', file);
    }
}

void scenario_write(FILE *file, const struct scenario *scenario) {
    struct scenario standard;
    struct scenario_phase phase;
    scenario_init(&standard);
    scenario_init_phase(&phase);
    write_section(file, scenario, SECTION_ROOT, scenario, &standard, NULL);
    write_section(file, scenario, SECTION_SETTINGS, &scenario->settings, &standard.settings,
                  "[settings]");
    write_section(file, scenario, SECTION_MACHINE, &scenario->machine, &standard.machine,
                  "[machine]");
    write_section(file, scenario, SECTION_MEMORY, &scenario->memory, &standard.memory, "[memory]");
    for (int32_t i = 0; i < scenario->phase_count; i++)
        write_section(file, scenario, SECTION_PHASE, &scenario->phases[i], &phase, "[[phase]]");
}
