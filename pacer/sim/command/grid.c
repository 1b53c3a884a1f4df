/* SPDX-License-Identifier: MIT */
/*
 * Lists and ranges of settings. See grid.h.
 */
#include "grid.h"

#include "command.h"
#include "units.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/** Limits of a range are rounded to this; of one that begins below 16 of it, to pages of 4 KiB. */
#define GRID_LIMIT_STEP 1048576.0
#define GRID_LIMIT_SMALL_STEP 4096.0

/** Both settings as doubles: GOGC percent and -1, or bytes and infinity. */
static bool parse_value(const char *text, bool as_limit, double *value) {
    int32_t gogc;
    int64_t limit;
    if (as_limit) {
        if (!units_parse_limit(text, &limit))
            return false;
        *value = limit == GAIT_PACER_NO_LIMIT ? INFINITY : (double)limit;
    } else {
        if (!units_parse_gogc(text, &gogc))
            return false;
        *value = gogc;
    }
    return true;
}

/** Values of a list or a range; `text` is cut up. @return how many. */
static int parse_values(char *text, bool as_limit, int steps, double *values) {
    const char *option = as_limit ? "--limit" : "--gogc";
    char *colon = strchr(text, ':');
    int count = 0;
    if (!colon) {
        for (char *rest = text, *word; (word = strsep(&rest, ","));) {
            if (count == GRID_MOST)
                command_misuse("%s: too many values; accepted: %d", option, GRID_MOST);
            if (!parse_value(word, as_limit, &values[count++]))
                command_misuse(
                    "%s: %s; accepted: %s", option, word,
                    as_limit ? "off, bytes such as 64MiB, up to 1024TiB, or a range 64MiB:1GiB"
                             : "off, a whole number from 0 to 1000000, or a range 25:800");
        }
        return count;
    }
    *colon = '\0';
    double first, last;
    if (!parse_value(text, as_limit, &first) || !parse_value(colon + 1, as_limit, &last) ||
        !(first > 0) || !(last >= first) || isinf(last))
        command_misuse("%s: %s:%s; accepted: a range from low to high, above 0", option, text,
                       colon + 1);
    double limit_unit = first < 16 * GRID_LIMIT_STEP ? GRID_LIMIT_SMALL_STEP : GRID_LIMIT_STEP;
    double unit = as_limit ? limit_unit : 1;
    for (int i = 0; i < steps; i++) {
        double part = steps > 1 ? (double)i / (steps - 1) : 0;
        double value = first * pow(last / first, part);
        values[count++] = i == 0 ? first : i == steps - 1 ? last : floor(value / unit + 0.5) * unit;
    }
    return count;
}

static int compare_values(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    x = x < 0 ? INFINITY : x; /* off is the most */
    y = y < 0 ? INFINITY : y;
    return (x > y) - (x < y);
}

/** Sorted, each once. @return how many. */
static int setting_values(const char *text, bool as_limit, int steps, double own, double *values) {
    values[0] = own;
    int count = 1;
    if (text) {
        char *copy = strdup(text);
        count = parse_values(copy, as_limit, steps, values);
        free(copy);
    }
    qsort(values, (size_t)count, sizeof(*values), compare_values);
    int kept = 0;
    for (int i = 0; i < count; i++)
        if (kept == 0 || values[i] != values[kept - 1])
            values[kept++] = values[i];
    return kept;
}

struct grid grid_make(const char *gogc, const char *limit, int steps,
                      const struct scenario_settings *settings) {
    double values[GRID_MOST];
    struct grid grid = {.chosen_gogc = settings->gogc, .chosen_limit = settings->memory_limit};
    grid.gogc_count = setting_values(gogc, false, steps, settings->gogc, values);
    grid.gogc = command_allocate((size_t)grid.gogc_count, sizeof(*grid.gogc));
    for (int i = 0; i < grid.gogc_count; i++)
        grid.gogc[i] = (int32_t)values[i];
    double own =
        settings->memory_limit == GAIT_PACER_NO_LIMIT ? INFINITY : (double)settings->memory_limit;
    grid.limit_count = setting_values(limit, true, steps, own, values);
    grid.limit = command_allocate((size_t)grid.limit_count, sizeof(*grid.limit));
    for (int i = 0; i < grid.limit_count; i++)
        grid.limit[i] = isinf(values[i]) ? GAIT_PACER_NO_LIMIT : (int64_t)values[i];

    if ((int64_t)grid.gogc_count * grid.limit_count > GRID_MOST_POINTS)
        command_misuse("%d values of GOGC with %d limits make %lld settings; accepted: %d; give "
                       "fewer values, or fewer --steps",
                       grid.gogc_count, grid.limit_count,
                       (long long)grid.gogc_count * grid.limit_count, GRID_MOST_POINTS);
    grid.points = grid.gogc_count * grid.limit_count;
    grid.chosen = grid.points;
    for (int point = 0; point < grid.points; point++) {
        int32_t point_gogc;
        int64_t point_limit;
        grid_point(&grid, point, &point_gogc, &point_limit);
        if (point_gogc == settings->gogc && point_limit == settings->memory_limit)
            grid.chosen = point;
    }
    if (grid.chosen == grid.points)
        grid.points++;
    return grid;
}

void grid_point(const struct grid *grid, int point, int32_t *gogc, int64_t *limit) {
    if (point == grid->gogc_count * grid->limit_count) {
        *gogc = grid->chosen_gogc;
        *limit = grid->chosen_limit;
        return;
    }
    *gogc = grid->gogc[point / grid->limit_count];
    *limit = grid->limit[point % grid->limit_count];
}

void grid_free(struct grid *grid) {
    free(grid->gogc);
    free(grid->limit);
}
