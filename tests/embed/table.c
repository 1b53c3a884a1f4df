/* SPDX-License-Identifier: MIT */
/*
 * Tables by identity, whose weakness is set at any time: table_mode makes the parts anew, of kinds
 * that say so. Open addressing; a state for each slot, in a leaf, says whether it was ever used:
 * keys and values go by themselves.
 *
 *   weak in       keys is of kind       values
 *   nothing       refs                  refs
 *   keys          pairs (ephemerons)    not there: the pairs have them
 *   values        refs                  weak
 *   both          weak                  weak
 */
#include "tiny.h"

enum { SLOTS_FIRST = 8 };

static struct table *table_of(value v) {
    if (!is_a(v, TYPE_TABLE))
        raise_text("not a table", v);
    return (struct table *)v;
}

static bool has_pairs(const struct table *table) { return table->mode == MODE_KEYS; }

static gait_word *key_slot(const struct table *table, size_t at) {
    return (gait_word *)table->keys + (has_pairs(table) ? 2 * at : at);
}

static value read_key(const struct table *table, size_t at) {
    if (table->mode & MODE_KEYS)
        return gait_weak_get(tiny.mutator, key_slot(table, at));
    return *key_slot(table, at);
}

static value read_value(const struct table *table, size_t at) {
    if (has_pairs(table))
        return gait_ephemeron_get(tiny.mutator, key_slot(table, at));
    gait_word *slot = (gait_word *)table->values + at;
    return table->mode & MODE_VALUES ? gait_weak_get(tiny.mutator, slot) : *slot;
}

static void write_slot(struct table *table, size_t at, value key, value item) {
    if (has_pairs(table)) {
        gait_ephemeron_set(tiny.mutator, key_slot(table, at), key, item);
        return;
    }
    if (table->mode & MODE_KEYS)
        gait_weak_set(tiny.mutator, key_slot(table, at), key);
    else
        store((void *)table->keys, key_slot(table, at), key);
    gait_word *slot = (gait_word *)table->values + at;
    if (table->mode & MODE_VALUES)
        gait_weak_set(tiny.mutator, slot, item);
    else
        store((void *)table->values, slot, item);
}

static unsigned char *state(const struct table *table, size_t at) {
    return (unsigned char *)table->states + sizeof(gait_word) + at;
}

/* Objects don't move: a key's word is its hash. */
static size_t find(const struct table *table, value key) {
    size_t at = (size_t)((key >> 3) * UINT64_C(0x9e3779b97f4a7c15) >> 20) % table->room;
    while (*state(table, at) && read_key(table, at) != key)
        at = (at + 1) % table->room;
    return at;
}

value table_new(void) {
    ROOTS(kept, 1);
    kept[0] = (value)allocate(tiny.table, sizeof(struct table), TYPE_TABLE);
    table_mode(kept[0], 0);
    value made = kept[0];
    UNROOT();
    return made;
}

/* Make the parts anew, for a mode, with so much room; what is there goes over. */
static void make_anew(value v, unsigned mode, size_t room) {
    ROOTS(kept, 2);
    kept[0] = v;
    kept[1] = (value)allocate(tiny.table, sizeof(struct table), TYPE_TABLE);
    struct table *fresh = (struct table *)kept[1], *table = table_of(v);
    fresh->mode = mode;
    fresh->room = room;
    bool pairs = has_pairs(fresh);
    gait_kind keys = pairs ? tiny.ephemeron : mode & MODE_KEYS ? tiny.weak : tiny.refs;
    store(fresh, &fresh->keys,
          (value)allocate(keys, (pairs ? 2 : 1) * room * sizeof(gait_word), 0));
    if (!pairs)
        store(fresh, &fresh->values,
              (value)allocate(mode & MODE_VALUES ? tiny.weak : tiny.refs, room * sizeof(gait_word),
                              0));
    store(fresh, &fresh->states, (value)allocate(tiny.leaf, sizeof(gait_word) + room, TYPE_TEXT));
    for (size_t i = 0; i < table->room; i++) {
        value key = *state(table, i) ? read_key(table, i) : 0,
              item = key ? read_value(table, i) : 0;
        if (!key || !item)
            continue; /* nothing here has a safepoint: both are in registers for a moment */
        size_t at = find(fresh, key);
        write_slot(fresh, at, key, item);
        *state(fresh, at) = 1;
        fresh->used++;
    }
    value old[] = {table->keys, table->values, table->states};
    table->mode = mode;
    table->room = room;
    table->used = fresh->used;
    store(table, &table->keys, fresh->keys);
    store(table, &table->values, fresh->values);
    store(table, &table->states, fresh->states);
    for (size_t i = 0; i < sizeof old / sizeof *old; i++)
        if (old[i]) /* nobody else knows them */
            gait_free(tiny.mutator, (void *)old[i]);
    UNROOT();
}

void table_mode(value v, unsigned mode) {
    struct table *table = table_of(v);
    make_anew(v, mode, table->room ? table->room : SLOTS_FIRST);
}

value table_get(value v, value key) {
    struct table *table = table_of(v);
    size_t at = find(table, key);
    return *state(table, at) ? read_value(table, at) : 0;
}

void table_put(value v, value key, value item) {
    if (!key)
        raise_text("nil is no key", v);
    ROOTS(kept, 3);
    kept[0] = v;
    kept[1] = key;
    kept[2] = item;
    struct table *table = table_of(v);
    if (table->used * 2 >= table->room)
        make_anew(v, (unsigned)table->mode,
                  table_count(v) * 4 > table->room ? 2 * table->room : table->room);
    size_t at = find(table, kept[1]);
    table->used += !*state(table, at);
    *state(table, at) = 1;
    write_slot(table, at, kept[1], kept[2]);
    UNROOT();
}

size_t table_count(value v) {
    struct table *table = table_of(v);
    size_t count = 0;
    for (size_t i = 0; i < table->room; i++)
        count += *state(table, i) && read_key(table, i) && read_value(table, i);
    return count;
}
