/* SPDX-License-Identifier: MIT */
/**
 * Numbers as text: bytes with units, doubles that read back as themselves.
 */
#ifndef COMMAND_UNITS_H
#define COMMAND_UNITS_H

#include <stdbool.h>
#include <stdint.h>

/** Enough for any of the texts below. */
#define UNITS_TEXT 40

/** "64MiB", "1.5 GiB", "4096", "0B": bytes, whole and not negative. @return whether it is one. */
bool units_parse_bytes(const char *text, double *bytes);

/** "64MiB" where it divides evenly, else "1048577". @return out. */
char *units_bytes(double bytes, char out[UNITS_TEXT]);

/** The shortest decimal that reads back as the same double. @return out. */
char *units_double(double value, char out[UNITS_TEXT]);

/** "off" for a negative value, else the number: GOGC. @return out. */
char *units_gogc(int32_t gogc_percent, char out[UNITS_TEXT]);

/** "off" for no limit, else units_bytes. @return out. */
char *units_limit(int64_t limit_bytes, char out[UNITS_TEXT]);

/** "off", or a whole number from 0 to 1000000. @return whether it is one. */
bool units_parse_gogc(const char *text, int32_t *gogc_percent);

/** "off", or bytes of which a scenario accepts as many. @return whether it is one. */
bool units_parse_limit(const char *text, int64_t *limit_bytes);

#endif
