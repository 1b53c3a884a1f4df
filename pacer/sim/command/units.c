/* SPDX-License-Identifier: MIT */
/*
 * Numbers as text. See units.h.
 */
#include "units.h"

#include "gait/pacer.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/** Above, not every whole number is a double. */
#define UNITS_MOST_BYTES 9007199254740992.0
/** Most that scenario.def accepts as a limit: the command line takes what a file does. */
#define UNITS_MOST_LIMIT 1125899906842624.0
#define UNITS_MOST_GOGC 1000000

static const struct {
    const char *name;
    double bytes;
} UNITS[] = {
    {"TiB", 1099511627776.0}, {"GiB", 1073741824.0}, {"MiB", 1048576.0}, {"KiB", 1024.0}, {"B", 1},
};
#define UNIT_COUNT ((int)(sizeof(UNITS) / sizeof(*UNITS)))

static bool unit_factor(const char *name, double *factor) {
    *factor = 1;
    if (*name == '\0')
        return true;
    for (int i = 0; i < UNIT_COUNT; i++)
        if (strcmp(name, UNITS[i].name) == 0) {
            *factor = UNITS[i].bytes;
            return true;
        }
    return false;
}

bool units_parse_bytes(const char *text, double *bytes) {
    if (!isdigit((unsigned char)*text) || text[strcspn(text, "xX")]) /* no sign, no hexadecimals */
        return false;
    char *end;
    double factor, value = strtod(text, &end);
    while (*end == ' ')
        end++;
    if (!unit_factor(end, &factor))
        return false;
    value *= factor;
    if (!(value <= UNITS_MOST_BYTES && floor(value) == value))
        return false;
    *bytes = value; /* as scan.h has it: stored when all is well */
    return true;
}

char *units_bytes(double bytes, char out[UNITS_TEXT]) {
    for (int i = 0; i < UNIT_COUNT - 1; i++)
        if (bytes >= UNITS[i].bytes && bytes <= UNITS_MOST_BYTES && /* what is read with a unit */
            floor(bytes / UNITS[i].bytes) * UNITS[i].bytes == bytes) {
            snprintf(out, UNITS_TEXT, "%.0f%s", bytes / UNITS[i].bytes, UNITS[i].name);
            return out;
        }
    return units_double(bytes, out);
}

char *units_double(double value, char out[UNITS_TEXT]) {
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(out, UNITS_TEXT, "%.*g", digits, value);
        if (strtod(out, NULL) == value)
            break;
    }
    return out;
}

char *units_gogc(int32_t gogc_percent, char out[UNITS_TEXT]) {
    if (gogc_percent < 0)
        strcpy(out, "off");
    else
        snprintf(out, UNITS_TEXT, "%" PRId32, gogc_percent);
    return out;
}

char *units_limit(int64_t limit_bytes, char out[UNITS_TEXT]) {
    if (limit_bytes == GAIT_PACER_NO_LIMIT)
        strcpy(out, "off");
    else
        units_bytes((double)limit_bytes, out);
    return out;
}

bool units_parse_gogc(const char *text, int32_t *gogc_percent) {
    if (strcmp(text, "off") == 0) {
        *gogc_percent = GAIT_PACER_GOGC_OFF;
        return true;
    }
    char *end;
    errno = 0;
    long value = strtol(text, &end, 10);
    if (!isdigit((unsigned char)*text) || *end || errno != 0 || value > UNITS_MOST_GOGC)
        return false;
    *gogc_percent = (int32_t)value;
    return true;
}

bool units_parse_limit(const char *text, int64_t *limit_bytes) {
    if (strcmp(text, "off") == 0) {
        *limit_bytes = GAIT_PACER_NO_LIMIT;
        return true;
    }
    double bytes;
    if (!units_parse_bytes(text, &bytes) || bytes > UNITS_MOST_LIMIT)
        return false;
    *limit_bytes = (int64_t)bytes;
    return true;
}
