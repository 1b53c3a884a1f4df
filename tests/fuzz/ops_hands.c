/* SPDX-License-Identifier: MIT */
/*
 * Objects handed from thread to thread through plain memory, as gait_shade allows: the giver holds
 * the object in a frame until the receiver has read and shaded the word.
 *
 * A hand goes FREE -> HELD (by the giver, which alone goes on) -> FULL -> (by a receiver) TAKEN ->
 * FREE (by the giver, which then lets go).
 */
#include "ops.h"

enum { HAND_FREE, HAND_HELD, HAND_FULL, HAND_READ, HAND_TAKEN };

static unsigned state_of(const struct hand *hand) {
    return __atomic_load_n(&hand->state, __ATOMIC_ACQUIRE);
}

static bool hand_move(struct hand *hand, unsigned from, unsigned to) {
    return __atomic_compare_exchange_n(&hand->state, &from, to, false, __ATOMIC_ACQ_REL,
                                       __ATOMIC_RELAXED);
}

/* Give one, hold it by a frame alone, and do other things until it is taken: for a while. */
void op_give(struct context *context) {
    struct hand *hand = &context->heap->hand;
    if (context->actor->child || context->nested || !hand_move(hand, HAND_FREE, HAND_HELD))
        return;
    gait_word held = 0;
    struct gait_frame frame;
    gait_push_frame(context->mutator, &frame, &held, 1);
    held = (gait_word)letter_new(context, NULL);
    hand->word = held;
    __atomic_store_n(&hand->state, held ? HAND_FULL : HAND_FREE, __ATOMIC_RELEASE);
    for (unsigned turn = 0; held && turn < 20; turn++) {
        gait_alloc(context->mutator, context->heap->kinds[KIND_LEAF], 64);
        if (turn % 8 == 7)
            gait_enter_native(context->mutator), gait_leave_native(context->mutator);
        if (state_of(hand) == HAND_TAKEN)
            break;
    }
    /* its reader is about to be done */
    while (held && !hand_move(hand, HAND_FULL, HAND_FREE) &&
           !hand_move(hand, HAND_TAKEN, HAND_FREE))
        gait_poll(context->mutator);
    gait_pop_frame(context->mutator);
}

void op_receive(struct context *context) {
    struct hand *hand = &context->heap->hand;
    if (context->actor->child || !hand_move(hand, HAND_FULL, HAND_READ))
        return;
    gait_word taken = gait_shade(context->mutator, hand->word);
    struct gait_frame frame;
    gait_push_frame(context->mutator, &frame, &taken, 1);
    __atomic_store_n(&hand->state, HAND_TAKEN, __ATOMIC_RELEASE);
    for (size_t n = pick(&context->random, 30); n > 0; n--)
        gait_alloc(context->mutator, context->heap->kinds[KIND_LEAF], 200);
    if (one_in(&context->random, 5))
        gait_collect(context->mutator);
    letter_check(taken);
    gait_pop_frame(context->mutator);
}
