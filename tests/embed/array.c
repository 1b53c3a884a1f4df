/* SPDX-License-Identifier: MIT */
/* Arrays: a fixed object for what refers to them, and items that are resized as they grow. */
#include "tiny.h"

enum { ROOM_FIRST = 4 };

static struct array *array_of(value v) {
    if (!is_a(v, TYPE_ARRAY))
        raise_text("not an array", v);
    return (struct array *)v;
}

value array_new(void) { return (value)allocate(tiny.array, sizeof(struct array), TYPE_ARRAY); }

/* Twice the room. Nobody but the array knows its items. */
static void grow(value v) {
    ROOTS(kept, 1);
    kept[0] = v;
    struct array *array = array_of(v);
    size_t room = array->room ? 2 * array->room : ROOM_FIRST;
    value items;
    if (array->items)
        items = (value)gait_realloc(tiny.mutator, (void *)array->items, room * sizeof(value));
    else
        items = (value)allocate(tiny.refs, room * sizeof(value), 0);
    if (!items)
        raise_text("no memory", 0);
    store(array, &array->items, items);
    array->room = gait_object_bytes(tiny.heap, (void *)items) / sizeof(value);
    UNROOT();
}

/* The same where others may still look at the old items: they stay as long as somebody does. */
value array_copy(value v) {
    ROOTS(kept, 3);
    kept[0] = v;
    kept[1] = array_new();
    size_t count = array_of(kept[0])->count;
    if (count > 0) {
        kept[2] = (value)allocate(tiny.refs, count * sizeof(value), 0);
        struct array *copy = array_of(kept[1]);
        gait_move(tiny.mutator, (value *)kept[2], (value *)array_of(kept[0])->items, count);
        store(copy, &copy->items, kept[2]);
        copy->count = count;
        copy->room = gait_object_bytes(tiny.heap, (void *)kept[2]) / sizeof(value);
    }
    value made = kept[1];
    UNROOT();
    return made;
}

void array_push(value v, value item) {
    ROOTS(kept, 2);
    kept[0] = v;
    kept[1] = item;
    struct array *array = array_of(v);
    if (array->count == array->room)
        grow(v);
    store((void *)array->items, &((value *)array->items)[array->count], kept[1]);
    array->count++;
    UNROOT();
}

value *array_at(value v, intptr_t index) {
    struct array *array = array_of(v);
    if (index < 0 || (size_t)index >= array->count)
        raise_text("no such item", NUMBER(index));
    return &((value *)array->items)[index];
}

void array_put(value v, intptr_t index, value item) {
    value *slot = array_at(v, index);
    store((void *)array_of(v)->items, slot, item);
}
