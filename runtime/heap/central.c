/* SPDX-License-Identifier: MIT */
/*
 * The lists of spans with free cells. See central.h.
 */
#include "central.h"

#include "../platform/perturb.h"

static struct central *central_of(struct space *space, const struct span *span) {
    return &space->kinds[span->kind].centrals[span->size_class];
}

/* With the lock held. Atomic, for a look without it: sweep_more. */
static void central_set_first(struct central *central, struct span *span) {
    __atomic_store_n(&central->first, span, __ATOMIC_RELAXED);
}

/* With the central's lock held: forget a list of an epoch that has ended. */
static void central_renew(struct central *central, unsigned epoch) {
    if (central->epoch != epoch) {
        __atomic_store_n(&central->epoch, epoch, __ATOMIC_RELAXED);
        central_set_first(central, NULL);
        central->last = NULL;
    }
}

/* With the lock held, of a span that nobody owns. */
static void central_push(struct space *space, struct central *central, struct span *span) {
    central_renew(central, space_epoch(space));
    if (AO_char_load(&span->listed))
        return;
    AO_char_store(&span->listed, 1);
    span->next = NULL;
    if (central->first)
        central->last->next = span;
    else
        central_set_first(central, span);
    central->last = span;
}

void central_offer(struct space *space, struct span *span) {
    struct central *central = central_of(space, span);
    lock_acquire(&central->lock);
    if (!AO_char_load(&span->owned))
        central_push(space, central, span);
    lock_release(&central->lock);
}

struct span *central_take(struct space *space, unsigned kind, unsigned size_class) {
    struct central *central = &space->kinds[kind].centrals[size_class];
    lock_acquire(&central->lock);
    central_renew(central, space_epoch(space));
    struct span *span = central->first;
    if (span) {
        central_set_first(central, span->next);
        AO_char_store(&span->listed, 0);
        AO_char_store(&span->owned, 1);
    }
    lock_release(&central->lock);
    return span;
}

void central_disown(struct space *space, struct span *span, bool usable) {
    struct central *central = central_of(space, span);
    PERTURB(SPAN_DISOWN);
    if (!usable) { /* it goes to no list: the store is all there is to order */
        AO_char_store_release(&span->owned, 0); /* as below */
        return;
    }
    lock_acquire(&central->lock);
    /* pairs with span_sweep, which may give the pages away: done with them; it takes no lock. And
     * with central_lock_span: the owner's last bits are seen. */
    AO_char_store_release(&span->owned, 0);
    central_push(space, central, span);
    lock_release(&central->lock);
}

bool central_lock_span(struct space *space, struct span *span) {
    struct central *central = central_of(space, span);
    lock_acquire(&central->lock);
    if (!AO_char_load_acquire(&span->owned)) /* pairs with central_disown */
        return true;
    lock_release(&central->lock);
    return false;
}

void central_unlock_offered(struct space *space, struct span *span) {
    struct central *central = central_of(space, span);
    central_push(space, central, span);
    lock_release(&central->lock);
}
