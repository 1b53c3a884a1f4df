/* SPDX-License-Identifier: MIT */
/*
 * The leak finder: with GC_find_leak set before the first allocation, each object is in the
 * registry until it is freed, and told of when it is found dead.
 */
#include "registry.h"

#include <stdlib.h>

int GC_find_leak;

void GC_set_find_leak(int on) { GC_find_leak = on; }
int GC_get_find_leak(void) { return GC_find_leak; }

static const char *name_of(unsigned kind) {
    return kind == KIND_ATOMIC || kind == KIND_ATOMIC_UNCOLLECTABLE ? "atomic object"
           : kind == KIND_NORMAL || kind == KIND_UNCOLLECTABLE      ? "object"
                                                                    : "object of a kind";
}

void compat_leaked(void *cell, size_t bytes, unsigned kind) {
    const char *file;
    GC_word line;
    size_t asked_bytes;
    void *object = compat_debug_object(cell, &file, &line, &asked_bytes);
    if (object)
        compat_say("gait-gc: leaked %s at %p (%s:%lu, %zu bytes)\n", name_of(kind), object, file,
                   line, asked_bytes);
    else
        compat_say("gait-gc: leaked %s at %p (%zu bytes)\n", name_of(kind), cell, bytes);
}
