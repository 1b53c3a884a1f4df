/* SPDX-License-Identifier: MIT */
/*
 * The registers that a called function saves: where a caller's variables may be while it waits.
 */
#ifndef GAIT_REGISTERS_H
#define GAIT_REGISTERS_H

/* Words of a function's frame that are kept: room for all such registers of x86-64 and AArch64. */
#define REGISTERS_SAVED 64

/* In a function that uses this, all of them are saved in its own frame from its start on, with the
 * values that its caller has in them. */
#define REGISTERS_SAVE_IN_FRAME() __builtin_unwind_init()

/* Where the frame of the running function ends, and its caller's begins. */
#define REGISTERS_FRAME_END() ((char *)__builtin_dwarf_cfa())

#endif
