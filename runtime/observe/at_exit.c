/* SPDX-License-Identifier: MIT */
/*
 * Calls at exit. See at_exit.h.
 */
#include "at_exit.h"

#include <stdlib.h>

#include "../platform/atomic.h"
#include "../platform/platform.h"

#define PLACES AT_EXIT_PLACES
#define BUSY 1 /* a bit beside the argument: its call is being made */

/* Written by the thread that has the place: the one that put its argument there. The argument is
 * released last, and taken away by compare-and-swap. */
static struct {
    AO_t argument; /* 0: free */
    AO_t end;      /* a void (*)(void *) */
} places[PLACES];

static AO_t claimed[PLACES]; /* not 0: the place is being filled, or in use */

static AO_t registered; /* 1: by some thread now, or it failed; 2: done */

static void call_all(void) {
    for (size_t place = 0; place < PLACES; place++) {
        AO_t argument = AO_load_acquire(&places[place].argument);
        if (argument && !(argument & BUSY) &&
            AO_compare_and_swap_full(&places[place].argument, argument, argument | BUSY)) {
            ((void (*)(void *))AO_load(&places[place].end))((void *)argument);
            AO_store_full(&places[place].argument, 0);
        }
    }
}

size_t at_exit_add(void (*end)(void *argument), void *argument) {
    if (AO_load(&registered) == 0 && AO_compare_and_swap_full(&registered, 0, 1))
        AO_store_full(&registered, atexit(call_all) == 0 ? 2 : 0);
    for (size_t place = 0; place < PLACES; place++)
        if (AO_compare_and_swap_full(&claimed[place], 0, 1)) {
            AO_store(&places[place].end, (AO_t)end);
            AO_store_release(&places[place].argument, (AO_t)argument); /* pairs with call_all */
            return place;
        }
    return PLACES;
}

bool at_exit_take(size_t place, const void *argument) {
    if (place == PLACES)
        return false;
    bool taken = AO_compare_and_swap_full(&places[place].argument, (AO_t)argument, 0);
    while (!taken && AO_load_acquire(&places[place].argument) == ((AO_t)argument | BUSY))
        platform_yield();
    if (taken)
        AO_store_release(&claimed[place], 0);
    return taken;
}

void at_exit_forget(void) {
    for (size_t place = 0; place < PLACES; place++) {
        AO_store(&places[place].argument, 0);
        AO_store(&claimed[place], 0);
    }
    /* a thread that is not here may have been about to register */
    AO_compare_and_swap(&registered, 1, 0);
}
