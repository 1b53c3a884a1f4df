/* SPDX-License-Identifier: MIT */
/*
 * Central lists: of each kind and size class, the swept spans that have free cells and no owner.
 *
 *   .inv.listed: a swept span says by `listed` whether it lies on its list, so nobody puts it there
 *   twice. A list is of one epoch: when the epoch turns it is empty, without a walk. Then all spans
 *   are unswept, nobody puts one on a list, and the thread that sweeps one takes `listed` back
 *   before it says so.
 */
#ifndef GAIT_CENTRAL_H
#define GAIT_CENTRAL_H

#include "kinds.h"

/** Put a swept span that has free cells on its list, unless a mutator owns it. */
void central_offer(struct space *space, struct span *span);

/** Has a list a span? unordered: only says whether to look under the lock. */
static inline bool central_seems_filled(const struct central *central, unsigned epoch) {
    return __atomic_load_n(&central->first, __ATOMIC_RELAXED) &&
           __atomic_load_n(&central->epoch, __ATOMIC_RELAXED) == epoch;
}

/** Own the first span of a list that seems filled. @return NULL: it has none. */
struct span *central_take(struct space *space, unsigned kind, unsigned size_class);

/** Own a span no more. usable: it may still have free cells, and goes to the list. */
void central_disown(struct space *space, struct span *span, bool usable);

/**
 * Hold a span's list, if nobody owns the span: then its bits are the caller's. @return false: it is
 * owned. True: central_unlock_offered comes next.
 */
bool central_lock_span(struct space *space, struct span *span);

/** Let it go; the span has a free cell now. */
void central_unlock_offered(struct space *space, struct span *span);

#endif
