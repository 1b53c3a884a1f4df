/* SPDX-License-Identifier: MIT */
/* What the tests share: a check, garbage, and a stack without old references. */
#ifndef COMPAT_TESTS_CHECK_H
#define COMPAT_TESTS_CHECK_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);                        \
            exit(1);                                                                               \
        }                                                                                          \
    } while (0)

/* Overwrite what calls before have left below this frame. */
static __attribute__((noinline, unused)) void clear_stack(void) {
    volatile char frame[8192];
    memset((char *)frame, 0, sizeof frame);
    __asm__ volatile("" : : "r"(frame) : "memory");
}

static __attribute__((noinline, unused)) void collect(void) {
    clear_stack();
    GC_gcollect();
    clear_stack();
}

/* Twice: what finalization or a register kept is gone after the second one. */
static __attribute__((unused)) void collect_all(void) {
    collect();
    GC_invoke_finalizers();
    collect();
    GC_invoke_finalizers();
}

#endif
