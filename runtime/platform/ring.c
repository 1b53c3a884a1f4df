/* SPDX-License-Identifier: MIT */
/*
 * A ring of events. See ring.h.
 */
#include "ring.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "perturb.h"

/* A slot: its turn, which guards the event behind it. */
static AO_t *turn_of(struct ring *ring, AO_t ticket) {
    return (AO_t *)(ring->memory + (ticket & (ring->slots - 1)) * ring->slot_bytes);
}

struct ring *ring_new(size_t slots, size_t bytes) {
    size_t slot_bytes = sizeof(AO_t) + bytes;
    struct ring *ring = calloc(1, sizeof *ring + slots * slot_bytes);
    if (!ring)
        return NULL;
    ring->slots = slots;
    ring->slot_bytes = slot_bytes;
    ring->bytes = bytes;
    for (AO_t i = 0; i < slots; i++)
        AO_store(turn_of(ring, i), i);
    return ring;
}

void ring_free(struct ring *ring) { free(ring); }

void ring_put(struct ring *ring, const void *event) {
    AO_t ticket = AO_load(&ring->next);
    AO_t *slot;
    for (;;) {
        slot = turn_of(ring, ticket);
        AO_t turn = AO_load_acquire(slot); /* pairs with the reader's release */
        if (turn == ticket) {
            PERTURB(RING_TICKET);
            AO_t seen = AO_fetch_compare_and_swap(&ring->next, ticket, ticket + 1);
            if (seen == ticket)
                break;
            ticket = seen;
        } else if ((intptr_t)(turn - ticket) < 0) {
            counter_add(&ring->dropped, 1);
            return;
        } else {
            ticket = AO_load(&ring->next);
        }
    }
    PERTURB(RING_FILL);
    memcpy(slot + 1, event, ring->bytes);
    AO_store_release(slot, ticket + 1); /* pairs with ring_take */
}

void ring_take(struct ring *ring, void (*take)(void *data, const void *event), void *data) {
    for (AO_t end = AO_load(&ring->next); ring->read != end; ring->read++) {
        AO_t *slot = turn_of(ring, ring->read);
        if (AO_load_acquire(slot) != ring->read + 1) /* pairs with ring_put */
            return;                                  /* it is being filled */
        take(data, slot + 1);
        PERTURB(RING_TAKEN);
        AO_store_release(slot, ring->read + ring->slots); /* pairs with ring_put */
    }
}

size_t ring_left(const struct ring *ring) { return AO_load(&ring->next) - ring->read; }
