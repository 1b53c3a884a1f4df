/* SPDX-License-Identifier: MIT */
/*
 * Notices. See notices.h.
 */
#include "notices.h"

#include <string.h>

#include "../../pacer/notice.h"
#include "../options.h"
#include "../platform/timeline.h"
#include "control.h"

/* ---- The queue: with the lock held ---- */

static void queue(struct notices *notices, gait_notice notice) {
    if (!notices->notify)
        return;
    bool waits = notices->order[notice] != 0;
    notices->order[notice] = ++notices->last;
    if (!waits)
        finalizers_notice_queued(notices->finalizers);
}

static void drop_all(struct notices *notices) {
    for (unsigned i = 0; i < NOTICE_SORTS; i++)
        if (notices->order[i] != 0)
            finalizers_notice_taken(notices->finalizers);
    memset(notices->order, 0, sizeof notices->order);
}

bool notices_take(struct notices *notices, struct notice_job *job) {
    if (finalizers_notices(notices->finalizers) == 0)
        return false;
    lock_acquire(&notices->lock);
    unsigned first = NOTICE_SORTS;
    for (unsigned i = 0; i < NOTICE_SORTS; i++)
        if (notices->order[i] != 0 &&
            (first == NOTICE_SORTS || notices->order[i] < notices->order[first]))
            first = i;
    bool some = first != NOTICE_SORTS;
    if (some) {
        *job = (struct notice_job){(gait_notice)first, notices->notify, notices->data};
        notices->order[first] = 0;
        finalizers_notice_taken(notices->finalizers);
    }
    lock_release(&notices->lock);
    return some;
}

/* ---- Memory ---- */

/* With the lock held. */
static void set_high(struct notices *notices, bool high) {
    if (high == (AO_load(&notices->high) != 0))
        return;
    AO_store(&notices->high, high);
    if (high)
        counter_add(&notices->times_high, 1);
    queue(notices, high ? GAIT_NOTICE_MEMORY_HIGH : GAIT_NOTICE_MEMORY_LOW);
}

static int64_t threshold(const struct notices *notices) {
    AO_t at = AO_load(&notices->at_bytes);
    return at == SIZE_MAX ? GAIT_NO_LIMIT : (int64_t)at;
}

void notices_memory(struct control *control, size_t more_bytes) {
    struct notices *notices = &control->notices;
    lock_acquire(&notices->lock);
    size_t total = control_total_bytes(control) + more_bytes;
    set_high(notices,
             gait_governor_is_high(AO_load(&notices->high) != 0, total, threshold(notices)));
    lock_release(&notices->lock);
}

/* With the lock held. */
static void publish(struct notices *notices, int64_t limit_bytes) {
    int64_t at = gait_governor_notice_at(notices->bytes, notices->percent, limit_bytes);
    bool none = at == GAIT_NO_LIMIT;
    AO_store(&notices->at_bytes, none ? SIZE_MAX : (AO_t)at);
    AO_store(&notices->low_bytes, none ? SIZE_MAX : (AO_t)gait_governor_notice_low(at));
}

void notices_limit_changed(struct control *control, int64_t limit_bytes) {
    struct notices *notices = &control->notices;
    lock_acquire(&notices->lock);
    publish(notices, limit_bytes);
    lock_release(&notices->lock);
}

/* With the lock held: another threshold, by which memory is high or not, whatever it was. */
static void threshold_changed(struct control *control) {
    struct notices *notices = &control->notices;
    publish(notices, (int64_t)AO_load(&control->limit_bytes));
    set_high(notices,
             gait_governor_is_high(false, control_total_bytes(control), threshold(notices)));
}

/* ---- The limiter ---- */

void notices_limiter(struct control *control, bool limiting, uint64_t cycle) {
    struct notices *notices = &control->notices;
    lock_acquire(&notices->lock);
    if (limiting != notices->limiting) {
        notices->limiting = limiting;
        TIMELINE_NOW(limiter, control->space->heap_number, limiting);
        if (limiting) {
            counter_add(&notices->times_limited, 1);
            AO_store(&notices->limited_cycle, (AO_t)cycle);
        }
        queue(notices, limiting ? GAIT_NOTICE_LIMITER_ON : GAIT_NOTICE_LIMITER_OFF);
    }
    lock_release(&notices->lock);
}

/* ---- Cycles ---- */

void notices_cycle(struct control *control) {
    struct notices *notices = &control->notices;
    lock_acquire(&notices->lock);
    if (notices->cycles)
        queue(notices, GAIT_NOTICE_CYCLE);
    lock_release(&notices->lock);
}

int notices_set_cycles(struct control *control, int on) {
    struct notices *notices = &control->notices;
    lock_acquire(&notices->lock);
    int before = notices->cycles;
    if (on == 0 || on == 1)
        notices->cycles = on;
    lock_release(&notices->lock);
    return before;
}

/* ---- Settings ---- */

void notices_set(struct control *control, gait_notice_fn notify, void *data) {
    struct notices *notices = &control->notices;
    lock_acquire(&notices->lock);
    drop_all(notices);
    notices->notify = notify;
    notices->data = data;
    set_high(notices, gait_governor_is_high(AO_load(&notices->high) != 0,
                                            control_total_bytes(control), threshold(notices)));
    if (AO_load(&notices->high) && notices->order[GAIT_NOTICE_MEMORY_HIGH] == 0)
        queue(notices, GAIT_NOTICE_MEMORY_HIGH);
    if (notices->limiting)
        queue(notices, GAIT_NOTICE_LIMITER_ON);
    lock_release(&notices->lock);
}

int64_t notices_set_bytes(struct control *control, int64_t bytes) {
    struct notices *notices = &control->notices;
    lock_acquire(&notices->lock);
    int64_t before = notices->bytes;
    if (bytes >= 0) {
        notices->bytes = bytes;
        threshold_changed(control);
    }
    lock_release(&notices->lock);
    return before;
}

double notices_set_percent(struct control *control, double percent) {
    struct notices *notices = &control->notices;
    lock_acquire(&notices->lock);
    double before = notices->percent;
    if (percent >= 0) {
        notices->percent =
            percent < OPTIONS_NOTICE_PERCENT_MAX ? percent : OPTIONS_NOTICE_PERCENT_MAX;
        threshold_changed(control);
    }
    lock_release(&notices->lock);
    return before;
}

void notices_init(struct notices *notices, struct finalizers *finalizers, int64_t bytes,
                  double percent) {
    memset(notices, 0, sizeof *notices);
    lock_init(&notices->lock, LOCK_LOG, "notices");
    notices->finalizers = finalizers;
    notices->bytes = bytes;
    notices->percent = percent;
    publish(notices, GAIT_NO_LIMIT);
}

void notices_destroy(struct notices *notices) { lock_destroy(&notices->lock); }
