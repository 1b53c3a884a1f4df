/* SPDX-License-Identifier: MIT */
/*
 * Collections that the program asks for, and figures.
 */
#include "compat.h"

#include <gait/stats.h>

#include <stdio.h>
#include <string.h>

static GC_stop_func stop_func;

static int never(void) { return 0; }

/* @return whether it collected. */
static int collect(GC_stop_func stop, bool give_back) {
    struct thread *thread = compat_thread_mine();
    compat_settings_apply();
    if (GC_dont_gc || (stop && stop()))
        return 0;
    call_begin(thread);
    if (give_back)
        gait_free_os_memory(thread->mutator);
    else
        gait_collect(thread->mutator);
    call_end(thread);
    compat_notices_run();
    return 1;
}

void GC_gcollect(void) { collect(stop_func, false); }
void GC_gcollect_and_unmap(void) { collect(NULL, true); }
int GC_try_to_collect(GC_stop_func stop) { return collect(stop, false); }
void GC_set_stop_func(GC_stop_func stop) { stop_func = stop; }
GC_stop_func GC_get_stop_func(void) { return stop_func ? stop_func : never; }

/* ---- Figures ---- */

static gait_stats read_stats(void) {
    gait_stats stats = {.struct_bytes = sizeof stats};
    struct thread *thread = compat_thread_mine();
    call_begin(thread);
    gait_read_stats(compat_heap, &stats);
    call_end(thread);
    return stats;
}

/* Objects' memory, used and free, as libgc counts; what the OS has back is not in it. */
static size_t heap_bytes(const gait_stats *stats) { return stats->span_bytes + stats->free_bytes; }

/* Allocated since the last cycle: what lives beyond what it marked. */
static size_t since_bytes(const gait_stats *stats) {
    return stats->heap_live_bytes > stats->heap_marked_bytes
               ? stats->heap_live_bytes - stats->heap_marked_bytes
               : 0;
}

/* What is free in spans is not counted by Gait: what no object that lives has. */
static size_t free_bytes(const gait_stats *stats) {
    size_t used = stats->heap_live_bytes, all = heap_bytes(stats);
    return used < all ? all - used : 0;
}

size_t GC_get_heap_size(void) {
    gait_stats stats = read_stats();
    return heap_bytes(&stats);
}
size_t GC_get_free_bytes(void) {
    gait_stats stats = read_stats();
    return free_bytes(&stats);
}
size_t GC_get_unmapped_bytes(void) { return read_stats().released_bytes; }
size_t GC_get_bytes_since_gc(void) {
    gait_stats stats = read_stats();
    return since_bytes(&stats);
}
size_t GC_get_expl_freed_bytes_since_gc(void) { return 0; } /* not counted apart */
size_t GC_get_total_bytes(void) { return read_stats().allocated_bytes; }
/* What was given back to the OS is in it. */
static size_t obtained_bytes(const gait_stats *stats) {
    return stats->total_bytes + stats->released_bytes;
}
size_t GC_get_obtained_from_os_bytes(void) {
    gait_stats stats = read_stats();
    return obtained_bytes(&stats);
}
size_t GC_get_memory_use(void) { return read_stats().heap_live_bytes; }
/* Asked by programs as often as they use a weak table: so it is a load, and no reading of clocks.
 */
GC_word GC_get_gc_no(void) { return __atomic_load_n(&GC_gc_no, __ATOMIC_ACQUIRE); }

void GC_get_heap_usage_safe(GC_word *heap, GC_word *free, GC_word *unmapped, GC_word *since,
                            GC_word *total) {
    gait_stats stats = read_stats();
    if (heap)
        *heap = heap_bytes(&stats);
    if (free)
        *free = free_bytes(&stats);
    if (unmapped)
        *unmapped = stats.released_bytes;
    if (since)
        *since = since_bytes(&stats);
    if (total)
        *total = stats.allocated_bytes;
}

size_t GC_get_prof_stats(struct GC_prof_stats_s *filled, size_t filled_bytes) {
    gait_stats stats = read_stats();
    struct GC_prof_stats_s all = {
        .heapsize_full = heap_bytes(&stats) + stats.released_bytes,
        .free_bytes_full = free_bytes(&stats) + stats.released_bytes,
        .unmapped_bytes = stats.released_bytes,
        .bytes_allocd_since_gc = since_bytes(&stats),
        .allocd_bytes_before_gc = stats.allocated_bytes - since_bytes(&stats),
        .non_gc_bytes = GC_get_non_gc_bytes(),
        .gc_no = GC_get_gc_no(),
        .markers_m1 = (GC_word)GC_get_parallel(),
        .bytes_reclaimed_since_gc = (GC_word)-1,
        .reclaimed_bytes_before_gc = stats.freed_bytes,
        .expl_freed_bytes_since_gc = (GC_word)-1,
        .obtained_from_os_bytes = obtained_bytes(&stats),
    };
    size_t known = filled_bytes < sizeof all ? filled_bytes : sizeof all;
    memset(filled, 0xff, filled_bytes);
    memcpy(filled, &all, known);
    return known;
}
size_t GC_get_prof_stats_unsafe(struct GC_prof_stats_s *stats, size_t stats_bytes) {
    return GC_get_prof_stats(stats, stats_bytes);
}

size_t GC_get_size_map_at(int i) {
    size_t bytes = (size_t)i * 16;
    if (i < 0 || bytes > GAIT_SMALL_MAX_BYTES)
        return (size_t)-1;
    return gait_class_bytes(gait_size_class(bytes ? bytes : 1));
}

/* Of allocators of the program's on top of this one: what they take is counted as it is. */
void GC_incr_bytes_allocd(size_t bytes) { (void)bytes; }
void GC_incr_bytes_freed(size_t bytes) { (void)bytes; }

void GC_start_performance_measurement(void) {} /* it is always on */
unsigned long GC_get_full_gc_total_time(void) {
    return GC_is_init_called() ? read_stats().pause_total_ns / 1000000 : 0;
}

/* ---- Reports ---- */

void GC_dump_named(const char *name) {
    gait_stats stats = read_stats();
    const uint64_t figures[] = {
#define FIGURE(figure, text) stats.figure,
        GAIT_STATS(FIGURE)
#undef FIGURE
    };
    if (name)
        compat_say("gait-gc: dump %s\n", name);
    for (size_t i = 0; i < sizeof figures / sizeof *figures; i++)
        compat_say("gait-gc: %-22s %14llu  %s\n", gait_stats_name(i),
                   (unsigned long long)figures[i], gait_stats_text(i));
}
void GC_dump(void) { GC_dump_named(NULL); }

void GC_dump_regions(void) {
    gait_kind_stats kinds[KINDS_MAX];
    struct thread *thread = compat_thread_mine();
    call_begin(thread);
    size_t count = gait_read_kinds(compat_heap, kinds, KINDS_MAX);
    call_end(thread);
    for (size_t i = 0; i < count && i < KINDS_MAX; i++)
        compat_say("gait-gc: %-30s %10llu objects %14llu bytes\n", kinds[i].name,
                   (unsigned long long)kinds[i].objects, (unsigned long long)kinds[i].object_bytes);
}

void GC_dump_finalization(void) {
    compat_say("gait-gc: %llu finalizers wait\n",
               (unsigned long long)read_stats().finalizers_queued);
}
