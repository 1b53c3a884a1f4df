/* SPDX-License-Identifier: MIT */
/*
 * Datum labels, after a datum with references was read: a box stands where a label was referred to
 * before its datum was complete.
 */
#include "read.h"
#include "scratch.h"

static bool is_placeholder(value v) { return has_type(v, TYPE_BOX); }

/* Compound data that are still to be walked. */
struct walk {
    value *items;
    size_t count, room;
};

/* Put in the place of a box what its label stands for, or walk on. */
static void resolve_slot(struct vm *vm, struct walk *walk, value *slot) {
    if (is_placeholder(*slot)) {
        store(vm, slot, box_of(*slot)->content);
        return;
    }
    if (!is_pair(*slot) && !is_vector(*slot))
        return;
    if (walk->count == walk->room) {
        walk->room = walk->room ? 2 * walk->room : 64;
        walk->items = scratch_resize(walk->items, walk->room * sizeof *walk->items);
    }
    walk->items[walk->count++] = *slot;
}

void read_resolve(struct vm *vm, value v, value seen) {
    struct walk walk = {0};
    resolve_slot(vm, &walk, &v);
    while (walk.count) {
        value at = walk.items[--walk.count];
        if (table_get(seen, at, FALSE) == TRUE)
            continue;
        table_put(vm, seen, at, TRUE);
        if (is_pair(at)) {
            resolve_slot(vm, &walk, &pair_of(at)->car);
            resolve_slot(vm, &walk, &pair_of(at)->cdr);
        } else {
            for (size_t i = 0; i < length_of(at); i++)
                resolve_slot(vm, &walk, &vector_of(at)->items[i]);
        }
    }
    scratch_free(walk.items);
}
