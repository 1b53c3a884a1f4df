/* SPDX-License-Identifier: MIT */
/*
 * Marking after the flip. See revive.h.
 */
#include "revive.h"

#include "../platform/perturb.h"
#include "coroutines.h"

void revive_begin(struct marker *marker) {
    /* full, as every begin: the weak words that were cleared before are seen as such by one that
     * sees what comes back as allocated (weak.c, .inv.revive) */
    marker_begin_again(marker);
}

/* As it is, whatever the value mask: an object's address has only address bits. */
void revive_object(struct marker *marker, uintptr_t object) {
    marker_push_interior(marker, object);
}

size_t revive_end(struct marker *marker) {
    bool more = true;
    while (more) {
        PERTURB(REVIVE);
        marker_drain(marker, SIZE_MAX);
        size_t stack_bytes; /* of coroutines of what comes back; the cycle's number: its epoch */
        more = marker_ephemerons(marker);
        more |= coroutines_push_reached(marker->queue, marker, space_epoch(marker->space),
                                        &stack_bytes);
        if (AO_load_acquire(&marker->queue->overflowed)) {
            marker_rescan(marker);
            more = true;
        }
    }
    marker_end(marker);
    queue_clear(marker->queue); /* pairs whose keys stay dead */
    return marker_take_marked(marker);
}
