/* SPDX-License-Identifier: MIT */
/*
 * The table of names: equal texts are one object. It keeps none of them: its slots are weak words,
 * and read as 0 once a name is gone. Open addressing: a slot that was used once stays used, so that
 * a search does not stop at a name that has gone; a bit in a leaf says which.
 *
 *   tiny.names  array of two items: the slots (weak), their states (leaf)
 */
#include "tiny.h"

enum { SLOTS_FIRST = 64 };

static size_t slots_used; /* once, since the table was made anew */

static gait_word *slots(void) { return (gait_word *)*array_at(tiny.names, 0); }
static unsigned char *states(void) { return (unsigned char *)*array_at(tiny.names, 1) + 8; }
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

/* Where a text is, or has its place. */
static size_t find(const char *text, size_t length, gait_word hash) {
    size_t count = room(), at = hash % count;
    for (; states()[at]; at = (at + 1) % count) {
        struct name *name = (struct name *)gait_weak_get(tiny.mutator, &slots()[at]);
        if (name && name->hash == hash && name->length == length &&
            memcmp(name->text, text, length) == 0)
            break;
    }
    return at;
}

/* A larger table, or one of the same size without those that have gone. */
static void make_anew(size_t count) {
    ROOTS(kept, 3);
    kept[0] = tiny.names;
    kept[1] = array_new();
    array_push(kept[1], (value)allocate(tiny.weak, count * sizeof(gait_word), 0));
    size_t wide = gait_object_bytes(tiny.heap, (void *)*array_at(kept[1], 0)) / sizeof(gait_word);
    array_push(kept[1], (value)allocate(tiny.leaf, 8 + wide, TYPE_TEXT));
    tiny.names = kept[1];
    slots_used = 0;
    if (kept[0]) {
        gait_word *old = (gait_word *)*array_at(kept[0], 0);
        size_t old_count = gait_object_bytes(tiny.heap, old) / sizeof(gait_word);
        for (size_t i = 0; i < old_count; i++) {
            struct name *name = (struct name *)gait_weak_get(tiny.mutator, &old[i]);
            if (!name)
                continue;
            size_t at = find(name->text, name->length, name->hash);
            gait_weak_set(tiny.mutator, &slots()[at], (gait_word)name);
            states()[at] = 1;
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
        size_t at = find(text, length, hash); /* the allocation may have cleared more */
        slots_used += !states()[at];
        states()[at] = 1;
        gait_weak_set(tiny.mutator, &slots()[at], kept[0]);
        found = kept[0];
    }
    UNROOT();
    return found;
}

size_t names_live(void) {
    size_t live = 0;
    for (size_t i = 0; tiny.names && i < room(); i++)
        live += gait_weak_get(tiny.mutator, &slots()[i]) != 0;
    return live;
}
