/* SPDX-License-Identifier: MIT */
/*
 * Ways out that pass over frames: longjmp out of functions, and out of finalizers.
 */
#include "ops.h"

#include <setjmp.h>

static _Thread_local jmp_buf *way_out; /* NULL: nobody waits */

void jump_out(void) {
    if (way_out)
        longjmp(*way_out, 1);
}

/* Frames on the C stack, which is used anew as soon as they are jumped over. */
__attribute__((noinline)) static void push_and_jump(struct context *context, unsigned depth) {
    gait_word words[3] = {0};
    struct gait_frame frame;
    gait_push_frame(context->mutator, &frame, words, 3);
    words[depth % 3] = (gait_word)gait_alloc(context->mutator, context->heap->kinds[KIND_LEAF],
                                             8 + pick(&context->random, 100));
    if (depth > 0)
        push_and_jump(context, depth - 1);
    else
        jump_out();
    gait_pop_frame(context->mutator); /* it is not come to */
}

void op_jump(struct context *context) {
    struct owner *owner = context->owner;
    jmp_buf buffer;
    if (!owner->with_frames || owner->frames_kept != 0)
        return;
    if (UNDER_ASAN && the_round->plan.fibers)
        return; /* it knows the thread's C stack only, as far as jumps go */
    struct gait_frames frames = gait_frames_save(context->mutator);
    unsigned kept = owner->frames_kept = owner->frames_pushed;
    if (setjmp(buffer) == 0) {
        for (size_t n = pick(&context->random, 6); n > 0; n--)
            op_run(context, OP_ANY);
        way_out = &buffer;
        gait_run_finalizers(context->mutator, 20); /* the first of them jumps */
        push_and_jump(context, (unsigned)pick(&context->random, 5));
    }
    gait_frames_restore(context->mutator, frames);
    way_out = NULL;
    owner->frames_kept = 0;
    owner_forget_frames(owner, kept);
    gait_poll(context->mutator);
}
