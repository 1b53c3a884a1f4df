/* SPDX-License-Identifier: MIT */
/*
 * A mutator's part: what it is told before it takes memory, and the marking that it owes. See
 * control.h.
 */
#include "../platform/platform.h"
#include "../platform/timeline.h"
#include "control.h"

/* ---- What the mutator knows ---- */

static struct gait_governor_want look(struct control *control, const gait_mutator *mutator,
                                      const struct control_want *want) {
    bool counts = want->takes_pages && control_is_limited(control); /* else nobody asks for them */
    return (struct gait_governor_want){
        .live_bytes = control_live_bytes(control),
        .total_bytes = counts ? control_total_bytes(control) : 0,
        .spare_bytes = counts ? control_spare_bytes(control) : 0,
        .page_bytes = want->page_bytes,
        .credit_bytes = mutator->assist_credit_bytes,
        .takes_pages = want->takes_pages,
        .marks = want->marks,
        .helped = want->helped,
        .awaited = want->awaited,
        .marking = AO_load(&control->marking) != 0,
        .sweeping = sweep_is_open(control->sweeper),
    };
}

size_t control_excess_bytes(struct control *control, size_t more_bytes) {
    struct gait_governor_orders orders = control_orders(control);
    return (size_t)gait_governor_excess(&orders, control_total_bytes(control), more_bytes);
}

size_t control_return_due(struct control *control, size_t more_bytes) {
    struct gait_governor_orders orders = control_orders(control);
    return (size_t)gait_governor_return_due(&orders, control_total_bytes(control), more_bytes);
}

bool control_is_tight(struct control *control, size_t bytes) {
    if (!control_is_limited(control))
        return false;
    struct gait_governor_orders orders = control_orders(control);
    return gait_governor_is_tight(&orders, control_total_bytes(control), bytes,
                                  control_spare_bytes(control));
}

bool control_lets_go_on(const struct control *control, bool takes_pages) {
    return !AO_load(&control->marking) &&
           gait_governor_lets_go_on(control_live_bytes(control), AO_load(&control->late_bytes),
                                    takes_pages);
}

enum gait_governor_advice control_advise(struct control *control, gait_mutator *mutator,
                                         const struct control_want *want) {
    struct gait_governor_orders orders = control_orders(control);
    if ((orders.limiting || orders.assists_off) && mutator->assist_credit_bytes < 0)
        mutator->assist_credit_bytes = 0; /* there are no assists */
    struct gait_governor_want known = look(control, mutator, want);
    return gait_governor_advise(&orders, &known);
}

/* ---- Marking ---- */

/* Take up to want bytes of work from what the background did ahead. */
static size_t credit_take(struct control *control, size_t want) {
    for (;;) {
        AO_t credit = AO_load(&control->credit_bytes);
        if ((intptr_t)credit <= 0)
            return 0;
        size_t take = credit < want ? credit : want;
        if (AO_compare_and_swap(&control->credit_bytes, credit, credit - take))
            return take;
    }
}

size_t assist_mark(gait_mutator *mutator, size_t budget_bytes, bool *starved) {
    struct marker *marker = &mutator->marker;
    size_t before = marker->scanned_bytes;
    marker_begin(marker);
    bool out = marker_assist(marker, budget_bytes);
    marker_end(marker);
    size_t done = marker->scanned_bytes - before;
    *starved = out && done < budget_bytes;
    return done;
}

static void earn(const struct control *control, gait_mutator *mutator,
                 const struct gait_governor_orders *orders, size_t work_bytes) {
    mutator->assist_credit_bytes = gait_governor_earn(
        orders, mutator->assist_credit_bytes, control_live_bytes(control), (int64_t)work_bytes);
}

/* Mark so much, or take it from what the background did. @return whether others hold all the work
 * that there is. */
static bool pay(struct control *control, gait_mutator *mutator,
                const struct gait_governor_orders *orders,
                const struct gait_governor_assist *assist) {
    size_t work = (size_t)assist->work_bytes;
    size_t taken = credit_take(control, work);
    earn(control, mutator, orders, taken);
    if (taken >= work)
        return false;
    int64_t told_ns = TIMELINE_BEGIN(assist);
    int64_t begin_ns = platform_thread_cpu_ns();
    size_t piece = work - taken < assist->piece_bytes ? work - taken : (size_t)assist->piece_bytes;
    bool starved;
    size_t done = assist_mark(mutator, piece, &starved);
    TIMELINE_END(assist, control->space->heap_number, told_ns, done);
    counter_add(&control->heap_work_bytes, done);
    earn(control, mutator, orders, done);
    int64_t spent_ns = platform_thread_cpu_ns() - begin_ns;
    control_add_cpu(control, CPU_ASSIST, spent_ns);
    counter_add(&mutator->assist_cpu_ns, (size_t)spent_ns);
    return starved;
}

enum gait_governor_then control_assist(struct control *control, gait_mutator *mutator,
                                       const struct control_want *want, int64_t end_ns) {
    struct gait_governor_orders orders = control_orders(control);
    struct gait_governor_want known = look(control, mutator, want);
    struct gait_governor_assist assist = gait_governor_assist(&orders, &known);
    struct gait_governor_marked marked = {.at_limit = assist.at_limit};
    marked.starved = pay(control, mutator, &orders, &assist);
    known = look(control, mutator, want);
    marked.debt_bytes = gait_governor_debt(&known);
    if (marked.at_limit) {
        orders = control_orders(control);
        marked.beyond = gait_governor_is_beyond(&orders, &known);
    }
    if (end_ns && marked.debt_bytes > 0)
        marked.pays_ns = end_ns - platform_now_ns();
    return gait_governor_after_marking(&marked);
}

/* ---- Waiting for work ---- */

/* What a starved mutator waits for. Each is told of after it is stored: work by queue_publish,
 * credit by control_credit, the end of marking by the cycle, that of assists by publish. */
static bool has_news(void *data) {
    struct control *control = data;
    return !AO_load(&control->marking) || AO_load(&control->limiting) ||
           AO_load(&control->assists_off) || queue_has_work(control->queue) ||
           gait_governor_credit_pays((intptr_t)AO_load(&control->credit_bytes));
}

bool control_await_work(struct control *control, int64_t most_ns) {
    struct mark_queue *queue = control->queue;
    AO_fetch_and_add1_full(&queue->hungry); /* others share */
    int64_t begin_ns = TIMELINE_BEGIN(wait_work);
    bool some = news_await(&queue->news, has_news, control, most_ns);
    TIMELINE_END(wait_work, control->space->heap_number, begin_ns, 0);
    AO_fetch_and_sub1_full(&queue->hungry);
    return some;
}
