/* SPDX-License-Identifier: MIT */
/*
 * Leaving C code in the middle, back to the machine: no memory, or an interrupt (Ctrl-C at a
 * terminal) in something that takes long.
 *
 * The machine goes on with the registers that it wrote before the instruction (SYNC), as if that
 * had raised: so handlers and guards see an error like others, and what was defined is there. What
 * the C code had is put in order:
 *   - shadow-stack frames and vm->keep are what they were;
 *   - the form that was compiled, and libraries that were read for it, are given up;
 *   - its malloc'ed memory is freed, GMP's too, and the scratch numbers are made anew (scratch.h);
 *   - objects are whole, since code that changes one allocates before: a table that grows, the
 * buffer of a port. What is half done then is not done;
 *   - small malloc'ed memory, as of names in messages, is lost.
 *
 * Handlers run on top of what took all the memory, and need some: vm->reserve, a leaf that is
 * dropped then, and taken again when a cycle finds room. Without one a program ends; a prompt comes
 * back, and what was running ends without its handlers.
 */
#ifndef SCHEME_ESCAPE_H
#define SCHEME_ESCAPE_H

#include "vm.h"

#include <signal.h>

/** Set by the handler of SIGINT, and cleared where it is acted on: machine.c, escape_poll. */
extern volatile sig_atomic_t interrupt_pending;

/** Have SIGINT interrupt what runs, not end the process. */
void interrupt_init(void);

/** Leave C code when an interrupt is pending: for what takes long, and where nothing is half done.
 */
void escape_poll(struct vm *vm);

/** Wait until a descriptor can be read; an interrupt leaves (escape_poll). For native code, which
 * is left then too. */
void interrupt_wait(struct vm *vm, int descriptor);

/** Put in order what C code left: for machine_run, after it came back there. */
void escape_land(struct vm *vm);

/** Take the reserve, if the heap is large enough for one and a cycle has been since it was used. */
void escape_take_reserve(struct vm *vm);

#endif
