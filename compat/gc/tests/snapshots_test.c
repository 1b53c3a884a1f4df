/* SPDX-License-Identifier: MIT */
/*
 * A heap snapshot of a program stops it, and is no collection: what is counted of these is right
 * before it and after it. meson.build has one written for each SIGUSR1.
 */
#include <gc/gc.h>
#include <gc/gc_mark.h>

#include <signal.h>
#include <time.h>

#include "check.h"

static size_t events[GC_EVENT_THREAD_UNSUSPENDED + 1]; /* atomic: the collector's threads count */
static size_t misplaced;                               /* of those within a collection */

static size_t count_of(GC_EventType event) {
    return __atomic_load_n(&events[event], __ATOMIC_SEQ_CST);
}

/* Each collection has one of each of these, in this order. */
static void note(GC_EventType event) {
    static const GC_EventType order[] = {GC_EVENT_START,       GC_EVENT_MARK_START,
                                         GC_EVENT_MARK_END,    GC_EVENT_RECLAIM_START,
                                         GC_EVENT_RECLAIM_END, GC_EVENT_END};
    enum { STEPS = sizeof order / sizeof order[0] };
    static size_t next;
    __atomic_fetch_add(&events[event], 1, __ATOMIC_SEQ_CST);
    for (size_t i = 0; i < STEPS; i++)
        if (order[i] == event)
            misplaced += i != next++ % STEPS;
}

static void snapshot(void) {
    size_t before = count_of(GC_EVENT_POST_START_WORLD);
    CHECK(raise(SIGUSR1) == 0);
    while (count_of(GC_EVENT_POST_START_WORLD) == before)
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
}

static void check_even(void) {
    CHECK(count_of(GC_EVENT_START) == count_of(GC_EVENT_END));
    CHECK(count_of(GC_EVENT_MARK_START) == count_of(GC_EVENT_MARK_END));
    CHECK(count_of(GC_EVENT_PRE_STOP_WORLD) == count_of(GC_EVENT_POST_START_WORLD));
    CHECK(misplaced == 0);
}

int main(void) {
    GC_INIT();
    GC_set_on_collection_event(note);
    for (int i = 0; i < 3; i++) {
        GC_gcollect();
        size_t number = GC_get_gc_no(), starts = count_of(GC_EVENT_START);
        check_even();
        snapshot();
        CHECK(GC_get_gc_no() == number && count_of(GC_EVENT_START) == starts);
        check_even();
        GC_gcollect();
        CHECK(GC_get_gc_no() == number + 1 && count_of(GC_EVENT_START) == starts + 1);
        check_even();
    }
    return 0;
}
