/* SPDX-License-Identifier: MIT */
/*
 * Steps of unwinding that were seen: by which the next time a stack is walked without tables.
 *
 * A step leads from a frame, by the address at which it goes on and its stack pointer there, to the
 * frame that called it. In a function whose frame has one length at that address, as nearly all
 * have, the step adds a number to the stack pointer, and that number follows from the address
 * alone. So it is noted by the address. The unwinder's tables take half a microsecond a frame, and
 * drive what the program needs out of the caches; a step that is known takes some nanoseconds.
 *
 *   .inv.step: a step is noted as the unwinder took it, if the address of the frame that it led to
 *   lay right below the stack pointer that it led to. Where a call leaves it elsewhere (64-bit
 *   ARM), nothing is noted, and all stacks are unwound by tables.
 *
 *   .inv.varies: an address of which two lengths were seen, as where a function has an array of
 *   variable length, is known as one that varies, and its stacks are unwound by tables. Until then
 *   its length may be taken for what it was before. So one stack in STEPS_CHECKED_EACH is unwound
 *   by tables all the same.
 *
 *   .inv.stack: a walk reads the stack of its thread alone, from where it begins upwards: each step
 *   leads up. A wrong one reads an old word there, and ends where no step is known.
 */
#ifndef GAIT_UNWIND_STEPS_H
#define GAIT_UNWIND_STEPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Guess: a sixty-fourth of what tables take is small, and a length that varies is seen soon. */
#define STEPS_CHECKED_EACH 64

/* A frame: the address at which it goes on, and the stack pointer there. */
struct steps_frame {
    uintptr_t at;
    uintptr_t pointer;
};

/** Note the steps between frames that the unwinder found, the youngest first, each the caller of
 * the one before. ended: there is none beyond the last. Any thread. */
void steps_learn(const struct steps_frame *frames, size_t count, bool ended);

/**
 * Walk from a frame of the calling thread's.
 * @param addresses  room for `most`; gets the frames' addresses, the first one's first.
 * @param top        the stack's end: nothing at or above it is read.
 * @return how many; 0: some step is not known, or varies.
 */
size_t steps_walk(struct steps_frame frame, uintptr_t top, uintptr_t *addresses, size_t most);

#endif
