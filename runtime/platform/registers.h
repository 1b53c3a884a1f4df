/* SPDX-License-Identifier: MIT */
/*
 * The registers that a called function saves: where a caller's variables may be while it waits.
 */
#ifndef GAIT_REGISTERS_H
#define GAIT_REGISTERS_H

#include <stdint.h>

#if !defined(__x86_64__) && !defined(__aarch64__)
#error "say which registers a called function saves"
#endif

/* Enough for both. setjmp would not do: glibc scrambles some of what it stores. */
#define REGISTERS_SAVED 12

/* Store them as the caller of the function that this is inlined into left them, or on its stack. */
static inline __attribute__((always_inline)) void registers_save(uintptr_t *to) {
#if defined(__x86_64__)
    __asm__ volatile("movq %%rbx, 0(%0)\n\tmovq %%rbp, 8(%0)\n\tmovq %%r12, 16(%0)\n\t"
                     "movq %%r13, 24(%0)\n\tmovq %%r14, 32(%0)\n\tmovq %%r15, 40(%0)"
                     :
                     : "r"(to)
                     : "memory");
#elif defined(__aarch64__)
    __asm__ volatile("stp x19, x20, [%0]\n\tstp x21, x22, [%0, 16]\n\tstp x23, x24, [%0, 32]\n\t"
                     "stp x25, x26, [%0, 48]\n\tstp x27, x28, [%0, 64]\n\tstr x29, [%0, 80]"
                     :
                     : "r"(to)
                     : "memory");
#endif
}

#endif
