/* SPDX-License-Identifier: MIT */
/*
 * The table of names: equal texts are one object. It keeps none of them: its slots are weak words,
 * which read as a tombstone once a name is gone, as their kind says. So open addressing works: a
 * search stops at a slot that was never used, and at no other.
 *
 *   tiny.names  the slots
 */
#include "tiny.h"

enum { SLOTS_FIRST = 64 };

static size_t slots_used; /* once, since the table was made anew */

static gait_word *slots(void) { return (gait_word *)tiny.names; }
static size_t room(void) { return gait_object_bytes(tiny.heap, slots()) / sizeof(gait_word); }

static gait_word hash_of(const char *text, size_t length) {
    uint64_t hash = 14695981039346656037u; /* FNV-1a */
    for (size_t i = 0; i < length; i++)
        hash = (hash ^ (unsigned char)text[i]) * 1099511628211u;
    return (gait_word)hash;
}

value text_of(const char *text, size_t length) {
    struct name *made = allocate(tiny.leaf, sizeof *made + length, TYPE_TEXT);
    made->length = length;
    made->hash = hash_of(text, length);
    memcpy(made->text, text, length);
    return (value)made;
}

/* Where a text is, or has its place: at a slot that was never used. */
static size_t find(const char *text, size_t length, gait_word hash) {
    size_t count = room(), at = hash % count;
    for (value known; (known = gait_weak_get(tiny.mutator, &slots()[at])) != 0;
         at = (at + 1) % count) {
        const struct name *name = (const struct name *)known;
        if (known != TOMBSTONE && name->hash == hash && name->length == length &&
            memcmp(name->text, text, length) == 0)
            break;
    }
    return at;
}

/* A larger table, or one of the same size without those that have gone. */
static void make_anew(size_t count) {
    ROOTS(kept, 1);
    kept[0] = tiny.names;
    tiny.names = (value)allocate(tiny.slots, count * sizeof(gait_word), 0);
    slots_used = 0;
    if (kept[0]) {
        gait_word *old = (gait_word *)kept[0];
        size_t old_count = gait_object_bytes(tiny.heap, old) / sizeof(gait_word);
        for (size_t i = 0; i < old_count; i++) {
            value known = gait_weak_get(tiny.mutator, &old[i]);
            if (!known || known == TOMBSTONE)
                continue;
            const struct name *name = (const struct name *)known;
            gait_weak_set(tiny.mutator, &slots()[find(name->text, name->length, name->hash)],
                          known);
            slots_used++;
        }
    }
    UNROOT();
}

value name_of(const char *text, size_t length) {
    ROOTS(kept, 1);
    if (!tiny.names)
        make_anew(SLOTS_FIRST);
    if (slots_used * 2 >= room())
        make_anew(names_live() * 4 > room() ? room() * 2 : room());
    gait_word hash = hash_of(text, length);
    value found = gait_weak_get(tiny.mutator, &slots()[find(text, length, hash)]);
    if (!found) {
        kept[0] = text_of(text, length);
        ((struct name *)kept[0])->type = TYPE_NAME;
        gait_weak_set(tiny.mutator, &slots()[find(text, length, hash)], kept[0]);
        slots_used++;
        found = kept[0];
    }
    UNROOT();
    return found;
}

size_t names_live(void) {
    size_t live = 0;
    for (size_t i = 0; tiny.names && i < room(); i++) {
        value known = gait_weak_get(tiny.mutator, &slots()[i]);
        live += known != 0 && known != TOMBSTONE;
    }
    return live;
}
