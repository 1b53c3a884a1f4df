/* SPDX-License-Identifier: MIT */
/**
 * Arena logs (GAIT_DEBUG=arenalog=FILE, <gait/arenalog.h>) in memory: events in order of time.
 */
#ifndef COMMAND_LIFE_LOG_H
#define COMMAND_LIFE_LOG_H

#include "gait/arenalog.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** An event. For those of the heap `held_bytes` are the heap's. */
struct life_event {
    int64_t time_ns;
    enum gait_arenalog_event type;
    uint32_t name;         /**< index into names; of the heap's events: none         */
    uint64_t id;           /**< of the arena, or the cycle's number                  */
    int64_t bytes;         /**< as the event has them; of the heap's: in arenas      */
    int64_t held_bytes;    /**< after it                                             */
    int64_t offheap_bytes; /**< of the heap's events                                 */
    int64_t change_bytes;  /**< held by the arena after it, less before it           */
};

/** What is known of all arenas of one name. */
struct life_name {
    char *text;
    uint64_t counts[GAIT_ARENALOG_EVENTS]; /**< events, by type */
    double held_bytes;                     /**< at the end; sums are doubles, which damaged logs
                                                don't overflow */
    double peak_bytes;
    int64_t peak_ns; /**< when that was reached first */
};

struct life_log {
    struct life_event *events;
    size_t event_count, event_room;
    struct life_name *names;
    size_t name_count, name_room;
    uint64_t cycles, lost_lines;
    int64_t end_ns; /**< time of the last event */
    double peak_bytes;
    bool closed; /**< the heap's end is in it */
    bool cut;    /**< the file ends within a line, which is left out */
};

/** Read a log ("-": standard input); ends the command with one line where it is none. */
void life_log_read(struct life_log *log, const char *path);

void life_log_free(struct life_log *log);

/** Is it an event of an arena, not of the heap? */
bool life_is_arena(enum gait_arenalog_event type);

#endif
