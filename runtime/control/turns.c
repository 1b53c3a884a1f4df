/* SPDX-License-Identifier: MIT */
/*
 * Turns: mutators mark in place of the collector's thread where that would take their CPUs. See
 * control.h.
 */
#include "../platform/platform.h"
#include "../platform/timeline.h"
#include "control.h"

bool control_turns_suffice(struct control *control, const struct gait_governor_pace *pace,
                           struct control_turns *seen) {
    struct gait_governor_orders orders = control_orders(control);
    double share = gait_governor_turn_share(&orders, pace, control_procs(control));
    AO_store(&control->turn_share, bits_of(share));
    struct control_turns before = *seen;
    *seen = (struct control_turns){platform_now_ns(), (int64_t)AO_load(&control->turns_ns)};
    if (!(share > 0))
        return false;
    return before.now_ns == 0 || gait_governor_turns_suffice(pace, seen->now_ns - before.now_ns,
                                                             seen->turns_ns - before.turns_ns);
}

void control_take_turn(struct control *control, gait_mutator *mutator) {
    double share = double_of(AO_load(&control->turn_share));
    struct gait_governor_turns turns = gait_governor_turns();
    if (!(share > 0) || mutator->turn_bytes < turns.look_bytes)
        return;
    mutator->turn_bytes = 0;
    int64_t begin_ns = platform_now_ns();
    if (begin_ns < mutator->turn_due_ns || !queue_has_work(control->queue))
        return;
    bool starved;
    size_t done = assist_mark(mutator, (size_t)turns.piece_bytes, &starved);
    int64_t now_ns = platform_now_ns();
    int64_t turn_ns = gait_governor_turn_ns(now_ns - begin_ns);
    TIMELINE_END(assist, control->space->heap_number, begin_ns, done);
    control_credit(control, done);
    control_add_cpu(control, CPU_FRACTIONAL, turn_ns);
    counter_add(&control->turns_ns, (size_t)turn_ns);
    mutator->turn_due_ns = gait_governor_turn_due_ns(share, mutator->turn_due_ns, now_ns, turn_ns);
}
