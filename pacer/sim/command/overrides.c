/* SPDX-License-Identifier: MIT */
/*
 * Settings on the command line. See overrides.h.
 */
#include "overrides.h"

#include "command.h"
#include "scenario_file.h"
#include "shown.h"
#include "units.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static void take_model(struct overrides *overrides, const char *value) {
    for (int i = 0; i < MODEL_KINDS; i++)
        if (strcmp(value, scenario_model_name((enum model_kind)i)) == 0) {
            overrides->model = (enum model_kind)i;
            overrides->has_model = true;
            return;
        }
    command_misuse("--model: %s; accepted: full, ideal, stw", value);
}

/* "off" is 0 of either. */
static void take_min_heap(struct overrides *overrides, const char *value) {
    overrides->has_min_heap = true;
    if (!units_parse_limit(value, &overrides->min_heap_bytes))
        command_misuse("--min-heap: %s; accepted: off, or bytes such as 64MiB, up to 1024TiB",
                       value);
    if (overrides->min_heap_bytes == GAIT_PACER_NO_LIMIT)
        overrides->min_heap_bytes = 0;
}

static void take_floor(struct overrides *overrides, const char *value) {
    overrides->has_floor = true;
    if (!units_parse_gogc(value, &overrides->floor_percent))
        command_misuse("--gogc-floor: %s; accepted: off, or a whole number from 0 to 1000000",
                       value);
    if (overrides->floor_percent < 0)
        overrides->floor_percent = 0;
}

static void take_assists(struct overrides *overrides, const char *value) {
    overrides->has_assists = true;
    overrides->assists = strcmp(value, "on") == 0;
    if (!overrides->assists && strcmp(value, "off") != 0)
        command_misuse("--assists: %s; accepted: on, off", value);
}

void overrides_knobs(const struct overrides *overrides, struct scenario_settings *settings) {
    if (overrides->has_min_heap)
        settings->min_heap = overrides->min_heap_bytes;
    if (overrides->has_floor)
        settings->gogc_floor = overrides->floor_percent;
    if (overrides->has_assists)
        settings->assists = overrides->assists;
}

void overrides_take(struct overrides *overrides, int option, const char *value) {
    if (option == 'g') {
        overrides->has_gogc = true;
        if (!units_parse_gogc(value, &overrides->gogc_percent))
            command_misuse("--gogc: %s; accepted: off, or a whole number from 0 to 1000000", value);
    } else if (option == 'l') {
        overrides->has_limit = true;
        if (!units_parse_limit(value, &overrides->limit_bytes))
            command_misuse("--limit: %s; accepted: off, or bytes such as 64MiB, up to 1024TiB",
                           value);
    } else if (option == 'H') {
        take_min_heap(overrides, value);
    } else if (option == 'F') {
        take_floor(overrides, value);
    } else if (option == 'A') {
        take_assists(overrides, value);
    } else {
        take_model(overrides, value);
    }
}

/** A run of so many steps would seem to hang: say what makes them so many. */
static void refuse_endless(const char *path, const struct scenario *scenario) {
    struct model_work work = model_work(scenario);
    if (work.steps <= MODEL_MOST_PLANNED)
        return;
    const struct scenario_phase *phase = &scenario->phases[work.phase];
    char what[80] = "";
    bool by_duration = strcmp(work.key, "duration") == 0;
    if (!by_duration)
        snprintf(what, sizeof(what), "%s of %.6g s over ", work.key, work.step_s);
    command_fail("%s: phase %d%s%s: %sduration of %.6g s: a run takes %.3g steps; accepted: up to "
                 "%.3g; make %s%sduration shorter",
                 path, (int)work.phase + 1, phase->name[0] ? ", " : "", phase->name, what,
                 phase->duration, work.steps, MODEL_MOST_PLANNED, by_duration ? "" : work.key,
                 by_duration ? "" : " longer or ");
}

void command_scenario(const char *path, const struct overrides *overrides,
                      struct scenario *scenario) {
    char message[SCENARIO_MESSAGE];
    if (!scenario_read(path, scenario, message)) {
        shown_line(stderr, "%s", message);
        exit(COMMAND_FAILED);
    }
    if (overrides->has_gogc)
        scenario->settings.gogc = overrides->gogc_percent;
    if (overrides->has_limit)
        scenario->settings.memory_limit = overrides->limit_bytes;
    overrides_knobs(overrides, &scenario->settings);
    if (overrides->has_model)
        scenario->model = overrides->model;
    struct scenario_fault fault;
    if (!scenario_check(scenario, &fault))
        command_fail("%s: %s is out of range", path, fault.key ? fault.key->name : "phase");
    refuse_endless(path, scenario);
}
