/* SPDX-License-Identifier: MIT */
/*
 * struct gait_heap: the parts of one heap, each guarded as its own header says.
 */
#ifndef GAIT_INSTANCE_H
#define GAIT_INSTANCE_H

#include <gait/heap_snapshot.h>

#include "api/library.h"
#include "collect/collector.h"
#include "collect/cycle.h"
#include "collect/scavenger.h"
#include "collect/workers.h"
#include "collect/written.h"
#include "control/control.h"
#include "heap/kinds.h"
#include "heap/space.h"
#include "mark/arenas.h"
#include "mark/expected.h"
#include "mark/finalizers.h"
#include "mark/links.h"
#include "mark/liveness.h"
#include "mark/queue.h"
#include "mark/roots.h"
#include "mark/samples.h"
#include "mutator/world.h"
#include "options.h"
#include "platform/platform.h"
#include "sweep/sweep.h"

struct arenalog;
struct dumps;
struct pacerlog;
struct recording;
struct traced;
struct writer;

/* Mutators that were detached. */
struct spares {
    struct lock lock;       /* rank LOG: what follows, and next and previous of these mutators */
    gait_mutator *youngest; /* the list goes by next to the one detached first */
    gait_mutator *oldest;
    size_t count;
};

#define METRICS_MOST 64 /* observe/metrics.h */

struct gait_heap {
    struct gait_heap_head head; /* first: programs see it, inline.h */

    /* constant after creation */
    struct options options;
    uint32_t flags;
    gait_word value_mask;
    bool wide_cells; /* tags take four bits: no object may lie at an odd multiple of 8 */
    FILE *log;
    bool object_barrier; /* who stores says which object, or the kernel which page; and marks beside
                            running mutators */
    bool watches;    /* the kernel: the program stores and loads plainly; object_barrier is set */
    bool remembers;  /* stores are plain, marking is stopped, and minor cycles are possible, since
                        the kernel says which pages were written */
    bool concurrent; /* marks beside running mutators: neither flag nor debug setting forbids it */
    uint64_t log_lost;  /* lines dropped since the last that was not; the collector's */
    size_t leaks_place; /* of option arenaleaks in the table of at_exit.h */

    /* set before and after collection runs */
    struct writer *log_writer;    /* NULL: lines are written at once */
    struct recording *recordings; /* the next two, by next; NULL: nothing is recorded */
    struct arenalog *arenalog;    /* NULL: nothing is told of arenas */
    struct pacerlog *pacerlog;    /* NULL: cycles are not recorded */
    struct traced *traced;        /* NULL: the trace, if there is one, has not this heap */
    /* constant: the api's, for files by options. @return negative: *why says why not */
    int (*write_snapshot)(gait_heap *heap, int descriptor, const char **why);
    struct dumps *dumps;    /* NULL: no file shows this heap at a moment */
    struct gait_http *http; /* NULL: nobody answers over HTTP by its options */

    int64_t percent_limit_bytes; /* what a limit in percent meant when last looked at; the
                                    collector's */

    struct space space;
    struct arenas arenas;
    struct mark_queue queue;
    struct roots roots;
    struct finalizers finalizers;
    struct links links;
    struct liveness liveness; /* added to under the lock of kinds */
    struct samples samples;
    struct expected expected;
    struct sweeper sweeper;
    struct world world;
    struct spares spares; /* spare.c */
    struct control control;
    struct collector collector;
    struct cycle cycle;
    struct workers workers;
    struct written written;
    struct scavenger scavenger;
    struct libraries libraries;
    AO_t told[METRICS_MOST]; /* observe/metrics.h, .inv.grows; by compare-and-swap, unordered */

    /* functions of the program's, each read and written with its data under this lock, rank LOG */
    struct lock oom_lock;
    gait_oom_fn oom_handler;
    void *oom_data;
    gait_snapshot_label_fn snapshot_label; /* NULL: objects have none */
    void *snapshot_label_data;
    gait_snapshot_owned_fn snapshot_owned; /* NULL: nobody tells of memory outside the heap */
    void *snapshot_owned_data;

    gait_heap *next; /* the process's heaps; lock HEAPS */

    /* What follows is not zeroed as the heap is created: who has room there fills it as it is used,
     * and pages that nobody has written are no memory. */
    struct helper helpers[2][WORKERS_MAX]; /* of workers' teams */
    struct kind_table kinds;
};

/* The first line of each public function that names a heap, and not a mutator, and takes locks or
 * looks at cells: what mutator_check is for others, if the thread is attached to a heap with world
 * hooks. */
static inline struct mutator_call heap_call(const gait_heap *heap) {
    struct mutator_call call = {NULL};
    if (__builtin_expect(world_has_hooks(&heap->world), 0) &&
        (call.outside = program_thread_find(heap))) {
        if (call.outside->outside)
            world_go_in(call.outside);
        else
            call.outside = NULL;
    }
    return call;
}
#define HEAP_CALL(heap) MUTATOR_CALL = heap_call(heap)

#endif
