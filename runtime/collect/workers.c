/* SPDX-License-Identifier: MIT */
/*
 * The helpers' threads: how they begin, are woken, sent to rest and ended. See workers.h.
 */
#include "workers.h"

#include "../instance.h"
#include "../platform/perturb.h"

void workers_init(gait_heap *heap) {
    struct workers *workers = &heap->workers;
    marker_init(&workers->marker, &heap->space, &heap->queue, heap->value_mask);
    workers->normal.helpers = heap->helpers[0];
    workers->idle.helpers = heap->helpers[1];
    workers->idle.idle = heap->concurrent;
}

/* The helper of that number. One whose thread has ended is taken again as it is: what it marked may
 * not be counted yet. */
static struct helper *team_helper(gait_heap *heap, struct workers_team *team, unsigned number) {
    struct helper *helper = &team->helpers[number];
    if (number == team->made) {
        *helper = (struct helper){.heap = heap, .team = team, .number = number};
        marker_init(&helper->marker, &heap->space, &heap->queue, heap->value_mask);
        helper->marker.lockless = team->idle;
        team->made++;
    }
    return helper;
}

static void team_want(gait_heap *heap, struct workers_team *team, int32_t wanted) {
    unsigned most = wanted < WORKERS_MAX ? (unsigned)wanted : WORKERS_MAX;
    for (; team->started < most; team->started++) {
        struct helper *helper = team_helper(heap, team, team->started);
        if (platform_thread_start(&helper->thread, workers_help, helper, "gait-mark") < 0)
            break; /* the next cycle tries again */
    }
    AO_int_store(&team->wanted, most < team->started ? most : team->started);
}

void workers_want(gait_heap *heap, bool all) {
    struct workers *workers = &heap->workers;
    struct gait_governor_helpers helpers = control_helpers(&heap->control, !heap->concurrent);
    int32_t others = control_procs(&heap->control) - 1;
    AO_int_store(&workers->dedicated, (unsigned)helpers.dedicated);
    team_want(heap, &workers->normal,
              all && others > helpers.dedicated ? others : helpers.dedicated);
    team_want(heap, &workers->idle, helpers.idle);
}

void workers_open(gait_heap *heap, size_t bytes) {
    struct workers *workers = &heap->workers;
    if (!control_wakes_helpers(&heap->control, bytes) ||
        AO_int_load(&workers->normal.wanted) + AO_int_load(&workers->idle.wanted) == 0)
        return;
    queue_open(&heap->queue);
    AO_int_fetch_and_add1_full(&workers->helping); /* odd */
    platform_wake(&workers->helping, INT32_MAX);
}

void workers_close(gait_heap *heap) {
    queue_close(&heap->queue);
    if (AO_int_load(&heap->workers.helping) % 2)
        AO_int_fetch_and_add1_full(&heap->workers.helping); /* even */
}

static uint64_t team_take_marked(struct workers_team *team) {
    uint64_t marked = 0;
    for (unsigned i = 0; i < team->made; i++)
        marked += marker_take_marked(&team->helpers[i].marker);
    return marked;
}

uint64_t workers_take_marked(struct workers *workers) {
    return marker_take_marked(&workers->marker) + team_take_marked(&workers->normal) +
           team_take_marked(&workers->idle);
}

/* ---- The end ---- */

void workers_give_up(gait_heap *heap) {
    struct workers *workers = &heap->workers;
    AO_int_store_full(&workers->ending, 1);
    AO_int_fetch_and_add_full(&workers->helping, 2);
    platform_wake(&workers->helping, INT32_MAX);
}

static void team_end(struct workers_team *team) {
    for (unsigned i = 0; i < team->started; i++)
        platform_thread_join(&team->helpers[i].thread);
    team->started = 0;
}

void workers_end(gait_heap *heap) {
    team_end(&heap->workers.normal);
    team_end(&heap->workers.idle);
    AO_int_store(&heap->workers.ending, 0);
}

void workers_lost(gait_heap *heap) {
    struct workers *workers = &heap->workers;
    workers->normal.started = workers->idle.started = 0;
    AO_int_store(&workers->ending, 0);
    AO_int_store(&workers->awaited, 0);
    AO_store(&heap->queue.hungry, 0); /* nobody is active: no cycle runs */
    news_lost(&heap->queue.news);
}
