/* SPDX-License-Identifier: MIT */
/* The model: memory is taken and never given back, weak references are never cleared. */
#include "plain.h"

static void shim_start(void) {}
static uint64_t shim_cycles(void) { return 0; }
static void shim_collect(shim_thread *thread) { (void)thread; }

static void *shim_alloc(shim_thread *thread, enum type type, size_t words) {
    (void)thread, (void)type;
    return calloc(words, sizeof(word));
}

static word shim_weak_get(shim_thread *thread, word *slot) {
    (void)thread;
    return *slot;
}

static void shim_weak_set(shim_thread *thread, word *slot, word value) {
    (void)thread;
    *slot = value;
}
