/* SPDX-License-Identifier: MIT */
/*
 * Objects that something is done about as they die: those with a guard, and all of them where leaks
 * are looked for.
 *
 * A table of cells, by their addresses: lock TABLES, which the collector has while the program
 * stands. It refers to them as a weak table does: what is dead is taken out in each cycle.
 */
#include "registry.h"

#include "enumerate.h"

#include <stdlib.h>

enum { SLOTS_FIRST = 1024 };

struct slot {
    uintptr_t cell; /* 0: free; GONE: was used */
    size_t bytes;
    unsigned char what, kind;
};
#define GONE ((uintptr_t)1)

static struct slot *slots; /* lock TABLES, all of these */
static size_t room, used;  /* of slots; used or gone */

static size_t place_of(uintptr_t cell) { return (cell >> 4) * 0x9e3779b97f4a7c15u & (room - 1); }

static struct slot *find(uintptr_t cell) {
    if (!room)
        return NULL;
    for (size_t i = place_of(cell);; i = (i + 1) & (room - 1))
        if (slots[i].cell == cell || !slots[i].cell)
            return slots[i].cell ? &slots[i] : NULL;
}

static void put(struct slot slot) {
    size_t i = place_of(slot.cell);
    while (slots[i].cell)
        i = (i + 1) & (room - 1);
    slots[i] = slot;
    used++;
}

/* A new table without those that are gone, if it is more than half full. */
static void make_room(void) {
    if (2 * used < room)
        return;
    size_t live = 0, before = room;
    for (size_t i = 0; i < before; i++)
        live += slots[i].cell > GONE;
    struct slot *old = slots;
    while (room < SLOTS_FIRST || room < 4 * live)
        room = room ? 2 * room : SLOTS_FIRST;
    slots = calloc(room, sizeof *slots);
    if (!slots)
        compat_abort("no memory for a table of objects");
    used = 0;
    for (size_t i = 0; i < before; i++)
        if (old[i].cell > GONE)
            put(old[i]);
    free(old);
}

void compat_registry_add(void *cell, size_t bytes, unsigned what, unsigned kind) {
    compat_tables_lock();
    struct slot *slot = find((uintptr_t)cell);
    if (slot) {
        slot->what |= (unsigned char)what;
    } else {
        make_room();
        put((struct slot){(uintptr_t)cell, bytes, (unsigned char)what, (unsigned char)kind});
    }
    compat_tables_unlock();
}

void compat_registry_remove(void *cell) {
    if (!__atomic_load_n(&room, __ATOMIC_RELAXED))
        return; /* nothing was ever added */
    compat_tables_lock();
    struct slot *slot = find((uintptr_t)cell);
    if (slot)
        slot->cell = GONE;
    compat_tables_unlock();
}

/* ---- In each cycle, with the program stopped ---- */

static bool is_dead(const gait_liveness *liveness, const struct slot *slot) {
    return slot->cell > GONE && !gait_is_marked(liveness, slot->cell);
}

static void settle(const gait_liveness *liveness) {
    for (size_t i = 0; i < room; i++) {
        struct slot *slot = &slots[i];
        if (slot->cell <= GONE)
            continue;
        bool dead = is_dead(liveness, slot);
        if (slot->what & REGISTRY_GUARD)
            compat_debug_check((void *)slot->cell);
        if (dead && (slot->what & REGISTRY_LEAK))
            compat_leaked((void *)slot->cell, slot->bytes, slot->kind);
        if (dead)
            slot->cell = GONE;
    }
}

static void hook(gait_liveness *liveness, gait_liveness_stage stage, void *data) {
    (void)data;
    switch (stage) {
    case GAIT_LIVENESS_MARK:
        compat_disclaim_ask(liveness);
        break;
    case GAIT_LIVENESS_CLEAR:
        compat_disclaim_over();
        break;
    case GAIT_LIVENESS_SWEEP: /* what came back for a finalizer is not dead yet */
        settle(liveness);
        compat_enumerate(liveness);
        compat_notices_marked();
        break;
    }
}

void compat_registry_init(void) {
    if (gait_liveness_add(compat_heap, hook, NULL) < 0)
        compat_abort("no liveness hook");
}
