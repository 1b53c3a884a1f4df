/* SPDX-License-Identifier: MIT */
/*
 * Collections, safepoints, settings, figures; and the comparison with the model.
 */
#include "ops.h"

#include <math.h>
#include <sched.h>
#include <time.h>

#define BYTES_SANE ((uint64_t)1 << 46) /* more than any figure of this machine */

void op_verify(struct context *context) { model_verify(context, false); }

void op_collect(struct context *context) {
    gait_collect(context->mutator);
    model_verify(context, true);
}

void op_release(struct context *context) {
    gait_free_os_memory(context->mutator);
    model_verify(context, true);
}

void op_poll(struct context *context) {
    for (size_t n = pick(&context->random, 20); n > 0; n--)
        gait_poll(context->mutator);
}

/* Others' collections go on meanwhile, and scan this thread's roots. A region counts in all heaps;
 * those of several may overlap. */
void op_native(struct context *context) {
    unsigned heaps = the_round->plan.heaps;
    gait_mutator *other = context->actor->mutators[pick(&context->random, heaps)];
    if (other == context->mutator || one_in(&context->random, 2))
        other = NULL;
    gait_enter_native(context->mutator);
    if (other)
        gait_enter_native(other);
    switch (pick(&context->random, 4)) {
    case 0: {
        struct timespec time = {0, (long)pick(&context->random, 300000)};
        nanosleep(&time, NULL);
        break;
    }
    case 1:
        sched_yield();
        break;
    default:
        break;
    }
    gait_leave_native(context->mutator);
    if (other)
        gait_leave_native(other);
}

/* Run among finalizers: of this heap, by one of its mutators. */
static void noticed(gait_mutator *mutator, gait_notice notice, void *heap) {
    CHECK(gait_mutator_heap(mutator) == heap && notice <= GAIT_NOTICE_CYCLE, "notice %d",
          (int)notice);
}

void op_settings(struct context *context) {
    static const int32_t gogc[] = {GAIT_GOGC_OFF, 0, 1, 5, 20, 50, 100, 100, 200, 1000};
    static const int64_t limits[] = {GAIT_NO_LIMIT, GAIT_NO_LIMIT, 0, 1 << 20, 8 << 20, 100 << 20};
    uint64_t *random = &context->random;
    gait_heap *heap = context->heap->gait;
    bool alone =
        the_round->plan.actors == 1 && context->actor->visiting == 0 && !context->actor->visitor;
    switch (pick(random, 7)) {
    case 3: {
        int64_t bytes = limits[pick(random, sizeof limits / sizeof *limits)] / 4;
        gait_set_min_heap(heap, bytes);
        if (alone)
            CHECK(gait_set_min_heap(heap, -1) == bytes, "min_heap");
        break;
    }
    case 4: {
        int32_t percent = (int32_t)pick(random, 200);
        gait_set_gogc_floor(heap, percent);
        if (alone)
            CHECK(gait_set_gogc_floor(heap, GAIT_KEEP) == percent, "gogc_floor");
        break;
    }
    case 5: {
        int on = !one_in(random, 3);
        gait_set_assists(heap, on);
        if (alone)
            CHECK(gait_set_assists(heap, -1) == on, "assists");
        break;
    }
    case 6: {
        int64_t bytes = limits[pick(random, sizeof limits / sizeof *limits)];
        gait_set_notice(heap, one_in(random, 4) ? NULL : noticed, heap);
        gait_set_notice_memory(heap, bytes);
        gait_set_notice_percent(heap, (double)pick(random, 200));
        if (alone)
            CHECK(gait_set_notice_memory(heap, -1) == bytes, "notice");
        break;
    }
    case 0: {
        int32_t percent = gogc[pick(random, sizeof gogc / sizeof *gogc)];
        gait_set_gogc(heap, percent);
        if (alone)
            CHECK(gait_set_gogc(heap, GAIT_KEEP) == percent, "gogc");
        break;
    }
    case 1: {
        int64_t limit = limits[pick(random, sizeof limits / sizeof *limits)];
        gait_set_memory_limit(heap, limit);
        if (alone)
            CHECK(gait_set_memory_limit(heap, -1) == limit, "limit");
        break;
    }
    default: {
        int32_t procs = 1 + (int32_t)pick(random, one_in(random, 4) ? 1024 : 6);
        gait_set_max_procs(heap, procs);
        if (alone)
            CHECK(gait_set_max_procs(heap, 0) == procs, "procs");
        break;
    }
    }
}

/* Figures are taken one after another: only what can't be is told apart. */
void op_figures(struct context *context) {
    gait_stats stats = {.struct_bytes = sizeof stats};
    CHECK(gait_read_stats(context->heap->gait, &stats) == 0, "gait_read_stats");
    const uint64_t bytes[] = {stats.heap_live_bytes, stats.heap_marked_bytes, stats.span_bytes,
                              stats.free_bytes,      stats.metadata_bytes,    stats.total_bytes,
                              stats.released_bytes,  stats.stack_bytes,       stats.globals_bytes,
                              stats.allocated_bytes, stats.freed_bytes};
    for (size_t i = 0; i < sizeof bytes / sizeof *bytes; i++)
        CHECK(bytes[i] < BYTES_SANE, "figure %zu of bytes is %" PRIu64, i, bytes[i]);
    CHECK(isfinite(stats.gc_cpu_fraction) && stats.gc_cpu_fraction >= 0, "fraction %g",
          stats.gc_cpu_fraction);
    CHECK(stats.mutators >= 1, "no mutators");
    CHECK(stats.forced_cycles <= stats.cycles + 1, "%" PRIu64 " of %" PRIu64 " cycles forced",
          stats.forced_cycles, stats.cycles);
    gait_kind_stats kinds[KINDS_PLANNED];
    CHECK(gait_read_kinds(context->heap->gait, kinds, KINDS_PLANNED) >= the_round->plan.kinds,
          "kinds");
    for (size_t i = 0; i < the_round->plan.kinds; i++)
        CHECK(kinds[i].objects < BYTES_SANE && kinds[i].object_bytes < BYTES_SANE &&
                  kinds[i].span_bytes < BYTES_SANE,
              "figures of kind %zu", i);
}

/* Another kind with the same layout: until there is no room, which does no harm. */
void op_kinds(struct context *context) {
    const struct kind_plan *kind =
        &the_round->plan.kind[pick(&context->random, the_round->plan.kinds)];
    int result = gait_kind_register(context->heap->gait, &kind->info);
    CHECK(result > 0 || result == GAIT_E_FULL, "gait_kind_register: %d", result);
    CHECK(gait_kind_register(context->heap->gait, &(gait_kind_info){.layout = GAIT_REFS}) ==
              GAIT_E_INVALID,
          "a kind without a name");
}
