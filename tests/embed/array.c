/* SPDX-License-Identifier: MIT */
/* Arrays: a fixed object for what refers to them, and items that are moved when they grow. */
#include "tiny.h"

enum { ROOM_FIRST = 4 };

static struct array *array_of(value v) {
    if (!is_a(v, TYPE_ARRAY))
        raise_text("not an array", v);
    return (struct array *)v;
}

value array_new(void) { return (value)allocate(tiny.array, sizeof(struct array), TYPE_ARRAY); }

/* Twice the room, as realloc would: the old items stay where they are until nothing leads there. */
static void grow(value v) {
    ROOTS(kept, 2);
    kept[0] = v;
    size_t room = array_of(v)->room ? 2 * array_of(v)->room : ROOM_FIRST;
    kept[1] = (value)allocate(tiny.refs, room * sizeof(value), 0);
    struct array *array = array_of(kept[0]);
    if (array->count > 0) /* a safepoint, if there are many: both are in objects or roots */
        gait_move(tiny.mutator, (value *)kept[1], (value *)array->items, array->count);
    gait_store(tiny.mutator, &array->items, kept[1]);
    array->room = gait_object_bytes(tiny.heap, (void *)kept[1]) / sizeof(value);
    UNROOT();
}

void array_push(value v, value item) {
    ROOTS(kept, 2);
    kept[0] = v;
    kept[1] = item;
    struct array *array = array_of(v);
    if (array->count == array->room)
        grow(v);
    gait_store(tiny.mutator, &((value *)array->items)[array->count], kept[1]);
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
    gait_store(tiny.mutator, array_at(v, index), item);
}
