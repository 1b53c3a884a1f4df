/* SPDX-License-Identifier: MIT */
/* Objects that something is done about as they die: registry.c. */
#ifndef COMPAT_REGISTRY_H
#define COMPAT_REGISTRY_H

#include "compat.h"

#include "include/gc/gc_disclaim.h"

enum {
    REGISTRY_GUARD = 1 << 0,   /* GC_debug_malloc's: the guard is looked at in each cycle */
    REGISTRY_LEAK = 1 << 1,    /* told of if it dies without having been freed           */
    REGISTRY_DISCLAIM = 1 << 2 /* its kind has a function that is asked                  */
};

/** Gait's object; what: REGISTRY_…; kind: libgc's number. */
void compat_registry_add(void *cell, size_t bytes, unsigned what, unsigned kind);
void compat_registry_remove(void *cell);

/** REGISTRY_DISCLAIM, if objects of this kind are to be listed. */
unsigned compat_disclaim_of(unsigned kind);

/** It was found dead, and not freed: leaks.c. With the program stopped. */
void compat_leaked(void *cell, size_t bytes, unsigned kind);

void compat_registry_init(void);

/* Not NULL: a disclaim function runs on this thread. */
extern COMPAT_TLS const struct gait_liveness *compat_liveness_here;

#endif
