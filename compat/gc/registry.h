/* SPDX-License-Identifier: MIT */
/* Objects that something is done about as they die: registry.c, disclaim.c. */
#ifndef COMPAT_REGISTRY_H
#define COMPAT_REGISTRY_H

#include "compat.h"

#include <gait/liveness.h>

enum {
    REGISTRY_GUARD = 1 << 0, /* GC_debug_malloc's: the guard is looked at in each cycle */
    REGISTRY_LEAK = 1 << 1   /* told of if it dies without having been freed           */
};

/** Gait's object; what: REGISTRY_…; kind: libgc's number. */
void compat_registry_add(void *cell, size_t bytes, unsigned what, unsigned kind);
void compat_registry_remove(void *cell);

/** Is a function asked of dead objects of this kind, by libgc's number? Then what was freed, or not
 * given out, is zero. */
bool compat_disclaim_is(unsigned kind);
/** Of the liveness hook, stage MARK, as often as that is called; and when the cycle has marked. */
void compat_disclaim_ask(gait_liveness *liveness);
void compat_disclaim_over(void);

/** It was found dead, and not freed: leaks.c. With the program stopped. */
void compat_leaked(void *cell, size_t bytes, unsigned kind);

void compat_registry_init(void);

/* Not NULL: a disclaim function runs on this thread. */
extern COMPAT_TLS const gait_liveness *compat_liveness_here;

#endif
