/* SPDX-License-Identifier: MIT */
/**
 * The format of arena logs: what GAIT_DEBUG=arenalog=FILE has a running program write, and what
 * gait-sim life reads. Described in docs/arenalog.md; writer and reader go by the tables below.
 *
 * Text, a line for each event. The first line is GAIT_ARENALOG_FIRST and the version. The others,
 * numbers in decimal, fields apart by one space:
 *
 *     TIME_NS EVENT ID BYTES HELD_BYTES NAME                  of GAIT_ARENALOG_ARENA
 *     TIME_NS EVENT CYCLE HEAP_BYTES ARENA_BYTES OFFHEAP_BYTES   of GAIT_ARENALOG_HEAP
 *     TIME_NS lost LINES                                      so many lines had no room
 *
 * Times count from the creation of the heap. Lines of several threads may stand in another order
 * than that of their times, by moments. ID is the arena's own: none has it later. HELD_BYTES is
 * what the arena holds after the event. NAME goes to the line's end, and may be empty; control
 * characters in it are written as \x1b. Within a version events are only added, and fields before
 * none: a reader skips lines whose event it does not know.
 */
#ifndef GAIT_ARENALOG_H
#define GAIT_ARENALOG_H

#define GAIT_ARENALOG_FIRST "gait arenalog "
#define GAIT_ARENALOG_VERSION 1
#define GAIT_ARENALOG_LOST "lost"

/* X(event, what it says, what BYTES are, or CYCLE is) */
#define GAIT_ARENALOG_ARENA(X)                                                                     \
    X(create, "an arena was made", "0")                                                            \
    X(chunk, "it took memory", "of the chunk")                                                     \
    X(reset, "its objects ended", "that they had")                                                 \
    X(trim, "it gave up memory", "that it gave up")                                                \
    X(free, "it was freed", "that it had held")                                                    \
    X(leak, "nothing led to it: the collector freed it", "that it had held")

#define GAIT_ARENALOG_HEAP(X)                                                                      \
    X(begin, "a cycle begins to mark", "its number")                                               \
    X(end, "its marking has ended", "its number")                                                  \
    X(close, "the program ended or destroyed the heap: nothing follows", "0")

enum gait_arenalog_event {
#define GAIT_ARENALOG_EVENT(event, meaning, bytes) GAIT_ARENALOG_##event,
    GAIT_ARENALOG_ARENA(GAIT_ARENALOG_EVENT) GAIT_ARENALOG_HEAP(GAIT_ARENALOG_EVENT)
#undef GAIT_ARENALOG_EVENT
        GAIT_ARENALOG_EVENTS
};

#endif
